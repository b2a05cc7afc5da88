// The server's reasons for a refusal, in plain words.

const SENTENCES = {
  'expired': 'This code has expired. Ask for a new one on the sign-in page.',
  'already-scanned': 'Someone else has scanned this code already. Ask for a new one on the sign-in page.',
  'already-ended': 'This code has been used already. Ask for a new one on the sign-in page.',
  'not-scanned': 'This code has to be scanned again before it can be answered.',
  'wrong-user': 'This code was scanned by another user. Only they can answer it.',
  'unknown-code': 'The server does not know this code. It may be too old, or belong to another site.',
  'not-signed-in': 'You are signed out. Sign in again to go on.',
  'login-expired': 'Your sign-in has ended. Sign in again to go on.',
  'wrong-pool': 'This code belongs to another organisation. Your account can’t be used for it.',
};

/** The refusals that only a new sign-in can cure. */
export const needsSignIn = (refusal) => ['not-signed-in', 'login-expired'].includes(refusal.reason);

export const refusalWords = (refusal) =>
  Object.hasOwn(SENTENCES, refusal.reason) ? SENTENCES[refusal.reason] : refusal.message;
