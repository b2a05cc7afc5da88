// The API of the package, which all entry points share. It can be called while the wasm is still loading.

import { givenResponse, requestCode } from "./early_code.js";
import { expectPage, load } from "./loader.js";
import { field, shellOptions } from "./options.js";
import { callBack, isEarly, pending, startIn } from "./pending.js";
import * as wasm from "./scanlogin.js";
import { giveReturn, takeReturn } from "./same_device.js";
import { openShell } from "./shell.js";

/**
 * Creates the API. `locate` returns the address or the bytes of the wasm if neither `settings` nor the page names them, with
 * `init`.
 */
export function createApi(locate, settings = {}) {
  let loading;
  let isLoaded = false;

  function init(given) {
    if (given && !loading) settings = Object.getPrototypeOf(given) === Object.prototype ? given : { source: given };
    return loadOnce();
  }

  /** Loads the wasm. A download starts when `headStart` settles, unless it has started. */
  function loadOnce(headStart) {
    loading =
      loading ||
      load(() => field(settings, "source") || locate(), field(settings, "integrity"), headStart).then(
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

  function startScanning(target, options, kind = "qrcode") {
    expectPage();
    // WeChat makes the codes of the other kinds.
    const isOwn = kind === "qrcode";
    const returned = isOwn ? takeReturn() : undefined;
    const given = isOwn ? returned || givenResponse(options) : undefined;
    const handle = startWidget(target, options, kind, given, Boolean(returned));
    if (returned) giveReturn(returned, handle);
    return handle;
  }

  /** Starts a widget with the response `given`, if there is one. `isReturn` tells that the user has confirmed its code. */
  function startWidget(target, options, kind, given, isReturn) {
    const start = (shell, received) => wasm.startInShell(shell, options, kind, received);
    if (isLoaded && !isEarly(target)) return startIn((shell) => start(shell, given), openShell(target, options));
    let early;
    if (given) early = { received: Promise.resolve(given), isReturn, abort() {} };
    else if (kind === "qrcode") early = requestCode(options);
    // `pending` uses `undefined` for a widget without a shell.
    return pending(loadOnce, target ?? null, options, start, early);
  }

  class AuthenticationClient {
    constructor(options) {
      if (isLoaded) {
        wasm.checkOptions(options);
        shellOptions(options);
      }
      for (const kind of ["qrcode", "wxqrcode", "wechatmpqrcode"]) this[kind] = qrCodeClient(options, kind);
    }
  }

  function qrCodeClient(common, kind) {
    // Options that are not an object are passed on, so that the error names them. The `onError` of the client is for its
    // promises.
    function merge(options) {
      for (const given of [common, options]) {
        if (given && (typeof given !== "object" || Array.isArray(given))) return given;
      }
      return { ...common, onError: undefined, ...options };
    }

    async function call(request) {
      try {
        await init();
        return await request();
      } catch (error) {
        callBack(field(common, "onError"), error.serverCode || error.code, error.message, error);
        throw error;
      }
    }

    return {
      startScanning: (target, options) => startScanning(target, merge(options), kind),
      startPolling: (random, given) => {
        expectPage();
        const options = merge(given);
        const start = () => wasm.startPolling(String(random), options);
        return isLoaded ? start() : pending(loadOnce, undefined, options, start);
      },
      stopPolling: (handle) => handle.stopPolling(),
      geneCode: (options) => call(() => wasm.geneCode(kind, merge(options))),
      checkStatus: (random) => call(() => wasm.checkStatus(String(random), merge())),
      exchangeUserInfo: (ticket) => call(() => wasm.exchangeUserInfo(String(ticket), merge())),
      scanned: (random, token) => call(() => wasm.scanned(String(random), String(token), merge())),
      confirm: (random, token) => call(() => wasm.confirm(String(random), String(token), merge())),
      cancel: (random, token) => call(() => wasm.cancel(String(random), String(token), merge())),
      parseCode: async (text, given) => {
        await init();
        return wasm.parseCode(String(text), [].concat(field(given, "codeUrl") ?? []));
      },
    };
  }

  return { AuthenticationClient, init, startScanning: (target, options) => startScanning(target, options) };
}
