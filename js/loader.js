// Loads the wasm, or reports why it can't be loaded. The loading function that wasm-bindgen generates is not used: it has no
// timeout, and its errors have no code.

import { field, messageOf, scanLoginError } from "./options.js";
import { initSync } from "./scanlogin.js";

/** The time in seconds that the download may take. */
const TIMEOUT = 20;
/** A module with a table of JavaScript values (`externref`), the newest feature that the wasm uses. */
const PROBE = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 4, 4, 1, 111, 0, 0);

/** The cache mode of the next download. A retry bypasses the cache, since the cached file may be damaged. */
let cache = "default";

/**
 * Loads the wasm from the address, `Response`, bytes or module that `locate` returns. A download starts when the promise
 * `headStart` settles.
 */
export async function load(locate, integrity, headStart) {
  expectPage();
  try {
    expectWebAssembly();
    const source = located(locate);
    if (!(source instanceof WebAssembly.Module)) await run(await download(source, headStart), integrity);
    else if (!integrity) initSync({ module: source });
    else throw failure("integrity", "a compiled module can't be checked: pass its bytes instead");
  } catch (thrown) {
    const isCached = cache !== "reload";
    cache = "reload";
    const code = field(thrown, "code");
    // The cached wasm may be older than this script.
    if (code === "wasm-outdated" && isCached) return load(locate, integrity);
    throw /^wasm-/.test(code) ? thrown : failure("unreachable", `the wasm can't be loaded (${messageOf(thrown)})`, thrown);
  }
}

/** Throws on a server, which may import the package and nothing else. */
export function expectPage() {
  if (typeof document === "undefined") {
    throw new Error("scanlogin works in a browser's page: on a server import it, and call it in an effect or a listener");
  }
}

/** Returns what `locate` returns. A module at a `blob:` address has nothing beside it, a classic script has no address. */
function located(locate) {
  try {
    return locate();
  } catch (cause) {
    throw failure("not-found", `this script does not know the address of scanlogin.wasm: ${helpFor("")}`, cause);
  }
}

/** Advice for a wasm that is not at `address`. */
function helpFor(address) {
  const other = "import 'scanlogin/inline' or call init() with its address";
  // Development servers serve modules from a cache.
  if (!/\/(deps|node_modules)\//.test(address)) return other;
  return `in Vite, set optimizeDeps: { exclude: ['scanlogin'] }, or ${other}`;
}

function expectWebAssembly() {
  // jsdom is not a browser.
  if (!window.TextDecoder || !window.TextEncoder || !window.fetch) {
    throw failure("unsupported", "fetch or TextDecoder is missing. In Jest, set testEnvironment: 'jest-fixed-jsdom'");
  }
  if (typeof WebAssembly === "undefined" || typeof AbortController === "undefined" || !WebAssembly.validate(PROBE)) {
    throw failure("unsupported", "this browser is too old: it needs Chrome 96, Edge 96, Firefox 79 or Safari 15");
  }
  try {
    new WebAssembly.Module(PROBE);
  } catch (cause) {
    throw failure("blocked", "the page's policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src", cause);
  }
}

/** Returns the address of the wasm, its content type, and its bytes. */
async function download(given, headStart) {
  const isBytes = given instanceof ArrayBuffer || ArrayBuffer.isView(given);
  const source = isBytes ? new Response(given) : given;
  const address = source.headers ? source.url || "the wasm" : String(source);
  const abort = new AbortController();
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no response in ${TIMEOUT} seconds`));
      abort.abort();
    }, TIMEOUT * 1000);
  });
  try {
    return await Promise.race([read(source, address, abort.signal, headStart), timeout]);
  } catch (cause) {
    if (field(cause, "code") === "wasm-not-found") throw cause;
    const reason = /^file:/.test(address)
      ? `it is a file and no website: ${helpFor(address)}`
      : "the browser is offline, or connect-src of the page's policy forbids it";
    throw failure("unreachable", `${address} can't be reached (${messageOf(cause)}): ${reason}`, cause);
  } finally {
    clearTimeout(timer);
  }
}

async function read(source, address, signal, headStart) {
  // A `Response` can be read once. A retry downloads from its address.
  const isRead = !source.headers || source.bodyUsed;
  if (isRead) await headStart;
  const response = isRead ? await fetch(address, { signal, cache }) : source;
  const { ok, status, headers } = response;
  if (status === 404 || status === 410) {
    throw failure("not-found", `${address} is not there: put scanlogin.wasm there, or ${helpFor(address)}`);
  }
  if (!ok) throw new Error(`HTTP ${status}`);
  return { address, type: headers.get("content-type"), bytes: await response.arrayBuffer() };
}

async function run({ address, type, bytes }, integrity) {
  if (String(new Uint8Array(bytes.slice(0, 4))) !== "0,97,115,109") {
    const hint = `does its server answer every address with the same page? Otherwise ${helpFor(address)}`;
    throw failure("wrong-type", `${address} is not WebAssembly but ${type || "something else"}: ${hint}`);
  }
  if (integrity) await expectIntegrity(address, bytes, integrity);
  try {
    initSync({ module: await WebAssembly.compile(bytes) });
  } catch (cause) {
    const isInvalid = cause instanceof WebAssembly.CompileError;
    if (cause instanceof RangeError || (isInvalid && integrity)) {
      throw failure("unsupported", `this browser can't run ${address}: ${cause.message}`, cause);
    }
    if (isInvalid) throw failure("damaged", `${address} is damaged: deploy it again`, cause);
    // The imports have a name that contains the hash of the wasm.
    const advice = "reload the page, or deploy both again";
    throw failure("outdated", `${address} is of another version than this script: ${advice}`, cause);
  }
}

/**
 * Checks the hash as browsers check that of a script: one of the strongest hashes must match. Text without a hash is refused.
 */
async function expectIntegrity(address, bytes, integrity) {
  const hashes = integrity.split(/\s+/);
  const strongest = ["512", "384", "256"].find((bits) => integrity.includes(`sha${bits}-`));
  let problem = "its integrity must be a hash such as sha384-…";
  if (!crypto.subtle) problem = "a browser checks integrity on pages with HTTPS only";
  else if (strongest) {
    const digest = new Uint8Array(await crypto.subtle.digest(`SHA-${strongest}`, bytes));
    const hash = `sha${strongest}-${btoa(String.fromCharCode(...digest))}`;
    if (hashes.includes(hash)) return;
    problem = `its hash is ${hash}`;
  }
  throw failure("integrity", `${address} is refused: ${problem}`);
}

function failure(code, message, cause) {
  return scanLoginError(`wasm-${code}`, message, cause);
}
