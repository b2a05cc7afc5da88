// Prints one line for each file: its size in bytes uncompressed, with gzip and with Brotli, each at the highest level,
// and its hash for `integrity`. Node.js contains both compressors, so this script needs no package.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

for (const file of process.argv.slice(2)) {
  const bytes = readFileSync(file);
  const hash = createHash('sha384').update(bytes).digest('base64');
  // The default of Brotli is the highest level.
  const sizes = [bytes, gzipSync(bytes, { level: 9 }), brotliCompressSync(bytes)].map(({ length }) => length);
  console.log(...sizes, `sha384-${hash}`);
}
