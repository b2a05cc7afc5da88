// A page that was written for authing-js-sdk. docs/migration.md lists the differences.

import { AuthenticationClient } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

const authenticationClient = new AuthenticationClient({
  appId: 'demo-app',
});

authenticationClient.qrcode.startScanning('qrcode', {
  onCodeLoaded: () => list('onCodeLoaded'),
  onCodeShow: () => list('onCodeShow'),
  onStart: () => list('onStart'),
  onResult: ({ status }) => list(`onResult, status ${status}`),
  onScanned: ({ nickname }) => list(`onScanned, ${nickname}`),
  onSuccess: ({ nickname }, ticket) => {
    list(`onSuccess, ${nickname}`);
    signIn(ticket);
  },
  onCancel: () => list('onCancel'),
  onExpired: () => list('onExpired'),
  onError: (message) => list(`onError, ${message}`),
});

/** Adds a callback to the list on the page. */
function list(callback) {
  const item = document.createElement('li');
  item.textContent = callback;
  document.getElementById('callbacks').append(item);
}
