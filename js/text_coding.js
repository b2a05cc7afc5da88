// Replaces the globals TextDecoder and TextEncoder. `scanlogin.js` uses them when it is imported, and jsdom has neither. With
// these, the import succeeds, and `loader.js` reports what is missing.

const scope = typeof self === "undefined" ? globalThis : self;

class Missing {
  decode() {}
}

const Decoder = scope.TextDecoder || Missing;
const Encoder = scope.TextEncoder || Missing;

export { Decoder as TextDecoder, Encoder as TextEncoder };
