// The entry point for HTML: `import "scanlogin/element"` defines `<scan-login>`. It shares the wasm with `index.js`.

import { callbacks, optionOf } from "./attributes.js";
import { startScanning } from "./index.js";

/** The options that have an attribute and a property. The property `options` takes all options. */
const OPTIONS = [
  "appId", "host", "appHost", "userPoolId", "tenantId", "size", "containerSize", "interval", "timeout", "theme", "logo",
  "render", "countdown", "longPoll", "autoRefresh", "refreshOnCancel", "autoExchangeUserInfo", "customData", "tips",
  "colors", "frameAncestors", "returnUrl", "code",
];

const isOwn = (object, name) => Object.prototype.hasOwnProperty.call(object, name);
const attributeOf = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

// A server has no HTMLElement, and may import this file.
const Base = typeof HTMLElement === "undefined" ? Object : HTMLElement;

export class ScanLoginElement extends Base {
  static get observedAttributes() {
    return ["lang", ...OPTIONS.map(attributeOf)];
  }

  get options() {
    return this._options || {};
  }

  set options(options) {
    this._options = options;
    this._change();
  }

  get state() {
    return this._handle ? this._handle.state : "destroyed";
  }

  refresh() {
    if (this._handle) this._handle.refresh();
  }

  connectedCallback() {
    // Properties that were set before the element was defined hide those of the class.
    for (const name of ["options", ...OPTIONS]) {
      if (isOwn(this, name)) {
        const value = this[name];
        delete this[name];
        this[name] = value;
      }
    }
    this._change();
  }

  disconnectedCallback() {
    // Frameworks move an element by removing and inserting it in one task. It ends when it stays away.
    setTimeout(() => {
      if (!this.isConnected) this._end();
    });
  }

  attributeChangedCallback(name, _before, value) {
    if (name !== "lang") this._change();
    else if (this._handle) this._handle.setLanguage(value || "");
  }

  _end() {
    this._current = undefined;
    if (this._handle) this._handle.destroy();
    this._handle = undefined;
  }

  /** Restarts the widget if its options have changed, once for all changes of a task. */
  async _change() {
    if (this._isChanging) return;
    this._isChanging = true;
    await undefined;
    this._isChanging = false;
    if (!this.isConnected) return;

    const options = {};
    for (const name of ["lang", ...OPTIONS]) {
      const text = this.getAttribute(attributeOf(name));
      if (text !== null) options[name] = optionOf(name, text);
    }
    Object.assign(options, this.options);
    // Frameworks create new callbacks each time they render. The current ones are called, and the widget does not restart.
    const lang = isOwn(this.options, "lang") ? this.options.lang : undefined;
    // In another document, the start reports its target.
    const isForeign = this.ownerDocument !== document;
    const current = JSON.stringify({ ...options, lang, isForeign }, comparable);
    const { otherWays } = this.options;
    if (current === this._current && otherWays === this._otherWays) return;
    this._end();
    this._current = current;
    this._otherWays = otherWays;

    const events = callbacks((type, detail) => {
      // A dialog would handle a bubbling `cancel` as its own event, and the window a bubbling `error`.
      const bubbles = type !== "cancel" && type !== "error";
      this.dispatchEvent(new CustomEvent(type, { bubbles, composed: bubbles, detail }));
    });
    for (const name of new Set([...Object.keys(events), ...Object.keys(options).filter(isCallback)])) {
      options[name] = (...values) => {
        if (events[name]) events[name](...values);
        if (isOwn(this.options, name) && this.options[name]) this.options[name](...values);
      };
    }
    try {
      this._handle = startScanning(this, options);
    } catch (error) {
      options.onError(error.message, error);
    }
  }
}

for (const name of OPTIONS) {
  Object.defineProperty(ScanLoginElement.prototype, name, {
    configurable: true,
    enumerable: true,
    get() {
      const text = this.getAttribute(attributeOf(name));
      return text === null ? undefined : optionOf(name, text);
    },
    set(value) {
      if (value === undefined || value === null) this.removeAttribute(attributeOf(name));
      else this.setAttribute(attributeOf(name), typeof value === "string" ? value : JSON.stringify(value));
    },
  });
}

function isCallback(name) {
  return /^on[A-Z]/.test(name);
}

/** Functions compare as equal, and so do elements: a framework may add fields to them that lead back to them. */
function comparable(_name, value) {
  return typeof value === "function" || value instanceof Element ? typeof value : value;
}

if (typeof customElements !== "undefined" && !customElements.get("scan-login")) {
  customElements.define("scan-login", ScanLoginElement);
}
