// Brings the wasm into the page, or tells what kept it out. Deliberately absent: the glue's own loading, which waits for
// ever and calls each failure by the browser's words.

import { initSync } from "./scanlogin.js";

/** How long the wasm may take, in milliseconds. */
const PATIENCE = 20_000;
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
    const isModule = source instanceof WebAssembly.Module && !integrity;
    if (isModule) initSync({ module: source });
    else await run(await fetched(source), integrity);
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
async function fetched(source) {
  const isBytes = source instanceof ArrayBuffer || ArrayBuffer.isView(source);
  const abort = new AbortController();
  const isAddress = typeof source === "string" || source instanceof URL;
  const address = isAddress ? String(source) : source.url || "the wasm";
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer in ${PATIENCE / 1000} seconds`));
      abort.abort();
    }, PATIENCE);
  });
  const read = async () => {
    // Of a response that was read at the first try, the second has the address alone.
    const isWhole = !isAddress && !source.bodyUsed;
    const response = isBytes
      ? new Response(source)
      : isWhole
        ? source
        : await fetch(address, { signal: abort.signal, cache });
    if ([404, 410].includes(response.status)) {
      throw failure("not-found", `${address} is not there: put scanlogin.wasm there, or call init() with its address`);
    }
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return { address, type: response.headers.get("content-type"), bytes: await response.arrayBuffer() };
  };
  try {
    return await Promise.race([read(), late]);
  } catch (cause) {
    if (cause.code) throw cause;
    throw failure(
      "unreachable",
      `${address} can't be reached (${cause.message}): the browser is offline, or connect-src of the page's policy forbids it`,
      cause,
    );
  } finally {
    clearTimeout(timer);
  }
}

async function run({ address, type, bytes }, integrity) {
  if (String(new Uint8Array(bytes.slice(0, 4))) !== "0,97,115,109") {
    throw failure(
      "wrong-type",
      `${address} is not WebAssembly but ${type}: does its server answer every address with the same page?`,
    );
  }
  if (integrity) await expectIntegrity(address, bytes, integrity);
  try {
    initSync({ module: await WebAssembly.compile(bytes) });
  } catch (cause) {
    const isWhole = integrity && cause instanceof WebAssembly.CompileError;
    if (isWhole || cause instanceof RangeError) {
      throw failure("unsupported", `this browser can't run ${address}: ${cause.message}`, cause);
    }
    throw failure("damaged", `${address} is damaged, or of another version than this script: deploy both again`, cause);
  }
}

/** As browsers check scripts: one of the strongest hashes has to fit. What holds no hash at all is refused. */
async function expectIntegrity(address, bytes, integrity) {
  const hashes = integrity.split(/\s+/);
  const strongest = ["sha512", "sha384", "sha256"].find((name) => hashes.some((hash) => hash.startsWith(name)));
  const refuse = (why) => {
    throw failure("integrity", `${address} is refused: ${why}`);
  };
  if (!strongest) refuse("its integrity must be a hash such as sha384-…");
  if (!crypto.subtle) refuse("a browser checks integrity on pages with HTTPS only");
  const digest = await crypto.subtle.digest(strongest.replace("sha", "SHA-"), bytes);
  const hash = `${strongest}-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
  if (!hashes.includes(hash)) refuse(`its hash is ${hash}`);
}

function failure(what, message, cause) {
  return Object.assign(new Error(message), { name: "ScanLoginError", code: `wasm-${what}`, fatal: true, cause });
}
