// The nickname and the photo of the user who scanned, as a widget shows them. Anybody can scan the code, with any name and
// photo. These functions do the same as those in crates/protocol/src/display.rs, which the server uses. In the wasm, the tables
// of Unicode would be 5.2 KB.

/** Characters that show nothing or act on others. */
const INVISIBLE =
  /(?![\p{White_Space}\u200c\u200d])[\p{C}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\u{1d159}\u{e0100}-\u{e01ef}]/gu;
/** Zero-width joiners without a character outside ASCII after them, or before them. Persian words and emoji need the others. */
const JOINERS_BEFORE_OTHERS = /[\u200c\u200d]+(?![^\0-\x7f\u200d\p{White_Space}\p{Grapheme_Extend}])/gu;
const JOINERS_AFTER_OTHERS = /(^|[\0-\x7f\p{White_Space}])[\u200c\u200d]/gu;
/** Combining marks without a character, and those beyond three. */
const EXTRA_MARKS = /(^|\p{White_Space}|((?!\u200c)\p{Grapheme_Extend}){3})((?!\u200c)\p{Grapheme_Extend})+/gu;
/** An absolute address with `https`, or with `http` on the loopback host, without user name and password. */
const PHOTO = /^(https:\/\/[^/?#@]+|http:\/\/(localhost|127\.0\.0\.1|\[::1])(:[^/?#@]*)?)([/?#]|$)/i;

/** The name of a user for display: one line of at most 64 visible characters. */
export function displayName(name) {
  const visible = name
    .replace(INVISIBLE, "")
    .replace(JOINERS_BEFORE_OTHERS, "")
    .replace(EXTRA_MARKS, "$1")
    .replace(JOINERS_AFTER_OTHERS, "$1")
    .replace(/\p{White_Space}+/gu, " ");
  return Array.from(visible.trim()).slice(0, 64).join("").replace(/[\u200c\u200d\p{White_Space}]+$/u, "");
}

/** Whether a page may load `address` as the photo of a user. */
export function isPhotoAddress(address) {
  return address.length <= 2048 && PHOTO.test(address) && !/[\\\p{Cc}\p{White_Space}]/u.test(address);
}
