// Brings the wasm into the page, or tells what kept it out. Deliberately absent: the glue's own loading, which waits for
// ever and calls each failure by the browser's words.

import { start } from "./scanlogin.js";

/** How many seconds the wasm may take. */
const PATIENCE = 20;
/** An empty module but for a table of JavaScript values: what came to browsers last of all that the wasm uses. */
const PROBE = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 4, 4, 1, 111, 0, 0);

/** A copy that the browser keeps may be what was wrong. */
let cache = "default";

/** Loads the wasm from where `locate` says: an address, a `Response`, bytes or a module. */
export async function load(locate, integrity) {
  expectPage();
  try {
    expectWebAssembly();
    const source = locate();
    if (!(source instanceof WebAssembly.Module)) await run(await inTime(source), integrity);
    else if (!integrity) start(source);
    else throw failure("integrity", "a compiled module can't be checked: hand over its bytes");
  } catch (error) {
    cache = "reload";
    throw error;
  }
}

/** A server that renders pages may import the package, and nothing else. */
export function expectPage() {
  if (typeof document === "undefined") {
    throw new Error("scanlogin works in a browser's page: on a server import it, and call it in an effect or a listener");
  }
}

function expectWebAssembly() {
  if (typeof WebAssembly === "undefined" || !WebAssembly.validate(PROBE)) {
    throw failure("unsupported", "this browser is too old: it takes Chrome 96, Edge 96, Firefox 79 or Safari 15");
  }
  try {
    new WebAssembly.Module(PROBE);
  } catch (cause) {
    throw failure("blocked", "the page's policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src", cause);
  }
}

/** The address of the wasm, the type its server gives it, and the bytes. */
async function inTime(given) {
  const isBytes = given instanceof ArrayBuffer || ArrayBuffer.isView(given);
  const source = isBytes ? new Response(given) : given;
  const address = source.headers ? source.url || "the wasm" : String(source);
  const abort = new AbortController();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer in ${PATIENCE} seconds`));
      abort.abort();
    }, PATIENCE * 1000);
  });
  try {
    return await Promise.race([read(source, address, abort.signal), late]);
  } catch (cause) {
    if (cause.code === "wasm-not-found") throw cause;
    const why = "the browser is offline, or connect-src of the page's policy forbids it";
    throw failure("unreachable", `${address} can't be reached (${cause.message}): ${why}`, cause);
  } finally {
    clearTimeout(timer);
  }
}

async function read(source, address, signal) {
  // Of a response that was read at the first try, the second has the address alone.
  const isRead = !source.headers || source.bodyUsed;
  const response = isRead ? await fetch(address, { signal, cache }) : source;
  const { ok, status, headers } = response;
  if (status === 404 || status === 410) {
    throw failure("not-found", `${address} is not there: put scanlogin.wasm there, or call init() with its address`);
  }
  if (!ok) throw new Error(`HTTP ${status}`);
  return { address, type: headers.get("content-type"), bytes: await response.arrayBuffer() };
}

async function run({ address, type, bytes }, integrity) {
  if (String(new Uint8Array(bytes.slice(0, 4))) !== "0,97,115,109") {
    const why = "does its server answer every address with the same page?";
    throw failure("wrong-type", `${address} is not WebAssembly but ${type || "something else"}: ${why}`);
  }
  if (integrity) await expectIntegrity(address, bytes, integrity);
  try {
    start(await WebAssembly.compile(bytes));
  } catch (cause) {
    const isWhole = integrity && cause instanceof WebAssembly.CompileError;
    throw isWhole || cause instanceof RangeError
      ? failure("unsupported", `this browser can't run ${address}: ${cause.message}`, cause)
      : failure("damaged", `${address} is damaged, or of another version than this script: deploy both again`, cause);
  }
}

/** As browsers check scripts: one of the strongest hashes has to fit. What holds no hash at all is refused. */
async function expectIntegrity(address, bytes, integrity) {
  const hashes = integrity.split(/\s+/);
  const strongest = ["512", "384", "256"].find((bits) => integrity.includes(`sha${bits}-`));
  let why = "its integrity must be a hash such as sha384-…";
  if (!crypto.subtle) why = "a browser checks integrity on pages with HTTPS only";
  else if (strongest) {
    const digest = new Uint8Array(await crypto.subtle.digest(`SHA-${strongest}`, bytes));
    const hash = `sha${strongest}-${btoa(String.fromCharCode(...digest))}`;
    if (hashes.includes(hash)) return;
    why = `its hash is ${hash}`;
  }
  throw failure("integrity", `${address} is refused: ${why}`);
}

function failure(what, message, cause) {
  return Object.assign(new Error(message), { name: "ScanLoginError", code: `wasm-${what}`, fatal: true, cause });
}
