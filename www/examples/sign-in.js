// All examples send the ticket to the backend of the site. The backend exchanges the ticket for the user and starts a
// session. The demo server has such a backend. For your backend, see docs/protocol.md, "userinfo".

import { post } from '/lib/api.js';
import { displayName } from '/lib/user.js';

export async function signIn(ticket) {
  const welcome = document.getElementById('welcome');
  try {
    const { user } = await post('/demo/session', { ticket });
    welcome.textContent = `Welcome, ${displayName(user)}`;
  } catch (error) {
    welcome.textContent = `You confirmed on your phone, but the sign-in failed on this page: ${error.message}`;
  }
}
