// The types of `scanlogin` and `scanlogin/inline`, by hand. README.md tells the same in tables.

/**
 * Shows a code in `target` and calls back when a person has signed in with it.
 *
 * It may be called before the wasm is there, and before the page has the element. While the wasm is on its way, what is
 * wrong with the options goes to `onError`; later it is thrown.
 *
 * @param target An element, or the id of one. An id that the page does not have gets a centred box of its own.
 * @throws {ScanLoginError} `code: "invalid-option"`, by the name of the option, or `code: "framed"`.
 */
export function startScanning(target: string | Element, options?: StartOptions): ScanHandle;

/**
 * Fetches the wasm; everything else does it by itself when nobody else did. The first call decides where from. After a
 * failure the next call tries again.
 *
 * @param source The wasm, by default the file beside the script.
 */
export function init(source?: WasmSource | InitOptions): Promise<void>;

/** An address, an answer to a request of your own, the bytes, or what was made of them. */
export type WasmSource = URL | string | Response | BufferSource | WasmModule;

/** A `WebAssembly.Module`. The browser's own type for it is empty, and would let everything pass. */
export interface WasmModule {
  source?: never;
  integrity?: never;
}

export interface InitOptions {
  /** By default the file beside the script. */
  source?: WasmSource;
  /**
   * What the bytes must hash to, as in the `integrity` of a script: `sha384-…`, printed by `cargo xtask dist`. Several are
   * parted by spaces, and one of the strongest has to fit. Browsers hash on pages with HTTPS only.
   */
  integrity?: string;
}

