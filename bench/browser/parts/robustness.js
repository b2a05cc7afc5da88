// How much blur, shrinking and noise a drawn code survives until a decoder can't read it.

import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { DECODERS, picture, readCode } from '../decoders.js';
import { blur, gray, margin, noise, rgba, shrink } from '../degrade.js';
import { short, table } from '../markdown.js';
import { bundle } from '../pages.js';
import { median } from '../statistics.js';
import { openPage, timeToCode } from '../visit.js';

const PIXEL_RATIOS = [1, 1.25, 1.5, 2, 3];
/** The size that all drawings are asked for, in CSS pixels. The default of the widget. */
const SIZE = 240;
const MARGIN = 16;
const STEP = 1.2;

/**
 * The degradations. The strength grows by `STEP` from `first`, `count` times. Blur and scale are in CSS pixels, so that
 * the results of two pixel ratios can be compared. `shown` is the value in the table.
 */
const DEGRADATIONS = {
  blur: {
    label: 'largest blur, CSS pixels',
    first: 0.4,
    count: 13,
    apply: (code, sigma, pixelRatio) => blur(code, sigma * pixelRatio),
  },
  scale: {
    label: 'smallest side, pixels',
    first: 1 / SIZE,
    count: 10,
    apply: (code, inverse, pixelRatio) => shrink(code, 1 / inverse / (SIZE * pixelRatio)),
    shown: (inverse) => 1 / inverse,
  },
  noise: {
    label: 'most noise, gray levels',
    first: 16,
    count: 14,
    apply: (code, sigma, _, seed) => noise(code, sigma, seed),
  },
};
const DRAWINGS = { scanlogin: 'scanlogin', canvas: '`qrcode`, canvas', svg: '`qrcode`, SVG', link: 'scanlogin, link' };

export const robustness = {
  name: 'robustness',
  title: 'Robustness of the drawn code',

  async run({ browser, site, rounds, quick, progress }) {
    site.link.use('loopback');
    const script = (await bundle(fileURLToPath(new URL('../pages/robustness.js', import.meta.url)))).toString();
    const codes = Math.min(rounds, 3);
    // A quick run tries every fourth strength.
    const stride = quick ? 4 : 1;
    const pixelRatios = quick ? [1] : PIXEL_RATIOS;
    const scores = {};
    const shapes = {};
    for (const pixelRatio of pixelRatios) {
      for (let number = 0; number < codes; number++) {
        progress(`pixel ratio ${pixelRatio}, code ${number + 1} of ${codes}`);
        const drawings = await draw(browser, site, script, pixelRatio);
        for (const [drawing, code] of Object.entries(drawings)) {
          if (code.shape) shapes[drawing] = code.shape;
          for (const degradation of Object.keys(DEGRADATIONS)) {
            const options = { pixelRatio, seed: number, stride };
            for (const [decoder, strength] of Object.entries(await strengthsRead(code, DEGRADATIONS[degradation], options))) {
              ((scores[degradation] ??= {})[`${pixelRatio}/${decoder}`] ??= {})[drawing] ??= [];
              scores[degradation][`${pixelRatio}/${decoder}`][drawing].push(strength);
            }
          }
        }
      }
    }
    return { codes, step: STEP, scores, shapes };
  },

  section({ codes, step, scores, shapes }) {
    const tables = Object.entries(scores).map(([degradation, cases]) => {
      const { label, first, shown = (strength) => strength } = DEGRADATIONS[degradation];
      const cell = (strength) => (strength < first ? 'not read' : short(shown(strength)));
      const rows = Object.entries(cases).map(([name, drawings]) => {
        const [pixelRatio, decoder] = name.split('/');
        return [pixelRatio, decoder, ...Object.keys(DRAWINGS).map((drawing) => cell(median(drawings[drawing])))];
      });
      const header = ['pixel ratio', 'decoder', ...Object.values(DRAWINGS)];
      return `${label[0].toUpperCase()}${label.slice(1)}, at which the code is still read:\n\n${table(header, rows, 'rlrrrr')}`;
    });
    return `The same text, drawn at the same asked size of ${SIZE} CSS pixels with error correction M, on a screenshot;
medians over codes: ${codes}. The strength grows by ${Math.round((step - 1) * 100)} % a step. A decoder can fail at a step and read the next one, so that
the number of steps that it reads counts. The column "link" has the code of an app with \`code_url\`, which has less text.

${table(['code of the widget, pixel ratio 1', 'bytes of text', 'modules per side', 'pixels per module'], Object.entries(shapes).map(
    ([drawing, { bytes, side, pixels }]) => [DRAWINGS[drawing], bytes, side, pixels]), 'lrrr')}

${tables.join('\n\n')}`;
  },

  targets: ({ scores }) =>
    Object.entries(scores).flatMap(([degradation, cases]) => [
      {
        id: `robustness-${degradation}`,
        what: `robustness, ${DEGRADATIONS[degradation].label}: mean ratio of all pixel ratios and decoders`,
        unit: '',
        ratio: meanRatio(cases, 'canvas'),
        peer: DRAWINGS.canvas,
        atLeast: 1,
      },
      {
        id: `robustness-link-${degradation}`,
        what: `robustness, ${DEGRADATIONS[degradation].label}, of a link: mean ratio of all pixel ratios and decoders`,
        unit: '',
        ratio: meanRatio(cases, 'scanlogin', 'link'),
        peer: 'JSON',
        atLeast: 1,
      },
    ]),
};

