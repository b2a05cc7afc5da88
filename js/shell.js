// The shell of a widget: its shadow root, elements, styles and messages. It is built once. Until the wasm is loaded, pending.js
// shows its states `loading` and `failed`; then the wasm adopts it and shows all others.
//
// Invariant: no inline styles and no HTML from strings, so that a strict Content-Security-Policy needs no exception.

import { Countdown } from "./countdown.js";
import { displayName, isPhotoAddress } from "./display.js";
import { callDocument, fromDocument } from "./document.js";
import { create, findTarget, setAttribute, setText } from "./dom.js";
import { Messages, followPageLanguage } from "./i18n.js";
import { OpenLink } from "./open_link.js";
import { scanLoginError, shellOptions } from "./options.js";
import { Code, contextOf } from "./painter.js";
import { takeOtherBrowser } from "./same_device.js";
import { applyStyles } from "./styles.js";

/** The icon of each state, as strokes in a square of 24 by 24. A state without an icon shows none. */
const ICONS = {
  loading: "M12 3a9 9 0 1 0 9 9",
  "signing-in": "M12 3a9 9 0 1 0 9 9",
  scanned: "M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2M9.5 11l2 2 3.5-4",
  confirmed: "M5 12.5l4.5 4.5L19 7.5",
  cancelled: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  expired: "M12 7v5l3.5 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
  stopped: "M12 7v5l3.5 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
  unreachable: "M3 9a14 14 0 0 1 18 0M6.5 13a8.5 8.5 0 0 1 11 0M12 18h.01M4 3l16 18",
  "needs-mfa": "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6zM12 15v2",
  failed: "M12 7v6M12 17h.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
};

/** The minimum width of a module in CSS pixels, as `MIN_MODULE_PX` in crates/qr. */
const MIN_MODULE_PX = 2;
/** The maximum growth of a code on each side of its place in CSS pixels: the distance to the text below. */
const MAX_GROWTH = 12;

/** The width and height from which the area of the code has room for the button, in CSS pixels. */
const MIN_LARGE = 200;

/** The step of the remaining time of a code, in seconds. A code waits for minutes, and each change costs a frame. */
const CODE_STEP = 15;

/** The shell in each element. An element can contain one. */
const shells = new WeakMap();
/** The number of widgets that were started. */
let starts = 0;

/** The number of a widget: later ones have greater numbers. */
export function nextStart() {
  starts += 1;
  return starts;
}

/** Whether the target contains a widget that was started after the one with the number `order`. */
export function hasLaterWidget(target, order) {
  const shell = shells.get(typeof target === "string" ? callDocument("getElementById", target) : target);
  return Boolean(shell) && shell._order > order;
}

/**
 * Builds a shell for `target`, or for the middle of the window if the page has no element with this id. It is not in the page
 * before `adopt`. Throws an error with the code `invalid-option` that names the option.
 */
export function openShell(target, options, order = nextStart()) {
  const checked = shellOptions(options);
  const element = findTarget(target);
  if (!element) {
    console.warn(`scanlogin: the page has no element with the id "${target}"; the code is shown in the middle of the window`);
  }
  if (checked.otherWays && element && checked.otherWays.contains(element)) {
    throw scanLoginError("invalid-option", "option `otherWays` must not contain the target");
  }
  return new Shell(element, order, checked);
}

/** The shell of one widget. */
class Shell {
  constructor(target, order, { size, containerSize, theme, tips, lang, dark, light, otherWays }) {
    this.width = size.width;
    this.height = size.height;
    this._messages = new Messages(tips, lang);
    this._target = target;
    this._order = order;
    this._otherWays = otherWays;
    this._handlers = {};
    this._person = {};
    this._watches = [];
    this._observers = [];
    /** The timer that ends a shell that stays away from the page. */
    this._leaving = undefined;
    this._colors = { dark: dark || "#000", light: light || "#fff" };
    this._paint = () => {};
    this._wasConnected = false;
    this._isOtherBrowser = takeOtherBrowser();
    this._build();

    this._host.dataset.theme = theme;
    if (!target) this._host.dataset.floating = "";
    if (size.width >= MIN_LARGE && size.height >= MIN_LARGE) this._frame.dataset.large = "";
    if (light) this._frame.style.setProperty("--light", light);
    for (const [prefix, { width, height }] of [["--", size], ["--container-", containerSize]]) {
      this._frame.style.setProperty(`${prefix}width`, width);
      this._frame.style.setProperty(`${prefix}height`, height);
    }
  }

