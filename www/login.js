// The login page. It shows the signed-in user, or the widget if no user is signed in. It sends the ticket to the
// backend of the site.

import { ApiError, get, post, TemporaryError } from '/lib/api.js';
import { displayName, showPhoto } from '/lib/user.js';

const byId = (id) => document.getElementById(id);
const [signedOut, signedIn, qrcode] = ['signed-out', 'signed-in', 'qrcode'].map(byId);
const [sessionError, signOutError, signOutButton] = ['session-error', 'sign-out-error', 'sign-out'].map(byId);

/** The app of this page. Its codes are links to the phone page. */
const APP_ID = 'demo-login';

/** The handle of the running widget. */
let scan = null;

function startScan() {
  stopScan();
  sessionError.hidden = true;
  qrcode.hidden = false;
  try {
    scan = window.ScanLogin.startScanning('qrcode', {
      host: location.origin,
      appId: APP_ID,
      // A code that expires is replaced three times. After that, nobody seems to sit at the page.
      autoRefresh: 3,
      onSuccess: (_userInfo, ticket) => openSession(ticket),
      // The widget itself shows the error to the person and offers a retry. The log is for developers.
      onError: (message) => console.warn(`Scan to sign in: ${message}`),
    });
  } catch (error) {
    console.warn(error);
    showSessionError('Couldn’t load the QR code. Check your connection and try again.', () => location.reload());
  }
}

function stopScan() {
  scan?.destroy();
  scan = null;
}

async function openSession(ticket) {
  try {
    const { user } = await post('/demo/session', { ticket, appId: APP_ID });
    showSignedIn(user);
    byId('signed-in-heading').focus();
  } catch (error) {
    // The ticket can be sent again. The person does not have to scan and confirm once more.
    if (error instanceof TemporaryError) return showSessionError(error.message, () => openSession(ticket));
    if (!(error instanceof ApiError)) throw error;
    showSessionError('You confirmed on your phone, but the sign-in failed on this page.', startScan);
  }
}

function showSessionError(message, retry) {
  stopScan();
  qrcode.hidden = true;
  sessionError.hidden = false;
  sessionError.querySelector('p').textContent = message;
  const button = sessionError.querySelector('button');
  button.disabled = false;
  button.onclick = () => {
    // A second click would send the ticket twice.
    button.disabled = true;
    byId('sign-in-heading').focus();
    retry();
  };
  button.focus();
}

function showSignedIn(user) {
  stopScan();
  byId('signed-in-name').textContent = displayName(user);
  showPhoto(byId('signed-in-photo'), user);
  showView(signedIn, 'Signed in – Quaymark');
}

function showSignedOut() {
  showView(signedOut, 'Sign in – Quaymark');
  startScan();
}

function showView(view, title) {
  signedOut.hidden = view !== signedOut;
  signedIn.hidden = view !== signedIn;
  byId('demo-hint').hidden = view !== signedOut;
  signOutError.hidden = true;
  document.title = title;
}

signOutButton.onclick = async () => {
  signOutButton.disabled = true;
  signOutError.hidden = true;
  try {
    await post('/demo/logout');
    showSignedOut();
    byId('sign-in-heading').focus();
  } catch (error) {
    signOutError.textContent = error.message;
    signOutError.hidden = false;
  } finally {
    signOutButton.disabled = false;
  }
};

async function showSession() {
  try {
    const { user } = await get('/demo/me');
    showSignedIn(user);
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof TemporaryError)) throw error;
    // A code that is shown already stays: it may be approved.
    if (!scan) showSignedOut();
  }
}

// A page that is restored from the back/forward cache can show an old session.
addEventListener('pageshow', (event) => event.persisted && showSession());
showSession();
