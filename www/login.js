// The login page: asks who is signed in, shows the code when nobody is, and hands the ticket to the site's backend.

import { get, post, Refusal, Unreachable } from '/lib/api.js';
import { nameOf, showPhoto } from '/lib/person.js';

const byId = (id) => document.getElementById(id);
const [signedOut, signedIn, qrcode] = ['signed-out', 'signed-in', 'qrcode'].map(byId);
const [sessionError, signOutError, signOutButton] = ['session-error', 'sign-out-error', 'sign-out'].map(byId);

let scan = null;

function startScan() {
  stopScan();
  sessionError.hidden = true;
  qrcode.hidden = false;
  try {
    scan = window.ScanLogin.startScanning('qrcode', {
      host: location.origin,
      onSuccess: (_userInfo, ticket) => openSession(ticket),
      // The widget shows its own failures and offers the retry; this is for whoever looks after the page.
      onError: (message) => console.warn(`Scan to sign in: ${message}`),
    });
  } catch (error) {
    console.warn(error);
    failSession('The sign-in code could not be loaded. Check your connection, then try again.', () => location.reload());
  }
}

function stopScan() {
  scan?.destroy();
  scan = null;
}

async function openSession(ticket) {
  try {
    const { user } = await post('/demo/session', { ticket });
    showSignedIn(user);
    byId('signed-in-heading').focus();
  } catch (error) {
    const why = error instanceof Refusal ? 'Your phone confirmed, but this page could not sign you in.' : error.message;
    failSession(why, startScan);
  }
}

function failSession(sentence, retry) {
  stopScan();
  qrcode.hidden = true;
  sessionError.hidden = false;
  sessionError.querySelector('p').textContent = sentence;
  const button = sessionError.querySelector('button');
  button.onclick = () => {
    retry();
    byId('sign-in-heading').focus();
  };
  button.focus();
}

function showSignedIn(user) {
  stopScan();
  byId('signed-in-name').textContent = nameOf(user);
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

async function decide() {
  try {
    const { user } = await get('/demo/me');
    showSignedIn(user);
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof Unreachable)) throw error;
    showSignedOut();
  }
}

// A page that comes back from the browser's cache may show yesterday's answer.
addEventListener('pageshow', (event) => event.persisted && decide());
decide();
