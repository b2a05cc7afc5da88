export * from "./scanlogin.js";

/**
 * Fetches the wasm, once; `startScanning` does it by itself when nobody else did. After a failure the next call tries
 * again.
 *
 * @param source Where the wasm is, or the wasm itself; by default beside `index.js`.
 */
export function init(source?: URL | string | Response | BufferSource | WebAssembly.Module): Promise<void>;
