// Writes a copy of each file compressed by Brotli (`.br`) and one compressed by gzip (`.gz`) beside it, each at the highest
// level, and prints the hash of the file for `integrity`. Node.js contains both compressors, so this script needs no package.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

for (const file of process.argv.slice(2)) {
  const bytes = readFileSync(file);
  // The default of Brotli is the highest level.
  writeFileSync(`${file}.br`, brotliCompressSync(bytes));
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  console.log(`sha384-${createHash('sha384').update(bytes).digest('base64')}`);
}
