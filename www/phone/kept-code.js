// The code that the person is about to decide. The tab keeps it, so that a reload and a sign-in come back to it.

import { isCode, parseFragment } from '/lib/code.js';

const KEY = 'quaymark-pass-code';

/**
 * The addresses of the links that this page reads. `<meta name="code-addresses">` lists them as URLs or paths, and the
 * address of the page itself is one, too.
 */
export const ADDRESSES = [
  ...document.querySelector('meta[name="code-addresses"]').content.split(' '),
  location.pathname,
].map((address) => new URL(address, location.origin).href);

/**
 * Takes the code out of a link that opened this page, as `parseFragment` returns it. `null` if the address has no fragment.
 * The fragment is removed, so that the id of the code is neither in the history nor in a bookmark.
 */
export function takeLink() {
  const fragment = location.hash.slice(1);
  if (!fragment) return null;
  history.replaceState(history.state, '', location.pathname + location.search);
  return parseFragment(fragment);
}

export function keepCode({ random, sameDevice }) {
  write(sameDevice ? `${random}.return` : random);
}

export const forgetCode = () => write('');

/** The kept code. `null` if there is none. */
export function keptCode() {
  const code = parseFragment(kept);
  return isCode(code) ? code : null;
}

/** The fragment of the code. Empty if there is none. The storage can be blocked or full. */
let kept = read();

function write(fragment) {
  kept = fragment;
  try {
    // If there is no space for this code, a reload must not come back to another one.
    sessionStorage.removeItem(KEY);
    sessionStorage.setItem(KEY, fragment);
  } catch {
    // A reload forgets the code. It expires.
  }
}

function read() {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}
