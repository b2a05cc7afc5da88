// Reads QR codes with the camera: the stream, the choice of the camera and its light. `qr-reader.js` decodes the frames.

import { canReadInWorker, QrReader } from '/lib/qr-reader.js';

/** The stream that is asked for. A device without such a camera gives another. */
const SIZE = { width: { ideal: 1920 }, height: { ideal: 1080 } };
/** The frames without a text, after which the same text is reported again. */
const FORGET_AFTER = 20;
/** The duration of the vibration in milliseconds. */
const VIBRATION = 80;

/**
 * The reasons why a camera does not run, as given to `onProblem`.
 *
 * - `insecure`: the page was not loaded by HTTPS, so that the browser gives no camera.
 * - `unsupported`: the browser has no access to cameras, or can't decode in the background.
 * - `refused`: the person or a rule of the browser refused the permission.
 * - `dismissed`: the person closed the question about the permission without an answer.
 * - `no-camera`: the device has no camera.
 * - `in-use`: another program uses the camera, or it does not start.
 * - `ended`: the camera was unplugged, or the permission was withdrawn while it ran.
 * - `decoder`: the decoder could not be loaded.
 *
 * @typedef {'insecure'|'unsupported'|'refused'|'dismissed'|'no-camera'|'in-use'|'ended'|'decoder'} CameraProblem
 */

/**
 * The states of a scanner, as given to `onStateChange`.
 *
 * - `starting`: the browser asks for the permission, or the camera starts.
 * - `scanning`: `video` shows the camera, and frames are decoded.
 * - `paused`: the page is hidden and the camera is off. It starts again when the page is visible.
 * - `found`: a wanted code was read. The camera is off, and `video` shows the frame with the code until `stop()`.
 * - `stopped`: after `stop()` or a problem. The camera is off.
 *
 * @typedef {'starting'|'scanning'|'paused'|'found'|'stopped'} CameraState
 */

/**
 * The place of a code in a frame. An SVG over `video` with `viewBox="0 0 width height"` draws at the right place, if its
 * `preserveAspectRatio` is `xMidYMid slice` for `object-fit: cover`, and `xMidYMid meet` for `object-fit: contain`.
 *
 * @typedef {object} CodePlace
 * @property {{ x: number, y: number }[]} corners The four corners of the code, in pixels of the frame.
 * @property {number} width The width of the frame.
 * @property {number} height The height of the frame.
 */

/**
 * Opens the camera and decodes its frames until a wanted code is read. Call it while the step with `video` is visible, best
 * from a click, so that the browser may ask for the permission. The scanner sets `srcObject`, `muted` and `playsInline`.
 *
 * The functions of `options`:
 * - `isWanted(text)`: whether the text is what the page looks for.
 * - `onText(text, place)`: a wanted text, once. The device has vibrated. The state is `found`.
 * - `onOtherText(text, place)`: a text that is not wanted. Scanning goes on. Called once while the same text is in sight.
 * - `onProblem(problem)`: a `CameraProblem`, at most once. The state is `stopped`. Open another scanner to try again.
 * - `onStateChange(state)`: a `CameraState`. When it becomes `scanning`, `hasTorch` and `cameras()` are known, and the light is
 *   off.
 *
 * `options.camera` is the id of the camera to use, if it is there. Without it the camera at the back is used.
 */
export function openScanner(video, options) {
  return new Scanner(video, options);
}

/** A scanner that `openScanner` has opened. */
class Scanner {
  /** The `CameraState`. */
  state = 'starting';
  #video;
  #options;
  /** The id of the camera to use; `undefined` for the camera at the back. */
  #camera;
  #stream = null;
  #reader = new QrReader();
  /** Ends what runs while the camera is on: the request for it, and the loop over its frames. */
  #run = new AbortController();
  /** Ends the listeners of the scanner. */
  #life = new AbortController();

