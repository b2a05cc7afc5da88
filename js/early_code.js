// The first code, which is requested and shown before the wasm is loaded. The request is the one that the wasm would send
// (src/client/request.rs), and the wasm reads the answer. `modules` asks the server for what the shell can draw at once.

import { Messages } from "./i18n.js";
import { field, object, shellOptions } from "./options.js";

/** The version in Cargo.toml. */
const VERSION = "0.1.0";
/** How long in milliseconds the download of the wasm waits for the answer, with which it would share a slow connection. */
const HEAD_START = 2000;
/** The lifetime of a code in seconds if the server names none, and the minimum width of a module in CSS pixels, as in Rust. */
const [CODE_LIFETIME, MIN_MODULE_PX] = [120, 2];

/** The ids of the codes in the option `code` that a widget has taken. */
const taken = new Set();

/**
 * Requests the first code. Returns `undefined` for options that it does not know well enough: invalid ones, `headers`, codes for
 * WeChat, and `frameAncestors` in a frame. The wasm then requests the code, or reports the option.
 */
export function requestCode(options, kind) {
  let abort, request, hasModules;
  try {
    abort = new AbortController();
    [request, hasModules] = codeRequest(options, kind, abort.signal);
  } catch (_) {
    return undefined;
  }
  const timeout = after(field(options, "timeout") ?? 10_000).then(() => {
    abort.abort();
    return {};
  });
  const answer = Promise.race([send(request), timeout]);
  return {
    /** What the wasm gets. It never rejects. */
    answer,
    /** Settles when the wasm may be downloaded. */
    headStart: hasModules ? Promise.race([answer, after(HEAD_START)]) : undefined,
    abort: () => abort.abort(),
  };
}

/** The answer in the option `code`. `undefined` if it is absent, a refusal, older than its code lives, or taken by a widget. */
export function givenAnswer(options) {
  try {
    const given = field(options, "code");
    const { random, createdAt, expiresIn = CODE_LIFETIME } = given.data;
    // A page from a cache has an old code. If the clock of this machine is wrong, a code is requested or the first poll decides.
    const age = Date.now() - Date.parse(createdAt);
    if (given.code !== 200 || age > expiresIn * 1000 || taken.has(random)) return undefined;
    taken.add(random);
    const text = JSON.stringify(given);
    const now = performance.now();
    return { response: new Response(text), text, at: now - Math.min(Math.max(age, 0), now) };
  } catch (_) {
    return undefined;
  }
}

/** What the shell can draw of an answer: `bits`, `logo`, `colors`, and the end of the code. `undefined` if that is nothing. */
export function drawableCode({ response, text, at }, options) {
  try {
    const { code, data } = JSON.parse(text);
    const { random, modules, customLogo, expiresIn = CODE_LIFETIME } = data;
    const bits = Uint8Array.from(atob(modules), (byte) => byte.charCodeAt(0));
    const side = Math.floor(Math.sqrt(bits.length * 8));
    const { width, height } = shellOptions(options).size;
    const isCode = side % 4 === 1 && side > 20 && Math.ceil((side * side) / 8) === bits.length;
    const colors = colorsOf(options);
    if (!response.ok || code !== 200 || !random || !isCode || !colors || needsFrameCheck(options)) return undefined;
    if ((side + 8) * MIN_MODULE_PX > Math.min(width, height)) return undefined;
    return { bits, logo: field(options, "logo") || customLogo || "", colors, end: at + expiresIn * 1000 };
  } catch (_) {
    return undefined;
  }
}

/** The request for a code, and whether it asks for modules. Throws for options that are left to the wasm. */
function codeRequest(options, kind, signal) {
  const { tips, lang } = shellOptions(object(options, "options"));
  const given = (name, type) => {
    const value = field(options, name);
    need(value === undefined || typeof value === type);
    return value;
  };
  const text = (name, initial = "") => {
    const value = given(name, "string") ?? initial;
    need(isPrintable(value));
    return value;
  };

  need(kind === "qrcode" && field(options, "headers") === undefined && !needsFrameCheck(options));
  const host = text("appHost") || text("host") || location.origin;
  need(/^https?:\/\/[^?# @]+$/.test(host));
  const language = new Messages(tips, lang).language();
  const values = {
    "x-authing-app-id": text("appId"),
    "x-authing-userpool-id": text("userPoolId"),
    "x-authing-app-tenant-id": text("tenantId"),
    "x-authing-request-from": text("requestFrom", "sdk"),
    "x-authing-sdk-version": `scanlogin:${VERSION}`,
    "x-authing-lang": isPrintable(language) ? language : text("lang"),
    accept: "application/json",
    "content-type": "application/json",
  };
  const headers = new Headers();
  for (const name of Object.keys(values)) if (values[name]) headers.set(name, values[name]);

  const hasModules = Boolean(colorsOf(options));
  const level = given("logo", "string") ? "Q" : "L";
  const body = JSON.stringify({
    scene: "APP_AUTH",
    autoMergeQrCode: false,
    context: field(options, "context"),
    params: field(options, "customData"),
    extIdpConnId: given("extIdpConnId", "string"),
    withCustomData: given("withCustomData", "boolean"),
    modules: hasModules ? level : undefined,
  });
  const url = `${host.replace(/\/+$/, "")}/api/v2/qrcode/gene`;
  const init = { method: "POST", headers, body, signal, credentials: "include", cache: "no-store", redirect: "error" };
  return [new Request(url, init), hasModules];
}

/** Sends the request. Returns the response with its text, or what was thrown. */
async function send(request) {
  const answer = {};
  try {
    // The code of the page that is running now may still end the widget.
    await undefined;
    answer.response = await fetch(request);
    answer.text = await answer.response.text();
  } catch (thrown) {
    answer.thrown = thrown;
  }
  answer.at = performance.now();
  return answer;
}

/** The dark and the light color of a drawn code. `undefined` for an image, and for what is no color. The wasm checks the contrast. */
function colorsOf(options) {
  const given = field(options, "colors");
  const colors = [field(given, "dark") ?? "#000", field(given, "light") ?? "#fff"];
  const isDrawn = (field(options, "render") ?? "svg") === "svg";
  return isDrawn && colors.every((color) => /^#([\da-f]{3}){1,2}$/i.test(color)) ? colors : undefined;
}

/** Whether the wasm must check the origins that frame the page before a code is shown. */
function needsFrameCheck(options) {
  return window.top !== window && field(options, "frameAncestors") !== undefined;
}

function after(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** Whether `text` is a valid header value. */
function isPrintable(text) {
  return /^[ -~]*$/.test(text);
}

function need(condition) {
  if (!condition) throw new Error("left to the wasm");
}
