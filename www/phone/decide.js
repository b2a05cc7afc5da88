// The step "Sign in on this computer?": shows who asks, and lets the person decide.

import { message } from '/lib/messages.js';
import { describeAge, describeBrowser, describeTimeLeft } from '/lib/requester.js';
import { displayName, showPhoto } from '/lib/user.js';
import { announce, byId, isBusy, setText, showStep } from '/phone/page.js';
import { user } from '/phone/session.js';

/** The question that is shown. `null` if there is none. */
let question = null;
/** The functions of the step, see `openDecide`. */
let decision;
/** The edges of the warning that have not been in view. */
let unseen = new Set();

const warningEdges = [...document.querySelectorAll('.warning > i')];
const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) unseen.delete(target);
  updateButtons();
});

/**
 * Connects the step with its decisions: `confirm(number)`, where `number` is `null` if none is asked for, `decline()`,
 * `noNumber()` if the page shows none of the numbers, and `expire()` when the time is over.
 */
export function openDecide(functions) {
  decision = functions;
  byId('confirm').onclick = () => ifWarned(() => decision.confirm(null));
  byId('decline').onclick = () => decision.decline();
  byId('none-of-them').onclick = () => decision.noNumber();
  setInterval(updateTimes, 1000);
}

/** Shows a question. @param {import('/lib/approver.js').Question} newQuestion */
export function showQuestion(newQuestion) {
  question = newQuestion;
  const { requester, numbers, sameDevice } = question;
  setText('approve-heading', message(sameDevice ? 'approveHeadingSameDevice' : 'approveHeading'));
  setText('warning-text', message(sameDevice ? 'warningSameDevice' : 'warning'));
  setText('requester-app', requester.appName || message('unnamedApp'));
  setText('requester-origin', requester.origin || message('unknownAddress'));
  setText('requester-browser', describeBrowser(requester.userAgent));
  setText('requester-ip', requester.ip || message('unknown'));
  showNetwork(question.sameNetwork);
  showUser();
  showCustomData(question.customData);
  showNumbers(numbers);
  updateTimes();
  showStep('approve');
  watchWarning();
}

/** Takes the present times of the same question. */
export function updateQuestion(newQuestion) {
  question = newQuestion;
  updateTimes();
}

export const closeQuestion = () => (question = null);

/** Shows the user who will be signed in. */
function showUser() {
  setText('approve-as', displayName(user()) || message('unknown'));
  showPhoto(byId('approve-photo'), user());
}

function showNetwork(sameNetwork) {
  byId('network-row').hidden = sameNetwork === null;
  byId('network-row').classList.toggle('caution', sameNetwork === false);
  setText('requester-network', message(sameNetwork ? 'sameNetwork' : 'otherNetwork'));
}

/** Shows the custom data that the app allows: as text, because it comes from the page. */
function showCustomData(entries) {
  const rows = entries.map(([name, value]) => {
    const row = document.createElement('div');
    row.append(inElement('dt', name), inElement('dd', value));
    return row;
  });
  byId('from-page').hidden = rows.length === 0;
  byId('custom-data').replaceChildren(...rows);
}

function inElement(tag, text) {
  const element = document.createElement(tag);
  const isolated = document.createElement('bdi');
  isolated.textContent = text;
  element.append(isolated);
  return element;
}

/** Shows the numbers to choose from, in place of the button "Confirm". */
function showNumbers(numbers) {
  const buttons = (numbers ?? []).map((number) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button number';
    button.textContent = number;
    button.onclick = () => ifWarned(() => decision.confirm(number));
    return button;
  });
  byId('number-buttons').replaceChildren(...buttons);
  byId('numbers').hidden = !numbers;
  byId('none-of-them').hidden = !numbers;
  byId('confirm').hidden = Boolean(numbers);
}

/**
 * Shows the age of the code and the time that is left, by `performance.now()`, which does not follow changes of the system
 * clock.
 */
function updateTimes() {
  if (!question) return;
  const now = performance.now();
  setText('requester-asked', describeAge((now - question.createdAt) / 1000));
  byId('time-row').hidden = question.expiresAt === Infinity;
  if (question.expiresAt === Infinity) return;
  setText('time-left', describeTimeLeft((question.expiresAt - now) / 1000));
  if (now >= question.expiresAt && !isBusy()) decision.expire();
}

// ---- The warning comes before the decision ----

/** Allows to confirm only when both edges of the warning have been in view: in a small window, it has to be scrolled to. */
function watchWarning() {
  observer.disconnect();
  unseen = new Set(warningEdges);
  for (const edge of warningEdges) observer.observe(edge);
  updateButtons();
}

function updateButtons() {
  const isOpen = unseen.size === 0;
  byId('read-warning').hidden = isOpen;
  for (const button of [byId('confirm'), ...byId('number-buttons').children]) {
    // `disabled` would take the buttons away from the keyboard and from screen readers.
    button.ariaDisabled = isOpen ? null : 'true';
    if (isOpen) button.removeAttribute('aria-describedby');
    else button.setAttribute('aria-describedby', 'read-warning');
  }
}

function ifWarned(confirm) {
  if (unseen.size === 0) return confirm();
  announce(message('readWarning'));
  document.querySelector('.warning').scrollIntoView();
}
