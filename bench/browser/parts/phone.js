// The reader of the phone page: frames of a camera per second, from the frame to the text.

import { readCode, picture } from '../decoders.js';
import { blur, gray, noise } from '../degrade.js';
import { short, spread, table } from '../markdown.js';
import { summary } from '../statistics.js';
import { openPage, timeToCode } from '../visit.js';

const SIZES = [
  [1280, 720],
  [1920, 1080],
];
/** The size that has a target, and the target in frames per second. */
const [TARGET_SIZE, TARGET] = ['1280 × 720', 10];
/** The format of most cameras, and colors for browsers that have no `VideoFrame`. */
const FORMATS = ['I420', 'RGBA'];
/** The errors of a lens and a sensor: blur in pixels, noise in levels of gray. */
const CAMERA = { blur: 1, noise: 6 };
/** The noise of the frames without a code, in which a decoder searches longest. */
const NOISE = 40;

export const phone = {
  name: 'phone',
  title: 'Frames per second of the phone page',

  async run({ browser, site, rounds, quick, progress }) {
    site.link.use('loopback');
    const samples = {};
    for (const [width, height] of SIZES) {
      const page = await openPage(browser, { width, height });
      await timeToCode(page, `${site.url}/scanlogin.html`);
      const screenshot = await page.screenshot();
      const { text } = await readCode(screenshot);
      const sharp = gray(picture(screenshot));
      const empty = { ...sharp, values: sharp.values.map(() => 128) };
      const frames = {
        'with a code': noise(blur(sharp, CAMERA.blur), CAMERA.noise, 1),
        'without a code': noise(empty, NOISE, 2),
      };
      const loaded = page.next('Page.loadEventFired');
      await page.command('Page.navigate', { url: `${site.url}/phone.html` });
      await loaded;
      await page.evaluate('ready');
      for (const [content, frame] of Object.entries(frames)) {
        const luma = Buffer.from(Uint8Array.from(frame.values)).toString('base64');
        for (const format of FORMATS) {
          const name = `${width} × ${height}, ${format}, ${content}`;
          progress(name);
          const read = (count) => page.evaluate(`readFrames('${luma}', ${JSON.stringify({ width, height, format })}, ${count})`);
          // The first frames are read before the browser has optimized the wasm.
          await read(quick ? 1 : 30);
          const { times, texts } = await read(quick ? 6 : 30 * rounds);
          const expected = content === 'with a code' ? [text] : [];
          if (String(texts) !== String(expected)) throw new Error(`${name}: the texts are ${JSON.stringify(texts)}`);
          samples[name] = times;
        }
      }
      await page.close();
    }
    return { samples };
  },

  section({ samples }) {
    const rows = Object.entries(samples).map(([name, times]) => {
      return [name, short(rate(times)), spread(summary(times)), short(Math.max(...times))];
    });
    const header = ['frame', 'frames per second', 'milliseconds', 'longest'];
    return `From a frame on the main thread to the text from the worker: the mean rate, and median and quartiles of one frame. Consecutive
frames are read at different scales. The frames with a code are a screenshot of the page with blur and noise.\n\n${table(header, rows, 'lrrr')}`;
  },

  targets: ({ samples }) =>
    Object.entries(samples)
      .filter(([name]) => name.startsWith(TARGET_SIZE))
      .map(([name, times]) => ({
        id: 'phone-frames',
        what: `phone page, ${name}`,
        unit: 'frames/s',
        ours: rate(times),
        atLeast: TARGET,
      })),
};

/** The mean rate in frames per second, from the milliseconds of each frame. */
const rate = (times) => (1000 * times.length) / times.reduce((sum, time) => sum + time);
