// The look of the widget and of the box that stands in its place: one constructed sheet, so that no policy needs an
// exception, and all widgets of a page share it. Deliberately absent: the look itself, which is style.css.

import text from "./style.css";

/** What a shadow root adopts: nothing where the browser is too old, and on a server. */
export const sheets = [];

try {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  sheets.push(sheet);
} catch (_) {
  // A person sees plain words.
}
