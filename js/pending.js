// The handle of a widget whose wasm is not loaded yet. It shows the loading state after a moment, applies calls of the handle once
// the wasm is loaded, and offers to retry if it can't be loaded.

import { callDocument, fromDocument } from "./document.js";
import { field, messageOf, scanLoginError } from "./options.js";
import { findTarget, openShell } from "./shell.js";

/** The time in milliseconds before the loading state is shown. */
const LOADING_DELAY = 300;

/** Whether the browser is still parsing the page, which may contain the target further down. */
export function isEarly(target) {
  return typeof target === "string" && fromDocument("readyState") === "loading" && !findTarget(target);
}

/** Calls `start` with a shell when `init` has succeeded. Without a `target` there is no shell. */
export function pending(init, target, options, start) {
  const signal = field(options, "signal");
  let state = "loading";
  let handle;
  let shell;
  let canRetry = false;
  /** Whether only a new page can load the wasm: this script is of another version. */
  let isOutdated = false;
  /** The language that the handle was given before there was a shell. */
  let lang;

  async function attempt() {
    state = "loading";
    draw();
    let error;
    try {
      await init();
      canRetry = false;
    } catch (thrown) {
      error = thrown;
      canRetry = true;
      isOutdated = field(error, "code") === "wasm-outdated";
    }
    await parsed();
    if (state !== "loading") return;
    if (!error) {
      try {
        if (shell && shell.isFloating() && findTarget(target)) closeShell();
        handle = startIn(start, shell || open());
        shell = undefined;
        // A callback inside of `start` may have ended the widget.
        if (state !== "loading") handle.destroy();
        return;
      } catch (thrown) {
        error = thrown;
        shell = undefined;
      }
    }
    fail(error);
  }

  /** Waits while the page may still contain the target further down. */
  async function parsed() {
    if (isEarly(target)) await new Promise((done) => callDocument("addEventListener", "DOMContentLoaded", done));
  }

  function open() {
    if (target === undefined) return undefined;
    const opened = openShell(target, options);
    if (lang !== undefined) opened.setLanguage(lang);
    return opened;
  }

  function show() {
    if (shell) return draw();
    const opened = open();
    if (!opened) return;
    startIn(() => opened.adopt(click, draw, destroy), opened);
    shell = opened;
    draw();
  }

  function fail(thrown) {
    const error = asError(thrown);
    state = "failed";
    try {
      show();
    } catch (invalid) {
      // The options of the shell are invalid, so nothing can be shown.
      if (field(invalid, "message") !== error.message) report(invalid);
    }
    const onError = field(options, "onError");
    if (typeof onError === "function") callBack(onError, error.message, error);
    else report(error);
  }

  function draw() {
    if (!shell) return;
    const isLoading = state === "loading";
    const headline = isLoading ? shell.message("loading", 0) : shell.loaderMessage("failed");
    const hint = canRetry && !isLoading ? shell.loaderMessage(isOutdated ? "outdated" : "help") : "";
    shell.show(state, false, headline, hint, canRetry ? shell.loaderMessage(isOutdated ? "reload" : "retry") : "");
    // Hidden or disabled, the button would lose the focus.
    shell.setButtonInactive(isLoading);
  }

  function click() {
    if (state !== "failed") return;
    if (isOutdated) return location.reload();
    callBack(field(options, "onRetry"));
    retry();
  }

  function retry() {
    if (state === "failed") attempt();
  }

  function end(how) {
    if (handle) handle.destroy();
    if (state !== "destroyed") state = how;
    closeShell();
  }

  function closeShell() {
    if (shell) shell.remove();
    shell = undefined;
  }

  function destroy() {
    end("destroyed");
  }

  if (signal && signal.addEventListener) signal.addEventListener("abort", destroy);
  if (signal && signal.aborted) state = "destroyed";
  else {
    attempt();
    setTimeout(async () => {
      await parsed();
      if (state !== "loading" || handle) return;
      try {
        show();
      } catch (_) {
        // The options of the shell are invalid. `start` will report it.
      }
    }, LOADING_DELAY);
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
      lang = tag;
      if (handle) handle.setLanguage(tag);
      else if (shell) shell.setLanguage(tag);
    },
    stopPolling() {
      if (handle) handle.stopPolling();
      else end("stopped");
    },
    destroy,
  };
}

/** Calls `start` with a shell, and removes the shell if `start` throws. Otherwise it would show `loading` for ever. */
export function startIn(start, shell) {
  try {
    return start(shell);
  } catch (error) {
    if (shell) shell.remove();
    throw error;
  }
}

/** Converts a thrown value into an error whose message is text. */
function asError(thrown) {
  if (thrown instanceof Error && typeof thrown.message === "string") return thrown;
  return scanLoginError(undefined, messageOf(thrown), thrown);
}

/** Calls a callback of the page. The page's error handler gets what it throws. */
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