  /**
   * Makes the caller the owner of the shell: its handlers are called on a click on the button, on a change of the language, and
   * when the shell leaves the page. Puts the shell into the page, and ends another widget in the same element.
   */
  adopt(clicked, languageChanged, ended) {
    this._handlers = { clicked, languageChanged, ended };
    this.setButtonInactive(false);
    if (this._observers.length > 0) return;
    if (this._target) {
      const previous = shells.get(this._target);
      // Set first: a widget that a callback of the previous one starts here ends this one.
      shells.set(this._target, this);
      if (previous) previous.end();
      if (!this._handlers.ended) return;
    }
    (this._target || fromDocument("body")).appendChild(this._host);
    if (this._otherWays) {
      this._otherWays.slot = "other-ways";
      this._host.appendChild(this._otherWays);
    }
    this._observers = [this._watchPresence(), followPageLanguage(() => this._languageChanged())];
  }

  /** Whether the page has no element with the id of the target, so that the shell is in the middle of the window. */
  isFloating() {
    return !this._target;
  }

  /** Calls the handler `ended` once. The owner then calls `remove`. */
  end() {
    const { ended } = this._handlers;
    this._handlers = {};
    if (ended) ended();
  }

  /** Whether the shell was in the page, has left it, and has stayed away for a task. */
  hasLeft() {
    if (!this._wasConnected && this._isPresent() && this._observers.length > 0) {
      // The target may have been put into a shadow root that is not observed yet.
      const [presence, ...others] = this._observers;
      presence.disconnect();
      this._observers = [this._watchPresence(), ...others];
    }
    this._endIfAway();
    return this._leaving === null;
  }

  _isPresent() {
    return this._host.isConnected && this._host.ownerDocument === document;
  }

  /**
   * Ends the shell if it is still away in the next task: frameworks move an element by removing and inserting it in one task.
   */
  _endIfAway() {
    if (!this._wasConnected || this._isPresent() || this._leaving !== undefined) return;
    this._leaving = setTimeout(() => {
      this._leaving = this._isPresent() ? undefined : null;
      if (this._leaving === null) this.end();
    });
  }

  /** Removes the shell from the page. */
  remove() {
    this._handlers = {};
    clearTimeout(this._leaving);
    this._countdown.stop();
    this._clearCode();
    for (const observer of this._observers.splice(0)) observer.disconnect();
    if (this._target && shells.get(this._target) === this) shells.delete(this._target);
    this._host.remove();
  }

  /** The BCP 47 tag of the messages. */
  language() {
    return this._messages.language();
  }

  /** Changes the language. An empty tag stands for the language of the page. */
  setLanguage(tag) {
    this._messages.setLanguage(tag);
    this._languageChanged();
  }

  /** The message `name`. `seconds` is the time in it. */
  message(name, seconds) {
    return this._messages.message(name, seconds);
  }

  /** The message `name` for a wasm that can't be loaded. */
  loaderMessage(name) {
    return this._messages.loaderMessage(name);
  }

  /** Sets the colours of the code. */
  setColors(dark, light) {
    this._colors = { dark, light };
    this._frame.style.setProperty("--light", light);
    this._paint();
  }

  /**
   * Shows a state. An empty text hides its element. `isScannable` tells whether the code can be scanned; otherwise it is faded.
   */
  show(state, isScannable, headline, hint, button) {
    setAttribute(this._host, "data-state", state);
    setAttribute(this._frame, "data-state", state);
    setAttribute(this._frame, "lang", this.language());
    setAttribute(this._frame, "data-covered", !isScannable);
    setAttribute(this._frame, "aria-busy", state === "loading");
    setAttribute(this._code, "aria-hidden", !isScannable);
    if (this._code.firstElementChild) setAttribute(this._code.firstElementChild, "aria-label", this.message("codeName", 0));
    if (!isScannable) this._blur(this._link);
    const icon = ICONS[state];
    this._icon.toggleAttribute("hidden", !icon);
    if (icon) setAttribute(this._icon.firstElementChild, "d", icon);
    setText(this._headline, headline);
    setText(this._hint, this._isOtherBrowser && state === "ready" ? this.message("otherBrowser", 0) : hint);
    if (!button) this._blur(this._button);
    setText(this._button, button);
    setAttribute(this._frame, "data-button", Boolean(button));
  }

