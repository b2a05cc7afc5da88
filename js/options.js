// The options that the shell needs before the wasm is loaded: size, containerSize, theme, tips, lang and otherWays. They are
// read, checked and given their defaults here. src/options.rs does the same for all other options.

import { MESSAGE_NAMES } from "./i18n.js";

/** An error of the package, with the fields of docs/protocol.md, "Error codes". */
export function scanLoginError(code, message, cause) {
  return Object.assign(new Error(message), { name: "ScanLoginError", code, fatal: true, cause });
}

/**
 * A field of options that may be anything. `null`, a field whose getter throws, and one that the options inherit, such as from
 * `Object.prototype`, count as absent.
 */
export function field(options, name) {
  try {
    return Object.prototype.hasOwnProperty.call(options, name) ? (options[name] ?? undefined) : undefined;
  } catch (_) {
    return undefined;
  }
}

/** The message of a value that was thrown, which may be anything. */
export function messageOf(thrown) {
  try {
    const { message } = thrown;
    return typeof message === "string" ? message : String(thrown);
  } catch (_) {
    return typeof thrown;
  }
}

/** Reads the options of the shell. Throws an error with the code `invalid-option` that names the option. */
export function shellOptions(options) {
  const lang = text(field(options, "lang"), "lang");
  const theme = field(options, "theme") ?? "auto";
  if (!["auto", "light", "dark"].includes(theme)) throw invalid("theme", "`auto` or `light` or `dark`");
  const given = object(field(options, "tips"), "tips");
  const tips = {};
  for (const name of MESSAGE_NAMES) tips[name] = text(field(given, name), `tips.${name}`);
  // The wasm checks the colours.
  const [dark, light] = ["dark", "light"].map((name) => {
    const color = field(field(options, "colors"), name);
    return typeof color === "string" ? color : undefined;
  });
  const otherWays = field(options, "otherWays");
  if (otherWays !== undefined && !(otherWays instanceof HTMLElement)) throw invalid("otherWays", "an HTML element");
  return { lang, theme, tips, dark, light, otherWays, ...sizes(options) };
}

function sizes(options) {
  return { size: size(options, "size", 240), containerSize: size(options, "containerSize", 300) };
}

function size(options, name, initial) {
  const given = object(field(options, name), name);
  const [width, height] = ["width", "height"].map((side) => {
    const length = field(given, side) ?? initial;
    if (typeof length !== "number") throw invalid(`${name}.${side}`, "a number");
    if (!Number.isInteger(length) || length < 80 || length > 4000) {
      throw invalid(`${name}.${side}`, "a whole number of pixels from 80 to 4000");
    }
    return length;
  });
  return { width, height };
}

function text(value, name) {
  if (value !== undefined && typeof value !== "string") throw invalid(name, "a string");
  return value;
}

/** Returns `value`, which must be an object or absent. */
export function object(value, name) {
  if (value !== undefined && (typeof value !== "object" || Array.isArray(value))) throw invalid(name, "an object");
  return value;
}

function invalid(name, mustBe) {
  return scanLoginError("invalid-option", `option \`${name}\` must be ${mustBe}`);
}
