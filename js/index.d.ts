// The types of `scanlogin` and `scanlogin/inline`. docs/protocol.md, "JavaScript API", defines the API; docs/options.md
// and docs/callbacks.md list options and callbacks.

/**
 * Shows a code in `target`, polls it, and calls `onSuccess` when a user has confirmed the sign-in.
 *
 * It can be called before the wasm is loaded, and while the page is being parsed. Until the wasm is loaded, errors in
 * the options go to `onError` and are not thrown.
 *
 * @param target An element or its id. If the page has no such element, the code is shown in the middle of the window.
 * @throws {ScanLoginError} `code: "invalid-option"`, with a message that names the option, or `code: "framed"`.
 */
export function startScanning(target: string | Element, options?: StartOptions): ScanHandle;

/**
 * Loads the wasm. All other functions call it when needed. The first call decides the source. After a failure, the next
 * call tries again.
 *
 * @param source By default the file beside the script; with `scanlogin/inline` the wasm in the script.
 */
export function init(source?: WasmSource | InitOptions): Promise<void>;

/** The wasm: an address, a `Response`, bytes, or a compiled module. */
export type WasmSource = URL | string | Response | BufferSource | WasmModule;

/** A `WebAssembly.Module`. The type of TypeScript's library has no members, so that any object would match it. */
export interface WasmModule {
  source?: never;
  integrity?: never;
}

export interface InitOptions {
  /** By default the file beside the script. */
  source?: WasmSource;
  /**
   * The hash that the bytes must match, such as `sha384-…`; `cargo xtask dist` prints it. Several hashes are separated by
   * spaces; one of the strongest must match. Browsers compute hashes only on pages with HTTPS and on `localhost`.
   */
  integrity?: string;
}

/** A client with the methods of authing-js-sdk for codes, for pages that used it or that show the code themselves. */
export class AuthenticationClient {
  /**
   * @throws {ScanLoginError} `code: "invalid-option"`. While the wasm is loading, the first call rejects with it
   * instead.
   */
  constructor(options?: ClientOptions);
  /** Codes for an app of the company, scene `APP_AUTH`. */
  readonly qrcode: QrCodeClient;
  /** Codes for a WeChat mini program, scene `WXAPP_AUTH`. They are images that WeChat makes. */
  readonly wxqrcode: QrCodeClient;
  /** Codes for a WeChat official account, scene `WECHATMP_AUTH`. They are images that WeChat makes. */
  readonly wechatmpqrcode: QrCodeClient;
}

/** Each promise makes one request. It resolves to the `data` of the response, or rejects with a `ScanLoginError`. */
export interface QrCodeClient {
  /** Same as the function `startScanning`. The options of the client are the defaults, except `onError`. */
  startScanning(target: string | Element, options?: StartOptions): ScanHandle;
  /** Creates a code. */
  geneCode(
    options?: Pick<StartOptions, "customData" | "context" | "extIdpConnId" | "withCustomData">,
  ): Promise<GeneResult>;
  /** Reads the status of a code, without waiting. */
  checkStatus(random: string): Promise<CheckResult>;
  /** Exchanges a ticket for the user. The app must have `allow_exchange_from_browser`. */
  exchangeUserInfo(ticket: string): Promise<UserInfo>;
  /** Polls a code that the page shows itself. The callbacks are those of `startScanning`. */
  startPolling(random: string, options?: StartOptions): ScanHandle;
  /** Ends the polling of a handle. The code of a widget stays, with a button for a new one. */
  stopPolling(handle: ScanHandle): void;
  /** Marks a code as scanned by the user of `token`. For approvers. */
  scanned(random: string, token: string): Promise<ApproverResult>;
  /** Signs the page in as the user of `token`, who has scanned the code. For approvers. */
  confirm(random: string, token: string): Promise<ApproverResult>;
  /** Declines the sign-in. For approvers. */
  cancel(random: string, token: string): Promise<ApproverResult>;
  /** Parses the text of a QR code, or a link to the approver. Rejects with `code: "not-a-code"` for other texts. */
  parseCode(text: string, options?: ParseOptions): Promise<CodeText>;
}

