// A page that was written for authing-js-sdk. What differs stands in README.md, "Moving from authing-js-sdk".

import { AuthenticationClient } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

const authenticationClient = new AuthenticationClient({
  appId: 'demo-app',
});

authenticationClient.qrcode.startScanning('qrcode', {
  onCodeLoaded: () => tell('onCodeLoaded'),
  onCodeShow: () => tell('onCodeShow'),
  onStart: () => tell('onStart'),
  onResult: ({ status }) => tell(`onResult, status ${status}`),
  onScanned: ({ nickname }) => tell(`onScanned, ${nickname}`),
  onSuccess: ({ nickname }, ticket) => {
    tell(`onSuccess, ${nickname}`);
    signIn(ticket);
  },
  onCancel: () => tell('onCancel'),
  onExpired: () => tell('onExpired'),
  onError: (message) => tell(`onError, ${message}`),
});

function tell(words) {
  const item = document.createElement('li');
  item.textContent = words;
  document.getElementById('told').append(item);
}
