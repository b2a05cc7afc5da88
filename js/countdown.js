// The remaining time of a widget, in a message. It is not announced.

import { create, setText } from "./dom.js";
import { minutesAndSeconds } from "./i18n.js";

/** The maximum delay of a timer in milliseconds. */
export const MAX_TIMEOUT = 2 ** 31 - 1;
/** A countdown of this many seconds or more is not shown, because it has no hours. */
const MAX_COUNTDOWN = 3600;

/** The maximum step of the last seconds, in seconds. */
const LAST_STEP = 5;

/** A countdown in `element`. */
export class Countdown {
  constructor(element) {
    this._element = element;
    // A browser that translates the page leaves the time alone, so that it changes without its message.
    this._parts = [{}, { translate: "no" }, {}].map((attributes) => create("span", attributes));
    element.append(...this._parts);
    element.hidden = true;
  }

  /**
   * Shows the three `parts` of a message: before the time, the time, and after it. Counts down to `end`, in milliseconds on
   * the clock of `performance.now()`, in steps of at most `maxStep` seconds. Hides the message if its parts are empty.
   */
  show(parts, end, maxStep) {
    this.stop();
    parts.forEach((part, index) => setText(this._parts[index], part));
    this._element.hidden = !parts.join("");
    if (parts[1]) this._count(end, maxStep);
  }

  stop() {
    clearTimeout(this._timer);
  }

  /** Shows the time until `end`, and again when it changes. In the last seconds a step has at most `LAST_STEP` seconds. */
  _count(end, maxStep) {
    const now = performance.now();
    const seconds = Math.max(Math.ceil((end - now) / 1000), 0);
    const step = seconds > maxStep ? maxStep : Math.min(maxStep, LAST_STEP);
    const shown = Math.ceil(seconds / step) * step;
    this._parts[1].firstChild.data = minutesAndSeconds(shown);
    this._element.hidden = shown >= MAX_COUNTDOWN;
    if (shown === 0) return;
    // One millisecond more, because a timer that fires too early would have to be set again.
    const delay = end - Math.min(shown, MAX_COUNTDOWN) * 1000 + step * 1000 - now + 1;
    this._timer = setTimeout(() => this._count(end, maxStep), Math.min(delay, MAX_TIMEOUT));
  }
}
