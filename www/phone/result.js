// The last step: what happened to the request.

import { message } from '/lib/messages.js';
import { byId, setText, showStep } from '/phone/page.js';

/**
 * Shows the result. `outcome` selects the icon: `confirmed`, `declined`, `refused` or `unknown`. `returnUrl` is the address of
 * a page on this device that has to be opened, else `null`.
 */
export function showResult({ outcome, text, returnUrl = null }) {
  byId('result').dataset.outcome = outcome;
  setText('result-heading', message(`${outcome}Heading`));
  setText('result-text', text);
  // The address contains a code for this browser only, so it is in no link that could be copied or shared.
  const goBack = () => location.replace(returnUrl);
  byId('go-back').hidden = returnUrl === null;
  byId('go-back').onclick = goBack;
  showStep('result');
  if (returnUrl !== null) goBack();
}
