// The page of themes.rs. It shows many widgets at once, each with its own simulated server, and reports their outcomes.

import { init, startScanning } from '/scanlogin/index.js';

const codes = new Map();
let widgets = [];
let batch = new AbortController();

// The app id selects the simulated server. It does not respond to polls.
const realFetch = globalThis.fetch;
globalThis.fetch = async (request, ...rest) => {
  const data = codes.get(request.headers?.get('x-authing-app-id'));
  if (!data) return realFetch(request, ...rest);
  if (request.url.endsWith('/gene')) return Response.json({ code: 200, message: 'ok', data });
  const { signal } = request;
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
};

await init();

/** Replaces all widgets by one for each theme. */
globalThis.show = (themes) => {
  batch.abort();
  batch = new AbortController();
  codes.clear();
  document.body.replaceChildren();
  widgets = themes.map((theme, index) => widget(theme, `app-${index}`));
};

/** The outcomes of the widgets. `undefined` while one is not final. */
globalThis.outcomes = () => {
  const outcomes = widgets.map(outcome);
  return outcomes.includes(undefined) ? undefined : outcomes;
};

/** Arranges the codes close together, since a larger screenshot takes longer. Returns the height of the page. */
globalThis.arrange = () => {
  for (const { element, rejection } of widgets) {
    if (rejection) continue;
    const { width, height } = frameOf(element).getBoundingClientRect();
    element.style.order = Math.round(height);
    // A widget with a minimum width can be wider than its container, and must not be covered by the next.
    element.style.marginInlineEnd = `${Math.max(0, Math.ceil(width - element.clientWidth))}px`;
  }
  return document.documentElement.scrollHeight;
};

function frameOf(element) {
  return element.querySelector('.scanlogin').shadowRoot.querySelector('.frame');
}

function widget({ code, options, style, properties }, appId) {
  const element = document.createElement('figure');
  Object.assign(element.style, style);
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  document.body.append(element);
  codes.set(appId, code);
  const widget = { element };
  const onError = (message, { code }) => (widget.rejection = { code, message });
  try {
    widget.handle = startScanning(element, { ...options, appId, onError, timeout: 120_000, signal: batch.signal });
  } catch ({ code, message }) {
    widget.rejection = { code, message };
  }
  // The screenshot shows only codes.
  element.hidden = widget.rejection !== undefined;
  return widget;
}

function outcome({ element, handle, rejection }) {
  if (rejection) {
    element.hidden = true;
    return { state: handle?.state ?? 'rejected', ...rejection };
  }
  const frame = frameOf(element);
  const code = frame.querySelector('.code');
  const logo = frame.querySelector('.logo');
  if (handle.state !== 'ready' || code.getAnimations().length > 0 || logo?.complete === false) return undefined;
  const { x, y, width, height } = frame.getBoundingClientRect();
  return { state: handle.state, x: x + scrollX, y: y + scrollY, width, height };
}
