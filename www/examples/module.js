// The ES module. With a bundler, write `import { startScanning } from 'scanlogin'`.

import { startScanning } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

const refresh = document.getElementById('another');

const handle = startScanning('qrcode', {
  appId: 'demo-app',
  autoRefresh: 3,
  onSuccess: (_userInfo, ticket) => {
    refresh.hidden = true;
    signIn(ticket);
  },
  onError: (message, error) => console.warn(error.code, message),
});

refresh.onclick = () => handle.refresh();
