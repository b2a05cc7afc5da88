// A clock that a test controls. Time passes only when the test advances it, so no test depends on the speed of the
// machine. Only the functions that the widget uses are replaced: `setTimeout`, `clearTimeout` and `performance.now`.

const real = { setTimeout, clearTimeout };

let now = 0;
// The ids are higher than those of real timers.
let lastId = 2 ** 30;
const timers = new Map();

/** Replaces the clock of the page until `restoreClock`. */
export function stopClock() {
  now = performance.now();
  performance.now = () => now;
  globalThis.setTimeout = (callback, delay = 0, ...rest) => {
    if (!isCalledByTests()) return real.setTimeout.call(globalThis, callback, delay, ...rest);
    timers.set(++lastId, { callback, dueAt: now + delay });
    return lastId;
  };
  globalThis.clearTimeout = (id) => timers.delete(id) || real.clearTimeout.call(globalThis, id);
}

/**
 * Whether the caller is the wasm of the tests, which contains the widget. The driver of WebKit also runs scripts in the
 * page and sets a timer for each, which must be a real one.
 */
function isCalledByTests() {
  return new Error().stack.includes("/wasm-bindgen-test");
}

/** Restores the clock of the page, and removes all timers. */
export function restoreClock() {
  delete performance.now;
  Object.assign(globalThis, real);
  timers.clear();
}

/** The number of pending timers. */
export function pendingTimers() {
  return timers.size;
}

/** The time in milliseconds. */
export function time() {
  return now;
}

/** Runs the next timer if it is due at `end` or earlier. Otherwise sets the time to `end`. */
export function advanceTo(end) {
  const [next] = [...timers].sort(([, one], [, other]) => one.dueAt - other.dueAt);
  if (next === undefined || next[1].dueAt > end) {
    now = end;
    return;
  }
  const [id, { callback, dueAt }] = next;
  timers.delete(id);
  now = Math.max(now, dueAt);
  callback();
}

/** Advances the time without running timers, as during sleep of the machine. */
export function suspend(milliseconds) {
  now += milliseconds;
}

/** Waits, in real time, until the page has run the queued tasks. */
export function nextTask() {
  return new Promise((resolve) => real.setTimeout.call(globalThis, resolve, 0));
}
