// The types of `scanlogin/element`, which defines `<scan-login>`.

import type { ScanLoginError, ScanState, StartOptions, UserInfo } from "./index.js";

/**
 * The options that are also attributes, in kebab case: `user-pool-id="customers"`. Options that are not text are JSON.
 */
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
  | "frameAncestors"
  | "returnUrl"
  | "code";

/**
 * Shows a code while it is in the page. A changed option restarts the widget, once for all changes of a task. `lang`
 * only changes the messages, and a changed callback replaces the old one without a restart.
 */
export interface ScanLoginElement extends HTMLElement, Pick<StartOptions, ScanLoginAttribute> {
  /** All options, callbacks included. They override attributes. */
  options: StartOptions;
  /** The state of the widget. `destroyed` while the element is not in the page. */
  readonly state: ScanState;
  /** Requests a new code. Does nothing during an exchange and after a success. */
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
 * The events of `<scan-login>`. `cancel` and `error` do not bubble: a dialog has an event `cancel` of its own, and a
 * window an event `error`.
 */
export interface ScanLoginEventMap {
  /** The user confirmed. Your backend exchanges the ticket for the user. */
  success: CustomEvent<{ userInfo: UserInfo; ticket: string }>;
  /** A user scanned the code and has not decided. */
  scanned: CustomEvent<{ userInfo: UserInfo }>;
  /** The user declined. */
  cancel: CustomEvent<null>;
  /** The code expired. */
  expired: CustomEvent<null>;
  /** Each failed request and each fatal error. */
  error: CustomEvent<{ message: string; error: ScanLoginError }>;
}

/** The attributes and event handlers of `<scan-login>`, for JSX. README.md has the declaration for TypeScript. */
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
  "return-url"?: string;
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
