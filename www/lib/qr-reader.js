// Reads QR codes in a worker, so that the page stays responsive. The worker is `qr-worker.js`.

import { workerUrl } from '/lib/worker-url.js';

/** The maximum time in milliseconds for one answer of the worker. A worker that takes longer is replaced. */
const ANSWER_TIMEOUT = 20_000;
/** The answer for a picture that the decoder could not finish. */
const NO_CODES = { codes: [], width: 0, height: 0, isComplete: true };

/** The decoder can't be loaded. */
export class DecoderUnavailable extends Error {}

/** Whether the browser can decode in a worker: Chrome and Edge 80, Firefox 114, Safari 16.4 or later. */
export const canReadInWorker = () => typeof Worker === 'function' && typeof OffscreenCanvas === 'function';

/** Reads one picture at a time: wait for each answer before the next call. `close` the reader after use. */
export class QrReader {
  #worker = null;
  /** The functions of the promise for the answer that the worker owes; `null` if it owes none. */
  #pending = null;
  #timer = 0;

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
    let answer = await this.#ask({ image }, [image]);
    yield answer.codes.map(({ text }) => text);
    for (let attempt = 0; !answer.isComplete; attempt++) {
      answer = await this.#ask({ attempt }, []);
      yield answer.codes.map(({ text }) => text);
    }
  }

  /** Ends the worker. A picture that is being read has no codes. */
  close() {
    this.#settle('resolve', NO_CODES);
    this.#worker?.terminate();
    this.#worker = null;
  }

  #ask(message, transfer) {
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#start();
      this.#worker.postMessage(message, transfer);
      this.#pending = { resolve, reject };
      this.#timer = setTimeout(() => this.close(), ANSWER_TIMEOUT);
    });
  }

  #start() {
    const worker = new Worker(workerUrl('/lib/qr-worker.js'), { type: 'module' });
    const fail = (message) => {
      this.#settle('reject', new DecoderUnavailable(message));
      this.close();
    };
    worker.onmessage = ({ data }) => {
      if (data.failure === 'decoder') fail(data.message);
      // The state of a decoder that has failed is unknown. The next picture gets a new one.
      else if (data.failure === 'picture') this.close();
      else this.#settle('resolve', data);
    };
    worker.onerror = ({ message }) => fail(message ?? 'The worker can’t be loaded.');
    return worker;
  }

  #settle(outcome, value) {
    clearTimeout(this.#timer);
    const pending = this.#pending;
    this.#pending = null;
    pending?.[outcome](value);
  }
}
