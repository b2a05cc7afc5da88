// The door for ES modules. `startScanning` works at once; the wasm beside this file is fetched at the first use.

import load, { startScanning as start } from "./scanlogin.js";

let loading;
let isLoaded = false;

/** Fetches the wasm, once. After a failure the next call tries again. */
export function init(source = new URL("./scanlogin_bg.wasm", import.meta.url)) {
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

/** Shows a code in `target` and calls back when a person has signed in with it. */
export function startScanning(target, options) {
  return isLoaded ? start(target, options) : new LoadingHandle(target, options);
}

/** The handle of a widget whose wasm is on its way. */
class LoadingHandle {
  #handle;
  #isDestroyed = false;

  constructor(target, options) {
    init()
      .then(() => {
        if (!this.#isDestroyed) this.#handle = start(target, options);
      })
      .catch((error) => {
        if (this.#isDestroyed) return;
        if (typeof options?.onError === "function") options.onError(error.message, error);
        else reportError(error);
      });
  }

  get state() {
    return this.#isDestroyed ? "destroyed" : (this.#handle?.state ?? "loading");
  }

  refresh() {
    this.#handle?.refresh();
  }

  destroy() {
    this.#isDestroyed = true;
    this.#handle?.destroy();
  }
}
