// The door for pages that can't serve a wasm file: `import { startScanning } from "scanlogin/inline"` has the bytes in it.

import { door } from "./door.js";
import bytes from "./scanlogin.wasm";

export const { AuthenticationClient, init, startScanning } = door(() => bytes);
