// Time to code: from the start of the navigation until the code is on the screen, on one network.

import { NETWORKS, networkLabel } from '../link.js';
import { spread, table, grouped } from '../markdown.js';
import { PAGES } from '../pages.js';
import { median, summary } from '../statistics.js';
import { openPage, scan, timeToCode } from '../visit.js';

const CPU_RATES = [1, 4];
const VISITS = ['cold', 'warm'];
const OTHERS = Object.keys(PAGES).filter((name) => name !== 'scanlogin');
const key = (visit, cpu) => `${visit} ×${cpu}`;

function partOf(network) {
  return {
    name: `time-${network.toLowerCase()}`,
    title: `Time to code, ${networkLabel(network)}`,

    async run({ browser, site, rounds, quick, progress }) {
      const cpuRates = quick ? [1] : CPU_RATES;
      const samples = {};
      const received = {};
      const names = Object.keys(PAGES);
      for (let round = 0; round < rounds; round++) {
        for (const cpu of cpuRates) {
          for (let i = 0; i < names.length; i++) {
            // Each round begins with another page, so that no page always runs after the same one.
            const name = names[(i + round) % names.length];
            progress(`round ${round + 1} of ${rounds}, CPU ×${cpu}, ${name}`);
            const visits = await visit({ browser, site, network, cpu, url: `${site.url}/${name}.html` });
            received[name] = visits.received;
            for (const kind of VISITS) ((samples[name] ??= {})[key(kind, cpu)] ??= []).push(visits[kind]);
          }
        }
      }
      return { network, samples, received };
    },

    section({ samples, received }) {
      // The names of the cases, such as `cold ×1`, are also those of the columns.
      const cases = Object.keys(samples.scanlogin).sort();
      const rows = Object.entries(samples).map(([name, page]) => [
        PAGES[name].label,
        ...cases.map((name) => spread(summary(page[name]))),
        grouped(received[name]),
      ]);
      const header = ['page', ...cases.map((name) => name.replace(' ', ', CPU ')), 'bytes of a cold visit'];
      return `Milliseconds: median and quartiles of ${samples.scanlogin[cases[0]].length} visits.\n\n${table(header, rows, `lr${'r'.repeat(cases.length)}`)}`;
    },

    targets({ samples }) {
      const compare = (name, limit) => ({
        id: `time-${name}-${network === 'loopback' ? 'loopback' : 'slow'}`,
        what: `time to code, ${networkLabel(network)}, cold, CPU ×1`,
        unit: 'ms',
        ours: median(samples.scanlogin[key('cold', 1)]),
        theirs: median(samples[name][key('cold', 1)]),
        peer: PAGES[name].label,
        limit,
      });
      if (network === 'loopback') return [compare('authing-js-sdk', 0.7)];
      return OTHERS.map((name) => compare(name, name === 'authing-js-sdk' ? 0.55 : 1));
    },
  };
}

/** One visit with an empty cache, and the third of the same person. The second lets the browser keep compiled code. */
async function visit({ browser, site, network, cpu, url }) {
  site.link.use(network);
  const page = await openPage(browser);
  try {
    await page.command('Emulation.setCPUThrottlingRate', { rate: cpu });
    const before = site.link.bytes.down;
    const cold = await timeToCode(page, url);
    const received = site.link.bytes.down - before;
    await scan(page);
    site.link.use('loopback');
    await timeToCode(page, url);
    site.link.use(network);
    const warm = await timeToCode(page, url);
    await scan(page);
    return { cold, warm, received };
  } finally {
    await page.close();
  }
}

export const time = Object.keys(NETWORKS).map(partOf);
