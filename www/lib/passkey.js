// Passkeys (WebAuthn): the person opens the lock of the device, and the server gives a token that says so.

import { ApiError, post } from '/lib/api.js';

/** The key in the local storage: the ids of the users who have a passkey on this device. */
const STORAGE_KEY = 'quaymark-pass-passkeys';

/**
 * The lock was not opened. `reason` is `cancelled` if the person has closed the prompt of the browser or has not answered it
 * in time. It is `unavailable` if the device can't ask, or if the server does not know the passkey any more. If the app
 * requires more than the device has proved, it is `missing` on a device without a lock, and `insufficient` on another one.
 */
export class LockError extends Error {
  constructor(reason, cause) {
    super(reason, { cause });
    this.reason = reason;
  }
}

/**
 * Whether the device has a lock that the page may ask for: a fingerprint, a face, a PIN or a pattern. Browsers ask for it at
 * `https` and at `localhost`. They do not at `127.0.0.1`, because a passkey belongs to a domain name.
 */
export async function hasLock() {
  const isAddress = /^[\d.]+$|^\[/.test(location.hostname);
  if (isAddress || !window.PublicKeyCredential) return false;
  return PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable().catch(() => false);
}

/** Whether `user` has registered a passkey on this device. */
export const hasPasskey = (user) => usersWithPasskey().includes(user?.id);

/**
 * Creates a passkey on this device and registers it; the person opens the lock for that. Returns a token that says so. The
 * server demands a sign-in of the last five minutes. Throws a `LockError`, or an error of `post`.
 */
export async function register(user, token) {
  const { publicKey } = await post('/demo/passkeys/options', {}, token);
  try {
    const credential = await prompt(() => navigator.credentials.create({ publicKey: readCreationOptions(publicKey) }));
    const answer = await post('/demo/passkeys', { credential: writeCredential(credential) }, token);
    rememberPasskey(user);
    return answer.token;
  } catch (error) {
    if (error.cause?.name !== 'InvalidStateError') throw error;
    // The device has a passkey of this user already.
    rememberPasskey(user);
    return verify(user, token);
  }
}

/** Asks the person to open the lock. Returns a token that says so. Throws a `LockError`, or an error of `post`. */
export async function verify(user, token) {
  try {
    const { publicKey } = await post('/demo/step-up/options', {}, token);
    const credential = await prompt(() => navigator.credentials.get({ publicKey: readRequestOptions(publicKey) }));
    const answer = await post('/demo/step-up', { credential: writeCredential(credential) }, token);
    return answer.token;
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === 'no-passkey')) throw error;
    // A demo forgets its passkeys when it ends.
    forgetPasskey(user);
    throw new LockError('unavailable', error);
  }
}

/**
 * The token for `confirm`. The person opens the lock if the user has a passkey on this device, or if the app demands it
 * (`stepUp` of `scanned`). Otherwise, and on a device without a lock, it is `token`: the server decides whether that is
 * enough. Throws a `LockError` with the reason `cancelled`, or an error of `post`.
 */
export async function tokenForConfirm(user, token, stepUp) {
  try {
    if (hasPasskey(user)) return await verify(user, token);
    if (stepUp && (await hasLock())) return await register(user, token);
  } catch (error) {
    if (!(error instanceof LockError && error.reason === 'unavailable')) throw error;
  }
  return token;
}

/** Shows the prompt of the browser, and sorts its errors. */
async function prompt(ask) {
  try {
    return await ask();
  } catch (cause) {
    throw new LockError(['NotAllowedError', 'AbortError'].includes(cause.name) ? 'cancelled' : 'unavailable', cause);
  }
}

function usersWithPasskey() {
  try {
    const users = JSON.parse(localStorage.getItem(STORAGE_KEY));
    return Array.isArray(users) ? users : [];
  } catch {
    // The storage is blocked, or has something else.
    return [];
  }
}

/** The page does not ask for the lock of this user any more, unless an app demands it. */
export const forgetPasskey = (user) => keepUsers(usersWithPasskey().filter((id) => id !== user.id));

const rememberPasskey = (user) => keepUsers([...new Set([...usersWithPasskey(), user.id])]);

function keepUsers(users) {
  try {
    if (users.length === 0) localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, JSON.stringify(users));
  } catch {
    // Without storage, the page asks for no lock unless the server demands it.
  }
}

// ---- JSON of WebAuthn, which browsers read and write themselves only since 2024 and 2025 ----

const readCreationOptions = (options) => ({
  ...options,
  challenge: readBytes(options.challenge),
  user: { ...options.user, id: readBytes(options.user.id) },
  excludeCredentials: options.excludeCredentials.map(readDescriptor),
});

const readRequestOptions = (options) => ({
  ...options,
  challenge: readBytes(options.challenge),
  allowCredentials: options.allowCredentials.map(readDescriptor),
});

const readDescriptor = (descriptor) => ({ ...descriptor, id: readBytes(descriptor.id) });

function writeCredential({ id, rawId, type, authenticatorAttachment, response }) {
  const written = { clientDataJSON: writeBytes(response.clientDataJSON) };
  if (response.attestationObject) {
    written.attestationObject = writeBytes(response.attestationObject);
    written.transports = response.getTransports?.() ?? [];
  } else {
    written.authenticatorData = writeBytes(response.authenticatorData);
    written.signature = writeBytes(response.signature);
    written.userHandle = response.userHandle && writeBytes(response.userHandle);
  }
  return { id, rawId: writeBytes(rawId), type, authenticatorAttachment, response: written };
}

function readBytes(base64url) {
  const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function writeBytes(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
