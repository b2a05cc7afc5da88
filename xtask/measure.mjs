// Prints a line about each file: its bytes raw, by gzip and by brotli at their best, and its hash for `integrity`. In
// JavaScript because Node.js has the very compressors that servers have.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

for (const file of process.argv.slice(2)) {
  const bytes = readFileSync(file);
  const hash = createHash('sha384').update(bytes).digest('base64');
  // Without options, brotli works at its best.
  const sizes = [bytes, gzipSync(bytes, { level: 9 }), brotliCompressSync(bytes)].map(({ length }) => length);
  console.log(...sizes, `sha384-${hash}`);
}
