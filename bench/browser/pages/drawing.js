// Draws codes with several libraries: from a text to the text of an SVG, error correction M.

import initFastQr, { SvgOptions, qr_svg } from 'fast_qr/fast_qr.js';
import fastQrWasm from 'fast_qr/fast_qr_bg.wasm';
import { correction, generate } from 'lean-qr';
import { toSvgSource } from 'lean-qr/extras/svg';
import encodeQR from 'qr';
import QRCode from 'qrcode';
import qrcodeGenerator from 'qrcode-generator';
import { renderSVG } from 'uqr';

import { draw, initSync } from 'scanlogin-drawing';
import scanloginWasm from 'scanlogin-drawing.wasm';

const SIZE = 240;

window.libraries = {
  scanlogin: (text) => draw(text),
  // The package has no option for the error correction. Its codes have level Q.
  fast_qr: (text) => qr_svg(text, new SvgOptions()),
  'lean-qr': (text) => toSvgSource(generate(text, { minCorrectionLevel: correction.M, maxCorrectionLevel: correction.M })),
  qr: (text) => encodeQR(text, 'svg', { ecc: 'medium' }),
  qrcode: (text) => {
    let svg;
    QRCode.toString(text, { type: 'svg', errorCorrectionLevel: 'M', width: SIZE }, (_, result) => (svg = result));
    return svg;
  },
  'qrcode-generator': (text) => {
    const code = qrcodeGenerator(0, 'M');
    code.addData(text);
    code.make();
    return code.createSvgTag();
  },
  uqr: (text) => renderSVG(text, { ecc: 'M' }),
};

/** A text like those of the server, with another id each time. */
function textOf(number) {
  const random = String(number).padStart(32, 'QdZ8x_m-');
  return `{"scene":"APP_AUTH","random":"${random}","userPoolId":"customers","createdAt":"2026-01-01T12:00:00.000Z","expireAt":"2026-01-01T12:02:00.000Z"}`;
}

/** The milliseconds that a library takes for one of `count` codes. */
window.measure = (name, count, first) => {
  const draw = libraries[name];
  const texts = Array.from({ length: count }, (_, i) => textOf(first + i));
  const start = performance.now();
  let length = 0;
  for (const text of texts) length += draw(text).length;
  const end = performance.now();
  if (length < 1000 * count) throw new Error(`${name} drew nothing`);
  return (end - start) / count;
};

/** Shows the drawing of a library, and returns the text of its code. */
window.show = (name) => {
  const text = textOf(0);
  const svg = new DOMParser().parseFromString(libraries[name](text), 'image/svg+xml').documentElement;
  svg.setAttribute('width', 400);
  svg.setAttribute('height', 400);
  document.body.replaceChildren(svg);
  return text;
};

initSync({ module: scanloginWasm });
window.ready = initFastQr(fastQrWasm).then(() => true);
