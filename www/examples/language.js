// A page on which the person selects the language of the widget.

import { startScanning } from '/scanlogin/index.js';
import { signIn } from './sign-in.js';

const language = document.getElementById('language');

const handle = startScanning('qrcode', {
  appId: 'demo-app',
  autoRefresh: 3,
  lang: language.value,
  onSuccess: (_userInfo, ticket) => signIn(ticket),
  onError: (message, error) => console.warn(error.code, message),
});

language.onchange = () => handle.setLanguage(language.value);
