// The style sheet of the shell: one constructed sheet, which all widgets of a page share. A Content-Security-Policy without
// `unsafe-inline` allows it.

import { callDocument } from "./document.js";
import { STYLE_SHEET } from "./style_sheet.js";

let sheet;
try {
  const constructed = new CSSStyleSheet();
  constructed.replaceSync(STYLE_SHEET);
  sheet = constructed;
} catch (_) {
  // Safari before 16.4 and Firefox before 101 have no constructed sheets, and a server has no document.
}

/** Applies the style sheet to a shadow root. */
export function applyStyles(root) {
  // A browser without this property would only store the value.
  if (sheet && "adoptedStyleSheets" in root) {
    try {
      root.adoptedStyleSheets = [sheet];
      if (root.adoptedStyleSheets[0] === sheet) return;
    } catch (_) {
      // The page has replaced the property.
    }
  }
  // A strict policy refuses this element. The text is legible without styles.
  root.appendChild(callDocument("createElement", "style")).textContent = STYLE_SHEET;
}
