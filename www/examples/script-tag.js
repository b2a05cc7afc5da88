// The events of a script tag. The element that `data-target` names gets them, and they bubble to the document.

import { signIn } from './sign-in.js';

document.addEventListener('scanlogin:success', ({ detail }) => signIn(detail.ticket));
document.addEventListener('scanlogin:error', ({ detail }) => console.warn(detail.error.code, detail.message));
