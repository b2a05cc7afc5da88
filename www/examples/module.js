// The functions as a module. With a bundler it is `import { startScanning } from 'scanlogin'`.

import { startScanning } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

const another = document.getElementById('another');

const handle = startScanning('qrcode', {
  appId: 'demo-app',
  onSuccess: (_userInfo, ticket) => {
    another.hidden = true;
    signIn(ticket);
  },
  onError: (message, error) => console.warn(error.code, message),
});

another.onclick = () => handle.refresh();
