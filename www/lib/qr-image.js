// Reads the QR codes in an image that the person selects, pastes or drops.

import { TemporaryError } from '/lib/api.js';
import { canReadInWorker, QrReader } from '/lib/qr-reader.js';

/** The size in pixels of an image that has none, such as a vector image. */
const DEFAULT_SIDE = 1024;
/** The maximum size of a file in bytes. */
const MAX_FILE_SIZE = 30_000_000;

/**
 * Returns `{ text }`, the text of a code in `blob`, or `{ problem }`, the name of a problem. Prefers a text for which
 * `isWanted` returns true, because an image can contain other codes. Throws a `TemporaryError` if the decoder can't be
 * loaded.
 */
export async function readQrImage(blob, isWanted) {
  if (!canReadInWorker()) return { problem: 'old-browser' };
  if (blob.size > MAX_FILE_SIZE) return { problem: 'image-too-large' };
  const image = await load(blob);
  if (!image) return { problem: 'not-an-image' };
  const reader = new QrReader();
  let unwanted = null;
  try {
    for await (const texts of reader.readImage(image)) {
      const text = texts.find(isWanted);
      if (text) return { text };
      unwanted ??= texts[0];
    }
  } catch (cause) {
    const message = 'Couldn’t load the QR code reader. Try again, or paste the text of the code below.';
    throw new TemporaryError('decoder', message, { cause });
  } finally {
    reader.close();
  }
  if (unwanted) return { text: unwanted };
  return { problem: 'no-code' };
}

/** Decodes an image file, without blocking the page. `null` if the browser can't. */
async function load(blob) {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  try {
    // An element also decodes vector images, which `createImageBitmap` refuses for a file.
    await image.decode();
    const size = image.naturalWidth ? {} : { resizeWidth: DEFAULT_SIDE, resizeHeight: DEFAULT_SIDE };
    return await createImageBitmap(image, size);
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(image.src);
  }
}
