// Reads the same frame many times with the reader of the phone page, as the frames of a camera.

import { QrReader } from '/lib/qr-reader.js';

const reader = new QrReader();

/** A frame with these gray values, in the format of a camera, or in colors as a browser without `VideoFrame` has it. */
async function frameOf(luma, { width, height, format }) {
  if (format === 'I420') {
    const planes = new Uint8Array(luma.length * 1.5).fill(128);
    planes.set(luma);
    return new VideoFrame(planes, { format, codedWidth: width, codedHeight: height, timestamp: 0 });
  }
  const colors = new Uint8ClampedArray(4 * luma.length).fill(255);
  luma.forEach((value, i) => colors.fill(value, 4 * i, 4 * i + 3));
  return createImageBitmap(new ImageData(colors, width, height));
}

/**
 * Reads `count` frames. Returns the milliseconds from the call of the reader to its answer for each, and the texts. `base64` are
 * the gray values.
 */
window.readFrames = async (base64, size, count) => {
  const luma = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const [times, texts] = [[], new Set()];
  for (let number = 0; number < count; number++) {
    const frame = await frameOf(luma, size);
    const start = performance.now();
    const { codes } = await reader.readFrame(frame, number);
    times.push(performance.now() - start);
    codes.forEach(({ text }) => texts.add(text));
  }
  return { times, texts: [...texts] };
};
