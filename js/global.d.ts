// The types of a page with the script tag. A page refers to them by `/// <reference types="scanlogin/global.js" />`.

import type { AuthenticationClient, init, ScanLoginError, startScanning, UserInfo } from "./index.js";

declare global {
  /** The API of the package, which `global.js` defines. */
  var ScanLogin: {
    AuthenticationClient: typeof AuthenticationClient;
    init: typeof init;
    startScanning: typeof startScanning;
  };

  /** The events on the element that `data-target` of the script tag names. They bubble. */
  interface DocumentEventMap {
    /** The user confirmed. Your backend exchanges the ticket for the user. */
    "scanlogin:success": CustomEvent<{ userInfo: UserInfo; ticket: string }>;
    /** A user scanned the code and has not decided. */
    "scanlogin:scanned": CustomEvent<{ userInfo: UserInfo }>;
    /** The user declined. */
    "scanlogin:cancel": CustomEvent<null>;
    /** The code expired. */
    "scanlogin:expired": CustomEvent<null>;
    /** Each failed request and each fatal error. */
    "scanlogin:error": CustomEvent<{ message: string; error: ScanLoginError }>;
  }
}
