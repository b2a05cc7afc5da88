// Reads the text of a code strictly. It opens and sends nothing.
//
// A text is JSON or a link, see docs/protocol.md, "Text of the code". What copying, messengers and scanners change is
// repaired where the text is still certain. Every other text has a named problem.

import { foreignKind, hostOf } from '/lib/foreign-code.js';

/** The maximum length of a text. Servers write at most 1,000 bytes. */
const MAX_LENGTH = 2000;
const RANDOM = /^[A-Za-z0-9_-]{1,128}$/;
/** A shorter `random` in a link was cut off: it has at least 128 bits. */
const MIN_LINK_RANDOM = 16;
/** The end of a link that was opened on the device of the page. */
const SAME_DEVICE = /\.return$/i;

/** White space and invisible characters. No value that this page reads contains them. */
const INVISIBLE = /[\s\p{Cc}\p{Cf}]/gu;
const INVISIBLE_EDGES = /^[\s\p{Cc}\p{Cf}]+|[\s\p{Cc}\p{Cf}]+$/gu;
/** The quotation marks that editors and messengers write instead of straight ones. */
const QUOTES = /[“”„‟«»″＂]/g;
/** The characters that they write instead of one hyphen and of two. */
const [HYPHEN, TWO_HYPHENS] = [/[‐‑−]/g, /[–—]/g];
/** What surrounds a link in a sentence. */
const LINK_EDGES = /^[<([{'"“„«]+|[>)\]}'"”“».,;:!?]+$/gu;
/** A text whose special characters were written as `%7B` and so on. */
const PERCENT_ENCODED = /^(%7B|%22|https?%3A)/i;

/** The scenes of codes for WeChat. */
const WECHAT_SCENES = ['WXAPP_AUTH', 'WECHATMP_AUTH'];

/**
 * The content of a code. `sameDevice` is true for a link that was opened on the device of the page. `expireAt` is in
 * milliseconds since 1970 by the clock of the server.
 *
 * @typedef {{ random: string, sameDevice?: true, userPoolId?: string, expireAt?: number }} Code
 */

/**
 * Reads the text of a code. `addresses` are the addresses of this approver, such as `https://pass.example.com/s`: a link to
 * another address is not a sign-in code. Returns a problem if the text can't be used: its name, for a message to the
 * person, and its `host` if the text is a web address.
 *
 * @param {string} text
 * @param {string[]} addresses
 * @returns {Code | { problem: string, host?: string }}
 */
export function parseCode(text, addresses = []) {
  if (text.length > MAX_LENGTH) return { problem: 'too-long' };
  const plain = percentDecoded(text.replace(INVISIBLE_EDGES, ''));
  if (!plain) return { problem: 'empty' };
  const kind = foreignKind(plain);
  if (kind && kind !== 'web-address') return { problem: kind };
  for (const word of plain.split(/\s+/)) {
    const code = parseLink(word.replace(INVISIBLE, '').replace(LINK_EDGES, ''), addresses);
    if (code) return code;
  }
  if (kind) return { problem: kind, host: hostOf(plain) };
  const fields = parseJson(plain);
  if (fields) return readFields(fields);
  return { problem: /[{}"]/.test(plain) ? 'incomplete' : 'text' };
}

/** Whether a result of `parseCode` is a code. */
export const isCode = (result) => result.problem === undefined;

/** Reads the fragment of a link without `#`: `random`, and `.return` on the device of the page. */
export function parseFragment(fragment) {
  const random = fragment.replace(SAME_DEVICE, '');
  if (!RANDOM.test(random) || random.length < MIN_LINK_RANDOM) return { problem: 'incomplete' };
  return random === fragment ? { random } : { random, sameDevice: true };
}

/** Reads a link to one of `addresses`. Returns `null` for another text. */
function parseLink(word, addresses) {
  const [, address, fragment = ''] = /^(.*?)(?:#|%23)(.*)$/.exec(word) ?? [null, word];
  // Scanners and keyboards change the case of an address, but it stays certain.
  const isOwn = (own) => own.toLowerCase() === address.toLowerCase();
  if (!addresses.some(isOwn)) return null;
  const code = parseFragment(fragment.replace(HYPHEN, '-').replace(TWO_HYPHENS, '--'));
  if (!isCode(code)) return code;
  return isUpperCase(address) && isUpperCase(code.random) ? { problem: 'case-changed' } : code;
}

/** Checks the fields of a JSON text. */
function readFields(fields) {
  const read = (name) => fields[name] ?? fieldInAnyCase(fields, name);
  const [random, scene, userPoolId] = [read('random'), read('scene'), read('userPoolId')];
  const [createdAt, expireAt, expiresIn] = [read('createdAt'), read('expireAt'), read('expiresIn')];
  const texts = [random, scene, userPoolId, createdAt, expireAt];
  const hasTypes = texts.every(isAbsentOr('string')) && isAbsentOr('number')(expiresIn);
  if (!hasTypes || !RANDOM.test(random ?? '')) return { problem: 'not-a-code' };
  if (WECHAT_SCENES.includes(scene)) return { problem: 'wechat' };
  if (scene?.toUpperCase() === 'APP_AUTH' && hasOneCase(random) && (scene !== 'APP_AUTH' || !('random' in fields))) {
    return { problem: 'case-changed' };
  }
  if (scene !== undefined && scene !== 'APP_AUTH') return { problem: 'unknown-scene' };
  const time = expiry(createdAt, expireAt, expiresIn);
  return { random, ...(userPoolId !== undefined && { userPoolId }), ...(time !== undefined && { expireAt: time }) };
}

/** When the code expires, by the first or by the second form of the text. `undefined` if the text does not say it. */
function expiry(createdAt, expireAt, expiresIn) {
  const time = expireAt === undefined ? Date.parse(createdAt) + expiresIn * 1000 : Date.parse(expireAt);
  return Number.isNaN(time) ? undefined : time;
}

/** The first JSON object that a text contains, with repairs. Returns `null` if there is none. */
function parseJson(text) {
  const plain = text.replace(INVISIBLE, '').replace(HYPHEN, '-').replace(TWO_HYPHENS, '--');
  const object = plain.slice(plain.indexOf('{'), plain.lastIndexOf('}') + 1);
  const readings = [
    () => JSON.parse(object),
    // JSON that was encoded twice: `"{\"random\":…}"`.
    () => JSON.parse(JSON.parse(`"${object}"`)),
    // Inside a string, such quotes are valid. So they are replaced only if the text is no JSON.
    () => JSON.parse(object.replace(QUOTES, '"')),
  ];
  for (const reading of readings) {
    try {
      return reading();
    } catch {
      // The next reading is tried.
    }
  }
  return null;
}

function percentDecoded(text) {
  if (!PERCENT_ENCODED.test(text)) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The value of a field whose name was written in another case. */
const fieldInAnyCase = (fields, name) =>
  Object.entries(fields).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];

const isAbsentOr = (type) => (value) => value === undefined || typeof value === type;
const isUpperCase = (text) => text !== text.toLowerCase() && text === text.toUpperCase();
/** Whether all letters of a text are capitals, or all are small. */
const hasOneCase = (text) => text === text.toUpperCase() || text === text.toLowerCase();
