// The types of `scanlogin/element`, which defines `<scan-login>`.

import type { ScanLoginError, ScanState, StartOptions, UserInfo } from "./index.js";

/** The options that are attributes too, as in `user-pool-id="customers"`; those that are not text are written as JSON. */
export type ScanLoginAttribute =
  | "appId"
  | "host"
  | "appHost"
  | "userPoolId"
  | "tenantId"
  | "size"
  | "containerSize"
  | "interval"
  | "timeout"
  | "theme"
  | "logo"
  | "render"
  | "countdown"
  | "longPoll"
  | "autoRefresh"
  | "refreshOnCancel"
  | "autoExchangeUserInfo"
  | "customData"
  | "tips"
  | "colors"
  | "frameAncestors";

/**
 * Shows a code as long as it is in the page. Whatever changes within a task starts it anew once, but for `lang`, which
 * only changes the words, and for callbacks, which are exchanged.
 */
export interface ScanLoginElement extends HTMLElement, Pick<StartOptions, ScanLoginAttribute> {
  /** Every option, callbacks included; they win over attributes. */
  options: StartOptions;
  /** What is going on; `destroyed` while it is not in the page. */
  readonly state: ScanState;
  /** Asks for a new code. After a success it does nothing. */
  refresh(): void;
  addEventListener<K extends keyof ScanLoginEventMap>(
    type: K,
    listener: (this: ScanLoginElement, event: ScanLoginEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener<K extends Exclude<keyof HTMLElementEventMap, keyof ScanLoginEventMap>>(
    type: K,
    listener: (this: ScanLoginElement, event: HTMLElementEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

export const ScanLoginElement: { new (): ScanLoginElement; prototype: ScanLoginElement };

/**
 * The events of `<scan-login>`. `cancel` and `error` do not bubble: a dialog would take the one for its own, and a window
 * the other.
 */
export interface ScanLoginEventMap {
  /** The user approved. The ticket is exchanged for the user by your backend. */
  success: CustomEvent<{ userInfo: UserInfo; ticket: string }>;
  /** Somebody scanned the code and has not decided. */
  scanned: CustomEvent<{ userInfo: UserInfo }>;
  /** The user declined. */
  cancel: CustomEvent<null>;
  /** The code is too old. */
  expired: CustomEvent<null>;
  /** Each failed request and each fatal failure. */
  error: CustomEvent<{ message: string; error: ScanLoginError }>;
}

/** What a template may write on `<scan-login>`, for the types of your framework's JSX (README.md has the lines). */
export interface ScanLoginProps {
  "app-id"?: string;
  host?: string;
  "app-host"?: string;
  "user-pool-id"?: string;
  "tenant-id"?: string;
  lang?: string;
  /** In CSS pixels: one number for a square, or JSON. */
  size?: number | string;
  /** In CSS pixels: one number for a square, or JSON. */
  "container-size"?: number | string;
  interval?: number | string;
  timeout?: number | string;
  theme?: "auto" | "light" | "dark";
  logo?: string;
  render?: "svg" | "img";
  options?: StartOptions;
  onsuccess?: (event: ScanLoginEventMap["success"]) => void;
  onscanned?: (event: ScanLoginEventMap["scanned"]) => void;
  oncancel?: (event: ScanLoginEventMap["cancel"]) => void;
  onexpired?: (event: ScanLoginEventMap["expired"]) => void;
  onerror?: (event: ScanLoginEventMap["error"]) => void;
}

declare global {
  interface HTMLElementTagNameMap {
    "scan-login": ScanLoginElement;
  }
}
