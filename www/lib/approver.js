// The three calls of an approver, see docs/protocol.md: `scanned`, `confirm` and `cancel`.

import { post } from '/lib/api.js';

const PATH = '/api/v2/qrcode';
/** How many entries of the custom data are shown. */
const MAX_CUSTOM_DATA = 8;

/**
 * A question to the person. `createdAt` and `expiresAt` are in milliseconds of `performance.now()`: the server sends an age
 * and a remaining time, because the clock of the phone can be wrong.
 *
 * @typedef {object} Question
 * @property {string} random The id of the code.
 * @property {boolean} sameDevice Whether the server binds the confirm to this browser. If not, the page may be anywhere,
 *   whatever the link says.
 * @property {{ appName?: string, origin?: string, ip?: string, userAgent?: string }} requester The browser of the page.
 * @property {number} createdAt
 * @property {number} expiresAt
 * @property {string[] | null} numbers The numbers of which the person chooses one. `null` if there is no choice.
 * @property {object | null} stepUp What `confirm` demands of the user's sign-in. `null` if the token of the user is enough.
 * @property {boolean | null} sameNetwork Whether page and phone have the same address. `null` if the server can't know it.
 * @property {[string, string][]} customData Names and texts of the page that the app shows.
 */

/**
 * Marks a code as scanned by the user of `token`, and returns the question. May be repeated for the present times.
 *
 * @param {import('/lib/code.js').Code} code
 * @returns {Promise<Question>}
 */
export async function markScanned({ random, sameDevice = false }, token) {
  const data = await post(`${PATH}/scanned`, { random, ...(sameDevice && { sameDevice }) }, token);
  const now = performance.now();
  return {
    random,
    sameDevice: data.sameDevice === true,
    requester: data.requester ?? {},
    createdAt: now - data.age * 1000,
    // An older server sends no `expiresIn`. It refuses the decision when the code has expired.
    expiresAt: now + (data.expiresIn ?? Infinity) * 1000,
    numbers: Array.isArray(data.numbers) ? data.numbers.map(String) : null,
    stepUp: data.stepUp ?? null,
    sameNetwork: data.sameNetwork ?? null,
    customData: Object.entries(data.customData ?? {}).slice(0, MAX_CUSTOM_DATA).map((entry) => entry.map(String)),
  };
}

/**
 * Signs the page in. `number` is the chosen one if the question has `numbers`. Returns the address that must be opened next
 * in this browser if the page is on this device, else `null`.
 *
 * @param {Question} question
 * @returns {Promise<string | null>}
 */
export async function confirm({ random, sameDevice }, token, number = null) {
  const data = await post(`${PATH}/confirm`, { random, ...(number !== null && { number }) }, token);
  return sameDevice ? pageAddress(data.returnUrl) : null;
}

/** Declines. Returns the address of the page if it is on this device, else `null`. */
export async function cancel({ random, sameDevice }, token) {
  const data = await post(`${PATH}/cancel`, { random }, token);
  return sameDevice ? pageAddress(data.returnUrl) : null;
}

/** Declines while the page is being closed, or without waiting for it. If the request is lost, the code expires. */
export const cancelInBackground = ({ random }, token) =>
  post(`${PATH}/cancel`, { random }, token, { keepalive: true }).catch(() => {});

/**
 * An address that a browser may open as a page. `null` for every other scheme. `http` is for the demo, which runs without TLS
 * on one machine or in a local network. The server takes such an address from no other app, unless it is of this machine.
 */
function pageAddress(address) {
  if (typeof address !== 'string' || !URL.canParse(address)) return null;
  return ['http:', 'https:'].includes(new URL(address).protocol) ? address : null;
}
