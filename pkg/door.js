// What all doors have in common: the package, usable at once, while the wasm is still on its way.

import load, { AuthenticationClient as WasmClient, startScanning as start } from "./scanlogin.js";

/** Makes the package. `locate` tells where the wasm is when nobody says otherwise. */
export function door(locate) {
  let loading;
  let isLoaded = false;

  function init(source = locate()) {
    loading ??= load({ module_or_path: source }).then(
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
  function begin(options, make) {
    return isLoaded ? make() : new LoadingHandle(init(), options, make);
  }

  class AuthenticationClient {
    constructor(options) {
      let client;
      const wasm = () => (client ??= new WasmClient(options));
      if (isLoaded) wasm();
      for (const kind of ["qrcode", "wxqrcode", "wechatmpqrcode"]) {
        this[kind] = new QrCodeClient(() => wasm()[kind]);
      }
    }
  }

  class QrCodeClient {
    #wasm;

    constructor(wasm) {
      this.#wasm = wasm;
    }

    startScanning(target, options) {
      return begin(options, () => this.#wasm().startScanning(target, options));
    }

    startPolling(random, options) {
      return begin(options, () => this.#wasm().startPolling(random, options));
    }

    stopPolling(handle) {
      handle.stopPolling();
    }

    async #call(method, ...values) {
      await init();
      return this.#wasm()[method](...values);
    }

    geneCode = (options) => this.#call("geneCode", options);
    checkStatus = (random) => this.#call("checkStatus", random);
    exchangeUserInfo = (ticket) => this.#call("exchangeUserInfo", ticket);
    scanned = (random, token) => this.#call("scanned", random, token);
    confirm = (random, token) => this.#call("confirm", random, token);
    cancel = (random, token) => this.#call("cancel", random, token);
    parseCode = (text) => this.#call("parseCode", text);
  }

  const startScanning = (target, options) => begin(options, () => start(target, options));
  return { AuthenticationClient, init, startScanning };
}

/** The handle of a widget whose wasm is on its way. */
class LoadingHandle {
  #handle;
  #end;
  #loaded;

  constructor(loaded, options, make) {
    this.#loaded = loaded
      .then(() => {
        if (!this.#end) this.#handle = make();
      })
      .catch((error) => {
        if (this.#end) return;
        this.#end = "failed";
        if (typeof options?.onError === "function") options.onError(error.message, error);
        else reportError(error);
      });
  }

  get state() {
    return this.#end ?? this.#handle?.state ?? "loading";
  }

  refresh() {
    this.#handle?.refresh();
  }

  setLanguage(lang) {
    this.#loaded.then(() => this.#handle?.setLanguage(lang));
  }

  stopPolling() {
    if (this.#handle) this.#handle.stopPolling();
    else this.#end = "stopped";
  }

  destroy() {
    this.#handle?.destroy();
    this.#end = "destroyed";
  }
}
