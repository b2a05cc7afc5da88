// The approver. It shows one step at a time and sends one request at a time.

import { ApiError, post, TemporaryError } from '/lib/api.js';
import { parseCode } from '/lib/code.js';
import { errorMessage, needsSignIn } from '/lib/error-messages.js';
import { readQrImage } from '/lib/qr-image.js';
import { describeAge, describeBrowser } from '/lib/requester.js';
import { displayName, showPhoto } from '/lib/user.js';

const byId = (id) => document.getElementById(id);
const setText = (id, text) => (byId(id).textContent = text);
const steps = [...document.querySelectorAll('main > section')];
/** The key of the user's session in the session storage. */
const SESSION_KEY = 'quaymark-pass-session';

/** The token of the signed-in user, and the user, for display only. Both are `null` if no user is signed in. */
let { token, user } = JSON.parse(sessionStorage.getItem(SESSION_KEY)) ?? { token: null, user: null };
/** The scanned code, as returned by `readCode`; `null` if there is no code to confirm or cancel. */
let code = null;
let busy = false;

// ---- Steps ----

function showStep(id) {
  for (const step of steps) step.hidden = step.id !== id;
  clearNotices();
  byId('account').hidden = !token;
  byId('account-photo').hidden = !user;
  scrollTo(0, 0);
  byId(id).querySelector('h1').focus();
}

