// Loads a measured page and waits for the events that `probe.js` reports.

import { readFileSync } from 'node:fs';

import { readCode } from './decoders.js';

const PROBE = readFileSync(new URL('probe.js', import.meta.url), 'utf8');

/** Opens an empty page whose events the bench receives. */
export async function openPage(browser, options) {
  const page = await browser.open(options);
  await page.command('Runtime.addBinding', { name: 'benchReport' });
  await page.command('Page.addScriptToEvaluateOnNewDocument', { source: PROBE });
  return page;
}

/** The next event `name` of a page: `time` since the start of its navigation, and `at` on the clock of this machine. */
export async function nextReport(page, name) {
  const isNamed = ({ payload }) => JSON.parse(payload).name === name;
  const { payload } = await page.next('Runtime.bindingCalled', isNamed);
  return JSON.parse(payload);
}

/** Loads a page. Resolves to the milliseconds from the start of the navigation until its code is on the screen. */
export async function timeToCode(page, url) {
  const code = nextReport(page, 'code');
  const [{ time }, { errorText }] = await Promise.all([code, page.command('Page.navigate', { url })]);
  if (errorText) throw new Error(`${url}: ${errorText}`);
  return time;
}

/** Reads the code on the screen and returns its id, as a phone does. Fails if the code can't be read. */
export async function scan(page) {
  const { text } = await readCode(await page.screenshot());
  return JSON.parse(text).random;
}
