/** Shows a code in `target` and calls back when a person has signed in with it. */
export function startScanning(target: string | Element, options: StartOptions): ScanHandle;

/** The client with the methods of authing-js-sdk, for pages that move from it or draw their own code. */
export class AuthenticationClient {
  constructor(options: ClientOptions);
  /** Codes for the company's own app. */
  readonly qrcode: QrCodeClient;
  /** Codes for a WeChat mini program: always images, made by WeChat. */
  readonly wxqrcode: QrCodeClient;
  /** Codes for a WeChat official account: always images, made by WeChat. */
  readonly wechatmpqrcode: QrCodeClient;
}

/** Each promise brings the `data` of the server's answer, or fails with a `ScanLoginError`. */
export interface QrCodeClient {
  /** As the function `startScanning`, with the client's options filled in. */
  startScanning(target: string | Element, options?: StartOptions): ScanHandle;
  /** Asks for a code. */
  geneCode(
    options?: Pick<StartOptions, "customData" | "context" | "extIdpConnId" | "withCustomData">,
  ): Promise<GeneResult>;
  /** Asks once what has become of a code. */
  checkStatus(random: string): Promise<CheckResult>;
  /** Exchanges a ticket for the user, where the server allows that to browsers. */
  exchangeUserInfo(ticket: string): Promise<UserInfo>;
  /** Polls a code that the page shows by itself, and calls back as `startScanning` does. */
  startPolling(random: string, options?: StartOptions): ScanHandle;
  /** Ends what `startPolling` began; the code of a widget stays, with a button for a new one. */
  stopPolling(handle: ScanHandle): void;
  /** The approver, signed in by `token`, has the code on the screen. */
  scanned(random: string, token: string): Promise<ApproverResult>;
  /** The approver signs the page in. */
  confirm(random: string, token: string): Promise<ApproverResult>;
  /** The approver declines. */
  cancel(random: string, token: string): Promise<ApproverResult>;
  /** Reads the text of a QR code; fails with `code: "not-a-code"`. */
  parseCode(text: string): Promise<CodeText>;
}

/** What all calls have in common. */
export interface ClientOptions
  extends Pick<
    StartOptions,
    "appId" | "host" | "appHost" | "userPoolId" | "tenantId" | "requestFrom" | "headers" | "lang" | "timeout"
  > {
  /** Called before a promise fails; `code` is the server's, or the error's own word. */
  onError?(code: number | string, message: string, error: ScanLoginError): void;
}

export interface GeneResult {
  random: string;
  expiresIn?: number;
  /** An image of the code. */
  url?: string;
  customLogo?: string;
  scene?: string;
  userPoolId?: string;
  createdAt?: string;
  expireAt?: string;
  customData?: Record<string, unknown>;
  pollToken?: string;
}

export interface ApproverResult {
  random: string;
  /** 0 after a scan, 1 after a confirm, -1 after a cancel. */
  status: number;
  description: string;
  /** Who asks, so that a person can recognise a code that is not theirs. */
  requester?: { appName: string; origin: string | null; ip: string; userAgent: string | null; createdAt: string };
}

export interface CodeText {
  scene: string;
  random: string;
  userPoolId?: string;
  createdAt?: string;
  expireAt?: string;
  expiresIn?: number;
  customData?: Record<string, unknown>;
}

/** What a page holds of a running widget. */
export interface ScanHandle {
  /** What is going on. */
  readonly state: ScanState;
  /** Asks for a new code. After a success it does nothing. */
  refresh(): void;
  /** Shows the words of another language, such as `ja-JP`. Your own words, the `tips`, stay. */
  setLanguage(lang: string): void;
  /** Polls no more. The code stays, with a button for a new one. */
  stopPolling(): void;
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
  | "stopped"
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
  /** Of the code, in CSS pixels; 240 × 240 by default. In a narrower container it shrinks as long as it can be read. */
  size?: Size;
  /** The least size of the box around it, in CSS pixels; 300 × 300 by default. */
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
  /** `zh-CN`, `zh-TW`, `en-US` or `ja-JP`, or any other with `tips`. Without it the words follow `<html lang>`. */
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
  /** The address of a picture in the middle of the code. Error correction is raised to make up for it. */
  logo?: string;
  /**
   * `svg`, the default, draws the code in the page. `img` shows the server's image of it, for in-app browsers that read
   * an image under a long press; it has no logo.
   */
  render?: "svg" | "img";
  /** The colours of the code as `#rrggbb`: dark on light, far enough apart for a camera; black on white by default. */
  colors?: { dark?: string; light?: string };
  /** `auto`, the default, is what the person prefers. */
  theme?: "auto" | "light" | "dark";
  /**
   * The origins that may frame the page. Inside any other the widget does not start: `startScanning` throws an error
   * with `code: "framed"`. Without this option it only warns in the console. A browser that does not tell who frames
   * the page counts as framed by a stranger.
   */
  frameAncestors?: string[];

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

/** Words of your own. What is left out is in the language of the widget. */
export interface Tips {
  /** Above a code that can be scanned. */
  title?: string;
  /** When somebody has scanned. */
  scanned?: string;
  /** Below it: what to do on the phone. */
  middleTitle?: string;
  /** The button for another code after a scan. */
  referText?: string;
  /** While the ticket is exchanged. */
  signingIn?: string;
  /** When the user approved. */
  succeed?: string;
  /** When the page has to ask for a second factor. */
  needsMfa?: string;
  /** When the user declined. */
  canceled?: string;
  /** When the code is too old. */
  expired?: string;
  /** The button that asks for a new code. */
  retry?: string;
  /** When it can't go on. */
  failed?: string;
  /** While a code is on its way. */
  loading?: string;
  /** While the server can't be reached. */
  unreachable?: string;
  /** Below it. */
  reconnecting?: string;
  /** The button that does not wait for the next try. */
  tryNow?: string;
  /** While the server asks for patience. */
  busy?: string;
  /** Below it: `{time}` becomes minutes and seconds. */
  retryIn?: string;
  /** While the browser has no network. */
  offline?: string;
  /** Below it. */
  offlineHint?: string;
  /** How long the code can be scanned: `{time}` becomes minutes and seconds. */
  expiresIn?: string;
  /** The name of the image of the code. */
  codeName?: string;
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
