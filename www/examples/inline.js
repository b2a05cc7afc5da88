// The module that contains the wasm. With a bundler, write `import { startScanning } from 'scanlogin/inline'`.

import { startScanning } from '/scanlogin/inline.js';
import { signIn } from './sign-in.js';

startScanning('qrcode', {
  appId: 'demo-app',
  autoRefresh: 3,
  onSuccess: (_userInfo, ticket) => signIn(ticket),
  onError: (message, error) => console.warn(error.code, message),
});
