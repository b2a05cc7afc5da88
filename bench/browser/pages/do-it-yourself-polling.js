// A page without a library for the sign-in: npm `qrcode` draws the code, and `check` is polled every 800 ms.

import QRCode from 'qrcode';

const HINTS = { 0: 'Scan the code with the app', 1: 'Confirm in the app', 3: 'You declined', '-1': 'The code has expired' };

async function call(path, options = {}) {
  const headers = { accept: 'application/json', 'x-authing-app-id': 'demo-app', ...options.headers };
  const response = await fetch(`/api/v2/qrcode/${path}`, { ...options, headers });
  const { code, message, data } = await response.json();
  if (code !== 200) throw new Error(message);
  return data;
}

function show(hint) {
  document.getElementById('hint').textContent = hint;
}

async function start() {
  const code = await call('gene', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ scene: 'APP_AUTH' }),
  });
  const { scene, random, userPoolId, createdAt, expireAt } = code;
  const text = JSON.stringify({ scene, random, userPoolId, createdAt, expireAt });
  await QRCode.toCanvas(document.getElementById('code'), text, { width: 240 });
  show(HINTS[0]);

  const poll = async () => {
    const headers = { 'x-scanlogin-poll-token': code.pollToken };
    const { status, ticket } = await call(`check?random=${random}`, { headers });
    if (status === 2) return signIn(ticket);
    show(HINTS[status] ?? 'The sign-in failed');
    if (status === 0 || status === 1) setTimeout(() => poll().catch(fail), 800);
  };
  await poll();
}

function fail(error) {
  show(`${error.message}: reload the page`);
}

start().catch(fail);
