// The link of a widget that opens the approver on the device of the page: docs/protocol.md, "Return on the same device".
//
// Invariant: the link opens without a script. The script only keeps the response of `gene` for the return.

import { setText } from "./dom.js";
import { isKept, isLink, keepResponse } from "./same_device.js";

/** The link in `element`, an `<a>`. */
export class OpenLink {
  constructor(element) {
    this._element = element;
    // The link also opens in another tab, by the middle button or by a menu.
    for (const opening of ["click", "auxclick", "contextmenu"]) {
      element.addEventListener(opening, () => {
        this._kept = keepResponse(this._response);
      });
    }
  }

  /** Shows the link with a text. `response` is the response of `gene` as JSON. Hides it if `address` is empty or no link. */
  show(address, response, text) {
    const isShown = isLink(address);
    if (isShown && address !== this._address) {
      this.forget();
      this._address = address;
      this._element.setAttribute("href", address);
    }
    this._response = response;
    setText(this._element, isShown ? text : "");
  }

  /** Whether the browser has kept the response, and another page has taken it. */
  isTaken() {
    return this._kept !== undefined && !isKept(this._kept);
  }

  /** The next code has nothing to do with the kept response. */
  forget() {
    this._kept = undefined;
  }
}
