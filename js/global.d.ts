// The types of a page with the script tag: `/// <reference types="scanlogin/global.js" />`.

import type { AuthenticationClient, init, ScanLoginError, startScanning, UserInfo } from "./index.js";

declare global {
  /** What `global.js` defines. */
  var ScanLogin: {
    AuthenticationClient: typeof AuthenticationClient;
    init: typeof init;
    startScanning: typeof startScanning;
  };

  /** What a script tag with `data-target` dispatches on the element that it names; all of them bubble. */
  interface DocumentEventMap {
    /** The user approved. The ticket is exchanged for the user by your backend. */
    "scanlogin:success": CustomEvent<{ userInfo: UserInfo; ticket: string }>;
    /** Somebody scanned the code and has not decided. */
    "scanlogin:scanned": CustomEvent<{ userInfo: UserInfo }>;
    /** The user declined. */
    "scanlogin:cancel": CustomEvent<null>;
    /** The code is too old. */
    "scanlogin:expired": CustomEvent<null>;
    /** Each failed request and each fatal failure. */
    "scanlogin:error": CustomEvent<{ message: string; error: ScanLoginError }>;
  }
}
