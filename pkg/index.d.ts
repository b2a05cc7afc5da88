import { AuthenticationClient, startScanning } from "./scanlogin.js";

export * from "./scanlogin.js";

/**
 * Fetches the wasm, once; everything else does it by itself when nobody else did. After a failure the next call tries
 * again.
 *
 * @param source Where the wasm is, or the wasm itself; by default beside `index.js`.
 */
export function init(source?: URL | string | Response | BufferSource | WebAssembly.Module): Promise<void>;

declare global {
  /** What `global.js` defines. */
  var ScanLogin: {
    AuthenticationClient: typeof AuthenticationClient;
    init: typeof init;
    startScanning: typeof startScanning;
  };
}