/** The options of an `AuthenticationClient`. */
export interface ClientOptions
  extends Pick<
    StartOptions,
    "appId" | "host" | "appHost" | "userPoolId" | "tenantId" | "requestFrom" | "headers" | "lang" | "timeout"
  > {
  /**
   * Called before a promise rejects, except that of `parseCode`. `code` is `serverCode`, or `code` of the error without
   * one.
   */
  onError?(code: number | string, message: string, error: ScanLoginError): void;
}

/** The response of the server to a request for a code: the option `code`. */
export interface GeneResponse {
  /** 200 for a success. */
  code: number;
  message?: string;
  data?: GeneResult;
  [field: string]: unknown;
}

/** The response to `geneCode`. */
export interface GeneResult {
  /** The id of the code. */
  random: string;
  /** The lifetime of the code, in seconds. */
  expiresIn?: number;
  /** The address of an image of the code. */
  url?: string;
  /** The address of an image for the middle of the code. */
  customLogo?: string;
  /** The kind of app that scans the code: `APP_AUTH`, `WXAPP_AUTH` or `WECHATMP_AUTH`. */
  scene?: string;
  /** The user pool of the app. */
  userPoolId?: string;
  /** The time of creation, in RFC 3339. */
  createdAt?: string;
  /** The time of expiry, in RFC 3339. */
  expireAt?: string;
  /** The option `customData` of the page. */
  customData?: Record<string, unknown>;
  /**
   * The secret of this browser for polling the code. The client sends it by itself. Keep it out of the page and of
   * URLs.
   */
  pollToken?: string;
  /** The text of the code if it is a link. Draw it instead of JSON. */
  text?: string;
  /** The address that opens the approver on the device of the page. */
  link?: string;
  /** The modules of the code, if the request asked for them. */
  modules?: string;
}

/** The response to `scanned`, `confirm` and `cancel`. */
export interface ApproverResult {
  /** The id of the code. */
  random: string;
  /** 0 after `scanned`, 1 after `confirm`, -1 after `cancel`. */
  status: number;
  /** The status as text, for people. */
  description: string;
  /** The browser that created the code. Only in the response to `scanned`. Show it to the person before `confirm`. */
  requester?: { appName: string; origin: string | null; ip: string; userAgent: string | null; createdAt: string };
  /** How many seconds ago the code was created, by the clock of the server. Only in the response to `scanned`. */
  age?: number;
  /** In how many seconds the code expires if the person does not decide. Only in the response to `scanned`. */
  expiresIn?: number;
}

export interface ParseOptions {
  /** The addresses of the approver. Links below other addresses are refused. By default, no link is read. */
  codeUrl?: string | readonly string[];
}

/** The parsed text of a QR code. Of a link, `scene`, `random` and `sameDevice`. */
export interface CodeText {
  /** The kind of app that scans the code: `APP_AUTH`, `WXAPP_AUTH` or `WECHATMP_AUTH`. */
  scene: string;
  /** The id of the code. */
  random: string;
  /** The user pool of the app. */
  userPoolId?: string;
  /** The time of creation, in RFC 3339. */
  createdAt?: string;
  /** The time of expiry, in RFC 3339. */
  expireAt?: string;
  /** The lifetime in seconds; some servers write it instead of `expireAt`. */
  expiresIn?: number;
  /** The option `customData` of the page. */
  customData?: Record<string, unknown>;
  /** Whether the link is for the device that shows the page. The approver sends it with `scanned`, and returns to the page. */
  sameDevice?: true;
}

/** Controls a running widget. */
export interface ScanHandle {
  /** The present state. */
  readonly state: ScanState;
  /** Requests a new code. Does nothing during an exchange and after a success. */
  refresh(): void;
  /** Shows the messages of another language, such as `ja-JP`. `""` returns to the language of the page. `tips` stay. */
  setLanguage(lang: string): void;
  /** Ends the polling. The code stays, with a button for a new one. */
  stopPolling(): void;
  /** Ends the widget and removes its elements from the page. A second call does nothing. */
  destroy(): void;
}

