// Controls Chromium by the DevTools protocol, over a pipe. Each page has a browser context of its own: an empty cache
// and its own connections. The end-to-end tests use WebDriver, so that they run in all browsers; CPU throttling, traces
// and CPU times exist in the DevTools protocol only.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { start } from './children.js';

/** The maximum times for an event and for a command. They only end a run that hangs. */
const EVENT_TIMEOUT = 60_000;
const COMMAND_TIMEOUT = 600_000;

/** Names of other machines are not resolved, so that no page waits for a third party. */
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--lang=en-US',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
  '--remote-debugging-pipe',
];

export class Chromium {
  /** Starts the browser. It accepts certificates with the public key `spkiHash`. */
  static async launch(program, spkiHash) {
    const browser = new Chromium();
    browser.folder = mkdtempSync(path.join(tmpdir(), 'scanlogin-bench-'));
    const flags = [...FLAGS, `--user-data-dir=${browser.folder}`, `--ignore-certificate-errors-spki-list=${spkiHash}`];
    browser.process = start(program, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    browser.pending = new Map();
    browser.pages = new Map();
    browser.lastId = 0;
    const [, , , input, output] = browser.process.stdio;
    input.on('error', () => {});
    let buffer = [];
    output.on('data', (chunk) => {
      let start = 0;
      for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, start)) {
        buffer.push(chunk.subarray(start, end));
        browser.receive(JSON.parse(Buffer.concat(buffer).toString()));
        buffer = [];
        start = end + 1;
      }
      buffer.push(chunk.subarray(start));
    });
    const failed = new Promise((_, reject) => {
      browser.process.on('error', reject);
      browser.process.on('exit', () => {
        const error = new Error(`${program} has ended`);
        for (const { reject: rejectCommand, guard } of browser.pending.values()) {
          clearTimeout(guard);
          rejectCommand(error);
        }
        reject(error);
      });
    });
    failed.catch(() => {});
    const version = await Promise.race([browser.command('Browser.getVersion'), failed]);
    browser.version = version.product.replace('HeadlessChrome', 'Chromium headless shell').replace('/', ' ');
    return browser;
  }

  command(method, params = {}, sessionId) {
    const id = ++this.lastId;
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => {
      const guard = setTimeout(() => reject(new Error(`the browser did not answer ${method}`)), COMMAND_TIMEOUT);
      this.pending.set(id, { resolve, reject, method, guard });
    });
  }

  receive(message) {
    const pending = this.pending.get(message.id);
    if (pending) {
      this.pending.delete(message.id);
      clearTimeout(pending.guard);
      if (message.error) pending.reject(new Error(`${pending.method}: ${message.error.message}`));
      else pending.resolve(message.result);
    } else {
      this.pages.get(message.sessionId)?.receive(message);
    }
  }

  /** Opens an empty page. */
  async open({ width = 480, height = 640, pixelRatio = 1 } = {}) {
    const { browserContextId } = await this.command('Target.createBrowserContext');
    const { targetId } = await this.command('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await this.command('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId, browserContextId);
    this.pages.set(sessionId, page);
    const metrics = { width, height, deviceScaleFactor: pixelRatio, mobile: false };
    await page.command('Emulation.setDeviceMetricsOverride', metrics);
    await Promise.all(['Page.enable', 'Runtime.enable'].map((method) => page.command(method)));
    return page;
  }

  async close() {
    const ended = new Promise((resolve) => this.process.on('exit', resolve));
    await this.command('Browser.close').catch(() => {});
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class Page {
  constructor(browser, sessionId, browserContextId) {
    Object.assign(this, { browser, sessionId, browserContextId });
    this.listeners = new Set();
    /** Messages of the console and exceptions, for error messages. */
    this.messages = [];
  }

  command(method, params) {
    return this.browser.command(method, params, this.sessionId);
  }

  receive(message) {
    if (message.method === 'Runtime.exceptionThrown') {
      this.messages.push(message.params.exceptionDetails.exception?.description ?? 'an exception without description');
    }
    for (const listener of [...this.listeners]) listener(message);
  }

  /** Calls `run` with the parameters of each event `method`. Returns a function that ends this. */
  on(method, run) {
    const listener = (message) => message.method === method && run(message.params);
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The parameters of the next event `method` that `accept` accepts. */
  next(method, accept = () => true) {
    return new Promise((resolve, reject) => {
      const guard = setTimeout(() => {
        stop();
        reject(new Error(`the event ${method} did not arrive; ${this.messages.join('; ') || 'the page has no error'}`));
      }, EVENT_TIMEOUT);
      const stop = this.on(method, (params) => {
        if (!accept(params)) return;
        clearTimeout(guard);
        stop();
        resolve(params);
      });
    });
  }

  /** Evaluates an expression in the page. Waits for its promise. */
  async evaluate(expression) {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.command('Runtime.evaluate', options);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** A screenshot as PNG. `clip` is in CSS pixels. */
  async screenshot(clip) {
    const options = clip ? { clip: { scale: 1, ...clip } } : {};
    const { data } = await this.command('Page.captureScreenshot', { optimizeForSpeed: true, ...options });
    return Buffer.from(data, 'base64');
  }

  async close() {
    await this.browser.command('Target.disposeBrowserContext', { browserContextId: this.browserContextId });
    this.browser.pages.delete(this.sessionId);
  }
}
