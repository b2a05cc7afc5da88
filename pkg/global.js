// The door for a script tag: defines `ScanLogin.startScanning` at once and loads the rest behind it.

(() => {
  const door = import(new URL("index.js", document.currentScript.src).href);

  window.ScanLogin = {
    /** Shows a code in `target` and calls back when a person has signed in with it. */
    startScanning(target, options) {
      let handle;
      let isDestroyed = false;
      door
        .then(({ startScanning }) => {
          if (!isDestroyed) handle = startScanning(target, options);
        })
        .catch((error) => {
          if (isDestroyed) return;
          if (typeof options?.onError === "function") options.onError(error.message, error);
          else reportError(error);
        });
      return {
        get state() {
          return isDestroyed ? "destroyed" : (handle?.state ?? "loading");
        },
        refresh() {
          handle?.refresh();
        },
        destroy() {
          isDestroyed = true;
          handle?.destroy();
        },
      };
    },
  };
})();
