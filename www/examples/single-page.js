// Views by the hash of the address. What a view starts ends with its signal: here a widget, and it may be listeners and
// requests as well. A framework does the same when it unmounts.

import { startScanning } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

const views = {
  home: () => {},
  'sign-in': (signal) =>
    startScanning('qrcode', {
      appId: 'demo-app',
      signal,
      onSuccess: async (_userInfo, ticket) => {
        await signIn(ticket);
        location.hash = 'home';
      },
      onError: (message, error) => console.warn(error.code, message),
    }),
};
let leaving = new AbortController();

function show() {
  leaving.abort();
  leaving = new AbortController();
  const shown = location.hash === '#sign-in' ? 'sign-in' : 'home';
  for (const view of Object.keys(views)) document.getElementById(`view-${view}`).hidden = view !== shown;
  views[shown](leaving.signal);
}

addEventListener('hashchange', show);
show();
