// What all doors have in common: the package, usable at once, while the wasm is still on its way.

import { expectPage, load } from "./load.js";
import { isEarly, pending } from "./pending.js";
import { AuthenticationClient as WasmClient, startScanning as start } from "./scanlogin.js";
import { find, makeRoom } from "./trouble.js";

/** Makes the package. `locate` tells where the wasm is when nobody says otherwise. */
export function door(locate) {
  let settings = {};
  let loading;
  let isLoaded = false;

  function init(given) {
    if (given && !loading) settings = Object.getPrototypeOf(given) === Object.prototype ? given : { source: given };
    loading =
      loading ||
      load(() => settings.source || locate(), settings.integrity).then(
        () => {
          isLoaded = true;
        },
        (error) => {
          loading = undefined;
          throw error;
        },
      );
    return loading;
  }

  /** Begins as soon as the wasm is there. */
  function begin(target, options, make) {
    expectPage();
    if (!isLoaded || isEarly(target)) return pending(init, target, options, make);
    makeRoom(find(target));
    return make();
  }

  const startScanning = (target, options) => begin(target, options, () => start(target, options));

  class AuthenticationClient {
    constructor(options) {
      let client;
      const wasm = () => (client = client || new WasmClient(options));
      if (isLoaded) wasm();
      for (const kind of ["qrcode", "wxqrcode", "wechatmpqrcode"]) {
        this[kind] = qrCodeClient(options, () => wasm()[kind]);
      }
    }
  }

  function qrCodeClient(common, wasm) {
    // The client's `onError` is for its promises.
    const merge = (options) => ({ ...common, onError: undefined, ...options });
    const client = {
      startScanning: (target, options) =>
        begin(target, merge(options), () => wasm().startScanning(target, options)),
      startPolling: (random, options) =>
        begin(undefined, merge(options), () => wasm().startPolling(random, options)),
      stopPolling: (handle) => handle.stopPolling(),
    };
    for (const call of [
      "geneCode",
      "checkStatus",
      "exchangeUserInfo",
      "scanned",
      "confirm",
      "cancel",
      "parseCode",
    ]) {
      client[call] = async (...values) => {
        await init();
        return wasm()[call](...values);
      };
    }
    return client;
  }

  return { AuthenticationClient, init, startScanning };
}
