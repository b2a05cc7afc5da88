// Calls to the server: sends JSON, opens the envelope, and tells a refusal from a server that can't be reached.

const PATIENCE = 15_000;

/** The server understood, and said no. `reason` is its stable word for why. */
export class Refusal extends Error {
  constructor({ code, message, reason }) {
    super(String(message ?? 'The server refused.'));
    this.code = code;
    this.reason = reason;
  }
}

/** No usable answer. Its message is meant for people; the same call may work a moment later. */
export class Unreachable extends Error {}

export const get = (path) => call(path, { method: 'GET' });

export const post = (path, body = {}, token = null) =>
  call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });

async function call(path, init) {
  let status;
  let envelope;
  try {
    const response = await fetch(path, { ...init, cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });
    status = response.status;
    envelope = await response.json();
  } catch (cause) {
    throw new Unreachable('The server does not answer. Check your connection, then try again.', { cause });
  }
  if (envelope?.code === 200) return envelope.data ?? {};
  if (status === 429) throw new Unreachable('That was too often in a short time. Wait a moment, then try again.');
  if (status >= 500 || typeof envelope?.code !== 'number') {
    throw new Unreachable('The server has a problem right now. Wait a moment, then try again.');
  }
  throw new Refusal(envelope);
}
