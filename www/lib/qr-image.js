// Reads the QR code in an image, with the detector of the browser and with the decoder in /vendor/qr/.

/** The longest side of an image in pixels. A larger image is scaled down. */
const MAX_SIDE = 1600;
/** An image whose longest side is shorter than this is also tried at this size. In pixels. */
const MIN_SIDE = 800;
/** The width of the white border in pixels. It replaces a missing quiet zone. */
const BORDER = 48;

/** Returns `{ text }`, the text of the code in `blob`, or `{ problem }`, a message for the person. */
export async function readQrImage(blob) {
  const image = await load(blob);
  if (!image) return { problem: 'This file can’t be opened as an image. Use a PNG or JPEG file.' };
  try {
    for (const read of [await nativeReader(), vendorReader]) {
      for (const canvas of variants(image)) {
        const text = read && (await read(canvas));
        if (text) return { text };
      }
    }
  } catch {
    return { problem: 'Couldn’t load the QR code reader. Try again, or paste the text of the code below.' };
  }
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

/** The image unchanged, then with a white border, then with a border at another size. */
function* variants(image) {
  const width = image.naturalWidth || MIN_SIDE;
  const height = image.naturalHeight || MIN_SIDE;
  const longest = Math.max(width, height);
  const scale = Math.min(1, MAX_SIDE / longest);
  yield draw(image, width * scale, height * scale, 0);
  yield draw(image, width * scale, height * scale, BORDER);
  const otherScale = longest < MIN_SIDE ? Math.ceil(MIN_SIDE / longest) : scale / 2;
  yield draw(image, width * otherScale, height * otherScale, BORDER);
}

function draw(image, width, height, border) {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width)) + 2 * border;
  canvas.height = Math.max(1, Math.round(height)) + 2 * border;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, border, border, canvas.width - 2 * border, canvas.height - 2 * border);
  return canvas;
}

/** A reader that uses `BarcodeDetector`; `null` if the browser can't read QR codes. */
async function nativeReader() {
  try {
    if (!(await BarcodeDetector.getSupportedFormats()).includes('qr_code')) return null;
    const detector = new BarcodeDetector({ formats: ['qr_code'] });
    return async (canvas) => (await detector.detect(canvas).catch(() => []))[0]?.rawValue;
  } catch {
    return null;
  }
}

async function vendorReader(canvas) {
  const { default: decode } = await import('/vendor/qr/decode.js');
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  try {
    return decode(pixels, { effort: 64, timeLimit: 300 });
  } catch {
    return null;
  }
}
