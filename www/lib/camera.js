// Reads QR codes with the camera: the stream, its choice and its torch. `qr-reader.js` decodes the frames in a worker.

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
 * What the scanner does, as given to `onStateChange`.
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
 * - `onStateChange(state)`: a `CameraState`. When it is `scanning`, `hasTorch` and `cameras()` are known.
 *
 * `options.camera` is the id of the camera to use, if it is there. Without it the camera at the back is used.
 *
 * @param {HTMLVideoElement} video
 * @param {object} options
 * @returns {Scanner}
 */
export function openScanner(video, options) {
  return new Scanner(video, options);
}

/** A scanner that `openScanner` has opened. */
class Scanner {
  /** The `CameraState`. */
  state = 'starting';

  constructor(video, options) {
    this.video = video;
    this.options = options;
  }

  /** Ends the scanner for good: the camera is off and `video` is empty. Calls nothing afterwards. May be called twice. */
  stop() {}

  /** Whether the camera has a light that `torch` switches. */
  get hasTorch() {
    return false;
  }

  /** Switches the light of the camera. Resolves to whether it is on. */
  async torch(on) {
    return false;
  }

  /** The cameras of the device, `{ id, label, isUsed }` each. Labels are known while the state is `scanning`. */
  async cameras() {
    return [];
  }

  /** Continues with another camera. */
  async useCamera(id) {}
}
