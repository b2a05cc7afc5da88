// The approver. The person signs in, opens a code, checks who asks, and confirms or declines.
//
// Each step has a module in `/phone/`. This module leads from one step to the next. The browser's history has two kinds of
// entries: the start (sign in, scan), and above it the request (decide, result), so that Back goes one step back.

import { ApiError, TemporaryError } from '/lib/api.js';
import { cancel, cancelInBackground, confirm, markScanned } from '/lib/approver.js';
import { isCode } from '/lib/code.js';
import { errorMessage, needsSignIn, problemMessage } from '/lib/error-messages.js';
import { message, translatePage } from '/lib/messages.js';
import { hasLock, LockError, tokenForConfirm } from '/lib/passkey.js';
import { closeQuestion, openDecide, showQuestion, updateQuestion } from '/phone/decide.js';
import { forgetCode, keepCode, keptCode, takeLink } from '/phone/kept-code.js';
import { openLanguageChoice } from '/phone/language-choice.js';
import { announce, byId, currentStep, isBusy, onTaskError, run, showNotice, showStep, whenIdle } from '/phone/page.js';
import { showResult } from '/phone/result.js';
import { openScan, showScan } from '/phone/scan.js';
import { endSession, onSessionChange, token, user } from '/phone/session.js';
import { openSignIn, showAccount, showSignIn } from '/phone/sign-in.js';
import { startWorker } from '/phone/worker.js';

/** The states of the history entries above the start. Below `LINK` there is no start: a link has opened the page. */
const [REQUEST, LINK] = [{ isRequest: true }, { isRequest: true, isLink: true }];

/** The question that the person has to decide, as `markScanned` returns it. `null` if there is none. */
let question = null;
/** The id of the last code for which the app required another sign-in. A second refusal shows that it does not help. */
let stepUpRandom = null;
/** The id of the last code whose confirm was sent and got no response. `null` if there is none. */
let lostConfirm = null;
/** The code whose `scanned` was sent and has no response: it may be marked as scanned. `null` if there is none. */
let lostScan = null;

// ---- From one step to the next ----

const showStart = () => (token() ? showScan() : showSignIn({ hasRequest: false }));

/** Continues with the code that the tab keeps. The server is told only when a user is signed in and a person sees the page. */
async function openKeptCode() {
  const code = keptCode();
  if (!code) return showStart();
  if (!token()) return showSignIn({ hasRequest: true });
  showStep('open');
  await whenVisible();
  if (keptCode()?.random === code.random) run('check', () => openCode(code));
}

/** Marks a code as scanned, and asks the person. */
async function openCode(code) {
  if ((question ?? lostScan)?.random !== code.random) abandonRequest();
  keepCode(code);
  lostScan = code;
  try {
    question = await markScanned(code, token());
  } catch (error) {
    if (error instanceof ApiError) lostScan = null;
    throw error;
  }
  lostScan = null;
  if (!history.state?.isRequest) history.pushState(REQUEST, '');
  showQuestion(question);
}

/** Opens the link in the address of the page. */
async function openLink() {
  const code = takeLink();
  if (!code) return;
  history.replaceState(LINK, '');
  const asked = question?.random;
  await whenIdle();
  // The link of the question that is shown, or that was just decided.
  if (isCode(code) && [asked, question?.random].includes(code.random)) return;
  const isRepeated = isCode(code) && lostScan?.random === code.random;
  if (!isRepeated) abandonRequest();
  if (isCode(code)) {
    keepCode(code);
    return openKeptCode();
  }
  history.replaceState(null, '');
  await showStart();
  showNotice(problemMessage(code));
}

/** Leaves the request, and goes back to the start. */
function leaveRequest() {
  abandonRequest();
  const { isRequest, isLink } = history.state ?? {};
  // A second click must not go back once more.
  history.replaceState(null, '');
  if (isRequest && !isLink) history.back();
  else showStart();
}

function closeRequest() {
  question = null;
  lostScan = null;
  closeQuestion();
  forgetCode();
}

/** Declines a request that the person leaves without a decision. */
function abandonRequest(owner = token()) {
  const undecided = question ?? lostScan;
  if (undecided) cancelInBackground(undecided, owner);
  if (question) announce(message(mayBeConfirmed() ? 'unknownText' : 'leftText'));
  closeRequest();
}

function signOut() {
  abandonRequest();
  endSession();
  history.replaceState(null, '');
  showSignIn({ hasRequest: false });
}

/** Resolves when a person sees the page. A browser can load it in advance, or in the background. */
function whenVisible() {
  const events = ['visibilitychange', 'prerenderingchange'];
  return new Promise((resolve) => {
    const check = () => {
      if (document.visibilityState !== 'visible' || document.prerendering) return;
      for (const event of events) document.removeEventListener(event, check);
      resolve();
    };
    for (const event of events) document.addEventListener(event, check);
    check();
  });
}

// ---- The decision ----