  constructor(video, options) {
    this.#video = video;
    this.#options = options;
    this.#camera = options.camera;
    const { signal } = this.#life;
    document.addEventListener('visibilitychange', () => this.#followVisibility(), { signal });
    // Some browsers don't report that a page is hidden when it is left and kept for the way back.
    addEventListener('pagehide', () => this.#pause(), { signal });
    addEventListener('pageshow', () => this.#followVisibility(), { signal });
    // The caller gets its scanner before the first call of its functions.
    queueMicrotask(() => !signal.aborted && (document.hidden ? this.#pause() : this.#start()));
  }

  /** Ends the scanner for good: the camera is off and `video` is empty. Calls nothing afterwards. May be called twice. */
  stop() {
    this.#turnOff();
    this.#life.abort();
    this.#reader.close();
    this.#video.srcObject = null;
    this.state = 'stopped';
  }

  /** Whether the camera has a light that `torch` switches. */
  get hasTorch() {
    return this.#track?.getCapabilities?.().torch === true;
  }

  /** Switches the light of the camera. Returns whether it is on. */
  async torch(on) {
    if (!this.hasTorch) return false;
    // Some devices report a light and can't switch it.
    await this.#track.applyConstraints({ advanced: [{ torch: on }] }).catch(() => {});
    return this.#track?.getSettings().torch === true;
  }

  /** The cameras of the device, `{ id, label, isUsed }` each. Their labels are known while the state is `scanning`. */
  async cameras() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    const used = this.#track?.getSettings().deviceId;
    return devices
      .filter(({ kind, deviceId }) => kind === 'videoinput' && deviceId)
      .map(({ deviceId, label }) => ({ id: deviceId, label, isUsed: deviceId === used }));
  }

  /** Continues with another camera. */
  useCamera(id) {
    this.#camera = id;
    if (this.state !== 'starting' && this.state !== 'scanning') return;
    this.#turnOff();
    this.#start();
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0] ?? null;
  }

  #followVisibility() {
    if (document.hidden) this.#pause();
    else if (this.state === 'paused') this.#start();
  }

  #pause() {
    if (this.state !== 'starting' && this.state !== 'scanning') return;
    this.#turnOff();
    this.#setState('paused');
  }

  /** Turns the camera on, and decodes its frames until `#turnOff`. */
  async #start() {
    const { signal } = (this.#run = new AbortController());
    this.#setState('starting');
    try {
      if (!isSecureContext) throw new CameraError('insecure');
      if (!navigator.mediaDevices?.getUserMedia || !canReadInWorker()) throw new CameraError('unsupported');
      // The decoder is loaded while the person answers the question of the browser.
      const prepared = this.#reader.prepare().then(
        () => null,
        () => new CameraError('decoder'),
      );
      const stream = await openStream(this.#camera);
      if (signal.aborted) return stopTracks(stream);
      this.#stream = stream;
      this.#track.addEventListener('ended', () => this.#end('ended'), { signal });
      await show(this.#video, stream, signal);
      const failure = await prepared;
      if (failure) throw failure;
      if (signal.aborted) return;
      this.#setState('scanning');
      await this.#readFrames(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof CameraError)) console.error(error);
      this.#end(error.problem ?? 'in-use');
    }
  }

  async #readFrames(signal) {
    let reported = null;
    let framesSince = 0;
    for (let number = 0; ; number++) {
      const frame = await nextFrame(this.#video, signal);
      if (signal.aborted) return frame?.close();
      const { codes, width, height } = await this.#read(frame, number);
      if (signal.aborted) return;
      const place = ({ corners }) => ({ corners, width, height });
      const wanted = codes.find(({ text }) => this.#options.isWanted(text));
      if (wanted) return this.#finish(wanted.text, place(wanted));
      const [other] = codes;
      framesSince = other && other.text === reported ? 0 : framesSince + 1;
      if (framesSince > FORGET_AFTER) reported = null;
      if (other && other.text !== reported) {
        [reported, framesSince] = [other.text, 0];
        this.#options.onOtherText?.(other.text, place(other));
      }
    }
  }

  async #read(frame, number) {
    try {
      return await this.#reader.readFrame(frame, number);
    } catch (cause) {
      throw new CameraError('decoder', { cause });
    }
  }

  /** Turns the camera off, and leaves its last frame in the video. */
  #finish(text, place) {
    this.#video.pause();
    this.#turnOff();
    this.#reader.close();
    // Browsers refuse a vibration before the first tap, and report an error.
    if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(VIBRATION);
    this.#setState('found');
    this.#options.onText(text, place);
  }

  #end(problem) {
    this.stop();
    this.#options.onStateChange?.('stopped');
    this.#options.onProblem?.(problem);
  }

  #turnOff() {
    this.#run.abort();
    stopTracks(this.#stream);
    this.#stream = null;
  }

  #setState(state) {
    if (state === this.state && state !== 'starting') return;
    this.state = state;
    this.#options.onStateChange?.(state);
  }
}

/** A camera that does not run. `problem` is a `CameraProblem`. */
class CameraError extends Error {
  constructor(problem, options) {
    super(problem, options);
    this.problem = problem;
  }
}

/** Opens the camera with an id, or the camera at the back. Throws a `CameraError`. */
async function openStream(camera) {
  const open = (choice) => navigator.mediaDevices.getUserMedia({ audio: false, video: { ...SIZE, ...choice } });
  const openBack = () => open({ facingMode: { ideal: 'environment' } });
  try {
    const stream = await (camera ? open({ deviceId: { exact: camera } }).catch(orIfMissing(openBack)) : openBack());
    const [track] = stream.getVideoTracks();
    // The distance to the screen changes while the person aims.
    if (track.getCapabilities?.().focusMode?.includes('continuous')) {
      await track.applyConstraints({ advanced: [{ focusMode: 'continuous' }] }).catch(() => {});
    }
    return stream;
  } catch (cause) {
    throw new CameraError(await problemOf(cause), { cause });
  }
}

/** Calls `open` if the camera that was chosen is not there any more. */
const orIfMissing = (open) => (error) => {
  if (!['OverconstrainedError', 'NotFoundError'].includes(error.name)) throw error;
  return open();
};

/** The `CameraProblem` for an error of `getUserMedia`. */
async function problemOf({ name }) {
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return (await permission()) === 'prompt' ? 'dismissed' : 'refused';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'no-camera';
    default:
      return 'in-use';
  }
}

/** The state of the permission. `null` if the browser does not support this query. */
async function permission() {
  try {
    return (await navigator.permissions.query({ name: 'camera' })).state;
  } catch {
    return null;
  }
}

function stopTracks(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** Shows a stream, and waits for its first frame. */
async function show(video, stream, signal) {
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  try {
    await video.play();
  } catch (cause) {
    // The camera was turned off before its first frame.
    if (!signal.aborted) throw new CameraError('in-use', { cause });
  }
}

/** Waits for the next frame of a video. Returns `null` if `signal` is aborted before. */
async function nextFrame(video, signal) {
  await new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(done);
    else requestAnimationFrame(done);
  });
  return signal.aborted ? null : capture(video);
}

/** Whether frames can be sent to a worker as `VideoFrame`, whose gray values need no conversion. */
let sendsVideoFrames = typeof VideoFrame === 'function';

/** The current frame of a video. */
async function capture(video) {
  if (sendsVideoFrames) {
    try {
      return new VideoFrame(video);
    } catch {
      sendsVideoFrames = false;
    }
  }
  return createImageBitmap(video);
}
