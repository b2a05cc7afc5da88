// The approver: one step on the screen at a time, one call to the server at a time.

import { post, Refusal, Unreachable } from '/lib/api.js';
import { readCode } from '/lib/code.js';
import { nameOf, showPhoto } from '/lib/person.js';
import { readPicture } from '/lib/picture.js';
import { needsSignIn, refusalWords } from '/lib/refusals.js';
import { agoWords, browserWords } from '/lib/requester.js';

const byId = (id) => document.getElementById(id);
const say = (id, text) => (byId(id).textContent = text);
const steps = [...document.querySelectorAll('main > section')];
const TOKEN = 'quaymark-pass-token';

/** Only the token outlives a reload; `user` is for the eye. `code` is what is being answered. */
let token = sessionStorage.getItem(TOKEN);
let user = null;
let code = null;
let busy = false;

// ---- The steps ----

function show(id) {
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
    if (!(error instanceof Refusal)) throw error;
    return complain('The user name or the password is not right.', { focus: byId('password') });
  }
  sessionStorage.setItem(TOKEN, token);
  byId('password').value = '';
  if (user) showPhoto(byId('account-photo'), user);
  show('step-scan');
}

function signOut() {
  sessionStorage.removeItem(TOKEN);
  token = user = code = null;
  byId('username').value = '';
  startScan('step-sign-in');
}

function startScan(id = 'step-scan') {
  code = null;
  byId('code-text').value = '';
  show(id);
}

async function useText(text) {
  const { random, problem } = readCode(text);
  if (problem) return complain(problem, { focus: byId('code-text') });
  const { requester } = await post('/api/v2/qrcode/scanned', { random }, token);
  code = { random, requester: requester ?? {} };
  showRequester();
  show('step-approve');
}

async function usePicture(picture) {
  const { text, problem } = await readPicture(picture);
  if (problem) return complain(problem, { focus: byId('code-file') });
  const { problem: wrong } = readCode(text);
  if (wrong) return complain('The code in this picture is not for signing in. Use the one on the sign-in page.', { focus: byId('code-file') });
  await useText(text);
}

function showRequester() {
  const { appName, origin, ip, userAgent } = code.requester;
  say('requester-app', appName || 'A site without a name');
  say('requester-origin', origin || 'Unknown address');
  say('requester-browser', browserWords(userAgent));
  say('requester-ip', ip || 'Unknown');
  say('approve-as', user ? ` as ${nameOf(user)}` : '');
  tellAge();
}

function tellAge() {
  if (code) say('requester-asked', agoWords(code.requester.createdAt));
}

async function answer(call, outcome, heading, words) {
  await post(`/api/v2/qrcode/${call}`, { random: code.random }, token);
  showResult(outcome, heading, words(code.requester.appName || 'The page'));
}

const confirm = () => answer('confirm', 'confirmed', 'Confirmed', (name) => `${name} is signing you in now. Go on there.`);
const decline = () => answer('cancel', 'declined', 'Declined', () => 'Nobody was signed in. If you did not ask for this, there is nothing more to do.');

function showResult(outcome, heading, words) {
  code = null;
  byId('result').dataset.outcome = outcome;
  byId('result').querySelector('h1').textContent = heading;
  say('result-words', words);
  show('step-result');
}

// ---- One thing at a time, and every failure in words ----

/** Does `work` unless something is under way already. What fails is shown where the person is. */
async function run(words, work) {
  if (busy) return;
  setBusy(true);
  clearNotices();
  say('status', words);
  let focus = null;
  try {
    focus = await work();
  } catch (error) {
    focus = explain(error, () => run(words, work));
  }
  say('status', '');
  setBusy(false);
  focus?.focus();
}

function explain(error, retry) {
  if (error instanceof Unreachable) return complain(error.message, { retry });
  if (!(error instanceof Refusal)) throw error;
  if (!needsSignIn(error)) return showResult('refused', 'That did not work', refusalWords(error));
  signOut();
  return complain(refusalWords(error), { focus: byId('username') });
}

function setBusy(on) {
  busy = on;
  document.querySelector('main').ariaBusy = String(on);
  for (const control of document.querySelectorAll('button, input')) control.disabled = on;
}

function clearNotices() {
  for (const notice of document.querySelectorAll('main [role=alert]')) {
    notice.hidden = true;
    notice.replaceChildren();
  }
}

/** Shows `sentence` in the open step; answers the element that is to have the focus. */
function complain(sentence, { retry, focus }) {
  const notice = steps.find((step) => !step.hidden).querySelector('[role=alert]');
  const words = document.createElement('p');
  words.textContent = sentence;
  notice.replaceChildren(words);
  notice.hidden = false;
  if (!retry) return focus;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button quiet';
  button.textContent = 'Try again';
  button.onclick = retry;
  notice.append(button);
  return button;
}

// ---- What a person can do ----

const onSubmit = (id, act) =>
  byId(id).form.addEventListener('submit', (event) => {
    event.preventDefault();
    act();
  });

onSubmit('sign-in', () => run('Signing in…', signIn));
onSubmit('use-text', () => run('Asking the server…', () => useText(byId('code-text').value)));
byId('confirm').onclick = () => run('Confirming…', confirm);
byId('decline').onclick = () => run('Declining…', decline);
byId('scan-again').onclick = () => startScan();
byId('phone-sign-out').onclick = signOut;

const scanning = () => !byId('step-scan').hidden;
const startPicture = (picture) => picture && run('Reading the picture…', () => usePicture(picture));

byId('code-file').onchange = ({ target }) => {
  startPicture(target.files[0]);
  target.value = '';
};

addEventListener('paste', (event) => {
  if (!scanning()) return;
  const [picture] = event.clipboardData.files;
  const text = event.clipboardData.getData('text/plain').trim();
  if (picture) {
    event.preventDefault();
    startPicture(picture);
  } else if (text && event.target !== byId('code-text')) {
    byId('code-text').value = text;
    run('Asking the server…', () => useText(text));
  }
});

// A file that misses the drop area must not replace the page.
for (const type of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  addEventListener(type, (event) => {
    event.preventDefault();
    const over = type === 'dragover' || type === 'dragenter';
    document.querySelector('.drop').classList.toggle('over', over && scanning());
    if (type === 'drop' && scanning()) startPicture(event.dataTransfer.files[0]);
  });
}

// Escape is the careful answer: it declines, or goes on from a result.
addEventListener('keydown', ({ key, repeat }) => {
  if (key !== 'Escape' || repeat || busy) return;
  if (!byId('step-approve').hidden) byId('decline').click();
  else if (!byId('step-result').hidden) byId('scan-again').click();
});

setInterval(tellAge, 1000);
show(token ? 'step-scan' : 'step-sign-in');
