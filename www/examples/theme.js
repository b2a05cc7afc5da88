// What of the look is an option: the colours of the code, and a logo. The rest stands in theme.css.

import { startScanning } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

startScanning('qrcode', {
  appId: 'demo-app',
  // Colours that a camera could not tell apart are refused.
  colors: { dark: '#0b5a62', light: '#f4fbfa' },
  logo: '/favicon.svg',
  onSuccess: (_userInfo, ticket) => signIn(ticket),
  onError: (message, error) => console.warn(error.code, message),
});