/** The state of a widget. */
export type ScanState =
  /** The wasm or a code is being loaded. */
  | "loading"
  /** The code can be scanned. */
  | "ready"
  /** A user scanned the code and has not decided. */
  | "scanned"
  /** The ticket is being exchanged, or requested after a return on the same phone. */
  | "signing-in"
  /** The user confirmed. The widget has ended. */
  | "confirmed"
  /** The user declined. A button requests a new code. */
  | "cancelled"
  /** The code expired. A button requests a new code. */
  | "expired"
  /** Requests fail and are retried: the server can't be reached or is busy, or the browser is offline. */
  | "unreachable"
  /** `stopPolling()` was called, or another tab has taken the sign-in on the same phone. */
  | "stopped"
  /** A second factor is required. The widget has ended. */
  | "needs-mfa"
  /** A fatal error. The widget shows a button for a new code if that can help. */
  | "failed"
  /** The widget is removed. */
  | "destroyed";

/** Options and callbacks. All can be omitted. */
export interface StartOptions {
  /** The id of the app. A server with several apps requires it. */
  appId?: string;
  /**
   * The address of the server, such as `https://login.example.com`.
   * @default the page's own origin
   */
  host?: string;
  /** Overrides `host`. */
  appHost?: string;
  /** The user pool, sent as a header. scanlogin-server ignores it: `scanlogin.toml` names the pool of the app. */
  userPoolId?: string;
  /** The tenant, sent as a header. scanlogin-server ignores it. */
  tenantId?: string;
  /**
   * The kind of client, sent as a header. scanlogin-server ignores it.
   * @default "sdk"
   */
  requestFrom?: string;
  /** Other names for the request headers. scanlogin-server reads only the default names. */
  headers?: HeaderNames;
  /**
   * The timeout of a request in milliseconds, 1,000 to 120,000. A long poll has 28 seconds at most.
   * @default 10000
   */
  timeout?: number;
  /**
   * Exchange the ticket in the page, before `onSuccess`. The app must have `allow_exchange_from_browser`.
   * @default false
   */
  autoExchangeUserInfo?: boolean;
  /**
   * The size of the code in CSS pixels, 80 to 4,000. In a narrower container the code shrinks while it stays readable.
   * @default { width: 240, height: 240 }
   */
  size?: Size;
  /**
   * The minimum size of the widget in CSS pixels, 80 to 4,000.
   * @default { width: 300, height: 300 }
   */
  containerSize?: Size;
  /** An element of the page that is shown at the bottom of the widget, such as links to other ways to sign in. */
  otherWays?: HTMLElement;
  /**
   * The time between the starts of two polls in milliseconds, 100 to 60,000, varied by up to 20 %. In a hidden page it
   * is at least 10 seconds. After a longer poll, the next one starts at once.
   * @default 800
   */
  interval?: number;
  /** Texts that replace the built-in messages. */
  tips?: Tips;
  /** Data for the approver. It is part of the code, and every person who sees the code can read it. */
  customData?: Record<string, unknown>;
  /** Input for a login flow of the server, sent when a code is created. scanlogin-server ignores it. */
  context?: Record<string, unknown>;
  /** The external identity provider of a tenant, sent when a code is created. scanlogin-server ignores it. */
  extIdpConnId?: string;
  /** `false`: the server drops `customData`. Sent when a code is created. */
  withCustomData?: boolean;
  /**
   * The language of the messages: `zh-CN`, `zh-TW`, `en-US` or `ja-JP`, or any other with `tips`. The widget
   * sends the language that it shows in a header.
   * @default what `<html lang>` says, also when it changes
   */
  lang?: string;
  /** Aborting it destroys the widget. */
  signal?: AbortSignal;
  /**
   * How many expired codes are replaced without a click. In a hidden page, the widget waits until the page is visible.
   * @default 0
   */
  autoRefresh?: number;
  /**
   * Replace a declined code at once.
   * @default false
   */
  refreshOnCancel?: boolean;
  /**
   * Use long polls: the server responds when the status changes, after 25 seconds at the latest. A server without long
   * polls is polled at `interval`.
   * @default true
   */
  longPoll?: boolean;
  /**
   * Show the time until the code expires.
   * @default true
   */
  countdown?: boolean;
  /**
   * The address of an image in the middle of the code. Raises the error correction. Default: the logo that the server
   * names.
   */
  logo?: string;
  /**
   * `svg` draws the code. `img` shows the image that the server makes, without a logo, for in-app browsers that read an
   * image under a long press.
   * @default "svg"
   */
  render?: "svg" | "img";
  /**
   * The colors of the code, as `#rgb` or `#rrggbb`. Colors that a camera can't tell apart are rejected.
   * @default { dark: "#000", light: "#fff" }
   */
  colors?: { dark?: string; light?: string };
  /**
   * The color scheme of the widget. `auto` follows the preference of the person. The code is always dark on light.
   * @default "auto"
   */
  theme?: "auto" | "light" | "dark";
  /**
   * The origins that may frame the page, such as `https://www.example.com`. In a frame of any other origin,
   * `startScanning` throws an error with `code: "framed"`. Without this option, it only writes a warning to the
   * console. If the browser does not report the origin of a frame, the widget treats it as not allowed.
   */
  frameAncestors?: string[];
  /**
   * The address of this page to which the approver returns, so that the widget shows a link for the same phone. The app must
   * list it in `return_urls`. `false` for no link.
   * @default the address of the page on a touch device without a mouse, otherwise `false`
   */
  returnUrl?: string | false;
  /**
   * The response of `POST /api/v2/qrcode/gene` that your backend has requested for this page: the widget shows this code
   * first, without a request. A refusal, an expired code and `null` are ignored: the widget then requests a code.
   */
  code?: GeneResponse | null;

