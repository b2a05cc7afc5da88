// A page that shows the code and the status without the widget. scanlogin requests the code and polls.

import { AuthenticationClient } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

const [code, status, another] = ['code', 'status', 'another'].map((id) => document.getElementById(id));
const { qrcode } = new AuthenticationClient({ appId: 'demo-app' });

another.onclick = showCode;
showCode();

async function showCode() {
  another.hidden = true;
  status.textContent = 'Loading code…';
  try {
    const { random, url } = await qrcode.geneCode();
    code.src = url;
    await code.decode();
    code.hidden = false;
    code.classList.remove('faded');
    status.textContent = 'Scan with the app to sign in.';
    poll(random);
  } catch (error) {
    console.warn(error);
    end('Couldn’t load the QR code.');
  }
}

function poll(random) {
  qrcode.startPolling(random, {
    onScanned: ({ nickname }) => {
      code.classList.add('faded');
      status.textContent = `Scanned by ${nickname ?? 'a user'}. Confirm the sign-in on your phone.`;
    },
    onSuccess: (_userInfo, ticket) => {
      status.textContent = 'Sign-in was confirmed.';
      signIn(ticket);
    },
    onCancel: () => end('Sign-in was declined.'),
    onExpired: () => end('This code has expired.'),
    onError: (message, { fatal }) => {
      console.warn(message);
      // scanlogin retries after an error that is not fatal.
      if (fatal) end('Something went wrong.');
    },
  });
}

/** Fades the code and offers a new one. */
function end(message) {
  code.classList.add('faded');
  status.textContent = message;
  another.hidden = false;
}
