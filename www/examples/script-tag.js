// The script tag alone: the page listens on the document, or on the element that the tag names.

import { signIn } from './sign-in.js';

document.addEventListener('scanlogin:success', ({ detail }) => signIn(detail.ticket));
document.addEventListener('scanlogin:error', ({ detail }) => console.warn(detail.error.code, detail.message));
