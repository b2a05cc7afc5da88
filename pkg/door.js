// What all doors have in common: the package, usable at once, while the wasm is still on its way.

import { find, makeRoom } from "./box.js";
import { expectPage, load } from "./load.js";
import { dress } from "./look.js";
import { callBack, isEarly, pending } from "./pending.js";
import * as wasm from "./scanlogin.js";
import { field, followPage, wordsOf } from "./words.js";

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
          followPage(wasm.redraw);
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
    const words = wordsOf(field(options, "tips"), field(options, "lang"));
    if (!isLoaded || isEarly(target)) return pending(init, target, options, words, () => make(words));
    makeRoom(find(target));
    return make(words);
  }

  const startScanning = (target, options, kind = "qrcode") =>
    begin(target, options, (words) => wasm.startScanning(target, options, kind, dress, words));

  class AuthenticationClient {
    constructor(options) {
      if (isLoaded) wasm.checkOptions(options);
      for (const kind of ["qrcode", "wxqrcode", "wechatmpqrcode"]) this[kind] = qrCodeClient(options, kind);
    }
  }

  function qrCodeClient(common, kind) {
    // What is no object is left for the widget to complain of. The client's `onError` is for its promises.
    function merge(options) {
      for (const given of [common, options]) {
        if (given && (typeof given !== "object" || Array.isArray(given))) return given;
      }
      return { ...common, onError: undefined, ...options };
    }

    async function call(name, options, id = "", token = "") {
      try {
        await init();
        return await new Promise((resolve, reject) => {
          wasm.call(name, kind, merge(options), String(id), String(token), resolve, reject);
        });
      } catch (error) {
        callBack(field(common, "onError"), error.serverCode || error.code, error.message, error);
        throw error;
      }
    }

    return {
      startScanning: (target, options) => startScanning(target, merge(options), kind),
      startPolling: (random, given) => {
        const options = merge(given);
        return begin(undefined, options, () => wasm.startPolling(String(random), options));
      },
      stopPolling: (handle) => handle.stopPolling(),
      geneCode: (options) => call("geneCode", options),
      checkStatus: (random) => call("checkStatus", {}, random),
      exchangeUserInfo: (ticket) => call("exchangeUserInfo", {}, ticket),
      scanned: (random, token) => call("scanned", {}, random, token),
      confirm: (random, token) => call("confirm", {}, random, token),
      cancel: (random, token) => call("cancel", {}, random, token),
      parseCode: async (text) => {
        await init();
        return wasm.parseCode(String(text));
      },
    };
  }

  return { AuthenticationClient, init, startScanning: (target, options) => startScanning(target, options) };
}
