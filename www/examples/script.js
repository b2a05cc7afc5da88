// The script tag defines the global `ScanLogin` with all functions.

import { signIn } from './sign-in.js';

ScanLogin.startScanning('qrcode', {
  appId: 'demo-app',
  autoRefresh: 3,
  onSuccess: (_userInfo, ticket) => signIn(ticket),
  onError: (message, error) => console.warn(error.code, message),
});
