// Three independent decoders, and pictures in grey.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { scanImageData } from '@undecaf/zbar-wasm';
import jsqr from 'jsqr';
import { PNG } from 'pngjs';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

// By default, it loads its wasm from a public server.
const wasmBinary = readFileSync(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'));
prepareZXingModule({ overrides: { wasmBinary } });

const decoders = {
  jsQR: (picture) => (jsqr.default ?? jsqr)(picture.data, picture.width, picture.height)?.data,
  ZXing: async (picture) => (await readBarcodes(picture, { formats: ['QRCode'] }))[0]?.text,
  ZBar: async (picture) => (await scanImageData(picture))[0]?.decode(),
};

/** The text that each decoder reads, by its name. `null` for none. */
export async function decode({ width, height, gray }) {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  gray.forEach((value, index) => data.fill(Math.round(value), index * 4, index * 4 + 3));
  const texts = {};
  for (const [name, read] of Object.entries(decoders)) texts[name] = (await read({ width, height, data })) || null;
  return texts;
}

/** Reads a PNG. */
export function readPicture(file) {
  const { width, height, data } = PNG.sync.read(readFileSync(file));
  const gray = Float32Array.from({ length: width * height }, (_, index) => {
    const [red, green, blue] = data.subarray(index * 4, index * 4 + 3);
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  });
  return { width, height, gray };
}
