// Messages for the errors of the server that the phone page can get.

const MESSAGES = {
  'expired': 'This code has expired. Get a new code on the sign-in page.',
  'already-scanned': 'Another user has already scanned this code. Get a new code on the sign-in page.',
  'already-ended': 'This code has already been used or declined. Get a new code on the sign-in page.',
  'not-scanned': 'Scan this code again, then confirm or decline.',
  'wrong-user': 'Another user scanned this code. Get a new code on the sign-in page.',
  'unknown-code': 'This code is not valid. It may be too old, or belong to another site.',
  'not-signed-in': 'You are signed out. Sign in again to continue.',
  'login-expired': 'Your session has expired. Sign in again to continue.',
  'wrong-pool': 'This code belongs to another organisation. Your account can’t sign in there.',
};

const WRONG_CLOCK = 'The clock of this phone seems to be wrong. Set the date and time to automatic, and scan the code again.';

/** Whether the token is from the future. A new sign-in would get such a token again. */
const hasWrongClock = (error) => error.detail === 'not-yet-valid';

/** Whether the user has to sign in again before a retry. */
export const needsSignIn = (error) =>
  ['not-signed-in', 'login-expired'].includes(error.reason) && !hasWrongClock(error);

/** The message for an `ApiError`. An unknown reason gets the message of the server. */
export const errorMessage = (error) => {
  if (hasWrongClock(error)) return WRONG_CLOCK;
  return Object.hasOwn(MESSAGES, error.reason) ? MESSAGES[error.reason] : error.message;
};
