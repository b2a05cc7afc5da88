// The handle of a widget whose wasm is on its way: a person is told so, what is done to the handle counts when the wasm is
// there, and when it does not come, a person may try again.

import { find, makeRoom, showBox } from "./box.js";
import { field } from "./words.js";

/** How many milliseconds the wasm may take before anything is said. */
const MOMENT = 300;

/** Whether the page is still being read and may bring the element yet. */
export function isEarly(target) {
  return typeof target === "string" && document.readyState === "loading" && !find(target);
}

/** Calls `make` when `init` has succeeded. What only polls has no `target`, and tells a person nothing. */
export function pending(init, target, options, words, make) {
  const signal = field(options, "signal");
  let state = "loading";
  let handle;
  let box;
  let canRetry = false;

  async function attempt() {
    state = "loading";
    say();
    let error;
    try {
      await init();
      canRetry = false;
    } catch (thrown) {
      error = thrown;
      canRetry = true;
    }
    await whenRead();
    if (state !== "loading") return;
    if (!error) {
      try {
        if (!box) makeRoom(find(target));
        handle = make();
        removeBox();
        return;
      } catch (thrown) {
        error = thrown;
      }
    }
    state = "failed";
    show();
    const onError = field(options, "onError");
    if (typeof onError === "function") callBack(onError, error.message, error);
    else report(error);
  }

  /** Waits while the page may bring the element yet. */
  async function whenRead() {
    if (isEarly(target)) await new Promise((done) => document.addEventListener("DOMContentLoaded", done));
  }

  function show() {
    if (target !== undefined && !box) box = showBox(target, options, words, click, destroy);
    say();
  }

  function say() {
    if (box) box.say({ state, canRetry });
  }

  function click() {
    if (state !== "failed") return;
    callBack(field(options, "onRetry"));
    retry();
  }

  function retry() {
    if (state === "failed") attempt();
  }

  function removeBox() {
    if (box) box.remove();
    box = undefined;
  }

  function end(how) {
    if (handle) handle.destroy();
    if (state !== "destroyed") state = how;
    removeBox();
  }

  function destroy() {
    end("destroyed");
  }

  if (signal && signal.addEventListener) signal.addEventListener("abort", destroy);
  if (signal && signal.aborted) state = "destroyed";
  else {
    attempt();
    setTimeout(async () => {
      await whenRead();
      if (state === "loading" && !handle) show();
    }, MOMENT);
  }

  return {
    get state() {
      return handle ? handle.state : state;
    },
    refresh() {
      if (handle) handle.refresh();
      else retry();
    },
    setLanguage(tag) {
      if (handle) return handle.setLanguage(tag);
      words.speak(tag);
      say();
    },
    stopPolling() {
      if (handle) handle.stopPolling();
      else end("stopped");
    },
    destroy,
  };
}

/** What a callback throws is the page's: its error handler gets it. */
export function callBack(callback, ...values) {
  try {
    if (typeof callback === "function") callback(...values);
  } catch (error) {
    report(error);
  }
}

function report(error) {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}
