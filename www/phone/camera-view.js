// The view of the camera in the step "Scan a code".

import { openScanner } from '/lib/camera.js';
import { message } from '/lib/messages.js';
import { byId, setText } from '/phone/page.js';

const SVG = 'http://www.w3.org/2000/svg';
/** How long the frame around a code is shown, in milliseconds: around the code that is used next, and around another code. */
const [FOUND_MS, OTHER_MS] = [400, 1_500];

let scanner = null;
/** The functions of the step for texts: `isWanted(text)`, `onText(text)`, `otherText(text)`. */
let handlers;

/** Connects the view with the step. */
export function openCameraView(functions) {
  handlers = functions;
  byId('camera-start').onclick = startCamera;
  byId('camera-torch').onclick = switchTorch;
  byId('camera-choice').onchange = ({ target }) => scanner?.useCamera(target.value);
}

export function startCamera() {
  stopCamera();
  scanner = openScanner(byId('camera-video'), {
    camera: byId('camera-choice').value || undefined,
    isWanted: handlers.isWanted,
    onText: found,
    onOtherText: otherFound,
    onProblem: (problem) => setText('camera-message', message(`cameraProblems.${problem}`)),
    onStateChange: showState,
  });
}

/** Starts the camera if the person has allowed it before. Otherwise the browser would ask without a reason. */
export async function startAllowedCamera() {
  try {
    const { state } = await navigator.permissions.query({ name: 'camera' });
    if (state === 'granted' && !scanner) startCamera();
  } catch {
    // The browser does not support this query. The person starts the camera.
  }
}

export function stopCamera() {
  scanner?.stop();
  scanner = null;
  byId('camera-frame').replaceChildren();
  setText('camera-message', '');
  showState('stopped');
}

function found(text, place) {
  drawFrame(place, 'found');
  setText('camera-message', '');
  const used = scanner;
  // The person can leave the step meanwhile.
  setTimeout(() => used === scanner && handlers.onText(text), FOUND_MS);
}

function otherFound(text, place) {
  const frame = drawFrame(place, 'other');
  setText('camera-message', handlers.otherText(text));
  setTimeout(() => frame.remove(), OTHER_MS);
}

function showState(state) {
  byId('camera').dataset.state = state;
  byId('camera-start').hidden = state !== 'stopped';
  byId('camera-view').hidden = state === 'stopped';
  byId('camera-tools').hidden = true;
  if (state === 'scanning') showTools();
}

async function showTools() {
  const used = scanner;
  const cameras = await used.cameras();
  if (used !== scanner || used.state !== 'scanning') return;
  byId('camera-torch').hidden = !used.hasTorch;
  byId('camera-torch').ariaPressed = 'false';
  const options = cameras.map(({ id, label, isUsed }, index) => {
    return new Option(label || `${message('camera')} ${index + 1}`, id, isUsed, isUsed);
  });
  byId('camera-choice').replaceChildren(...options);
  byId('camera-choice').hidden = cameras.length < 2;
  byId('camera-tools').hidden = !used.hasTorch && cameras.length < 2;
}

async function switchTorch({ currentTarget: button }) {
  const isOn = await scanner?.torch(button.ariaPressed !== 'true');
  button.ariaPressed = String(Boolean(isOn));
}

/** Draws a frame around a code, and returns it. `kind` is `found` or `other`. */
function drawFrame({ corners, width, height }, kind) {
  const polygon = document.createElementNS(SVG, 'polygon');
  polygon.setAttribute('points', corners.map(({ x, y }) => `${x},${y}`).join(' '));
  polygon.setAttribute('class', kind);
  byId('camera-frame').setAttribute('viewBox', `0 0 ${width} ${height}`);
  byId('camera-frame').replaceChildren(polygon);
  return polygon;
}
