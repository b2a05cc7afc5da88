import assert from 'node:assert/strict';
import { test } from 'node:test';

import { COLORS, barChart } from '../chart.js';
import { PAGES } from '../pages.js';
import { PARTS } from '../parts/index.js';
import { charts, report, targetsOf } from '../report.js';
import { judge, targetTable } from '../targets.js';

test('a target is met at its limit and missed above it', () => {
  const target = { id: 'quick-scan', what: 'a', unit: 'ms', theirs: 10, peer: 'b', limit: 1.5 };
  assert.equal(judge({ ...target, ours: 15 }).isMet, true);
  assert.equal(judge({ ...target, ours: 15.1 }).isMet, false);
  assert.equal(judge({ id: 'requests', ours: 7, limit: 6 }).isMet, false);
  assert.equal(judge({ id: 'robustness-blur', ratio: 1, atLeast: 1 }).isMet, true);
  assert.equal(judge({ id: 'phone-frames', ours: 9.9, atLeast: 10 }).isMet, false);
});

test('a missed target stands in the table with its reason', () => {
  const table = targetTable([{ id: 'requests', what: 'requests', unit: '', ours: 7, limit: 6 }]);
  assert.match(table, /\| requests \| 7\.00 \|  \|  \| ≤ 6\.00 \| missed: \w+/);
  assert.doesNotMatch(table, /undefined|NaN/);
});