async function signIn() {
  const username = byId('username').value.trim();
  const password = byId('password').value;
  try {
    ({ token, user } = await post('/demo/login', { username, password }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return showNotice('Wrong user name or password.', { focus: byId('password') });
  }
  sessionStorage.setItem(SESSION_KEY, JSON.stringify({ token, user }));
  byId('password').value = '';
  showAccount();
  showStep('step-scan');
}

function showAccount() {
  if (user) showPhoto(byId('account-photo'), user);
}

function signOut() {
  sessionStorage.removeItem(SESSION_KEY);
  token = user = null;
  byId('username').value = '';
  reset('step-sign-in');
}

/** Forgets the code and shows a step. */
function reset(step = 'step-scan') {
  code = null;
  byId('code-text').value = '';
  showStep(step);
}

async function scanText(text) {
  const { random, problem } = parseCode(text);
  if (problem) return showNotice(problem, { focus: byId('code-text') });
  code = await readCode(random);
  showRequester();
  showStep('step-approve');
}

/**
 * Marks a code as scanned. Returns its id, its requester, and when it was created and expires. These times are in
 * milliseconds of `performance.now()`, because the clock of the phone can be wrong.
 */
async function readCode(random) {
  const { requester, age, expiresIn } = await post('/api/v2/qrcode/scanned', { random }, token);
  const now = performance.now();
  return { random, requester: requester ?? {}, createdAt: now - age * 1000, expiresAt: now + expiresIn * 1000 };
}

/** Reads the code again, as `performance.now()` may have stopped while the phone slept. Ignores a lost connection. */
async function refreshCode() {
  const refreshed = code;
  const isCurrent = () => code === refreshed && !busy;
  try {
    const read = await readCode(refreshed.random);
    if (isCurrent()) code = read;
    updateTimes();
  } catch (error) {
    if (error instanceof ApiError && isCurrent()) showError(error)?.focus();
  }
}

async function scanImage(file) {
  const { text, problem } = await readQrImage(file, (text) => !parseCode(text).problem);
  if (problem) return showNotice(problem, { focus: byId('code-file') });
  if (parseCode(text).problem) {
    const message = 'The code in this image is not a sign-in code. Use the code on the sign-in page.';
    return showNotice(message, { focus: byId('code-file') });
  }
  await scanText(text);
}

function showRequester() {
  const { appName, origin, ip, userAgent } = code.requester;
  setText('requester-app', appName || 'Unnamed app');
  setText('requester-origin', origin || 'Unknown address');
  setText('requester-browser', describeBrowser(userAgent));
  setText('requester-ip', ip || 'Unknown');
  setText('approve-as', user ? ` as ${displayName(user)}` : '');
  updateTimes();
}

/** Shows the age of the code, and that it has expired. */
function updateTimes() {
  if (!code) return;
  const now = performance.now();
  if (now >= code.expiresAt && !busy) return showRefusal({ reason: 'expired' });
  setText('requester-asked', describeAge((now - code.createdAt) / 1000));
}

async function confirm() {
  await post('/api/v2/qrcode/confirm', { random: code.random }, token);
  const app = code.requester.appName || 'The page';
  showResult('confirmed', 'Confirmed', `${app} is signing you in. Continue on your computer.`);
}

async function decline() {
  await post('/api/v2/qrcode/cancel', { random: code.random }, token);
  showResult(
    'declined',
    'Declined',
    'If you didn’t ask for this, someone may be trying to get into your account. ' +
      'Never scan a code that someone sent you.',
  );
}

/** Shows the last step. `outcome` selects the icon: `confirmed`, `declined` or `refused`. */
function showResult(outcome, heading, text) {
  code = null;
  byId('result').dataset.outcome = outcome;
  byId('result').querySelector('h1').textContent = heading;
  setText('result-text', text);
  showStep('step-result');
}

const showRefusal = (error) => showResult('refused', 'Couldn’t use this code', errorMessage(error));

// ---- Progress and errors ----

/** Runs `task`, unless another task is running. Announces `progress` and shows errors in the current step. */
async function run(progress, task) {
  if (busy) return;
  setBusy(true);
  clearNotices();
  setText('status', progress);
  let focus = null;
  try {
    focus = await task();
  } catch (error) {
    focus = showError(error, () => run(progress, task));
  }
  setText('status', '');
  setBusy(false);
  focus?.focus();
  document.querySelector('main [role=alert]:not([hidden])')?.scrollIntoView({ block: 'nearest' });
}

/** Shows an error. Returns the element that gets the focus, if any. */
function showError(error, retry) {
  if (error instanceof TemporaryError) return showNotice(error.message, { retry });
  if (!(error instanceof ApiError)) throw error;
  if (!needsSignIn(error)) return showRefusal(error);
  signOut();
  return showNotice(errorMessage(error), { focus: byId('username') });
}

function setBusy(isBusy) {
  busy = isBusy;
  document.querySelector('main').setAttribute('aria-busy', String(isBusy));
  for (const control of document.querySelectorAll('button, input')) control.disabled = isBusy;
}

function clearNotices() {
  for (const notice of document.querySelectorAll('main [role=alert]')) {
    notice.hidden = true;
    notice.replaceChildren();
  }
}

/** Shows a message in the current step, with a button for `retry`. Returns the element that gets the focus. */
function showNotice(message, { retry, focus }) {
  const notice = currentStep().querySelector('[role=alert]');
  const paragraph = document.createElement('p');
  paragraph.textContent = message;
  notice.replaceChildren(paragraph);
  notice.hidden = false;
  if (!retry) return focus;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button secondary';
  button.textContent = 'Try again';
  button.onclick = retry;
  notice.append(button);
  return button;
}

// ---- Input ----

const currentStep = () => steps.find((step) => !step.hidden);
/** The step of the last single click. */
let clickedStep = null;

// The second click of a double click is meant for the step that the first click has left. It must not confirm a code.
addEventListener(
  'click',
  (event) => {
    if (event.detail <= 1) {
      clickedStep = currentStep();
    } else if (clickedStep !== currentStep()) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  },
  { capture: true },
);

/** Calls `action` when the form of the button `id` is submitted. */
const onSubmit = (id, action) =>
  byId(id).form.addEventListener('submit', (event) => {
    event.preventDefault();
    action();
  });

const runScanText = (text) => run('Checking the code…', () => scanText(text));
const runScanImage = (file) => file && run('Reading the image…', () => scanImage(file));
const isScanning = () => !byId('step-scan').hidden;

onSubmit('sign-in', () => run('Signing in…', signIn));
onSubmit('use-text', () => runScanText(byId('code-text').value));
byId('confirm').onclick = () => run('Confirming…', confirm);
byId('decline').onclick = () => run('Declining…', decline);
byId('scan-again').onclick = () => reset();
byId('phone-sign-out').onclick = signOut;

byId('code-file').onchange = ({ target }) => {
  runScanImage(target.files[0]);
  target.value = '';
};

addEventListener('paste', (event) => {
  if (!isScanning()) return;
  const hasFile = event.clipboardData.files.length > 0;
  if (hasFile) event.preventDefault();
  if (hasFile || event.target !== byId('code-text')) runScanTransfer(event.clipboardData);
});

/** Reads the code in what was pasted or dropped: a file or a text. */
function runScanTransfer(transfer) {
  const [file] = transfer.files;
  const text = transfer.getData('text/plain').trim();
  if (file) {
    runScanImage(file);
  } else if (text && !busy) {
    byId('code-text').value = text;
    runScanText(text);
  }
}

// The whole window accepts files, because the browser would open a file that is dropped beside the drop area.
for (const type of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  addEventListener(type, (event) => {
    event.preventDefault();
    const isOver = type === 'dragover' || type === 'dragenter';
    document.querySelector('.drop').classList.toggle('over', isOver && isScanning());
    if (type === 'drop' && isScanning()) runScanTransfer(event.dataTransfer);
  });
}

// Escape declines a code, and leaves a result.
addEventListener('keydown', ({ key, repeat }) => {
  if (key !== 'Escape' || repeat || busy) return;
  if (!byId('step-approve').hidden) byId('decline').click();
  else if (!byId('step-result').hidden) byId('scan-again').click();
});

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && code && !busy) refreshCode();
});

setInterval(updateTimes, 1000);
showAccount();
showStep(token ? 'step-scan' : 'step-sign-in');
