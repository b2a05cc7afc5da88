// The step "Scan a code": the camera, an image, and text.

import { isCode, parseCode } from '/lib/code.js';
import { problemMessage } from '/lib/error-messages.js';
import { readQrImage } from '/lib/qr-image.js';
import { hasExpired } from '/lib/server-time.js';
import { openCameraView, startAllowedCamera, stopCamera } from '/phone/camera-view.js';
import { ADDRESSES } from '/phone/kept-code.js';
import { byId, currentStep, isBusy, onStep, run, showNotice, showStep, whenIdle } from '/phone/page.js';
import { userPoolId } from '/phone/session.js';
import { takeShared } from '/phone/worker.js';

/** Opens a code: `openCode(code)`. */
let openCode;

const isScanning = () => currentStep() === 'scan';

/**
 * Reads a text as `parseCode` does. A link for the same device is a problem here: only the browser of the login page opens
 * it, see `takeLink`. Otherwise a picture of it could skip the question for the number of the page.
 */
function parse(text) {
  const code = parseCode(text, ADDRESSES);
  return code.sameDevice ? { problem: 'same-device' } : code;
}

/** Shows the step. The camera runs only while it is shown. */
export async function showScan() {
  byId('code-text').value = '';
  showStep('scan');
  startAllowedCamera();
  const shared = await takeShared();
  if (!shared || !isScanning()) return;
  if (shared.image) scanImage(shared.image);
  else showNotice(problemMessage(shared));
}

/** Connects the step. A code that can be used is given to `open(code)`. */
export function openScan(open) {
  openCode = open;
  onStep((name) => name !== 'scan' && stopCamera());
  openCameraView({
    isWanted: (text) => isCode(parse(text)),
    onText: scanCameraText,
    otherText: (text) => problemMessage(parse(text)),
  });
  byId('text-form').addEventListener('submit', (event) => {
    event.preventDefault();
    scanText(byId('code-text').value);
  });
  byId('code-file').onchange = ({ target }) => {
    if (target.files[0]) scanImage(target.files[0]);
    target.value = '';
  };
  addEventListener('paste', onPaste);
  // The whole window accepts files, because the browser would open a file that is dropped beside the drop area.
  for (const type of ['dragenter', 'dragover', 'dragleave', 'drop']) addEventListener(type, onDrag);
}

const scanText = (text) => run('check', () => useText(text, byId('code-text')));
/** A camera that has found a code is off. If the code can't be used, the person can start it again. */
async function scanCameraText(text) {
  scanText(text);
  await whenIdle();
  if (isScanning()) stopCamera();
}

const scanImage = (file) => run('read', () => useImage(file));

/** Checks the text of a code and opens it. Nothing is sent for a text that can't be used. */
async function useText(text, focus) {
  const code = parse(text);
  const problem = isCode(code) ? await problemOf(code) : code;
  if (problem) return showNotice(problemMessage(problem), { focus });
  await openCode(code);
}

/** The problem of a code that is known without asking the server for it. `null` if there is none. */
async function problemOf(code) {
  const pool = userPoolId();
  if (code.userPoolId !== undefined && pool !== undefined && code.userPoolId !== pool) return { problem: 'wrong-pool' };
  return (await hasExpired(code)) ? { problem: 'expired' } : null;
}

async function useImage(file) {
  const focus = byId('code-file');
  const { text, problem } = await readQrImage(file, (text) => isCode(parse(text)));
  if (problem) return showNotice(problemMessage({ problem }), { focus });
  return useText(text, focus);
}

// ---- Paste and drop ----

function onPaste(event) {
  if (!isScanning()) return;
  const hasFile = event.clipboardData.files.length > 0;
  if (hasFile) event.preventDefault();
  if (hasFile || event.target !== byId('code-text')) scanTransfer(event.clipboardData);
}

function onDrag(event) {
  event.preventDefault();
  const isOver = event.type === 'dragover' || event.type === 'dragenter';
  document.querySelector('.drop').classList.toggle('over', isOver && isScanning());
  if (event.type === 'drop' && isScanning()) scanTransfer(event.dataTransfer);
}

/** Reads the code in what was pasted or dropped: a file or a text. */
function scanTransfer(transfer) {
  const [file] = transfer.files;
  const text = transfer.getData('text/plain').trim();
  if (file) {
    scanImage(file);
  } else if (text && !isBusy()) {
    byId('code-text').value = text;
    scanText(text);
  }
}
