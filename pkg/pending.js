// The handle of a widget whose wasm is on its way: what is done to it counts when the wasm is there, and when the wasm
// does not come, a person is told and may try again.

import { find, makeRoom, showTrouble } from "./trouble.js";

/** Whether the page is still being read and may bring the element yet. */
export function isEarly(target) {
  return typeof target === "string" && document.readyState === "loading" && !find(target);
}

/** Calls `make` when `init` has succeeded. What only polls has no `target`, and tells a person nothing. */
export function pending(init, target, given, make) {
  const options = given || {};
  const { signal } = options;
  let state = "loading";
  let lang = options.lang;
  let handle;
  let box;
  let canRetry;

  async function attempt() {
    state = "loading";
    let error;
    canRetry = true;
    try {
      await init();
    } catch (thrown) {
      error = thrown;
    }
    if (isEarly(target)) await new Promise((done) => document.addEventListener("DOMContentLoaded", done));
    if (state !== "loading") return;
    if (!error) {
      try {
        if (!box) makeRoom(find(target));
        handle = make();
        if (lang !== options.lang) handle.setLanguage(lang);
        removeBox();
        return;
      } catch (thrown) {
        error = thrown;
        canRetry = false;
      }
    }
    state = "failed";
    if (target !== undefined) {
      box = box || showTrouble(target, options, click, () => end("destroyed"));
      box.say(lang, canRetry);
    }
    if (typeof options.onError === "function") callBack(options.onError, error.message, error);
    else report(error);
  }

  function click() {
    if (state !== "failed") return;
    callBack(options.onRetry);
    retry();
  }

  function retry() {
    if (state !== "failed") return;
    if (box) box.wait();
    attempt();
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

  if (signal && signal.addEventListener) signal.addEventListener("abort", () => end("destroyed"));
  if (signal && signal.aborted) state = "destroyed";
  else attempt();

  return {
    get state() {
      return handle ? handle.state : state;
    },
    refresh() {
      if (handle) handle.refresh();
      else retry();
    },
    setLanguage(tag) {
      lang = tag;
      if (handle) handle.setLanguage(tag);
      else if (box && state === "failed") box.say(tag, canRetry);
    },
    stopPolling() {
      if (handle) handle.stopPolling();
      else end("stopped");
    },
    destroy() {
      end("destroyed");
    },
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
