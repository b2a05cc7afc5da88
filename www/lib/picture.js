// Reads the QR code in a picture: with the browser's own detector where it has one, else with the decoder in /vendor/qr/.

const LARGEST = 1600;
const SMALL = 800;
const BORDER = 48;

/** The text of the code in `blob`, as `{ text }`, or `{ problem }`, a sentence about what to do. */
export async function readPicture(blob) {
  const image = await load(blob);
  if (!image) return { problem: 'This file is not a picture that can be opened here. Use a PNG or JPEG picture.' };
  try {
    for (const read of [await browserReader(), vendorReader]) {
      for (const canvas of attempts(image)) {
        const text = read && (await read(canvas));
        if (text) return { text };
      }
    }
  } catch {
    return { problem: 'The reader for pictures did not load. Try again, or paste the text of the code below.' };
  }
  return { problem: 'No code was found in this picture. Take it straight on and sharp, with the whole code and some space around it.' };
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

/** The picture as it is, then in the shapes that help a reader: with a white border, larger, smaller. */
function* attempts(image) {
  const width = image.naturalWidth || SMALL;
  const height = image.naturalHeight || SMALL;
  const longer = Math.max(width, height);
  const fit = Math.min(1, LARGEST / longer);
  yield draw(image, width * fit, height * fit, 0);
  yield draw(image, width * fit, height * fit, BORDER);
  const other = longer < SMALL ? Math.ceil(SMALL / longer) : fit / 2;
  yield draw(image, width * other, height * other, BORDER);
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

async function browserReader() {
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
