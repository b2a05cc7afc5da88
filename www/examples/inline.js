// The module with the wasm inside. With a bundler it is `import { startScanning } from 'scanlogin/inline'`.

import { startScanning } from '/scanlogin/inline.js';
import { signIn } from './sign-in.js';

startScanning('qrcode', {
  appId: 'demo-app',
  onSuccess: (_userInfo, ticket) => signIn(ticket),
  onError: (message, error) => console.warn(error.code, message),
});
