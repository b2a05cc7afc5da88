// The hash of the address selects the view. Each view gets an `AbortSignal`, which is aborted when the person leaves
// the view. With a framework, abort the signal when the component unmounts.

import { startScanning } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

const views = {
  home: () => {},
  'sign-in': (signal) =>
    startScanning('qrcode', {
      appId: 'demo-app',
      autoRefresh: 3,
      signal,
      onSuccess: async (_userInfo, ticket) => {
        await signIn(ticket);
        location.hash = 'home';
      },
      onError: (message, error) => console.warn(error.code, message),
    }),
};
/** Ends what the current view started. */
let controller = new AbortController();

function showView() {
  controller.abort();
  controller = new AbortController();
  const current = location.hash === '#sign-in' ? 'sign-in' : 'home';
  for (const view of Object.keys(views)) document.getElementById(`view-${view}`).hidden = view !== current;
  views[current](controller.signal);
}

addEventListener('hashchange', showView);
showView();
