// The clock of a page under test. Time stands still until the test lets it pass, so that no test depends on how fast the
// machine is. Only what the widget uses is replaced: `setTimeout`, `clearTimeout` and `performance.now`.

const real = { setTimeout, clearTimeout };

let now = 0;
// So high that no id is also that of a real timer.
let lastId = 2 ** 30;
const timers = new Map();

/** Replaces the page's clock, until `resumeTime`. */
export function stopTime() {
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
 * Whether the call comes from the wasm of the tests, which contains the widget. WebKit's driver runs scripts in the page,
 * too, and sets a timer for each, which has to be a real one.
 */
function isCalledByTests() {
  return new Error().stack.includes("/wasm-bindgen-test");
}

export function resumeTime() {
  delete performance.now;
  Object.assign(globalThis, real);
  timers.clear();
}

export function pendingTimers() {
  return timers.size;
}

/** The time on the clock, in milliseconds. */
export function time() {
  return now;
}

/** Lets time pass up to `end`, or to the next timer, which it runs, if that is due by then. */
export function passTime(end) {
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

/** Lets time pass in which no timer runs, as on a machine that sleeps. */
export function sleep(milliseconds) {
  now += milliseconds;
}

/** Waits, in real time, until the page has run the tasks that were queued. */
export function turn() {
  return new Promise((resolve) => real.setTimeout.call(globalThis, resolve, 0));
}
