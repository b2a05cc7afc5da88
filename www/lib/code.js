// Parses the text of a QR code.

/** White space and invisible characters. No value that this page reads contains them. */
const INVISIBLE = /[\s\p{Cc}\p{Cf}]/gu;
/** The quotation marks that editors and messengers write instead of straight ones. */
const QUOTES = /[“”„‟«»″＂]/g;
/** The characters that they write instead of one hyphen and of two. */
const [HYPHEN, TWO_HYPHENS] = [/[‐‑−]/g, /[–—]/g];

/** Returns `{ random }`, the id of the code, or `{ problem }`, a message for the person. */
export function parseCode(text) {
  const code = parseJson(text);
  if (!code) {
    return { problem: 'This is not the text of a sign-in code. Copy all of it, from the first { to the last }.' };
  }
  if (typeof code.random !== 'string' || !code.random) {
    return { problem: 'This is not a sign-in code. Use the code on the sign-in page.' };
  }
  if (code.scene !== undefined && code.scene !== 'APP_AUTH') {
    return { problem: 'This code is for another app. Use the code on the sign-in page.' };
  }
  return { random: code.random };
}

/** The first JSON object that a copied text contains, with repairs of what copying changes; `null` if there is none. */
function parseJson(text) {
  const plain = text.replace(INVISIBLE, '').replace(HYPHEN, '-').replace(TWO_HYPHENS, '--');
  const object = plain.slice(plain.indexOf('{'), plain.lastIndexOf('}') + 1);
  // Inside a string, such quotes are valid. So they are replaced only if the text is no JSON.
  for (const candidate of [object, object.replace(QUOTES, '"')]) {
    try {
      return JSON.parse(candidate);
    } catch {
      // The next candidate is tried.
    }
  }
  return null;
}
