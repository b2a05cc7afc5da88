// The look of the widget and of the box that stands in its place: one constructed sheet, so that no policy needs an
// exception, and all widgets of a page share it. Deliberately absent: the look itself, which is style.css.

import text from "./style.css";

let sheet;
try {
  sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
} catch (_) {
  // Safari before 16.4, and servers, have none.
}

/** Gives a shadow root the look. */
export function dress(root) {
  if (sheet) root.adoptedStyleSheets = [sheet];
  // A strict policy refuses this: then a person sees plain words.
  else root.appendChild(document.createElement("style")).textContent = text;
}
