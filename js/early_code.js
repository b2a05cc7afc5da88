// The first code, which is requested and shown before the wasm is loaded. The request is the one that the wasm would send
// (src/client/request.rs). `modules` asks the server for what the shell can draw at once. The wasm reads and checks the
// response, and draws another picture if this one is wrong.

import { Messages } from "./i18n.js";
import { field, object, shellOptions } from "./options.js";
import { CODE_LIFETIME, isLink, ownReturnUrl } from "./same_device.js";

/** The version in Cargo.toml. */
const VERSION = "0.1.0";
/** How long in milliseconds the download of the wasm waits for the response, with which it would share a slow connection. */
const HEAD_START = 2000;

/** The minimum width of a module in CSS pixels, as in crates/qr. The quiet zone has 4 modules on each side. */
const MIN_MODULE_PX = 2;

/** Options that are left to the wasm. They change the request or the picture. */
const RARE = [
  "frameAncestors", "headers", "render", "userPoolId", "tenantId", "requestFrom", "context", "extIdpConnId", "withCustomData",
];

/** The ids of the codes in the option `code` that a widget has taken. */
const taken = new Set();

/**
 * Requests the first code. Returns `undefined` for options that are left to the wasm: those of `RARE`, and those that make the
 * request invalid.
 */
export function requestCode(options) {
  try {
    const abort = new AbortController();
    const request = codeRequest(options, abort.signal);
    const [timeout, headStart] = [field(options, "timeout") ?? 10_000, HEAD_START].map(startTimer);
    const timedOut = timeout.fired.then(() => {
      abort.abort();
      return {};
    });
    /** What the wasm gets. It never rejects. */
    const received = Promise.race([send(request), timedOut]).finally(() => {
      timeout.clear();
      headStart.clear();
    });
    return { received, headStart: Promise.race([received, headStart.fired]), abort: () => abort.abort() };
  } catch (_) {
    return undefined;
  }
}

/**
 * The response in the option `code`. `undefined` if it is absent, a refusal, older than its code lives, or taken by a widget.
 */
export function givenResponse(options) {
  try {
    const given = field(options, "code");
    const data = codeOf(given);
    const random = field(data, "random");
    // A page from a cache has an old code. If the clock of this machine is wrong, a code is requested or the first poll
    // decides.
    const age = Date.now() - Date.parse(field(data, "createdAt"));
    if (typeof random !== "string" || !(age <= lifetimeOf(data)) || taken.has(random)) return undefined;
    taken.add(random);
    const text = JSON.stringify(given);
    // The wasm reads a time before the start of the page as that start.
    return { response: new Response(text), text, at: performance.now() - Math.max(age, 0) };
  } catch (_) {
    return undefined;
  }
}

/**
 * The code in a received response, for the shell: `bits`, `logo`, the time of its `end`, its `link` for this device, or an
 * empty one, and the `response` as text. `undefined` if it can't be shown yet, or needs no scan any more.
 */
export function drawableCode(received, options) {
  try {
    const text = field(received, "text");
    const data = codeOf(JSON.parse(text));
    const modules = field(data, "modules");
    if (!modules || !isUsual(options) || field(received, "responseCode")) return undefined;
    const bits = Uint8Array.from(atob(modules), (byte) => byte.charCodeAt(0));
    // The wasm draws a denser code with another level, or reports it.
    const { width, height } = shellOptions(options).size;
    if ((Math.sqrt(bits.length * 8) + 8) * MIN_MODULE_PX > Math.min(width, height)) return undefined;
    const link = field(data, "link");
    return {
      bits,
      logo: field(options, "logo") || field(data, "customLogo") || "",
      end: received.at + lifetimeOf(data),
      link: isLink(link) ? link : "",
      response: text,
    };
  } catch (_) {
    return undefined;
  }
}

/** The `data` of an envelope. `undefined` for a refusal. */
function codeOf(envelope) {
  return field(envelope, "code") === 200 ? field(envelope, "data") : undefined;
}

/** The lifetime of a code in milliseconds. */
function lifetimeOf(data) {
  return (field(data, "expiresIn") ?? CODE_LIFETIME) * 1000;
}

/** The request for a code. Throws for options that are left to the wasm. */
function codeRequest(options, signal) {
  const { tips, lang } = shellOptions(object(options, "options"));
  const text = (name) => {
    const value = field(options, name) ?? "";
    need(typeof value === "string" && isPrintable(value));
    return value;
  };

  const logo = field(options, "logo") ?? "";
  need(typeof logo === "string");
  const host = text("appHost") || text("host") || location.origin;
  const returnUrl = field(options, "returnUrl") ?? ownReturnUrl() ?? false;
  need(returnUrl === false || (isLink(returnUrl) && !returnUrl.includes("#")));
  need(isUsual(options) && /^https?:\/\/[^?# @]+$/.test(host));
  const language = new Messages(tips, lang).language();
  const headers = [
    ["x-authing-app-id", text("appId")],
    ["x-authing-request-from", "sdk"],
    ["x-authing-sdk-version", `scanlogin:${VERSION}`],
    ["x-authing-lang", isPrintable(language) ? language : text("lang")],
    ["accept", "application/json"],
    ["content-type", "application/json"],
  ].filter(([, value]) => value);
  const body = JSON.stringify({
    scene: "APP_AUTH",
    autoMergeQrCode: false,
    params: field(options, "customData"),
    returnUrl: returnUrl || undefined,
    modules: logo ? "Q" : "M",
  });
  const url = `${host.replace(/\/+$/, "")}/api/v2/qrcode/gene`;
  return new Request(url, { method: "POST", headers, body, signal, credentials: "include", cache: "no-store", redirect: "error" });
}

/** Sends the request. Returns the response with its text, or what was thrown. */
async function send(request) {
  const received = {};
  try {
    // The code of the page that is running now may still end the widget.
    await undefined;
    received.response = await fetch(request);
    received.text = await received.response.text();
  } catch (thrown) {
    received.thrown = thrown;
  }
  received.at = performance.now();
  return received;
}

/** Whether no option is given that is left to the wasm. In a frame, the wasm first checks the origins that frame the page. */
function isUsual(options) {
  return RARE.every((name) => field(options, name) === undefined || (name === "frameAncestors" && window.top === window));
}

/** Whether `text` is a valid header value. */
function isPrintable(text) {
  return /^[ -~]*$/.test(text);
}

function need(condition) {
  if (!condition) throw new Error();
}

/** Starts a timer. `fired` is a promise, which stays pending when the timer is cleared before. */
function startTimer(milliseconds) {
  let timer;
  const fired = new Promise((done) => {
    timer = setTimeout(done, milliseconds);
  });
  return { fired, clear: () => clearTimeout(timer) };
}
