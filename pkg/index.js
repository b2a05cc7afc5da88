// The door for ES modules: `import { startScanning } from "scanlogin"`. The wasm is beside this file.

import { door } from "./door.js";

// Bundlers know an address that is written exactly so, and take the file along.
export const { AuthenticationClient, init, startScanning } = door(() => new URL("./scanlogin.wasm", import.meta.url));
