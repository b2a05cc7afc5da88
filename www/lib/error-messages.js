// Messages for the errors that the phone page can get.

import { TemporaryError } from '/lib/api.js';
import { hasMessage, message } from '/lib/messages.js';

/** Whether the token is from the future. A new sign-in would get such a token again. */
const hasWrongClock = (error) => error.detail === 'not-yet-valid';

/** Whether the user has to sign in again before a retry. */
export const needsSignIn = (error) =>
  ['not-signed-in', 'login-expired', 'step-up-required'].includes(error.reason) && !hasWrongClock(error);

/** The message for an `ApiError` or a `TemporaryError`. An unknown reason gets the message of the server. */
export function errorMessage(error) {
  if (error instanceof TemporaryError) return message(`temporary.${error.reason}`);
  const name = `refusals.${hasWrongClock(error) ? 'wrong-clock' : error.reason}`;
  return hasMessage(name) ? message(name) : error.message;
}

/** The message for a problem of `parseCode` or of `readQrImage`. */
export const problemMessage = ({ problem, host }) =>
  hasMessage(`kinds.${problem}`)
    ? message('problems.foreign', { kind: message(`kinds.${problem}`) })
    : message(`problems.${problem}`, { host });