const confirmQuestion = (number) =>
  run('confirm', async () => {
    const { sameDevice, requester, stepUp } = question;
    const proof = await tokenForConfirm(user(), token(), stepUp);
    const returnUrl = await confirm(question, proof, number).catch(endConfirm);
    const text = message(sameDevice ? 'confirmedSameDevice' : 'confirmedText', {
      app: requester.appName || message('unnamedApp'),
    });
    finish({ outcome: 'confirmed', text, returnUrl });
  });

/** Throws the error of a confirm again. The second time that the app requires another sign-in, it is a `LockError`. */
async function endConfirm(error) {
  if (!(error instanceof ApiError)) lostConfirm = question.random;
  if (error.reason !== 'step-up-required') throw error;
  const isRepeated = stepUpRandom === question.random;
  stepUpRandom = question.random;
  throw isRepeated ? new LockError((await hasLock()) ? 'insufficient' : 'missing', error) : error;
}

/** Declines. `reason` is the name of the message that says what it may mean. */
const declineQuestion = (reason) =>
  run('decline', async () => {
    const returnUrl = await cancel(question, token());
    finish({ outcome: 'declined', text: message(reason), returnUrl });
  });

function finish(result) {
  closeRequest();
  showResult(result);
}

/** Whether a confirm of the kept code got no response. The page may be signed in: only the person can see that. */
const mayBeConfirmed = () => lostConfirm !== null && lostConfirm === keptCode()?.random;

const finishUnknown = () => finish({ outcome: 'unknown', text: message('unknownText') });

/** Shows why the code can't be used. */
const refuse = (error) =>
  mayBeConfirmed() ? finishUnknown() : finish({ outcome: 'refused', text: errorMessage(error) });

/** Asks for the present times, because `performance.now()` may have stopped while the phone slept. */
async function refreshQuestion() {
  const refreshed = question;
  const isCurrent = () => question === refreshed && !isBusy();
  try {
    const current = await markScanned(refreshed, token());
    if (!isCurrent()) return;
    question = current;
    updateQuestion(current);
  } catch (error) {
    // A lost connection is ignored. The decision reports it.
    if (error instanceof ApiError && isCurrent()) showError(error)?.focus();
  }
}

/** Shows an error. Returns the element that gets the focus, if any. */
function showError(error, retry) {
  if (error instanceof TemporaryError) return showNotice(errorMessage(error), { retry });
  if (error instanceof LockError) {
    return showNotice(message(`lock.${error.reason}`), { retry: error.reason === 'cancelled' ? retry : undefined });
  }
  if (!(error instanceof ApiError)) {
    reportError(error);
    return showNotice(message('pageProblem'), { retry });
  }
  if (!needsSignIn(error)) return refuse(error);
  // The tab still keeps the code: after the sign-in, the same request is shown.
  question = null;
  closeQuestion();
  endSession();
  const focus = showSignIn({ hasRequest: keptCode() !== null });
  return showNotice(errorMessage(error), { focus });
}

// ---- Events ----

onTaskError(showError);
openSignIn(openKeptCode);
openScan(openCode);
openDecide({
  confirm: confirmQuestion,
  decline: () => declineQuestion('declinedText'),
  noNumber: () => declineQuestion('noNumberText'),
  expire: () => refuse({ reason: 'expired' }),
});
byId('scan-again').onclick = leaveRequest;
byId('stop-opening').onclick = leaveRequest;
byId('phone-sign-out').onclick = signOut;

onSessionChange(async (old) => {
  const isDeciding = isBusy();
  await whenIdle();
  showAccount();
  // The decision was on its way. Its result is shown.
  if (isDeciding && currentStep() === 'result') return;
  const isOtherUser = old !== null && user()?.id !== old.user?.id;
  // The code belongs to the user who scanned it.
  if (isOtherUser) abandonRequest(old.token);
  if (!token()) return showSignIn({ hasRequest: false });
  if (!old || isOtherUser || question) openKeptCode();
});

addEventListener('hashchange', openLink);

addEventListener('popstate', async () => {
  // A link in the same tab also changes the history.
  if (location.hash) return;
  const isDeciding = isBusy();
  await whenIdle();
  // The decision was on its way. Its result is shown.
  if (isDeciding && currentStep() === 'result') return;
  if (history.state?.isRequest && question) return;
  history.replaceState(null, '');
  const isUnknown = mayBeConfirmed();
  abandonRequest();
  if (isUnknown) finishUnknown();
  else showStart();
});

// Escape declines a question, and leaves a result.
addEventListener('keydown', ({ key, repeat }) => {
  if (key !== 'Escape' || repeat || isBusy()) return;
  if (currentStep() === 'approve') byId('decline').click();
  else if (currentStep() === 'result') leaveRequest();
});

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && question && !isBusy()) refreshQuestion();
});

// ---- Start ----

translatePage();
openLanguageChoice();
showAccount();
startWorker({
  openRequest: () => {
    const undecided = question ?? lostScan;
    return undecided && { random: undecided.random, token: token() };
  },
  hasCode: (random) => keptCode()?.random === random,
});
if (location.hash.length > 1) openLink();
else openKeptCode();