/** The contrast ratio of two colors (WCAG 2). */
function contrast(first, second) {
  const luminance = (color) => {
    const channel = (start) => {
      const value = parseInt(color.slice(start, start + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
  };
  const [dark, light] = [luminance(first), luminance(second)].sort((left, right) => left - right);
  return (light + 0.05) / (dark + 0.05);
}

test('each target that a part can miss has a reason', () => {
  const results = resultsOfAllParts();
  const targets = targetsOf(PARTS, results).map((target) => ({ ...target, ours: 1e9, ratio: undefined, limit: 0 }));
  const missed = targets.map((target) => (target.atLeast === undefined ? target : { ...target, ours: 0, ratio: 0 }));
  assert.equal(missed.some((target) => judge(target).isMet), false);
  assert.doesNotMatch(targetTable(missed), /undefined/);
});

test('a page that changes its layout more often than every 15 s misses the target', () => {
  const { waiting } = resultsOfAllParts();
  const isMet = (layouts) => {
    const pages = { ...waiting.data.pages, scanlogin: { ...waiting.data.pages.scanlogin, layouts } };
    const part = PARTS.find(({ name }) => name === 'waiting');
    return judge(part.targets({ ...waiting.data, pages }).find(({ id }) => id === 'waiting-layouts')).isMet;
  };
  assert.deepEqual([isMet(4), isMet(5)], [true, false]);
});

test('the countdown is compared with a page without it', () => {
  const { waiting } = resultsOfAllParts();
  const part = PARTS.find(({ name }) => name === 'waiting');
  const ratios = [30, 31].map((mainThread) => {
    const pages = { scanlogin: { mainThread }, 'scanlogin-no-countdown': { mainThread: 16 } };
    return judge(part.targets({ ...waiting.data, pages }).find(({ id }) => id === 'waiting-countdown')).isMet;
  });
  assert.deepEqual(ratios, [true, false]);
});

test('the colors of a chart are readable on a light and on a dark page', () => {
  for (const [scheme, background] of [['light', '#ffffff'], ['dark', '#0d1117']]) {
    const { text, ours, others } = COLORS[scheme];
    assert.ok(contrast(text, background) >= 4.5, `text, ${scheme}`);
    for (const color of [ours, others]) assert.ok(contrast(color, background) >= 3, `${color}, ${scheme}`);
  }
  // A page can be dark while the scheme of the system is light, and the other way round.
  assert.ok(contrast(COLORS.light.text, '#0d1117') >= 2.5);
  assert.ok(contrast(COLORS.dark.text, '#ffffff') >= 2.3);
});

test('a chart has one bar for each value and escapes its texts', () => {
  const bars = [
    { label: '<scan-login>', value: 1, text: '1 ms', isOurs: true },
    { label: 'other', value: 2, text: '2 ms', isOurs: false },
  ];
  const svg = barChart({ title: 'T', description: 'D', groups: [{ heading: 'A & B', bars }] });
  assert.equal(svg.match(/<rect /g).length, 2);
  assert.ok(svg.includes('&lt;scan-login>') && svg.includes('A &amp; B'));
});

/** Data of all parts, such as `run` returns. */
function resultsOfAllParts() {
  const pages = (value) => Object.fromEntries(Object.keys(PAGES).map((name, i) => [name, value(i + 1)]));
  const growth = { heap: 1, buffers: 0, wasm: 0, nodes: 0, listeners: 0 };
  const waited = (i) => ({ requests: i, up: i, down: i, layouts: 4, mainThread: i, process: i });
  const scores = { '1/jsQR': { scanlogin: [2], canvas: [2], svg: [1], link: [3] } };
  const data = {
    download: { rows: [{ label: 'scanlogin', isOurs: true, files: ['global.js'], raw: 3, gzip: 2, brotli: 1 }] },
    start: { samples: pages((i) => ({ 1: [i], 4: [4 * i] })) },
    confirm: { samples: pages((i) => ({ quick: [i], unhurried: [i] })) },
    waiting: { seconds: 60, pages: { ...pages(waited), 'scanlogin-no-countdown': waited(1) } },
    mounts: { count: 200, libraries: { scanlogin: growth, 'authing-js-sdk': growth } },
    drawing: { count: 50, levels: { scanlogin: 'M', qrcode: 'M' }, first: { scanlogin: [1], qrcode: [2] }, samples: { scanlogin: [1], qrcode: [2] } },
    phone: { samples: { '1280 × 720, I420, with a code': [5, 15], '1920 × 1080, I420, with a code': [250] } },
    robustness: { codes: 1, step: 1.2, shapes: { link: { bytes: 59, side: 33, pixels: 6 } }, scores: { blur: scores, scale: scores, noise: scores } },
  };
  const time = {
    samples: pages((i) => ({ 'cold ×1': [i], 'cold ×4': [i], 'warm ×1': [i], 'warm ×4': [i] })),
    received: pages((i) => i),
  };
  const result = (data) => ({
    date: '2026-01-02T03:04:05.000Z',
    machine: { processor: 'a processor' },
    versions: { browser: 'a browser' },
    data,
  });
  return Object.fromEntries(PARTS.map(({ name }) => [name, result(data[name] ?? time)]));
}

test('the report has the machine, all targets, a section for each part, and the table of the server', () => {
  const text = report(PARTS, resultsOfAllParts(), { table: 'check 1.00', date: '2026-01-02T03:04:05.000Z' });
  for (const part of PARTS) assert.ok(text.includes(`\n## ${part.title}\n`), part.title);
  for (const part of ['a processor', 'a browser', '## Targets', 'check 1.00']) assert.ok(text.includes(part), part);
  assert.doesNotMatch(text, /undefined|NaN|Infinity/);
});

test('the phone page has a target for each case at 1280 × 720, on the mean', () => {
  const phone = PARTS.find(({ name }) => name === 'phone');
  const [target, ...others] = phone.targets(resultsOfAllParts().phone.data);
  assert.deepEqual(others, []);
  assert.deepEqual([target.what, target.ours], ['phone page, 1280 × 720, I420, with a code', 100]);
  assert.equal(judge(target).isMet, true);
  const slow = { samples: { '1280 × 720, RGBA, without a code': [1, 1, 301] } };
  assert.deepEqual(phone.targets(slow).map((target) => judge(target).isMet), [false]);
  assert.match(targetTable(phone.targets(slow)), /\| 9\.90 frames\/s \|  \|  \| ≥ 10\.0 frames\/s \| missed: \w+/);
});

test('the charts have a bar for each page and network, and for each entry point', () => {
  const files = charts(resultsOfAllParts());
  const bars = Object.values(files).map((svg) => svg.match(/<rect /g).length);
  assert.deepEqual(Object.keys(files), ['time-to-code.svg', 'download.svg']);
  assert.deepEqual(bars, [16, 1]);
  for (const svg of Object.values(files)) assert.doesNotMatch(svg, /undefined|NaN|Infinity/);
});
