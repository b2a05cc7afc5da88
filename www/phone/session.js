// The signed-in user. All tabs of the browser share the session, until the person signs out in one of them.
//
// The local storage keeps the token. SECURITY.md says what this costs.

const KEY = 'quaymark-pass-session';

/** `{ token, user }`, or `null` if no user is signed in. */
let session = read();

/** The token of the user for the calls of the server. `null` if no user is signed in. */
export const token = () => session?.token ?? null;
/** The user, for display only. */
export const user = () => session?.user ?? null;

/** The user pool of the user, as far as the token tells it. The server checks it. */
export function userPoolId() {
  try {
    const payload = token().split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    return JSON.parse(atob(payload)).userPoolId;
  } catch {
    return undefined;
  }
}

/** Keeps the session for all tabs. If the browser blocks the storage, the session ends with the page. */
export function startSession({ token, user }) {
  session = { token, user };
  try {
    localStorage.setItem(KEY, JSON.stringify(session));
  } catch {
    // The session is in memory.
  }
}

export function endSession() {
  session = null;
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing was kept.
  }
}

/** Calls `changed(old)` with the session before, or `null`, when another tab has started or ended the session. */
export function onSessionChange(changed) {
  const update = () => {
    const old = session;
    session = read();
    if (token() !== (old?.token ?? null)) changed(old);
  };
  // The key is `null` when the storage was cleared.
  addEventListener('storage', ({ key }) => [KEY, null].includes(key) && update());
  // A page that the browser has kept for the way back got no events.
  addEventListener('pageshow', ({ persisted }) => persisted && update());
}

/** The kept session. An unreadable value counts as no session. */
function read() {
  try {
    const { token, user } = JSON.parse(localStorage.getItem(KEY));
    return typeof token === 'string' && typeof user === 'object' ? { token, user } : null;
  } catch {
    return null;
  }
}
