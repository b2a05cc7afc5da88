// Writes the report and the charts from the results of all parts.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { barChart } from './chart.js';
import { NETWORKS, networkLabel } from './link.js';
import { grouped, short } from './markdown.js';
import { PAGES } from './pages.js';
import { median } from './statistics.js';
import { targetTable } from './targets.js';

const minutes = (date) => `${date.slice(0, 10)} ${date.slice(11, 16)} UTC`;

/** One section of the report. */
export const section = (part, { date, data }) => `## ${part.title}\n\nMeasured ${minutes(date)}.\n\n${part.section(data)}`;

export const targetsOf = (parts, results) => parts.flatMap((part) => part.targets(results[part.name].data));

/** The report. `server` has the table of the server's benchmarks and its date. It is undefined if they did not run. */
export function report(parts, results, server) {
  const { machine, versions } = results[parts.at(-1).name];
  const list = (object) => Object.entries(object).map(([name, value]) => `- ${name}: ${value}`);
  return `${[
    '# Results of the benchmarks',
    '`cargo xtask bench` writes this file. [docs/benchmarks.md](../docs/benchmarks.md) explains what is measured, and how.',
    `## Machine and versions\n\n${[...list(machine), ...list(versions)].join('\n')}`,
    `## Targets\n\nA ratio is ours / theirs. A missed target has its reason.\n\n${targetTable(targetsOf(parts, results))}`,
    ...parts.map((part) => section(part, results[part.name])),
    server && serverSection(server),
  ]
    .filter(Boolean)
    .join('\n\n')}\n`;
}

const serverSection = ({ table, date }) => `## Server

Measured ${minutes(date)}. Each value is compared with a reference of the same run, see \`bench/src/\`.

\`\`\`
${table}
\`\`\``;

/** The charts of README.md, by file name. */
export function charts(results) {
  const time = Object.keys(NETWORKS).map((network) => {
    const { samples } = results[`time-${network.toLowerCase()}`].data;
    const bars = Object.entries(samples).map(([name, cases]) => {
      const value = median(cases['cold ×1']);
      const text = value < 1000 ? `${grouped(value)} ms` : `${(value / 1000).toFixed(2)} s`;
      return { label: PAGES[name].label, value, text, isOurs: name === 'scanlogin' };
    });
    return { heading: networkLabel(network), bars };
  });
  const bars = results.download.data.rows.map(({ label, isOurs, brotli }) => ({
    label: label.replaceAll('`', ''),
    value: brotli,
    text: `${short(brotli / 1000)} KB`,
    isOurs,
  }));
  const describe = (groups) =>
    groups.map((group) => `${group.heading}: ${group.bars.map(({ label, text }) => `${label} ${text}`).join('; ')}.`).join(' ');
  const chart = (title, groups) => barChart({ title, groups, description: describe(groups) });
  return {
    'time-to-code.svg': chart('First visit: time until the code is on the screen', time),
    'download.svg': chart('First visit: download', [{ heading: 'Scripts and wasm, compressed by Brotli', bars }]),
  };
}

export function write(file, text) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}
