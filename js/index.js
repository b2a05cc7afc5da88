// The entry point for ES modules: `import { startScanning } from "scanlogin"`. The wasm is beside this file.

import { createApi } from "./entry_point.js";

// Vite 7, Astro, Nuxt and Angular serve this file from a cache in development, and leave the wasm in node_modules.
const CACHE = /\/(node_modules\/\.|\.angular\/).*\/deps\/(?=scanlogin\.wasm$)/;

// Bundlers recognise exactly the expression with `import.meta.url` and copy the file.
const locate = () =>
  new URL("./scanlogin.wasm", import.meta.url).href.replace(CACHE, "/node_modules/scanlogin/dist/");

export const { AuthenticationClient, init, startScanning } = createApi(locate);
