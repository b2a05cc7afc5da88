// The entry point for a script tag. It defines `ScanLogin`, and starts a widget in the element that `data-target` of the tag
// names. The wasm is beside this file.

import { callbacks, optionOf } from "./attributes.js";
import { callDocument, fromDocument } from "./document.js";
import { createApi } from "./entry_point.js";

if (typeof document !== "undefined") {
  for (const script of scripts()) run(script);
}

/**
 * The tags that this script runs for. Browsers set `currentScript` only while a classic script runs. A module has none, and
 * jQuery runs the text of the script in a tag of its own. Then these are the tags of the page with `data-target` and this file.
 */
function scripts() {
  const current = fromDocument("currentScript");
  if (current && (current.src || current.dataset.target)) return [current];
  const tags = Array.from(callDocument("querySelectorAll", "script[data-target]"));
  const found = tags.filter(({ src }) => /\/(global\.js|scanlogin(@[^/]*)?)([?#]|$)/.test(src));
  if (found.length === 0 && tags.length > 0) {
    console.warn("scanlogin: no tag with data-target names a file global.js, so no code is shown. Call ScanLogin.startScanning");
  }
  return found.length > 0 ? found : [undefined];
}

function run(script) {
  // Without a prototype, fields of `Object.prototype` are no attributes.
  const { target, wasm, integrity, ...attributes } = { __proto__: null, ...(script && script.dataset) };

  // A page that loads the script twice gets one package and one wasm. An element with this id is not the package.
  if (!window.ScanLogin || typeof window.ScanLogin.startScanning !== "function") {
    // Some CDNs serve this file at the address of the package too.
    const base = ((script && script.src) || fromDocument("baseURI")).replace(/\/scanlogin(@[^/]*)?$/, "$&/dist/");
    const api = createApi(() => new URL("scanlogin.wasm", base), { source: wasm, integrity });
    window.ScanLogin = api;
    // A widget that is started reports the failure, and tries again. One that this tag or a later script of the page starts
    // loads the wasm after its request for a code.
    const init = () => api.init().catch(() => {});
    if (fromDocument("readyState") === "loading") callDocument("addEventListener", "DOMContentLoaded", init);
    else setTimeout(init);
  }

  // A tag that is found a second time has its widget already.
  if (target && !script.isStarted) {
    script.isStarted = true;
    const options = callbacks((type, detail) => {
      const element = callDocument("getElementById", target) || fromDocument("body");
      element.dispatchEvent(new CustomEvent(`scanlogin:${type}`, { bubbles: true, detail }));
    });
    for (const name of Object.keys(attributes)) options[name] = optionOf(name, attributes[name]);
    window.ScanLogin.startScanning(target, options);
  }
}
