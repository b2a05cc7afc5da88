// A dialog that starts a widget when it opens and destroys the widget when it closes.

import { startScanning } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

const dialog = document.querySelector('dialog');
let handle;

document.getElementById('open').onclick = () => {
  dialog.showModal();
  handle = startScanning('qrcode', {
    appId: 'demo-app',
    autoRefresh: 3,
    onSuccess: async (_userInfo, ticket) => {
      await signIn(ticket);
      dialog.close();
    },
    onError: (message, error) => console.warn(error.code, message),
  });
};

document.getElementById('close').onclick = () => dialog.close();
// The event also covers the Escape key.
dialog.onclose = () => handle.destroy();