  /** Marks the button as inactive. It keeps the focus. */
  setButtonInactive(isInactive) {
    setAttribute(this._button, "aria-disabled", isInactive);
  }

  /**
   * Shows the message `name` and counts down to `end`, in milliseconds on the clock of `performance.now()`. Hides the message
   * if `name` is empty. It is not announced.
   */
  showCountdown(name, end) {
    const parts = name ? this._messages.parts(name, 0) : ["", "", ""];
    this._countdown.show(parts, end, name === "expiresIn" ? CODE_STEP : 1);
  }

  /**
   * Shows `address` as a link, as long as the code can be scanned. A click keeps `response`, the response of `gene` as JSON.
   * Hides the link if the address is empty.
   */
  showLink(address, response) {
    if (!address) this._blur(this._link);
    this._openLink.show(address, response, this.message("openApp", 0));
  }

  /** Whether a click on the link has kept the response of the code, and another page has taken it. */
  isTaken() {
    return this._openLink.isTaken();
  }

  /** Shows the two digits that the person chooses on the phone. Hides them if the text is empty. */
  showNumber(number) {
    setText(this._number, number);
    setAttribute(this._frame, "data-number", Boolean(number));
  }

  /** Shows the person who scanned. An empty name or photo hides its element. */
  showPerson(name, photo) {
    if (name !== this._person.name) setText(this._name, displayName(name));
    if (photo !== this._person.photo) {
      this._photo.hidden = !isPhotoAddress(photo);
      if (this._photo.hidden) this._photo.removeAttribute("src");
      else this._photo.src = photo;
    }
    this._person = { name, photo };
    setAttribute(this._frame, "data-photo", !this._photo.hidden);
  }

  /** Removes the code. */
  hideCode() {
    this._clearCode();
    this._openLink.forget();
  }

  /**
   * Draws a code. `bits` is a Uint8Array of its modules row by row, without the quiet zone: 1 for dark, the most significant
   * bit first, as `Modules::to_bits` in crates/qr returns. `logo` is the address of an image for its middle, or empty.
   */
  drawCode(bits, logo) {
    const drawn = `${bits} ${logo}`;
    // The wasm draws the code that is shown already. Another logo element would blink.
    if (drawn === this._drawn) return;
    this._clearCode();
    this._drawn = drawn;
    const code = new Code(bits);
    const canvas = create("canvas", { role: "img" });
    const svg = contextOf(canvas) ? undefined : create("svg", { viewBox: `0 0 ${code.side} ${code.side}`, role: "img" });
    this._code.appendChild(svg || canvas);
    let hasLogo = Boolean(logo);
    this._paint = () => {
      if (svg) drawPath(svg, code.path(hasLogo), this._colors.dark);
      else this._paintCanvas(canvas, code, hasLogo);
    };
    if (hasLogo) {
      const image = create("img", { class: "logo", part: "logo", alt: "", referrerpolicy: "no-referrer" });
      // A code without its logo can still be scanned.
      image.addEventListener("error", () => {
        image.remove();
        hasLogo = false;
        this._paint();
      });
      image.src = logo;
      this._code.appendChild(image);
    }
    this._frame.style.setProperty("--least", code.side * MIN_MODULE_PX);
    this._paintOnResize();
    // The browser has lost the pixels, such as after a restart of the process for graphics.
    canvas.addEventListener("contextrestored", () => this._paint());
  }

  /** Shows the image of a code. Calls `loaded` or `failed` when the browser has loaded it. */
  showImage(url, loaded, failed) {
    this._clearCode();
    this._stage.style.removeProperty("--side");
    const image = create("img", { role: "img" });
    image.addEventListener("load", loaded);
    image.addEventListener("error", failed);
    this._watches.push(() => {
      image.removeEventListener("load", loaded);
      image.removeEventListener("error", failed);
    });
    image.src = url;
    this._code.appendChild(image);
  }

