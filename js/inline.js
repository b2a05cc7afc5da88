// The entry point for pages that can't serve a wasm file: `import { startScanning } from "scanlogin/inline"` contains the wasm.

import { createApi } from "./entry_point.js";
import bytes from "./scanlogin.wasm";

export const { AuthenticationClient, init, startScanning } = createApi(() => bytes);
