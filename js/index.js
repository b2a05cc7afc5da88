// The entry point for ES modules: `import { startScanning } from "scanlogin"`. The wasm is beside this file.

import { createApi } from "./entry_point.js";

// Bundlers recognise exactly this expression and copy the file.
const locate = () => new URL("./scanlogin.wasm", import.meta.url);

export const { AuthenticationClient, init, startScanning } = createApi(locate);
