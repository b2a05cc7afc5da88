// The step "Sign in".

import { ApiError, post } from '/lib/api.js';
import { message } from '/lib/messages.js';
import { forgetPasskey, hasLock, LockError, register } from '/lib/passkey.js';
import { showPhoto } from '/lib/user.js';
import { byId, run, setText, showNotice, showStep, whenIdle } from '/phone/page.js';
import { startSession, token, user } from '/phone/session.js';

/** Whether the page can ask for the lock of the device, as a promise. */
const canUseLock = hasLock();

/** Shows the step. `hasRequest` is whether a sign-in request waits for the user. Returns the field that gets the focus. */
export function showSignIn({ hasRequest }) {
  setText('sign-in-lead', message(hasRequest ? 'signInForRequest' : 'signInLead'));
  showStep('sign-in');
  showAccount();
  return byId('username');
}

/** Shows who is signed in, at the top of the page. */
export function showAccount() {
  byId('account').hidden = !token();
  byId('account-photo').hidden = !user();
  if (user()) showPhoto(byId('account-photo'), user());
}

/** Calls `signedIn()` after a sign-in. */
export function openSignIn(signedIn) {
  canUseLock.then((can) => (byId('lock-choice').hidden = !can));
  byId('sign-in-form').addEventListener('submit', (event) => {
    event.preventDefault();
    run('signIn', () => signIn(signedIn));
  });
}

async function signIn(signedIn) {
  const username = byId('username').value.trim();
  const password = byId('password').value;
  // The choice is made for the person, who can take it back.
  const useLock = byId('use-lock').checked && (await canUseLock);
  let session;
  try {
    session = await post('/demo/login', { username, password });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return showNotice(message('wrongPassword'), { focus: byId('password') });
  }
  if (useLock) await registerLock(session);
  else forgetPasskey(session.user);
  startSession(session);
  byId('sign-in-form').reset();
  showAccount();
  whenIdle().then(signedIn);
}

/**
 * Throws a `LockError` if the person has not opened the lock. If the device can't ask for its lock, or the server refuses the
 * passkey, the person signs in without it: the server decides at `confirm` whether that is enough.
 */
async function registerLock({ user, token }) {
  try {
    await register(user, token);
  } catch (error) {
    if (!(error instanceof ApiError || (error instanceof LockError && error.reason === 'unavailable'))) throw error;
  }
}
