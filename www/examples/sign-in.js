// What every example does with its ticket: hands it to the site's backend, which exchanges it for the user and opens a
// session. The backend here is the demo's; yours does what README.md says under "The ticket".

import { post } from '/lib/api.js';
import { nameOf } from '/lib/person.js';

export async function signIn(ticket) {
  const welcome = document.getElementById('welcome');
  try {
    const { user } = await post('/demo/session', { ticket });
    welcome.textContent = `Welcome, ${nameOf(user)}`;
  } catch (error) {
    welcome.textContent = `The phone confirmed, but this page could not sign you in: ${error.message}`;
  }
}
