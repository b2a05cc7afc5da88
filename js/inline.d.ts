// The types of `scanlogin/inline` are those of `scanlogin`. The script contains the wasm: the default source of `init`.

export * from "./index.js";
