// A login page that shows the code by itself. What a person reads and sees is this page's; asking for the code and
// following what becomes of it is scanlogin's.

import { AuthenticationClient } from '/scanlogin/index.js';

const [code, status, another] = ['code', 'status', 'another'].map((id) => document.getElementById(id));
const { qrcode } = new AuthenticationClient({ host: location.origin });

another.onclick = showCode;
showCode();

async function showCode() {
  another.hidden = true;
  status.textContent = 'One moment…';
  try {
    const { random, url } = await qrcode.geneCode();
    code.src = url;
    await code.decode();
    code.hidden = false;
    code.classList.remove('over');
    status.textContent = 'Scan me';
    follow(random);
  } catch (error) {
    console.warn(error);
    end('There is no code at the moment.');
  }
}

function follow(random) {
  qrcode.startPolling(random, {
    onScanned: ({ nickname }) => {
      code.classList.add('over');
      status.textContent = `${nickname ?? 'Somebody'} has the code on the phone`;
    },
    onSuccess: ({ nickname }, ticket) => signIn(nickname, ticket),
    onCancel: () => end('Declined on the phone.'),
    onExpired: () => end('This code is too old.'),
    onError: (message, { fatal }) => {
      // What is not fatal is tried again.
      if (fatal) end(message);
    },
  });
}

/** Hands the ticket to the site's backend, which opens a session. */
async function signIn(nickname, ticket) {
  const response = await fetch('/demo/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ticket }),
  });
  if (response.ok) status.textContent = `Welcome, ${nickname}`;
  else end('The phone confirmed, but this page could not sign you in.');
}

function end(why) {
  code.classList.add('over');
  status.textContent = why;
  another.hidden = false;
}
