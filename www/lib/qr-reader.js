// Reads QR codes in a worker, so that the page stays responsive. The worker is `qr-worker.js`.

import { workerUrl } from '/lib/worker-url.js';

/** The maximum time in milliseconds for one response of the worker. A worker that takes longer is replaced. */
const RESPONSE_TIMEOUT = 20_000;
/** The pictures that may fail one after the other. More mean that the decoder does not work in this browser. */
const MAX_FAILURES = 5;
/** The response for a picture that the decoder could not finish. */
const NO_CODES = { codes: [], width: 0, height: 0, isComplete: true };

/** The decoder can't be loaded, or does not work. */
export class DecoderUnavailable extends Error {}

/** Whether the browser can decode in a worker: Chrome and Edge 80, Firefox 114, Safari 16.4 or later. */
export const canReadInWorker = () => typeof Worker === 'function' && typeof OffscreenCanvas === 'function';

/** Reads one picture after the other. `close` it after use. */
export class QrReader {
  /** Started at the first use. */
  #worker = null;
  /** The response to the last message. The worker gets the next message when it has sent it. */
  #last = Promise.resolve();
  /** The functions of the promise for the response that the worker owes; `null` if it owes none. */
  #pending = null;
  #timer = 0;
  #failures = 0;
  #isClosed = false;

  /** Loads the decoder, so that the first picture is read sooner. Throws `DecoderUnavailable`, as the other methods do. */
  async prepare() {
    await this.#ask({}, []);
  }

  /**
   * Reads the codes in a `VideoFrame` or `ImageBitmap` of a camera, and takes it over. Consecutive numbers try different
   * sizes and parts of the frames. Returns `{ codes, width, height }`: the codes with `text` and `corners`, and the size of the
   * frame.
   */
  readFrame(frame, number) {
    return this.#ask({ frame, number }, [frame]);
  }

  /** Reads the codes in an `ImageBitmap`, and takes it over. Yields the texts that each of several attempts finds. */
  async *readImage(image) {
    let response = await this.#ask({ image }, [image]);
    yield response.codes.map(({ text }) => text);
    for (let attempt = 0; !response.isComplete; attempt++) {
      response = await this.#ask({ attempt }, []);
      yield response.codes.map(({ text }) => text);
    }
  }

  /** Ends the reader. The pictures that it was asked to read have no codes. */
  close() {
    this.#isClosed = true;
    this.#endWorker();
  }

  #ask(message, transfer) {
    const response = this.#last.then(() => this.#send(message, transfer));
    this.#last = response.catch(() => {});
    return response;
  }

  #send(message, transfer) {
    if (this.#isClosed) {
      for (const picture of transfer) picture.close();
      return NO_CODES;
    }
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#start();
      this.#worker.postMessage(message, transfer);
      this.#pending = { resolve, reject };
      this.#timer = setTimeout(() => this.#skipPicture('It takes too long.'), RESPONSE_TIMEOUT);
    });
  }

  #start() {
    const worker = new Worker(workerUrl('/lib/qr-worker.js'), { type: 'module' });
    worker.onmessage = ({ data }) => {
      if (data.failure === 'decoder') return this.#fail(data.message);
      if (data.failure === 'picture') return this.#skipPicture(data.message);
      this.#failures = 0;
      this.#settle('resolve', data);
    };
    worker.onerror = ({ message }) => this.#fail(message);
    return worker;
  }

  /** Replaces a worker that has failed at a picture, because the state of its decoder is unknown. */
  #skipPicture(message) {
    this.#failures += 1;
    if (this.#failures > MAX_FAILURES) this.#fail(message);
    else this.#endWorker();
  }

  #fail(message) {
    this.#settle('reject', new DecoderUnavailable(message));
    this.#endWorker();
  }

  #endWorker() {
    this.#worker?.terminate();
    this.#worker = null;
    this.#settle('resolve', NO_CODES);
  }

  #settle(outcome, value) {
    clearTimeout(this.#timer);
    const pending = this.#pending;
    this.#pending = null;
    pending?.[outcome](value);
  }
}
