// What a page downloads with each entry point, by encoding.

import { PAGES, sizes } from '../pages.js';
import { bytes, table } from '../markdown.js';

const ENTRY_POINTS = [
  { label: 'scanlogin, script tag', files: ['global.js', 'scanlogin.wasm'], isOurs: true },
  { label: 'scanlogin, module', files: ['index.js', 'scanlogin.wasm'], isOurs: true },
  { label: 'scanlogin, `<scan-login>`', files: ['element.js', 'index.js', 'scanlogin.wasm'], isOurs: true },
  { label: 'scanlogin, one script', files: ['inline.js'], isOurs: true },
  { label: 'authing-js-sdk', files: ['authing-js-sdk.js'] },
  { label: PAGES['do-it-yourself-polling'].label, files: ['do-it-yourself-polling.js'] },
  { label: PAGES['do-it-yourself-long-poll'].label, files: ['do-it-yourself-long-poll.js'] },
];

export const download = {
  name: 'download',
  title: 'Download',

  async run({ sources }) {
    const rows = ENTRY_POINTS.map(({ label, files, isOurs = false }) => {
      const each = files.map((name) => sizes(sources.get(name)));
      const sum = (encoding) => each.reduce((total, size) => total + size[encoding], 0);
      return { label, isOurs, files, raw: sum('raw'), gzip: sum('gzip'), brotli: sum('brotli') };
    });
    return { rows };
  },

  section({ rows }) {
    const cells = ({ label, files, raw, gzip, brotli }) => [label, files.join(' + '), bytes(raw), bytes(gzip), bytes(brotli)];
    return `Bytes of the scripts and the wasm, compressed at the highest level. A do-it-yourself page has its own code and \`qrcode\` in one
script, shrunk by esbuild.

${table(['entry point', 'files', 'not compressed', 'gzip', 'Brotli'], rows.map(cells), 'llrrr')}`;
  },

  targets: () => [],
};
