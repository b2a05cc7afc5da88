// The door for a script tag: defines `ScanLogin`, and starts a widget where the tag's `data-target` says.
// The wasm is beside this file.

import { callbacks, optionOf } from "./attributes.js";
import { door } from "./door.js";

if (typeof document !== "undefined") {
  // Only while the script itself runs does the browser tell which it is.
  const script = document.currentScript;
  const { target, wasm, integrity, ...attributes } = (script && script.dataset) || {};

  // Who loads it twice has one package, and one wasm.
  if (!window.ScanLogin) {
    // A CDN serves this file at the package's own address too.
    const place = ((script && script.src) || document.baseURI).replace(/\/scanlogin(@[^/]*)?$/, "$&/dist/");
    window.ScanLogin = door(() => new URL("scanlogin.wasm", place));
    // Whoever starts a widget is told of the failure, and tries again.
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