/** The geometric mean of the ratios of the scores of one drawing to those of another. */
function meanRatio(cases, other, drawing = 'scanlogin') {
  const ratios = Object.values(cases).map((scores) => [median(scores[drawing]), median(scores[other])]);
  const logarithms = ratios.map(([ours, theirs]) => Math.log(ours / theirs));
  return Math.exp(logarithms.reduce((sum, value) => sum + value) / logarithms.length);
}

/** Screenshots of one code by the widget and by npm `qrcode`, and of a link by the widget, in gray. */
async function draw(browser, site, script, pixelRatio) {
  const page = await openPage(browser, { width: 600, height: 800, pixelRatio });
  const link = await widget(page, `${site.url}/scanlogin-link.html`, pixelRatio);
  const drawings = { scanlogin: await widget(page, `${site.url}/scanlogin.html`, pixelRatio) };
  const { text } = drawings.scanlogin;
  const loaded = page.next('Page.loadEventFired');
  await page.command('Page.navigate', { url: `${site.url}/empty.html` });
  await loaded;
  await page.evaluate(script);
  for (const drawing of ['canvas', 'svg']) {
    await page.evaluate(`drawings.${drawing}(${JSON.stringify(text)}, ${SIZE}).then((code) => document.body.replaceChildren(code))`);
    drawings[drawing] = await screenshot(page, 'document.body.firstElementChild');
  }
  await page.close();
  for (const code of Object.values(drawings)) code.text = text;
  return { ...drawings, link };
}

/** The code of the widget on a page, with its text, and with its shape at pixel ratio 1. */
async function widget(page, url, pixelRatio) {
  await timeToCode(page, url);
  const code = await screenshot(page, 'benchCode');
  const { text, side, pixels } = await readCode(await page.screenshot());
  return { ...code, text, shape: pixelRatio === 1 ? { bytes: Buffer.byteLength(text), side, pixels } : undefined };
}

/** An element of a page on a screenshot, with a margin. */
async function screenshot(page, element) {
  const clip = await page.evaluate(`{
    const { x, y, width, height } = (${element}).getBoundingClientRect();
    ({ x, y, width, height })
  }`);
  return margin(gray(picture(await page.screenshot(clip))), MARGIN);
}

/**
 * The strength that each decoder reads: that of the last of the steps which it reads, as if it had read the first ones. A
 * code that is never read counts as one step below the first.
 */
async function strengthsRead(code, { first, count, apply }, { pixelRatio, seed, stride }) {
  const read = Object.fromEntries(Object.keys(DECODERS).map((decoder) => [decoder, 0]));
  for (let step = 0; step < count; step += stride) {
    // The decoders don't wait for anything. Without this, a signal would wait for the end of the part.
    await setImmediate();
    const degraded = rgba(apply(code, first * STEP ** step, pixelRatio, seed));
    for (const [decoder, decode] of Object.entries(DECODERS)) {
      if ((await decode(degraded)) === code.text) read[decoder] += stride;
    }
  }
  return Object.fromEntries(Object.entries(read).map(([decoder, steps]) => [decoder, first * STEP ** (steps - 1)]));
}
