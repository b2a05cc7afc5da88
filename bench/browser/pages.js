// The measured pages and their files.

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

import { build } from 'esbuild';

import { file } from './front.js';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const MODULES = path.join(HERE, 'node_modules');

/** The pages, in the order of tables and charts. */
export const PAGES = {
  scanlogin: { label: 'scanlogin' },
  'authing-js-sdk': { label: 'authing-js-sdk' },
  'do-it-yourself-polling': { label: 'do-it-yourself, polling' },
  'do-it-yourself-long-poll': { label: 'do-it-yourself, long poll' },
};

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** Bundles and shrinks a script, as a site does for production. */
export async function bundle(entry, options = {}) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2020',
    write: false,
    logLevel: 'error',
    nodePaths: [MODULES],
    ...options,
  });
  return Buffer.from(outputFiles[0].contents);
}

/** The content of all files that the pages load, by name. `pkg` is the folder of the built widget. */
export async function scripts(pkg) {
  const page = (name) => path.join(HERE, 'pages', name);
  const sources = new Map();
  for (const name of readdirSync(pkg).filter((name) => /\.(js|wasm)$/.test(name))) {
    sources.set(name, readFileSync(path.join(pkg, name)));
  }
  sources.set('authing-js-sdk.js', readFileSync(path.join(MODULES, 'authing-js-sdk/build/browser/index.min.js')));
  for (const name of ['scanlogin-page.js', 'authing-js-sdk-page.js']) sources.set(name, readFileSync(page(name)));
  for (const name of ['do-it-yourself-polling.js', 'do-it-yourself-long-poll.js']) {
    sources.set(name, await bundle(page(name)));
  }
  return sources;
}

/** The files of the phone page that the part `phone` loads, by path. `decoder` is the folder of the built decoder. */
export function phoneFiles(decoder) {
  const www = path.join(HERE, '../../www');
  const paths = { '/phone.html': path.join(HERE, 'pages/phone.html'), '/phone-page.js': path.join(HERE, 'pages/phone-page.js') };
  for (const name of ['qr-reader.js', 'qr-worker.js', 'worker-url.js']) paths[`/lib/${name}`] = path.join(www, 'lib', name);
  for (const name of ['decoder.js', 'decoder.wasm']) paths[`/decoder/${name}`] = path.join(decoder, name);
  return Object.entries(paths).map(([address, source]) => [address, file(TYPES[path.extname(source)], readFileSync(source))]);
}

/** The files that a site serves: the pages and their scripts, compressed by Brotli at the highest level. */
export function served(sources) {
  const files = new Map();
  for (const name of Object.keys(PAGES)) {
    files.set(`/${name}.html`, file(TYPES['.html'], readFileSync(path.join(HERE, 'pages', `${name}.html`))));
  }
  const page = readFileSync(path.join(HERE, 'pages/scanlogin.html'), 'utf8');
  // The same page of an app whose codes are links, and without the countdown.
  files.set('/scanlogin-link.html', file(TYPES['.html'], page.replace('demo-app', 'demo-link')));
  const tips = `data-tips='{ "expiresIn": "" }'`;
  files.set('/scanlogin-no-countdown.html', file(TYPES['.html'], page.replace('data-target', `${tips} data-target`)));
  files.set('/empty.html', file(TYPES['.html'], '<!doctype html><title>empty</title><link rel="icon" href="data:,">'));
  for (const [name, body] of sources) files.set(`/${name}`, file(TYPES[path.extname(name)], body));
  return files;
}

/** The sizes of a file in bytes: not compressed, and compressed at the highest level. */
export const sizes = (bytes) => ({
  raw: bytes.length,
  gzip: gzipSync(bytes, { level: 9 }).length,
  brotli: brotliCompressSync(bytes).length,
});

/** The version of an installed npm package. */
export const versionOf = (name) => JSON.parse(readFileSync(path.join(MODULES, name, 'package.json'))).version;
