// The types of `scanlogin/inline`: those of `scanlogin`. The wasm is inside, so that `init` needs no source.

export * from "./index.js";
