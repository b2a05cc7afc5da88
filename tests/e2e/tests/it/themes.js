// The page of themes.rs: shows many widgets at once, each with a server of its own, and tells what becomes of them.

import { init, startScanning } from '/scanlogin/index.js';

const codes = new Map();
let widgets = [];
let shown = new AbortController();

// The app id tells whose server is meant. No widget gets news of its code.
const page = globalThis.fetch;
globalThis.fetch = async (request, ...rest) => {
  const data = codes.get(request.headers?.get('x-authing-app-id'));
  if (!data) return page(request, ...rest);
  if (request.url.endsWith('/gene')) return Response.json({ code: 200, message: 'ok', data });
  const { signal } = request;
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
};

await init();

/** Shows a widget for each theme in place of those before. */
globalThis.show = (themes) => {
  shown.abort();
  shown = new AbortController();
  codes.clear();
  document.body.replaceChildren();
  widgets = themes.map((theme, index) => widget(theme, `app-${index}`));
};

/** What became of the widgets, or nothing while it is not certain. */
globalThis.outcomes = () => {
  const outcomes = widgets.map(outcome);
  return outcomes.includes(undefined) ? undefined : outcomes;
};

/** Puts the codes close together, since the time that a picture takes grows with its area, and answers with its height. */
globalThis.arrange = () => {
  for (const { element, refusal } of widgets) {
    if (refusal) continue;
    const { width, height } = frameOf(element).getBoundingClientRect();
    element.style.order = Math.round(height);
    // Where a code would be too small, the widget leaves its box, and must not lie under the next.
    element.style.marginInlineEnd = `${Math.max(0, Math.ceil(width - element.clientWidth))}px`;
  }
  return document.documentElement.scrollHeight;
};

function frameOf(element) {
  return element.querySelector('.scanlogin').shadowRoot.querySelector('.frame');
}

function widget({ code, options, box, properties }, appId) {
  const element = document.createElement('figure');
  Object.assign(element.style, box);
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  document.body.append(element);
  codes.set(appId, code);
  const widget = { element };
  const onError = (message, { code }) => (widget.refusal = { code, message });
  try {
    widget.handle = startScanning(element, { ...options, appId, onError, timeout: 120_000, signal: shown.signal });
  } catch ({ code, message }) {
    widget.refusal = { code, message };
  }
  // Only codes are looked at.
  element.hidden = widget.refusal !== undefined;
  return widget;
}

function outcome({ element, handle, refusal }) {
  if (refusal) {
    element.hidden = true;
    return { state: handle?.state ?? 'refused', ...refusal };
  }
  const frame = frameOf(element);
  const code = frame.querySelector('.code');
  const logo = frame.querySelector('.logo');
  if (handle.state !== 'ready' || code.getAnimations().length > 0 || logo?.complete === false) return undefined;
  const { x, y, width, height } = frame.getBoundingClientRect();
  return { state: handle.state, x: x + scrollX, y: y + scrollY, width, height };
}
