// The longest task of the main thread until the code is on the screen. A page can't react during a task.

import { spread, table } from '../markdown.js';
import { PAGES } from '../pages.js';
import { summary } from '../statistics.js';
import { openPage, timeToCode } from '../visit.js';

const CPU_RATES = [1, 4];
const CATEGORIES = ['toplevel', '__metadata'];

export const start = {
  name: 'start',
  title: 'Longest task at the start',

  async run({ browser, site, rounds, progress }) {
    const samples = {};
    const names = Object.keys(PAGES);
    for (let round = 0; round < rounds; round++) {
      for (const cpu of CPU_RATES) {
        for (let i = 0; i < names.length; i++) {
          const name = names[(i + round) % names.length];
          progress(`round ${round + 1} of ${rounds}, CPU ×${cpu}, ${name}`);
          const task = await longestTask(browser, site, cpu, `${site.url}/${name}.html`);
          ((samples[name] ??= {})[cpu] ??= []).push(task);
        }
      }
    }
    return { samples };
  },

  section({ samples }) {
    const rows = Object.entries(samples).map(([name, rates]) => [
      PAGES[name].label,
      ...CPU_RATES.map((cpu) => spread(summary(rates[cpu]))),
    ]);
    const header = ['page', ...CPU_RATES.map((cpu) => `CPU ×${cpu}`)];
    return `Milliseconds, cold, on loopback, from a trace of the browser: median and quartiles of ${samples.scanlogin[1].length} visits.\n\n${table(header, rows, 'lrr')}`;
  },

  targets: () => [],
};

async function longestTask(browser, site, cpu, url) {
  site.link.use('loopback');
  const page = await openPage(browser);
  await page.command('Emulation.setCPUThrottlingRate', { rate: cpu });
  const events = [];
  const stop = page.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  const traceConfig = { includedCategories: CATEGORIES, excludedCategories: ['*'] };
  await page.command('Tracing.start', { transferMode: 'ReportEvents', traceConfig });
  await timeToCode(page, url);
  const complete = page.next('Tracing.tracingComplete');
  await page.command('Tracing.end');
  await complete;
  stop();
  await page.close();
  const threads = new Set();
  for (const { name, args, pid, tid } of events) {
    if (name === 'thread_name' && args.name === 'CrRendererMain') threads.add(`${pid}/${tid}`);
  }
  const isTask = ({ name, pid, tid }) => name.endsWith('RunTask') && threads.has(`${pid}/${tid}`);
  const durations = events.filter(isTask).map(({ dur = 0 }) => dur / 1000);
  if (durations.length === 0) throw new Error('the trace has no task of the main thread');
  return Math.max(...durations);
}
