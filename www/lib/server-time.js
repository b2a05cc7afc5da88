// The time of the server. The clock of a phone can be wrong.

import { TemporaryError } from '/lib/api.js';

const TIMEOUT_MS = 5_000;
/** How long after `expireAt` the owner of a code can still decide. */
const DECISION_MS = 60_000;

/**
 * Whether a code has expired by its own `expireAt`. Sends nothing of the code: if it has expired by the clock of the phone,
 * the `date` of a response decides.
 *
 * @param {import('/lib/code.js').Code} code
 */
export async function hasExpired({ expireAt }) {
  const isOver = (now) => now > expireAt + DECISION_MS;
  return expireAt !== undefined && isOver(Date.now()) && isOver(await serverTime());
}

/** The time of the server in milliseconds since 1970, to the second. */
async function serverTime() {
  const options = { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) };
  const response = await fetch(location.pathname, options).catch((cause) => {
    throw new TemporaryError('unreachable', 'Can’t reach the server. Check your connection and try again.', { cause });
  });
  const time = Date.parse(response.headers.get('date'));
  // Without a date, only the server itself can say whether the code has expired.
  return Number.isNaN(time) ? 0 : time;
}
