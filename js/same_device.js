// Sign-in on the device that shows the page: docs/protocol.md, "Return on the same device". When the person opens the link to
// the approver, the browser keeps the response of `gene`. The page to which the approver returns takes it.
//
// Invariant: a response is taken once. It contains the poll token of its code.

import { field } from "./options.js";

/** The name of the kept responses in the storage of the browser. */
const KEY = "scanlogin-return";
/** The start of the fragment with which the approver returns. */
const FRAGMENT = "#scanlogin-response=";
/** The maximum number of kept responses. A person may open the links of several tabs. */
const MAX_KEPT = 4;
/** The maximum length of the stored text. The custom data of a code has at most 1,000 bytes. */
const MAX_STORED = 50_000;
/** The lifetime of a code in seconds if the server names none, as `CODE_LIFETIME` in crates/protocol. */
export const CODE_LIFETIME = 120;
/** The maximum lifetime of a code in seconds, as in crates/protocol. */
const MAX_CODE_LIFETIME = 1800;
/** How many seconds longer the server may know a code, as `SCANNED_GRACE` and `RETENTION` in crates/protocol. */
const REMEMBERED = 360;

/** Whether the approver returned to this page, and the browser has no response for it. */
let isOtherBrowser = false;
/** The return that was taken in this task, and the handle of the widget that has it. */
let current;

/**
 * Whether the widget may show `address` as a link: `http` or `https`, printable ASCII without spaces, and not too long.
 * `is_link` in src/address.rs does the same.
 */
export function isLink(address) {
  return typeof address === "string" && address.length <= 2048 && /^https?:\/\/[!-~]+$/.test(address);
}

/**
 * The address of the page without its fragment, if the page is on a touch device without a mouse: the default of the option
 * `returnUrl`. `undefined` for any other page, and in a frame, where the approver would be in the frame too.
 */
export function ownReturnUrl() {
  // jsdom has no `matchMedia`.
  const isTouch = typeof matchMedia === "function" && matchMedia("(pointer: coarse) and (hover: none)").matches;
  const address = withoutFragment();
  return isTouch && window.top === window && isLink(address) ? address : undefined;
}

/**
 * Keeps a response of `gene`, which is JSON, until the server has forgotten its code. Returns the id of the code. Returns
 * `undefined` if the browser refuses: the link opens without that, but the page does not know the code again.
 */
export function keepResponse(response) {
  try {
    const data = field(JSON.parse(response), "data");
    const random = field(data, "random");
    const lifetime = Math.min(field(data, "expiresIn") ?? CODE_LIFETIME, MAX_CODE_LIFETIME);
    const end = Date.now() + (lifetime + REMEMBERED) * 1000;
    const others = readKept().filter((kept) => kept.random !== random);
    writeKept([{ random, response, end }, ...others].slice(0, MAX_KEPT));
    // A browser may return to this page without loading it again.
    addEventListener("hashchange", reloadOnReturn);
    return random;
  } catch (_) {
    return undefined;
  }
}

/** Whether the response with this code is still kept: no page has taken it. */
export function isKept(random) {
  return readKept().some((kept) => kept.random === random);
}

/**
 * Takes the response for which the approver returned to this page, and removes the fragment from the address. Returns what
 * `Runtime::start` in src/web/runtime.rs reads. Returns `undefined` if the approver did not return, or if no response is kept.
 */
export function takeReturn() {
  if (current && current.handle.state === "destroyed") return current.returned;
  const kept = readKept();
  const hash = location.hash;
  if (!hash.startsWith(FRAGMENT)) return undefined;
  removeFragment();
  const [, random, responseCode] = /=([\w-]{1,128})\.([\w-]{16,256})$/.exec(hash) || [];
  const found = kept.find((one) => one.random === random);
  isOtherBrowser = !found;
  if (!found) return undefined;
  writeKept(kept.filter((one) => one !== found));
  return { response: new Response(found.response), text: found.response, at: performance.now(), responseCode };
}

/**
 * Gives a return to the widget with this handle. If it is destroyed in this task, the next widget gets the return: React's
 * StrictMode starts, destroys and starts each widget in one task.
 */
export function giveReturn(returned, handle) {
  current = { returned, handle };
  setTimeout(() => {
    current = undefined;
  });
}

/** Whether the approver returned to this page, and the browser has no response for it. Only the first caller gets to know. */
export function takeOtherBrowser() {
  const is = isOtherBrowser;
  isOtherBrowser = false;
  return is;
}

function reloadOnReturn() {
  if (location.hash.startsWith(FRAGMENT)) location.reload();
}

function withoutFragment() {
  return location.href.split("#")[0];
}

function removeFragment() {
  try {
    // The state belongs to the site.
    history.replaceState(history.state, "", withoutFragment());
  } catch (_) {
    // A page without an origin may not change its address. The response code works once.
  }
}

/** The kept responses whose codes the server may know. Removes the others. Other code of the site can write any text there. */
function readKept() {
  try {
    const stored = localStorage.getItem(KEY);
    if (!stored) return [];
    const now = Date.now();
    const latest = now + (MAX_CODE_LIFETIME + REMEMBERED) * 1000;
    const all = stored.length <= MAX_STORED ? JSON.parse(stored) : [];
    const kept = all.filter(({ random, response, end }) => random && typeof response === "string" && end > now && end <= latest);
    if (kept.length < all.length || all.length === 0) writeKept(kept);
    return kept;
  } catch (_) {
    return [];
  }
}

function writeKept(kept) {
  if (kept.length > 0) localStorage.setItem(KEY, JSON.stringify(kept));
  else localStorage.removeItem(KEY);
}