  /** The server created a code. `url` is the address of its image, or `""`. */
  onCodeLoaded?(random: string, url: string): void;
  /** The code is on the page. */
  onCodeShow?(random: string, url: string): void;
  /** There is no code, after all retries. The widget shows a button that tries again. `onError` follows. */
  onCodeLoadFailed?(message: string): void;
  /** The first poll of a code starts. */
  onStart?(handle: ScanHandle): void;
  /** Each successful poll, before the callback of its status. */
  onResult?(result: CheckResult): void;
  /** A user scanned the code and has not decided. Once per code. */
  onScanned?(userInfo: UserInfo): void;
  /** The user confirmed. Your backend exchanges the ticket for the user. Once; the widget has ended. */
  onSuccess?(userInfo: UserInfo, ticket: string): void;
  /** The user declined. Once per code. */
  onCancel?(): void;
  /** The code expired. Once per code. */
  onExpired?(): void;
  /** A second factor is required. The widget has ended. */
  onMfa?(code: number | undefined, message: string | undefined, data: unknown): void;
  /** After `onMfa`, with the whole `scannedResult` of the server. */
  onAuthFlow?(scannedResult: unknown): void;
  /** Each failed request and each fatal error. */
  onError?(message: string, error: ScanLoginError): void;
  /** The person clicked the button for a new code, or the button that tries again to get one. */
  onRetry?(): void;
  /** A code left the page: it was replaced or destroyed. */
  onCodeDestroyed?(random: string): void;
}

/** Names of request headers. Omitted headers have the names that authing-js-sdk uses. */
export type HeaderNames = Partial<
  Record<"app-id" | "userpool-id" | "tenant-id" | "request-from" | "sdk-version" | "lang", string>
>;

/** In CSS pixels. */
export interface Size {
  width?: number;
  height?: number;
}

/**
 * Texts that replace built-in messages. Omitted messages are in the language of the widget. Shown as text, never as
 * HTML.
 */
