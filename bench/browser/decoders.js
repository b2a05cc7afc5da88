// Readers of QR codes in pictures: jsQR, ZXing-C++ and ZBar. Their authors know nothing of this package.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { scanImageData } from '@undecaf/zbar-wasm';
import jsQR from 'jsqr';
import { PNG } from 'pngjs';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

const require = createRequire(import.meta.url);
prepareZXingModule({ overrides: { wasmBinary: readFileSync(require.resolve('zxing-wasm/reader/zxing_reader.wasm')) } });

/** Each takes a picture with `data` (RGBA), `width` and `height`, and resolves to the text of its code, or `null`. */
export const DECODERS = {
  jsQR: async ({ data, width, height }) =>
    jsQR(data, width, height, { inversionAttempts: 'dontInvert' })?.data ?? null,
  'ZXing-C++': async (picture) => {
    const [code] = await readBarcodes(picture, { formats: ['QRCode'] });
    return code?.isValid ? code.text : null;
  },
  ZBar: async (picture) => {
    const [code] = await scanImageData({ ...picture, colorSpace: 'srgb' });
    return code?.decode() ?? null;
  },
};

/** A PNG as a picture. */
export function picture(png) {
  const { data, width, height } = PNG.sync.read(png);
  return { data: new Uint8ClampedArray(data.buffer, data.byteOffset, data.length), width, height };
}

/**
 * The code on a screenshot, read by ZXing-C++: its text, its error correction (L, M, Q or H), the modules of a side, and the
 * pixels of a module.
 */
export async function readCode(png) {
  const [code] = await readBarcodes(picture(png), { formats: ['QRCode'] });
  if (!code?.isValid) throw new Error('the screenshot has no readable code');
  const side = 17 + 4 * Number(code.version);
  const { topLeft, topRight } = code.position;
  const pixels = Math.round(Math.hypot(topRight.x - topLeft.x, topRight.y - topLeft.y) / side);
  return { text: code.text, level: code.ecLevel, side, pixels };
}
