// The time of the server. The clock of a phone can be wrong.

import { onResponse, TemporaryError } from '/lib/api.js';

const TIMEOUT_MS = 5_000;

/** How far the server is ahead of the clock of the phone, in milliseconds. `null` before the first response with a date. */
let lead = null;

onResponse(learnTime);

/**
 * Whether a code has expired by its own `expireAt`, to the second. Sends nothing of the code. The clock of the phone never
 * decides: the server is asked for its time before the first code, and before a code counts as expired.
 *
 * @param {import('/lib/code.js').Code} code
 */
export async function hasExpired({ expireAt }) {
  if (expireAt === undefined) return false;
  if (lead !== null && !isOver(expireAt)) return false;
  // The clock of the phone may have been set since the last response.
  await askForTime();
  return isOver(expireAt);
}

/** Without a date of the server, only the server itself can say whether a code has expired. */
const isOver = (expireAt) => lead !== null && Date.now() + lead >= expireAt;

/** Takes the time of the server from the `date` of a response. */
function learnTime(response) {
  const time = Date.parse(response.headers.get('date'));
  if (!Number.isNaN(time)) lead = time - Date.now();
}

async function askForTime() {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const request = fetch(location.pathname, { method: 'HEAD', cache: 'no-store', redirect: 'error', signal });
  learnTime(
    await request.catch((cause) => {
      throw new TemporaryError('unreachable', 'Can’t reach the server. Check your connection and try again.', { cause });
    }),
  );
}
