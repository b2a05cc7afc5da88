// The part of `cargo xtask bench` that runs in a browser. `cargo xtask bench --help` explains the options.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';

import { Chromium } from './chromium.js';
import { createCertificate } from './front.js';
import { phoneFiles, scripts, served, versionOf } from './pages.js';
import { PARTS } from './parts/index.js';
import { charts, report, section, write } from './report.js';
import { Site } from './site.js';
import { judge, targetTable } from './targets.js';

const PEERS = ['authing-js-sdk', 'qrcode', 'jsqr', 'zxing-wasm', '@undecaf/zbar-wasm'];

const { values: options } = parseArgs({
  options: {
    server: { type: 'string' },
    chromium: { type: 'string' },
    package: { type: 'string' },
    drawing: { type: 'string' },
    decoder: { type: 'string' },
    results: { type: 'string' },
    report: { type: 'string' },
    charts: { type: 'string' },
    'server-table': { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '7' },
    quick: { type: 'boolean', default: false },
  },
});

/** The parts that `--only` names. A name such as `time` selects all parts that begin with it. */
function selected() {
  const names = options.only;
  const isNamed = (part, name) => part.name === name || part.name.startsWith(`${name}-`);
  const unknown = names.find((name) => !PARTS.some((part) => isNamed(part, name)));
  if (unknown) throw new Error(`there is no part ${unknown}: the parts are ${PARTS.map(({ name }) => name).join(', ')}`);
  return PARTS.filter((part) => names.length === 0 || names.some((name) => isNamed(part, name)));
}

function describeMachine() {
  const [{ model }] = os.cpus();
  const memory = `${Math.round(os.totalmem() / 2 ** 30)} GB`;
  return { processor: `${model.trim()}, ${os.cpus().length} cores`, memory, system: `${os.type()} ${os.release()}, ${os.arch()}` };
}

/** The versions of what is measured. The package changes more often than its version. */
function describeVersions(browser, sources) {
  const { version } = JSON.parse(readFileSync(path.join(options.package, '../package.json')));
  const hash = createHash('sha256').update(sources.get('global.js')).update(sources.get('scanlogin.wasm')).digest('hex');
  const peers = Object.fromEntries(PEERS.map((name) => [name, versionOf(name)]));
  return { scanlogin: `${version}, package ${hash.slice(0, 12)}`, browser: browser.version, 'Node.js': process.version, ...peers };
}

/** Shows what a part is doing, in one line of the terminal. */
function progress(text) {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K    ${text}`);
}

const duration = (milliseconds) => `${Math.round(milliseconds / 1000)} s`;

async function main() {
  const parts = selected();
  const certificate = createCertificate();
  const sources = await scripts(options.package);
  const files = new Map([...served(sources), ...phoneFiles(options.decoder)]);
  const rounds = options.quick ? 1 : Number(options.rounds);
  const startSite = () => Site.start({ server: options.server, certificate, files });
  const site = await startSite();
  let browser;
  try {
    browser = await Chromium.launch(options.chromium, certificate.spkiHash);
  } catch (error) {
    await site.close();
    throw error;
  }
  const context = { browser, site, startSite, sources, rounds, quick: options.quick, drawingFolder: options.drawing, progress };
  const resultFile = (part) => path.join(options.results, `${part.name}.json`);
  mkdirSync(options.results, { recursive: true });
  const fresh = {};
  try {
    for (const [index, part] of parts.entries()) {
      console.log(`==> ${part.title} (${part.name}, ${index + 1} of ${parts.length}) …`);
      const start = performance.now();
      const data = await part.run(context);
      progress('');
      const result = { date: new Date().toISOString(), machine: describeMachine(), versions: describeVersions(browser, sources), data };
      fresh[part.name] = result;
      if (!options.quick) writeFileSync(resultFile(part), JSON.stringify(result));
      console.log(`${section(part, result)}\n\n==> ${duration(performance.now() - start)}: ${part.name}`);
    }
  } finally {
    await browser.close();
    await site.close();
  }
  const targets = parts.flatMap((part) => part.targets(fresh[part.name].data));
  if (targets.length > 0) {
    console.log(`\n${targetTable(targets)}`);
    console.log(`\n${targets.filter((target) => judge(target).isMet).length} of ${targets.length} targets are met`);
  }
  const { machine, versions } = fresh[parts[0].name];
  if (!options.quick) writeReport(resultFile, { machine, versions });
}

/** Writes the report and the charts, if there are results of all parts, of this machine and of these versions. */
function writeReport(resultFile, current) {
  const isCurrent = (part) => {
    if (!existsSync(resultFile(part))) return false;
    const { machine, versions } = JSON.parse(readFileSync(resultFile(part)));
    return isDeepStrictEqual({ machine, versions }, current);
  };
  const missing = PARTS.filter((part) => !isCurrent(part));
  if (missing.length > 0) {
    console.log(`\nNo report yet: it needs the parts ${missing.map(({ name }) => name).join(', ')}, too`);
    return;
  }
  const results = Object.fromEntries(PARTS.map((part) => [part.name, JSON.parse(readFileSync(resultFile(part)))]));
  write(options.report, report(PARTS, results, serverTable()));
  for (const [name, svg] of Object.entries(charts(results))) write(path.join(options.charts, name), svg);
  console.log(`\nWritten: ${options.report}, and the charts in ${options.charts}`);
}

/** The table that the last run of all benchmarks of the server has left. */
function serverTable() {
  const file = options['server-table'];
  if (!file || !existsSync(file)) return undefined;
  return { table: readFileSync(file, 'utf8').trim(), date: statSync(file).mtime.toISOString() };
}

await main();
