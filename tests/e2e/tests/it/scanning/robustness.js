// The page of robustness.rs. It shows a widget with a simulated server, and a code of the npm package qrcode.

import { init, startScanning } from '/scanlogin/index.js';

let data;
const realFetch = globalThis.fetch;
globalThis.fetch = async (request, ...rest) => {
  if (!(request instanceof Request)) return realFetch(request, ...rest);
  if (request.url.endsWith('/gene')) return Response.json({ code: 200, message: 'ok', data });
  const { signal } = request;
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
};

await init();

/** Shows a code of the widget and the one of `image`, with the same text and width. */
globalThis.show = (code, width, image) => {
  data = code;
  document.querySelector('img').src = image;
  startScanning('widget', { appId: 'app', size: { width, height: width }, theme: 'light', timeout: 120_000 });
};

/** The places of both codes with 15 pixels around them. `undefined` while one is not shown. */
globalThis.places = () => {
  const image = document.querySelector('img');
  const frame = document.querySelector('.scanlogin')?.shadowRoot.querySelector('.frame');
  if (!image.complete || frame?.dataset.state !== 'ready' || frame.querySelector('.code').getAnimations().length > 0) return undefined;
  return [frame.querySelector('.stage'), image].map((element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return [left - 15, top - 15, width + 30, height + 30];
  });
};
