// From the request `confirm` of the phone until the page knows that the person is signed in.

import { networkLabel } from '../link.js';
import { spread, table } from '../markdown.js';
import { PAGES } from '../pages.js';
import { median, summary } from '../statistics.js';
import { nextReport, openPage, scan, timeToCode } from '../visit.js';

const NETWORK = '10M';
/** The interval of the polling pages. The scans are spread evenly over it. */
const INTERVAL = 800;
/** In milliseconds: the earliest scan after the code is on the screen, and the confirmation after the scan. */
const SCENARIOS = { quick: { scanAfter: 0, confirmAfter: 400 }, unhurried: { scanAfter: 3000, confirmAfter: 2000 } };

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export const confirm = {
  name: 'confirm',
  title: 'From confirm to onSuccess',

  async run({ browser, site, rounds, quick, progress }) {
    const samples = {};
    const names = Object.keys(PAGES);
    const scenarios = Object.entries(SCENARIOS).filter(([scenario]) => !quick || scenario === 'quick');
    const count = quick ? 1 : 2 * rounds;
    for (let round = 0; round < count; round++) {
      for (const [scenario, times] of scenarios) {
        for (let i = 0; i < names.length; i++) {
          const name = names[(i + round) % names.length];
          progress(`round ${round + 1} of ${count}, ${scenario}, ${name}`);
          site.link.use(NETWORK);
          const page = await openPage(browser);
          const scanAfter = times.scanAfter + (INTERVAL * round) / count;
          const sample = await signIn(page, site, name, { ...times, scanAfter });
          ((samples[name] ??= {})[scenario] ??= []).push(sample);
          await page.close();
        }
      }
    }
    return { samples };
  },

  section({ samples }) {
    const scenarios = Object.keys(samples.scanlogin);
    const rows = Object.entries(samples).map(([name, cases]) => [
      PAGES[name].label,
      ...scenarios.flatMap((scenario) => [spread(summary(cases[scenario])), Math.round(Math.max(...cases[scenario]))]),
    ]);
    const header = ['page', ...scenarios.flatMap((scenario) => [`${scenario} scan`, 'slowest'])];
    return `Milliseconds, on ${networkLabel(NETWORK)}: median and quartiles of ${samples.scanlogin.quick.length} sign-ins. A quick scan comes 0 to 800 ms after the
code, and the confirmation 400 ms after the scan. An unhurried scan comes after 3 to 3.8 s, and the confirmation 2 s later. The
time contains one half of a round trip, which no page can avoid.

${table(header, rows, 'lrrrr'.slice(0, header.length))}`;
  },

  targets: ({ samples }) => [
    {
      id: 'quick-scan',
      what: 'from confirm to `onSuccess` after a quick scan',
      unit: 'ms',
      ours: median(samples.scanlogin.quick),
      theirs: median(samples['do-it-yourself-long-poll'].quick),
      peer: PAGES['do-it-yourself-long-poll'].label,
      limit: 1.5,
    },
  ],
};

/** The milliseconds from the request `confirm` until the page reports its success, on the clock of this process. */
async function signIn(page, site, name, { scanAfter, confirmAfter }) {
  await timeToCode(page, `${site.url}/${name}.html`);
  const shown = performance.now();
  const random = await scan(page);
  await pause(scanAfter - (performance.now() - shown));
  await site.act('scanned', random);
  await pause(confirmAfter);
  const success = nextReport(page, 'success').then(() => performance.now());
  const start = performance.now();
  await site.act('confirm', random);
  return (await success) - start;
}
