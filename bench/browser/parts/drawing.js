// Drawing alone: from the text of a code to an SVG, by library.

import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { short, spread, table } from '../markdown.js';
import { readCode } from '../decoders.js';
import { bundle, versionOf } from '../pages.js';
import { summary } from '../statistics.js';
import { openPage } from '../visit.js';

const SCRIPT = fileURLToPath(new URL('../pages/drawing.js', import.meta.url));
/** Codes that each library draws before it is measured, so that the engine has compiled its code. */
const WARM_UP = 200;

export const drawing = {
  name: 'drawing',
  title: 'Drawing alone',

  async run({ browser, site, rounds, quick, drawingFolder, progress }) {
    const script = await bundle(SCRIPT, {
      loader: { '.wasm': 'binary' },
      alias: {
        'scanlogin-drawing': path.resolve(drawingFolder, 'drawing.js'),
        'scanlogin-drawing.wasm': path.resolve(drawingFolder, 'drawing.wasm'),
      },
    });
    site.link.use('loopback');
    const open = async () => {
      const page = await openPage(browser);
      const loaded = page.next('Page.loadEventFired');
      await page.command('Page.navigate', { url: `${site.url}/empty.html` });
      await loaded;
      await page.evaluate(script.toString());
      await page.evaluate('ready');
      return page;
    };
    const page = await open();
    const names = await page.evaluate('Object.keys(libraries)');
    const count = quick ? 2 : 50;
    for (const name of names) await page.evaluate(`measure('${name}', ${quick ? 1 : WARM_UP}, 0)`);
    const levels = {};
    for (const name of names) {
      const text = await page.evaluate(`show('${name}')`);
      const code = await readCode(await page.screenshot());
      if (code.text !== text) throw new Error(`${name} drew another text: ${code.text}`);
      levels[name] = code.level;
    }
    const first = {};
    for (let round = 0; round < rounds; round++) {
      for (const name of names) {
        progress(`first code, round ${round + 1}, ${name}`);
        const fresh = await open();
        (first[name] ??= []).push(await fresh.evaluate(`measure('${name}', 1, 0)`));
        await fresh.close();
      }
    }
    const samples = {};
    for (let round = 0; round < (quick ? 1 : 3 * rounds); round++) {
      for (let i = 0; i < names.length; i++) {
        const name = names[(i + round) % names.length];
        progress(`round ${round + 1}, ${name}`);
        (samples[name] ??= []).push(await page.evaluate(`measure('${name}', ${count}, ${round * count})`));
      }
    }
    await page.close();
    return { count, levels, first, samples };
  },

  section({ count, levels, first, samples }) {
    const rows = Object.entries(samples).map(([name, times]) => {
      const { median } = summary(times);
      return [
        name === 'scanlogin' ? 'scanlogin (`crates/qr`)' : `${name} ${versionOf(name)}`,
        levels[name],
        spread(summary(first[name])),
        spread(summary(times)),
        short(median / summary(samples.scanlogin).median),
      ];
    });
    return `Milliseconds from the text of a code to the text of an SVG, median and quartiles: the first code of ${first.scanlogin.length} new pages, and
${samples.scanlogin.length} batches of ${count} codes in a page that has drawn many. A login page draws one. A decoder has read each drawing,
and its level of error correction. The package of \`fast_qr\` has no option for the level.

${table(['library', 'level', 'first code', 'later code', 'ratio of later codes to scanlogin'], rows, 'llrrr')}`;
  },

  targets: () => [],
};
