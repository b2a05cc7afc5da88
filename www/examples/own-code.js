// A login page that shows the code by itself. What a person reads and sees is this page's; asking for the code and
// following what becomes of it is scanlogin's.

import { AuthenticationClient } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

const [code, status, another] = ['code', 'status', 'another'].map((id) => document.getElementById(id));
const { qrcode } = new AuthenticationClient({ appId: 'demo-app' });

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
    onSuccess: (_userInfo, ticket) => {
      status.textContent = 'Confirmed on the phone';
      signIn(ticket);
    },
    onCancel: () => end('Declined on the phone.'),
    onExpired: () => end('This code is too old.'),
    onError: (message, { fatal }) => {
      // What is not fatal is tried again.
      if (fatal) end(message);
    },
  });
}

function end(why) {
  code.classList.add('over');
  status.textContent = why;
  another.hidden = false;
}
