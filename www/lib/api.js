// Requests to the server: sends JSON, unwraps the envelope and turns failures into errors.

const TIMEOUT_MS = 15_000;

/**
 * The server refused the request. `reason` is the stable name of the error, such as `expired`. `detail` is the check of the
 * token that failed, for `not-signed-in`.
 */
export class ApiError extends Error {
  constructor({ code, message, reason, detail }) {
    super(String(message ?? 'The server refused the request.'));
    this.code = code;
    this.reason = reason;
    this.detail = detail;
  }
}

/**
 * A lost connection, an invalid response, a rate limit or a fault of the server: the request can be repeated. `reason` names
 * it. `message` is for the person, in English.
 */
export class TemporaryError extends Error {
  constructor(reason, message, options) {
    super(message, options);
    this.reason = reason;
  }
}

/** Called with each response. */
let responded = () => {};

/** Calls `listener(response)` for each response of the server. */
export const onResponse = (listener) => (responded = listener);

export const get = (path) => request(path, { method: 'GET' });

/** `options` are further options of `fetch`. */
export const post = (path, body = {}, token = null, options = {}) =>
  request(path, {
    ...options,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });

/**
 * Returns the `data` of the response. Throws an `ApiError` or a `TemporaryError`. Follows no redirect, because a request can
 * carry the token of the user.
 */
async function request(path, init) {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let status;
  let envelope;
  try {
    const response = await fetch(path, { ...init, cache: 'no-store', redirect: 'error', signal });
    responded(response);
    status = response.status;
    envelope = await response.json();
  } catch (cause) {
    const message = 'Can’t reach the server. Check your connection and try again.';
    throw new TemporaryError('unreachable', message, { cause });
  }
  if (envelope?.code === 200) return envelope.data ?? {};
  if (status === 429) throw new TemporaryError('rate-limited', 'Too many attempts. Wait a moment and try again.');
  if (status >= 500 || typeof envelope?.code !== 'number') {
    throw new TemporaryError('server-problem', 'The server has a problem. Wait a moment and try again.');
  }
  throw new ApiError(envelope);
}
