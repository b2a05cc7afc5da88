// The page shows one step at a time and runs one task at a time.

import { message } from '/lib/messages.js';

export const byId = (id) => document.getElementById(id);
export const setText = (id, text) => (byId(id).textContent = text);

const main = document.querySelector('main');
const steps = [...main.querySelectorAll(':scope > section')];
/** The task that runs; resolved if none runs. */
let task = Promise.resolve();
let busy = false;
/** Shows an error of a task. Returns the element that gets the focus, if any. */
let showError;
/** Called with the name of each step that is shown. */
let stepShown = () => {};

export const isBusy = () => busy;
export const whenIdle = () => task;

const currentSection = () => steps.find((step) => !step.hidden);
/** The name of the current step, such as `scan`. `start` before the first. */
export const currentStep = () => currentSection()?.id.replace('step-', '');

/** Shows a step from its beginning, and moves the focus to its heading. */
export function showStep(name) {
  for (const step of steps) step.hidden = step.id !== `step-${name}`;
  clearNotices();
  stepShown(name);
  scrollTo(0, 0);
  currentSection().querySelector('h1').focus();
}

/** Calls `listener(name)` when a step is shown. */
export const onStep = (listener) => (stepShown = listener);

/** Says `text` to a screen reader. */
export const announce = (text) => setText('status', text);

// ---- Tasks ----

/** Sets what shows the errors of tasks: `handler(error, retry)`. */
export const onTaskError = (handler) => (showError = handler);

/** Runs a task, unless another one runs. Announces `progress`. */
export function run(progress, work) {
  if (busy) return;
  task = runNow(progress, work);
}

async function runNow(progress, work) {
  setBusy(true);
  clearNotices();
  announce(message(`progress.${progress}`));
  let focus = null;
  try {
    focus = await work();
  } catch (error) {
    focus = showError(error, () => run(progress, work));
  } finally {
    announce('');
    setBusy(false);
  }
  focus?.focus();
  main.querySelector('[role=alert]:not([hidden])')?.scrollIntoView({ block: 'nearest' });
}

function setBusy(value) {
  busy = value;
  main.setAttribute('aria-busy', String(value));
  for (const control of document.querySelectorAll('button, input, select')) control.disabled = value;
}

// ---- Messages in the current step ----

function clearNotices() {
  for (const notice of main.querySelectorAll('[role=alert]')) {
    notice.hidden = true;
    notice.replaceChildren();
  }
}

/**
 * Shows a text in the current step, with a button if it can be tried again. Returns the element that gets the focus: the
 * button, or `focus`.
 */
export function showNotice(text, { retry, focus } = {}) {
  const notice = currentSection().querySelector('[role=alert]');
  const paragraph = document.createElement('p');
  paragraph.textContent = text;
  notice.replaceChildren(paragraph);
  notice.hidden = false;
  if (!retry) return focus;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button secondary';
  button.textContent = message('tryAgain');
  button.onclick = retry;
  notice.append(button);
  return button;
}

// ---- Clicks that were meant for another step ----

/** The step where the pointer is pressed, `null` if it is not, and the step of the last single click. */
let [pressedStep, clickedStep] = [null, null];

addEventListener('pointerdown', () => (pressedStep = currentStep()), { capture: true });
addEventListener('pointercancel', () => (pressedStep = null), { capture: true });

// A step can change under the finger: by a code that the camera reads, or by the first click of a double click. The click
// must not confirm a code.
addEventListener(
  'click',
  (event) => {
    const isPressedElsewhere = pressedStep !== null && pressedStep !== currentStep();
    const isStray = isPressedElsewhere || (event.detail > 1 && clickedStep !== currentStep());
    pressedStep = null;
    if (event.detail <= 1) clickedStep = currentStep();
    if (!isStray) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  { capture: true },
);
