// The custom element. With a bundler, write `import 'scanlogin/element'`.

import '/scanlogin/element.js';
import { signIn } from './sign-in.js';

const login = document.querySelector('scan-login');

login.addEventListener('success', ({ detail }) => signIn(detail.ticket));
login.addEventListener('error', ({ detail }) => console.warn(detail.error.code, detail.message));
