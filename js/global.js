// The entry point for a script tag. It defines `ScanLogin`, and starts a widget in the element that `data-target` of the tag names.
// The wasm is beside this file.

import { callbacks, optionOf } from "./attributes.js";
import { createApi } from "./entry_point.js";

if (typeof document !== "undefined") {
  // Browsers set `currentScript` only while the script itself runs.
  const script = document.currentScript;
  const { target, wasm, integrity, ...attributes } = (script && script.dataset) || {};

  // A page that loads the script twice gets one package and one wasm.
  if (!window.ScanLogin) {
    // Some CDNs serve this file at the address of the package too.
    const base = ((script && script.src) || document.baseURI).replace(/\/scanlogin(@[^/]*)?$/, "$&/dist/");
    window.ScanLogin = createApi(() => new URL("scanlogin.wasm", base));
    // A widget that is started reports the failure, and tries again.
    window.ScanLogin.init({ source: wasm, integrity }).catch(() => {});
  }

  if (target) {
    const options = callbacks((type, detail) => {
      const element = document.getElementById(target) || document.body;
      element.dispatchEvent(new CustomEvent(`scanlogin:${type}`, { bubbles: true, detail }));
    });
    for (const name of Object.keys(attributes)) options[name] = optionOf(name, attributes[name]);
    window.ScanLogin.startScanning(target, options);
  }
}
