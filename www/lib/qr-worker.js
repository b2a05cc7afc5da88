// The worker of `qr-reader.js`. It sends one response to each message.
//
// It reads with the detector of the browser, where there is one that works, and with the decoder in /decoder/, which is a
// WebAssembly module.

/** The longest side and the number of pixels at which an image is read. A larger image is scaled down. */
const MAX_SIDE = 8192;
const MAX_PIXELS = 24_000_000;
/** The number of rows that are converted at a time. It limits the memory for pixels in color. */
const ROWS = 512;
/** The formats of video frames that begin with a plane of gray values. */
const PLANAR_FORMATS = ['I420', 'I420A', 'I422', 'I422A', 'I444', 'I444A', 'NV12'];

/** The module of the decoder and the detector of the browser, `null` if it has none. A promise, `null` before the first use. */
let readers = null;
/** The image that `attempt` reads: a `Picture` of the decoder. */
let image = null;
const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext('2d', { willReadFrequently: true });
/** The planes of a video frame. It is kept, because a camera sends many frames of the same size. */
let planes = new Uint8Array(0);

onmessage = async ({ data }) => postMessage(await respond(data));

/** Returns the response to a message. Its fields are those of `NO_CODES` in `qr-reader.js`, or `failure`. */
async function respond(message) {
  let loaded;
  try {
    loaded = await (readers ??= load());
  } catch (error) {
    return { failure: 'decoder', message: String(error) };
  }
  try {
    if (message.frame) return await readFrame(loaded, message.frame, message.number);
    if (message.image) return await openImage(loaded, message.image);
    if (message.attempt !== undefined) return readImage(message.attempt);
    return { codes: [], isComplete: true };
  } catch (error) {
    return { failure: 'picture', message: String(error) };
  }
}

async function load() {
  const [decoder, detector] = await Promise.all([import('/decoder/decoder.js'), createDetector()]);
  await decoder.default({ module_or_path: '/decoder/decoder.wasm' });
  return { decoder, detector };
}

async function createDetector() {
  try {
    if (!(await BarcodeDetector.getSupportedFormats()).includes('qr_code')) return null;
    return new BarcodeDetector({ formats: ['qr_code'] });
  } catch {
    return null;
  }
}

/** The codes that the detector of the browser finds. On a device without its service, it fails, and finds none. */
async function detect(detector, source) {
  const found = (await detector?.detect(source).catch(() => [])) ?? [];
  return found.map(({ rawValue, cornerPoints }) => ({
    text: rawValue,
    corners: cornerPoints.map(({ x, y }) => ({ x, y })),
  }));
}

async function readFrame({ decoder, detector }, frame, number) {
  const { width, height } = sizeOf(frame);
  let picture = null;
  try {
    let codes = await detect(detector, frame);
    if (codes.length === 0) {
      picture = new decoder.Picture(width, height);
      if (!(await addGrayPlane(picture, frame))) addPixels(picture, frame);
      codes = picture.readFrame(number).map(plain);
    }
    return { codes, width, height, isComplete: true };
  } finally {
    picture?.free();
    frame.close();
  }
}

/** The size of a frame or an image, as it is shown. */
const sizeOf = (source) => ({
  width: source.displayWidth ?? source.width,
  height: source.displayHeight ?? source.height,
});

/** Adds the gray values of a video frame. Returns `false` for a frame of another format, and for one that is shown rotated. */
async function addGrayPlane(picture, frame) {
  const { width, height } = sizeOf(frame);
  const { visibleRect, rotation, flip, format } = frame;
  if (visibleRect?.width !== width || visibleRect.height !== height || rotation || flip) return false;
  if (!PLANAR_FORMATS.includes(format)) return false;
  const size = frame.allocationSize();
  if (planes.length !== size) planes = new Uint8Array(size);
  const [{ offset, stride }] = await frame.copyTo(planes);
  picture.addGray(planes.subarray(offset, offset + stride * height), stride);
  return true;
}

/** Adds the pixels of a frame or an image, scaled to the size of the picture. */
function addPixels(picture, source) {
  const { width, height } = picture;
  const scale = sizeOf(source).height / height;
  for (let y = 0; y < height; y += ROWS) {
    const rows = Math.min(ROWS, height - y);
    // A new size clears the canvas. Transparent parts of an image become white.
    [canvas.width, canvas.height] = [width, rows];
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, rows);
    context.drawImage(source, 0, y * scale, sizeOf(source).width, rows * scale, 0, 0, width, rows);
    picture.addRgba(context.getImageData(0, 0, width, rows).data);
  }
}

async function openImage({ decoder, detector }, source) {
  image?.free();
  image = null;
  try {
    const codes = await detect(detector, source);
    const { width, height } = sizeOf(source);
    const scale = Math.min(1, MAX_SIDE / Math.max(width, height), Math.sqrt(MAX_PIXELS / (width * height)));
    image = new decoder.Picture(...[width, height].map((side) => Math.max(1, Math.round(side * scale))));
    addPixels(image, source);
    return { codes, isComplete: false };
  } finally {
    source.close();
  }
}

/** Reads the image once more. Each attempt reads another size or part of it. */
function readImage(attempt) {
  if (!image) return { codes: [], isComplete: true };
  const codes = image.readImage(attempt).map(plain);
  return { codes, isComplete: attempt + 1 >= image.attempts };
}

/** A code of the decoder as an object that can be sent. */
function plain(code) {
  const { text, corners } = code;
  code.free();
  const points = Array.from({ length: 4 }, (_, i) => ({ x: corners[2 * i], y: corners[2 * i + 1] }));
  return { text, corners: points };
}
