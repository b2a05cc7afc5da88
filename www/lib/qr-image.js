// Reads the QR codes in an image, with the detector of the browser and with the decoder in /vendor/qr/.

import { TemporaryError } from '/lib/api.js';

/** The longest side in pixels of what is read at a time. A larger image is scaled down, and then read in tiles. */
const MAX_SIDE = 1600;
/** The part of a tile that the next tile repeats, so that a code of this size is complete in one of them. In pixels. */
const OVERLAP = MAX_SIDE / 2;
/** The longest side in pixels at which an image is read in tiles: that of a screen with a resolution of 8K. */
const MAX_TILED_SIDE = 8192;
/** An image whose longest side is shorter than this is also tried at this size. In pixels. */
const MIN_SIDE = 800;
/** The width of the white border in pixels. It replaces a missing quiet zone. */
const BORDER = 48;

/**
 * Returns `{ text }`, the text of a code in `blob`, or `{ problem }`, a message for the person. Prefers a text for which
 * `isWanted` returns true, because an image can contain other codes. Throws a `TemporaryError` if the decoder can't be
 * loaded.
 */
export async function readQrImage(blob, isWanted) {
  const image = await load(blob);
  if (!image) return { problem: 'This file can’t be opened as an image. Use a PNG or JPEG file.' };
  let unwanted = null;
  try {
    for (const read of [await nativeReader(), vendorReader]) {
      if (!read) continue;
      for (const canvas of variants(image)) {
        const texts = await read(canvas);
        const text = texts.find(isWanted);
        if (text) return { text };
        unwanted ??= texts[0];
      }
    }
  } catch (cause) {
    const message = 'Couldn’t load the QR code reader. Try again, or paste the text of the code below.';
    throw new TemporaryError(message, { cause });
  }
  if (unwanted) return { text: unwanted };
  return { problem: 'No QR code found. Take a sharp photo from the front, with some space around the code.' };
}

async function load(blob) {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

/** The whole image, without and with a border and at another size. Then the tiles of a large image. */
function* variants(image) {
  const width = image.naturalWidth || MIN_SIDE;
  const height = image.naturalHeight || MIN_SIDE;
  const longest = Math.max(width, height);
  const whole = { x: 0, y: 0, width, height };
  const scale = Math.min(1, MAX_SIDE / longest);
  yield draw(image, whole, scale, 0);
  yield draw(image, whole, scale, BORDER);
  yield draw(image, whole, longest < MIN_SIDE ? Math.ceil(MIN_SIDE / longest) : scale / 2, BORDER);
  // A code in a part of a large image has too few pixels when the whole image is scaled down.
  for (const tileScale of tileScales(scale, Math.min(1, MAX_TILED_SIDE / longest))) {
    for (const tile of tiles(width, height, tileScale)) yield draw(image, tile, tileScale, BORDER);
  }
}

/** The scales at which tiles are read, above `wholeScale`. They double up to `max`, so that codes of all sizes fit. */
function tileScales(wholeScale, max) {
  const scales = [];
  for (let scale = max; scale > wholeScale; scale /= 2) scales.unshift(scale);
  return scales;
}

/** The tiles of an image that have at most `MAX_SIDE` pixels per side at a scale. */
function* tiles(width, height, scale) {
  const [side, overlap] = [MAX_SIDE / scale, OVERLAP / scale];
  const step = side - overlap;
  for (let y = 0; y === 0 || y + overlap < height; y += step) {
    for (let x = 0; x === 0 || x + overlap < width; x += step) {
      yield { x, y, width: Math.min(side, width - x), height: Math.min(side, height - y) };
    }
  }
}

/** Draws a part of the image. */
function draw(image, { x, y, width, height }, scale, border) {
  const canvas = document.createElement('canvas');
  const [drawnWidth, drawnHeight] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  canvas.width = drawnWidth + 2 * border;
  canvas.height = drawnHeight + 2 * border;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, x, y, width, height, border, border, drawnWidth, drawnHeight);
  return canvas;
}

/** A reader that uses `BarcodeDetector`; `null` if the browser can't read QR codes. */
async function nativeReader() {
  try {
    if (!(await BarcodeDetector.getSupportedFormats()).includes('qr_code')) return null;
    const detector = new BarcodeDetector({ formats: ['qr_code'] });
    return async (canvas) => (await detector.detect(canvas).catch(() => [])).map(({ rawValue }) => rawValue);
  } catch {
    return null;
  }
}

async function vendorReader(canvas) {
  const { decodeQRBatch } = await import('/vendor/qr/decode.js');
  const { width, height } = canvas;
  const pixels = canvas.getContext('2d').getImageData(0, 0, width, height);
  const [results] = await decodeQRBatch([pixels], { effort: 64, timeLimit: 300, maxSize: { width, height }, stride: 4 });
  return results.filter((result) => typeof result === 'string');
}