/** The client with the methods of authing-js-sdk, for pages that move from it or draw their own code. */
export class AuthenticationClient {
  /** @throws {ScanLoginError} `code: "invalid-option"`; while the wasm is on its way, the first call throws it. */
  constructor(options?: ClientOptions);
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
  /** Reads the text of a QR code, or fails with `code: "not-a-code"`. */
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

/** A code that the server made. */
export interface GeneResult {
  /** The id of the code. */
  random: string;
  /** How long it can be scanned, in seconds. */
  expiresIn?: number;
  /** The address of an image of the code. */
  url?: string;
  /** The address of a picture for its middle. */
  customLogo?: string;
  /** What the code is for: `APP_AUTH`, `WXAPP_AUTH` or `WECHATMP_AUTH`. */
  scene?: string;
  /** Whose users may scan it. */
  userPoolId?: string;
  /** When it was made, in ISO 8601. */
  createdAt?: string;
  /** Until when it can be scanned, in ISO 8601. */
  expireAt?: string;
  /** What the page sent along. */
  customData?: Record<string, unknown>;
  /** Proves that this browser asked for the code. The client sends it by itself: show it to nobody. */
  pollToken?: string;
}

/** What the server answers to an approver. */
export interface ApproverResult {
  /** The id of the code. */
  random: string;
  /** 0 after a scan, 1 after a confirm, -1 after a cancel. */
  status: number;
  /** The same in words. */
  description: string;
  /** Who asks, so that a person can recognise a code that is not theirs. */
  requester?: { appName: string; origin: string | null; ip: string; userAgent: string | null; createdAt: string };
}

/** What stands in a QR code. */
export interface CodeText {
  /** What the code is for: `APP_AUTH`, `WXAPP_AUTH` or `WECHATMP_AUTH`. */
  scene: string;
  /** The id of the code. */
  random: string;
  /** Whose users may scan it. */
  userPoolId?: string;
  /** When it was made, in ISO 8601. */
  createdAt?: string;
  /** Until when it can be scanned, in ISO 8601. */
  expireAt?: string;
  /** How long it can be scanned, in seconds: another way to say the same. */
  expiresIn?: number;
  /** What the page sent along. */
  customData?: Record<string, unknown>;
}

/** What a page holds of a running widget. */
export interface ScanHandle {
  /** What is going on. */
  readonly state: ScanState;
  /** Asks for a new code. After a success it does nothing. */
  refresh(): void;
  /** Shows the words of another language, such as `ja-JP`, or with `""` of the page's. Your own words, the `tips`, stay. */
  setLanguage(lang: string): void;
  /** Polls no more. The code stays, with a button for a new one. */
  stopPolling(): void;
  /** Stops everything and removes what `startScanning` put into the page. */
  destroy(): void;
}

/** What is going on in a widget. */
export type ScanState =
  /** The wasm or a code is on its way. */
  | "loading"
  /** A code can be scanned. */
  | "ready"
  /** Somebody scanned it and has not decided. */
  | "scanned"
  /** The ticket is being exchanged. */
  | "signing-in"
  /** The user approved: the end. */
  | "confirmed"
  /** The user declined. */
  | "cancelled"
  /** The code is too old. */
  | "expired"
  /** The server can't be reached, and is asked again. */
  | "unreachable"
  /** Nothing is asked any more. */
  | "stopped"
  /** The page has to ask for a second factor: the end. */
  | "needs-mfa"
  /** There is no code, and a button asks the person to try again. */
  | "failed"
  /** The widget is gone. */
  | "destroyed";

/** Every option and callback; all may be left out. */
export interface StartOptions {
  /** The id of your app. */
  appId?: string;
  /**
   * The address of the server, such as `https://login.example.com`.
   * @default the page's own origin
   */
  host?: string;
  /** The same as `host`, and stronger. */
  appHost?: string;
  /** Whose users may scan the code: sent as a header, where your server asks for it. */
  userPoolId?: string;
  /** The tenant of your app: sent as a header, where your server asks for it. */
  tenantId?: string;
  /**
   * What asks: sent as a header.
   * @default "sdk"
   */
  requestFrom?: string;
  /** Other names for the headers that requests carry. */
  headers?: HeaderNames;
  /**
   * How long a request may take, in milliseconds, 1,000 to 120,000.
   * @default 10000
   */
  timeout?: number;
  /**
   * Exchange the ticket for the user before `onSuccess`, where the server allows that to browsers.
   * @default false
   */
  autoExchangeUserInfo?: boolean;
  /**
   * The size of the code, in CSS pixels, 80 to 4,000. In a narrower container it shrinks as long as it can be read.
   * @default { width: 240, height: 240 }
   */
  size?: Size;
  /**
   * The least size of the box around it, in CSS pixels, 80 to 4,000.
   * @default { width: 300, height: 300 }
   */
  containerSize?: Size;
  /**
   * The least time between two polls, in milliseconds, 100 to 60,000.
   * @default 800
   */
  interval?: number;
  /** Words of your own. */
  tips?: Tips;
  /** Put into the code, for the approver to read. */
  customData?: Record<string, unknown>;
  /** Sent along when a code is asked for; the server hands it on to what runs when the user signs in. */
  context?: Record<string, unknown>;
  /** The connection to the identity provider that makes the code: sent along when a code is asked for. */
  extIdpConnId?: string;
  /** Whether the server is to keep `customData`: sent along when a code is asked for. */
  withCustomData?: boolean;
  /**
   * The language of the words: `zh-CN`, `zh-TW`, `en-US` or `ja-JP`, or any other with `tips`.
   * @default what `<html lang>` says, also when it changes
   */
  lang?: string;
  /** Aborting it is `destroy()`. */
  signal?: AbortSignal;
  /**
   * How many expired codes are replaced without a click, while the page is visible.
   * @default 0
   */
  autoRefresh?: number;
  /**
   * Replace a declined code at once.
   * @default false
   */
  refreshOnCancel?: boolean;
  /**
   * Let the server hold requests until there is news. One that does not know of it is polled at `interval`.
   * @default true
   */
  longPoll?: boolean;
  /**
   * Show how long the code can be scanned.
   * @default true
   */
  countdown?: boolean;
  /** The address of a picture in the middle of the code. Error correction is raised to make up for it. */
  logo?: string;
  /**
   * `svg` draws the code in the page. `img` shows the server's image of it, for in-app browsers that read an image under
   * a long press; it has no logo.
   * @default "svg"
   */
  render?: "svg" | "img";
  /**
   * The colours of the code as `#rgb` or `#rrggbb`: dark on light, and far enough apart for a camera.
   * @default { dark: "#000", light: "#fff" }
   */
  colors?: { dark?: string; light?: string };
  /**
   * Whether the box is light or dark; `auto` is what the person prefers. The code is always dark on light.
   * @default "auto"
   */
  theme?: "auto" | "light" | "dark";
  /**
   * The origins that may frame the page, such as `https://www.example.com`. Inside any other the widget does not start:
   * `startScanning` throws an error with `code: "framed"`. Without this option it only warns in the console. A browser
   * that does not tell who frames the page counts as framed by a stranger.
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
  /** Each failed request and each fatal failure. */
  onError?(message: string, error: ScanLoginError): void;
  /** Every click that asks for a new code. */
  onRetry?(): void;
  /** A code left the page. */
  onCodeDestroyed?(random: string): void;
}

/** The names of the headers that requests carry. What is left out is called as authing-js-sdk calls it. */
export type HeaderNames = Partial<
  Record<"app-id" | "userpool-id" | "tenant-id" | "request-from" | "sdk-version" | "lang", string>
>;

/** In CSS pixels. */
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
  /** The address of a picture. */
  photo?: string;
  [field: string]: unknown;
}

