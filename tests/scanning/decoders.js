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
  const data = new Uint8ClampedArray(width * height * 4);
  for (let index = 0; index < gray.length; index += 1) {
    const pixel = index * 4;
    // The array rounds.
    data[pixel] = data[pixel + 1] = data[pixel + 2] = gray[index];
    data[pixel + 3] = 255;
  }
  const texts = {};
  for (const [name, read] of Object.entries(decoders)) texts[name] = (await read({ width, height, data })) || null;
  return texts;
}

/** Reads a PNG. */
export function readPicture(file) {
  const { width, height, data } = PNG.sync.read(readFileSync(file));
  const gray = new Float32Array(width * height);
  for (let index = 0; index < gray.length; index += 1) {
    const pixel = index * 4;
    gray[index] = 0.299 * data[pixel] + 0.587 * data[pixel + 1] + 0.114 * data[pixel + 2];
  }
  return { width, height, gray };
}
