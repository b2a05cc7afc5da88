// Replaces the style sheet in a copy of js/style_sheet.js by one without comments and white space.

import { readFileSync, writeFileSync } from 'node:fs';
import { transform } from 'esbuild';

const [file] = process.argv.slice(2);
// Without a package.json beside it, older versions of Node.js do not import the file itself as a module.
const { STYLE_SHEET } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(file, 'utf8'))}`);
const { code } = await transform(STYLE_SHEET, { loader: 'css', minifyWhitespace: true });
writeFileSync(file, `export const STYLE_SHEET = ${JSON.stringify(code.trim())};\n`);
