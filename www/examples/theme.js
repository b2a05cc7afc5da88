// The options of the theme: the colours of the code and a logo. The custom properties are in theme.css.

import { startScanning } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

startScanning('qrcode', {
  appId: 'demo-app',
  autoRefresh: 3,
  // Colours without enough contrast for a camera throw an error.
  colors: { dark: '#0b5a62', light: '#f4fbfa' },
  logo: '/favicon.svg',
  onSuccess: (_userInfo, ticket) => signIn(ticket),
  onError: (message, error) => console.warn(error.code, message),
});