  _build() {
    // Pages have fewer rules for `span` than for `div`.
    this._host = create("span", { class: "scanlogin" });
    this._root = this._host.attachShadow({ mode: "open" });
    applyStyles(this._root);
    const add = (parent, tag, part, attributes) =>
      parent.appendChild(create(tag, { class: part, part, ...attributes }));
    // The frame gets the focus when the focused button is hidden.
    this._frame = add(this._root, "div", "frame", { role: "group", "aria-labelledby": "headline", tabindex: -1 });
    // A page can set another target for all links, with `<base>`.
    this._link = add(this._frame, "a", "link", { dir: "auto", target: "_self", referrerpolicy: "no-referrer" });
    this._openLink = new OpenLink(this._link);
    this._stage = add(this._frame, "div", "stage");
    this._code = add(this._stage, "div", "code");
    const cover = add(this._stage, "div", "cover");
    // Without styles, an icon without a width would fill the page.
    this._icon = add(cover, "svg", "icon", { viewBox: "0 0 24 24", width: 24, "aria-hidden": true });
    this._icon.appendChild(create("path", {}));
    this._photo = add(cover, "img", "photo", { alt: "", referrerpolicy: "no-referrer", hidden: "" });
    const text = add(this._frame, "div", "text");
    // The status is announced as a whole when it changes. The countdown is not announced.
    const status = add(text, "div", "status", { role: "status", "aria-atomic": true });
    // Names and messages of the page have their own direction.
    this._name = add(status, "p", "name", { dir: "auto" });
    this._headline = add(status, "p", "headline", { dir: "auto", id: "headline" });
    this._hint = add(status, "p", "hint", { dir: "auto" });
    this._number = add(status, "p", "number", { dir: "ltr", translate: "no" });
    this._countdown = new Countdown(add(text, "p", "countdown", { dir: "auto", role: "timer" }));
    this._button = add(text, "button", "button", { dir: "auto", type: "button" });
    this._frame.appendChild(create("slot", { name: "other-ways" }));

    this._button.addEventListener("click", () => {
      const { clicked } = this._handlers;
      if (clicked) clicked();
    });
    // Without a photo, the name is shown alone.
    this._photo.addEventListener("error", () => {
      this._photo.hidden = true;
      setAttribute(this._frame, "data-photo", false);
    });
    for (const element of [this._link, this._name, this._headline, this._hint, this._number, this._button]) setText(element, "");
  }

  /**
   * Moves the focus from `element`, which is about to be hidden, to the frame. Otherwise it would be lost, and a keyboard user
   * would start again at the top of the page.
   */
  _blur(element) {
    if (this._root.activeElement === element) this._frame.focus();
  }

  /** Ends the shell when it has left the page. */
  _watchPresence() {
    this._wasConnected = this._isPresent();
    const observer = new MutationObserver(() => this._endIfAway());
    // A document does not see changes inside of shadow roots, so each root on the way up is observed.
    for (let root = this._host; root; root = root.host) {
      root = root.getRootNode();
      observer.observe(root, { childList: true, subtree: true });
    }
    observer.observe(document, { childList: true, subtree: true });
    return observer;
  }

  _languageChanged() {
    const { languageChanged } = this._handlers;
    if (languageChanged) languageChanged();
  }

  _clearCode() {
    this._drawn = undefined;
    this._paint = () => {};
    for (const stop of this._watches.splice(0)) stop();
    this._code.textContent = "";
  }

  _paintCanvas(canvas, code, hasLogo) {
    // These are in pixels of the window: they follow `zoom` and transforms of the page.
    const [stage, frame] = [this._stage, this._frame].map((element) => element.getBoundingClientRect());
    const place = Math.min(stage.width, stage.height);
    // An element that is not rendered has no width. The observer reports when it is rendered.
    if (place <= 0) return;
    const growth = Math.min(MAX_GROWTH, stage.left - frame.left, frame.right - stage.right, stage.top - frame.top);
    const ratio = window.devicePixelRatio;
    const width = code.fit(place * ratio, (place + 2 * growth) * ratio);
    this._stage.style.setProperty("--side", `${(100 * width) / ratio / stage.width}%`);
    code.paint(canvas, width, this._colors, hasLogo);
  }

  _paintOnResize() {
    const paint = () => this._paint();
    paint();
    // The window is also resized when it moves to another screen and when the page is zoomed.
    window.addEventListener("resize", paint);
    this._watches.push(() => window.removeEventListener("resize", paint));
    // Old browsers and jsdom have none.
    if (typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(paint);
    try {
      // Reports a change of `zoom`, too.
      observer.observe(this._stage, { box: "device-pixel-content-box" });
    } catch (_) {
      observer.observe(this._stage);
    }
    this._watches.push(() => observer.disconnect());
  }
}

function drawPath(svg, path, fill) {
  svg.textContent = "";
  svg.appendChild(create("path", { d: path, fill }));
}