/** What has become of a code. */
export interface CheckResult {
  /** The id of the code. */
  random?: string;
  /** -1 expired, 0 unused, 1 scanned, 2 authorised, 3 declined, 4 needs a second factor, 5 failed. */
  status: number;
  /** At status 2: what your backend exchanges for the user. */
  ticket?: string | null;
  userInfo?: UserInfo | null;
  scannedUserId?: string | null;
  /** At status 4 and 5: what the server has to say. */
  scannedResult?: unknown;
}

/** Everything that goes wrong, whether it is thrown, fails a promise or comes to `onError`. */
export interface ScanLoginError extends Error {
  name: "ScanLoginError";
  /** What went wrong. */
  code: ErrorCode;
  /** The server's stable word for a refusal. */
  reason?: string;
  /** The `code` of the server's answer. */
  serverCode?: number;
  /** Whether the widget stopped because of it. */
  fatal: boolean;
}

/** Stable words. There may be more in later versions. */
export type ErrorCode =
  /** An option has the wrong type or is out of range. */
  | "invalid-option"
  /** The page is inside another one that may not show it. */
  | "framed"
  /** The server can't be reached: it is asked again. */
  | "network"
  /** The server did not answer in time: it is asked again. */
  | "timeout"
  /** What came back is not what the protocol describes. */
  | "bad-answer"
  /** Too many requests: it is asked again. */
  | "rate-limited"
  /** The server has a fault of its own: it is asked again. */
  | "unavailable"
  /** The server understood and said no, and `reason` says why. */
  | "refused"
  /** The text is too long for a QR code. */
  | "code-too-long"
  /** In its size, the modules of the code would be too small for a camera. */
  | "code-too-dense"
  /** The image of the code can't be shown. */
  | "code-image-failed"
  /** The text is not that of a sign-in code. */
  | "not-a-code"
  /** The user approved, and the server refused to sign them in. */
  | "sign-in-failed"
  /** The browser is too old for the wasm. */
  | "wasm-unsupported"
  /** The page's Content Security Policy lacks `'wasm-unsafe-eval'`. */
  | "wasm-blocked"
  /** The wasm can't be fetched: no network, no answer in 20 seconds, an HTTP error, or `connect-src` forbids it. */
  | "wasm-unreachable"
  /** The wasm is not where it is looked for. */
  | "wasm-not-found"
  /** Something else is where the wasm is looked for, such as the start page. */
  | "wasm-wrong-type"
  /** The wasm is incomplete, or of another version than the script. */
  | "wasm-damaged"
  /** The wasm is another than `integrity` says. */
  | "wasm-integrity"
  | (string & {});
