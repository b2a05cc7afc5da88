// Measures a page that waits for a scan: requests and bytes until the code expires, layouts and CPU time of a minute.

import { grouped, short, table } from '../markdown.js';
import { PAGES } from '../pages.js';
import { openPage, timeToCode } from '../visit.js';

/** The labels of the pages. The last page shows what the countdown costs. */
const LABELS = {
  ...Object.fromEntries(Object.entries(PAGES).map(([name, { label }]) => [name, label])),
  'scanlogin-no-countdown': 'scanlogin, no countdown',
};

/** In seconds: from the code on the screen until the CPU time is read first and last, and until the page is closed. */
const FULL = { from: 5, until: 65, end: 125 };
const QUICK = { from: 0, until: 1, end: 1 };

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export const waiting = {
  name: 'waiting',
  title: 'Waiting for a scan',

  async run({ browser, startSite, quick, progress }) {
    const times = quick ? QUICK : FULL;
    progress(`${times.end} s, all pages at the same time`);
    // The pages have processes and sites of their own. CPU times are those of a thread, so they don't disturb each other.
    const measured = Object.keys(LABELS).map(async (name) => [name, await wait(browser, await startSite(), name, times)]);
    return { seconds: times.until - times.from, pages: Object.fromEntries(await Promise.all(measured)) };
  },

  section({ seconds, pages }) {
    const perMinute = (milliseconds) => short((milliseconds * 60) / seconds);
    const rows = Object.entries(pages).map(([name, page]) => [
      LABELS[name],
      page.requests,
      grouped(page.up),
      grouped(page.down),
      perMinute(page.layouts),
      perMinute(page.mainThread),
      perMinute(page.process),
    ]);
    const perMinuteHeaders = ['layouts a minute', 'main thread, ms a minute', 'process, ms a minute'];
    const header = ['page', 'requests', 'bytes sent', 'bytes received', ...perMinuteHeaders];
    return `Requests and bytes of one code, from its request until it has expired after two minutes; bytes as on the network, with TLS,
without the scripts of a first visit. CPU time in the renderer of the page, with the countdown that scanlogin shows by default.
It includes the collections of garbage after the load. The number of layouts does not depend on the load of the machine.

${table(header, rows, 'lrrrrrr')}`;
  },

  targets: ({ seconds, pages }) => [
    { id: 'requests', what: 'requests for one unused code', unit: '', ours: pages.scanlogin.requests, limit: 6 },
    {
      id: 'waiting-cpu',
      what: 'main thread in a minute of waiting with countdown',
      unit: 'ms',
      ours: (pages.scanlogin.mainThread * 60) / seconds,
      limit: 30,
    },
    {
      id: 'waiting-countdown',
      what: 'main thread in a minute of waiting',
      unit: 'ms',
      ours: (pages.scanlogin.mainThread * 60) / seconds,
      peer: LABELS['scanlogin-no-countdown'],
      theirs: (pages['scanlogin-no-countdown'].mainThread * 60) / seconds,
      // The limit of 30 ms is of a machine on which the page without the countdown took 16 ms.
      limit: 30 / 16,
    },
    {
      id: 'waiting-layouts',
      what: 'layouts in a minute of waiting with countdown',
      unit: '',
      ours: (pages.scanlogin.layouts * 60) / seconds,
      limit: 4,
    },
  ],
};

async function wait(browser, site, name, { from, until, end }) {
  const page = await openPage(browser);
  const url = `${site.url}/${name}.html`;
  // The first visit fills the cache. Its requests and bytes are not counted.
  await timeToCode(page, url);
  await page.command('Page.navigate', { url: 'about:blank' });
  site.link.reset();
  await page.command('Performance.enable', { timeDomain: 'threadTicks' });
  const before = { ...site.link.bytes, requests: site.front.requests.length };
  await timeToCode(page, url);
  await pause(from * 1000);
  const first = await metrics(page);
  await pause((until - from) * 1000);
  const last = await metrics(page);
  await pause((end - until) * 1000);
  const result = {
    requests: site.front.requests.length - before.requests,
    up: site.link.bytes.up - before.up,
    down: site.link.bytes.down - before.down,
    layouts: last.LayoutCount - first.LayoutCount,
    mainThread: (last.ThreadTime - first.ThreadTime) * 1000,
    process: (last.ProcessTime - first.ProcessTime) * 1000,
  };
  await page.close();
  await site.close();
  return result;
}

/** The metrics of the browser. Times are in seconds. */
async function metrics(page) {
  const { metrics } = await page.command('Performance.getMetrics');
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}
