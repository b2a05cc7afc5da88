/** Shows a code in `target` and calls back when a person has signed in with it. */
export function startScanning(target: string | Element, options: StartOptions): ScanHandle;

/** What a page holds of a running widget. */
export interface ScanHandle {
  /** What is going on. */
  readonly state: ScanState;
  /** Asks for a new code. After a success it does nothing. */
  refresh(): void;
  /** Stops everything and removes what `startScanning` put into the page. */
  destroy(): void;
}

export type ScanState =
  | "loading"
  | "ready"
  | "scanned"
  | "signing-in"
  | "confirmed"
  | "cancelled"
  | "expired"
  | "unreachable"
  | "needs-mfa"
  | "failed"
  | "destroyed";

/** Every option and callback; all may be left out. */
export interface StartOptions {
  /** The id of your app. */
  appId?: string;
  /** The address of the server, such as `https://login.example.com`; the page's own origin by default. */
  host?: string;
  /** The same as `host`, and stronger. */
  appHost?: string;
  userPoolId?: string;
  tenantId?: string;
  requestFrom?: string;
  /** Other names for the headers that carry the above. */
  headers?: Partial<Record<"app-id" | "userpool-id" | "tenant-id" | "request-from" | "sdk-version" | "lang", string>>;
  /** How long a request may take, in milliseconds, 1,000 to 120,000; 10,000 by default. */
  timeout?: number;
  /** Exchange the ticket before `onSuccess`. */
  autoExchangeUserInfo?: boolean;
  /** Of the code, in CSS pixels; 240 × 240 by default. */
  size?: Size;
  /** Of the box around it, in CSS pixels; 300 × 300 by default. */
  containerSize?: Size;
  /** The time between two polls in milliseconds, 100 to 60,000; 800 by default. */
  interval?: number;
  /** Other words. */
  tips?: Tips;
  /** Sent with the request for a code, and shown to the approver. */
  customData?: Record<string, unknown>;
  context?: Record<string, unknown>;
  extIdpConnId?: string;
  withCustomData?: boolean;
  /** `zh-CN`, `zh-TW`, `en-US` or `ja-JP`; the page's language by default. */
  lang?: string;
  /** Aborting it is `destroy()`. */
  signal?: AbortSignal;
  /** How many expired codes are replaced without a click, while the page is visible; 0 by default. */
  autoRefresh?: number;
  /** Replace a cancelled code at once. */
  refreshOnCancel?: boolean;
  /** Let the server hold requests until there is news; `true` by default. */
  longPoll?: boolean;
  /** Show how long the code can be scanned; `true` by default. */
  countdown?: boolean;

  /** The server made a code. */
  onCodeLoaded?(random: string, url: string): void;
  /** The code is on the page. */
  onCodeShow?(random: string, url: string): void;
  /** There is no code, and a button asks the person to try again. */
  onCodeLoadFailed?(message: string): void;
  /** The first poll of a code leaves. */
  onStart?(handle: ScanHandle): void;
  /** Each good poll. */
  onResult?(status: CheckResult): void;
  /** Somebody scanned the code and has not decided. */
  onScanned?(userInfo: UserInfo): void;
  /** The user approved. The ticket is exchanged for the user by your backend. */
  onSuccess?(userInfo: UserInfo, ticket: string): void;
  /** The user declined. */
  onCancel?(): void;
  /** The code is too old. */
  onExpired?(): void;
  /** The page has to ask for a second factor. */
  onMfa?(code: number | undefined, message: string | undefined, data: unknown): void;
  /** After `onMfa`, with the whole of what the server sent. */
  onAuthFlow?(scannedResult: unknown): void;
  /** Each failed poll and each fatal failure. */
  onError?(message: string, error: ScanLoginError): void;
  /** Every click that asks for a new code. */
  onRetry?(): void;
  /** A code left the page. */
  onCodeDestroyed?(random: string): void;
}

export interface Size {
  width?: number;
  height?: number;
}

export interface Tips {
  title?: string;
  scanned?: string;
  succeed?: string;
  canceled?: string;
  expired?: string;
  retry?: string;
  failed?: string;
  middleTitle?: string;
  referText?: string;
}

/** What the page may know of a user: nickname and photo, unless the server is told otherwise. */
export interface UserInfo {
  nickname?: string;
  photo?: string;
  [field: string]: unknown;
}

export interface CheckResult {
  random?: string;
  status: number;
  ticket?: string | null;
  userInfo?: UserInfo | null;
  scannedUserId?: string | null;
  scannedResult?: unknown;
}

export interface ScanLoginError extends Error {
  /** A stable word: see the README's table of errors. */
  code: string;
  /** The server's stable word for a refusal. */
  reason?: string;
  /** The `code` of the server's answer. */
  serverCode?: number;
  /** Whether the widget stopped because of it. */
  fatal: boolean;
}
