// The door for ES modules: `import { startScanning } from "scanlogin"`. The wasm is beside this file.

import { door } from "./door.js";

export const { AuthenticationClient, init, startScanning } = door(
  () => new URL("./scanlogin_bg.wasm", import.meta.url),
);
