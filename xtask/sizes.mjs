// Prints what a browser downloads of a folder: every .wasm and .js file, raw and as servers compress them; and what a page
// may check of them by `integrity`.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const [folder] = process.argv.slice(2);
const files = readdirSync(folder).filter((name) => /\.(wasm|js)$/.test(name)).sort();
const row = (cells) => console.log(cells.map((cell, i) => (i ? String(cell).padStart(9) : cell.padEnd(20))).join(' '));

row(['bytes', 'raw', 'gzip', 'brotli']);
for (const name of files) {
  const bytes = readFileSync(join(folder, name));
  row([name, bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length]);
}

console.log();
for (const name of ['global.js', 'scanlogin.wasm']) {
  const hash = createHash('sha384').update(readFileSync(join(folder, name))).digest('base64');
  console.log(`${name.padEnd(15)} integrity="sha384-${hash}"`);
}