export interface Tips {
  /** Above a code that can be scanned. */
  title?: string;
  /** On the link to the approver on the same phone. */
  openApp?: string;
  /** Below a code that can be scanned, if there is a link above it. */
  otherDevice?: string;
  /** When the approver returned to another browser. */
  otherBrowser?: string;
  /** After a scan. */
  scanned?: string;
  /** After a scan, above the number that the person chooses on the phone. */
  number?: string;
  /** After a scan: what to do on the phone. */
  middleTitle?: string;
  /** On the button after a scan, which requests a new code. */
  referText?: string;
  /** While the ticket is exchanged. */
  signingIn?: string;
  /** After the user confirmed. */
  succeed?: string;
  /** When a second factor is required. */
  needsMfa?: string;
  /** After the user declined. */
  canceled?: string;
  /** After the code expired. */
  expired?: string;
  /** On the button that requests a new code. */
  retry?: string;
  /** After a fatal error, unless another message names its cause. */
  failed?: string;
  /** Below `failed`, when the page or the server is set up wrongly, so that a new code would fail too. */
  siteProblem?: string;
  /** When the server refused the user who confirmed. */
  refused?: string;
  /** Below `refused`. */
  otherAccount?: string;
  /** When the ticket could not be exchanged in time. */
  signInExpired?: string;
  /** Below `unreachable`, after all retries. */
  checkConnection?: string;
  /** While a code is loaded. */
  loading?: string;
  /** While the server can't be reached, and after all retries. */
  unreachable?: string;
  /** Below `unreachable`. */
  reconnecting?: string;
  /** On the button that retries at once. */
  tryNow?: string;
  /** While the server asks to wait. */
  busy?: string;
  /** Below `busy`. `{time}` is replaced by minutes and seconds. */
  retryIn?: string;
  /** While the browser is offline. */
  offline?: string;
  /** Below `offline`. */
  offlineHint?: string;
  /** Below a code that can be scanned. `{time}` is replaced by minutes and seconds. */
  expiresIn?: string;
  /** The name of the code, for screen readers. */
  codeName?: string;
}

/** A user. By default nickname and photo only; `return_full_user_info` of the app adds the profile. */
export interface UserInfo {
  nickname?: string;
  /** The address of an image. */
  photo?: string;
  [field: string]: unknown;
}

/** The status of a code. */
export interface CheckResult {
  /** The id of the code. */
  random?: string;
  /** -1 expired, 0 unused, 1 scanned, 2 authorised, 3 cancelled, 4 needs a second factor, 5 failed. */
  status: number;
  /** At status 2: the ticket, which your backend exchanges for the user. */
  ticket?: string | null;
  userInfo?: UserInfo | null;
  scannedUserId?: string | null;
  /** At status 4 and 5: why the sign-in did not succeed. */
  scannedResult?: unknown;
  /** At status 1: the two digits that the person chooses on the phone, if it asks for them. The widget shows them. */
  number?: string;
}

/** The error that functions throw, that promises reject with, and that `onError` gets. */
export interface ScanLoginError extends Error {
  name: "ScanLoginError";
  /** The stable name of the error. */
  code: ErrorCode;
  /** The stable name of the refusal, if the server sent one. */
  reason?: string;
  /** The `code` of the response, if the server sent one. */
  serverCode?: number;
  /** Whether the widget stopped because of the error. */
  fatal: boolean;
}

/** The stable names of errors. Later versions may add names. */
export type ErrorCode =
  /** An option has the wrong type or is out of range. The message names the option. */
  | "invalid-option"
  /** An origin that is not in `frameAncestors` frames the page. */
  | "framed"
  /** The request failed. It is retried. */
  | "network"
  /** The server did not respond in time. The request is retried. */
  | "timeout"
  /** The response does not follow the protocol. */
  | "bad-answer"
  /** Too many requests. The request is retried when the server allows it. */
  | "rate-limited"
  /** The server has a fault. The request is retried. */
  | "unavailable"
  /** The server refused the request. `reason` says why. */
  | "refused"
  /** The text is too long for a QR code. */
  | "code-too-long"
  /** At this size, the modules of the code would be too small for a camera. */
  | "code-too-dense"
  /** The image of the code can't be shown, and the widget can't draw the code. */
  | "code-image-failed"
  /** The text is not the text of a sign-in code. */
  | "not-a-code"
  /** The user confirmed, and the server refused the sign-in. */
  | "sign-in-failed"
  /** The browser is too old for the wasm. */
  | "wasm-unsupported"
  /** The Content Security Policy of the page lacks `'wasm-unsafe-eval'`. */
  | "wasm-blocked"
  /**
   * The wasm can't be downloaded: no network, no response in 20 seconds, an HTTP error, or forbidden by `connect-src`.
   */
  | "wasm-unreachable"
  /** The server has no wasm at its address: HTTP 404 or 410. */
  | "wasm-not-found"
  /** Another file is at the address of the wasm, such as a start page. */
  | "wasm-wrong-type"
  /** The wasm is incomplete, or of another version than the script. */
  | "wasm-damaged"
  | "wasm-outdated"
  /** The wasm does not match `integrity`, or can't be checked. */
  | "wasm-integrity"
  | (string & {});
