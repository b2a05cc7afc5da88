// The handle of a widget whose wasm is not loaded yet. It shows the first code as soon as the server has responded, or else the
// loading state after a moment. It applies calls of the handle once the wasm is loaded, and offers to retry if it can't be
// loaded.
//
// Invariant: callbacks of a code are called by the wasm, which polls it. A code is not shown when the wasm can't be loaded.

import { MAX_TIMEOUT } from "./countdown.js";
import { callDocument, fromDocument } from "./document.js";
import { findTarget } from "./dom.js";
import { drawableCode } from "./early_code.js";
import { field, messageOf, scanLoginError } from "./options.js";
import { hasLaterWidget, nextStart, openShell } from "./shell.js";

/** The time in milliseconds before the loading state is shown. */
const LOADING_DELAY = 300;

/** Whether the browser is still parsing the page, which may contain the target further down. */
export function isEarly(target) {
  return typeof target === "string" && fromDocument("readyState") === "loading" && !findTarget(target);
}

/**
 * Calls `start` with a shell and the response of `early` when `init` has succeeded. Without a `target` there is no shell.
 * `early` is what `requestCode` returned. `early.isReturn` tells that the user has confirmed its code on this device.
 */
export function pending(init, target, options, start, early) {
  const signal = field(options, "signal");
  const order = nextStart();
  /** `ready` while the code of `early` is shown. */
  let state = "loading";
  let handle;
  let shell;
  /** The code of `early` that is or was shown, and the timer of its end. */
  let code;
  let codeTimer;
  let canRetry = false;
  let hasWasm = false;
  /** Whether only a new page can load the wasm: this script is of another version. */
  let isOutdated = false;
  /** The language that the handle was given before there was a shell. */
  let lang;

  async function attempt() {
    state = "loading";
    draw();
    let error;
    try {
      await init(early && early.headStart);
      canRetry = false;
      hasWasm = true;
    } catch (thrown) {
      error = thrown;
      canRetry = true;
      isOutdated = field(error, "code") === "wasm-outdated";
    }
    await parsed();
    const received = !error && early ? await early.received : undefined;
    if (isEnded() || endIfReplaced()) return;
    if (!error) {
      try {
        if (shell && shell.isFloating() && findTarget(target)) closeShell();
        handle = startIn((adopted) => start(adopted, early && received), shell || open());
        shell = undefined;
        stopWaiting();
        // A callback of the widget that this one replaces may have ended this one.
        if (isEnded()) handle.destroy();
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
    const opened = openShell(target, options, order);
    if (lang !== undefined) opened.setLanguage(lang);
    return opened;
  }

  /** Ends this widget if its target contains a later one. */
  function endIfReplaced() {
    if (shell || target === undefined || !hasLaterWidget(target, order)) return false;
    destroy();
    return true;
  }

  function show() {
    if (shell) return draw();
    if (endIfReplaced()) return;
    const opened = open();
    if (!opened) return;
    startIn(() => opened.adopt(click, draw, destroy), opened);
    shell = opened;
    // A callback of the widget that this one replaces may have ended this one.
    if (isEnded()) closeShell();
    draw();
  }

  /** Shows the code of `early`, unless the wasm is there to draw it. */
  async function showCode() {
    const drawable = drawableCode(await early.received, options);
    await parsed();
    const life = drawable && drawable.end - performance.now();
    if (!(life > 0) || !early || hasWasm || state !== "loading") return;
    state = "ready";
    code = drawable;
    try {
      show();
    } catch (_) {
      // The options of the shell are invalid. `start` will report it.
      state = "loading";
    }
    if (!shell || !early || state !== "ready") return;
    shell.drawCode(code.bits, code.logo);
    // Names the code.
    draw();
    // While the wasm is loading, an approval may still be found after the end of the code.
    codeTimer = setTimeout(() => {
      if (state === "ready") state = "loading";
      draw();
    }, Math.min(life, MAX_TIMEOUT));
  }

  function isEnded() {
    return state === "stopped" || state === "destroyed";
  }

  function fail(thrown) {
    const error = asError(thrown);
    state = "failed";
    if (shell) shell.hideCode();
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
    const isReady = state === "ready";
    const isFailed = state === "failed";
    const { link, response } = isReady ? code : { link: "", response: "" };
    const waiting = early && early.isReturn ? "signingIn" : "loading";
    const name = isReady ? (link ? "otherDevice" : "title") : waiting;
    const headline = isFailed ? shell.loaderMessage("failed") : shell.message(name, 0);
    const hint = canRetry && isFailed ? shell.loaderMessage(isOutdated ? "outdated" : "help") : "";
    const button = canRetry && !isReady ? shell.loaderMessage(isOutdated ? "reload" : "retry") : "";
    shell.showLink(link, response);
    shell.show(state, isReady, headline, hint, button);
    // Hidden or disabled, the button would lose the focus.
    shell.setButtonInactive(!isFailed);
  }

  function click() {
    if (state !== "failed") return;
    if (isOutdated) return location.reload();
    callBack(field(options, "onRetry"));
    retry();
  }

  function retry() {
    if (state !== "failed") return;
    // The wasm takes over a return, and a code that was shown. Otherwise it requests one.
    const isUsable = early && (early.isReturn || (code && code.end > performance.now()));
    if (!isUsable) dropEarly();
    attempt();
  }

  function dropEarly() {
    if (early) early.abort();
    early = undefined;
  }

  function end(how) {
    if (handle) handle.destroy();
    dropEarly();
    stopWaiting();
    if (state !== "destroyed") state = how;
    closeShell();
  }

  /** Ends the timer of the code and the listener of the signal. The wasm has its own. */
  function stopWaiting() {
    clearTimeout(codeTimer);
    if (signal && signal.removeEventListener) signal.removeEventListener("abort", destroy);
  }

  function closeShell() {
    if (shell) shell.remove();
    shell = undefined;
  }

  function destroy() {
    end("destroyed");
  }

  if (signal && signal.addEventListener) signal.addEventListener("abort", destroy);
  if (signal && signal.aborted) destroy();
  else {
    attempt();
    if (early) showCode();
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
      if (handle) return handle.refresh();
      // The wasm requests another code.
      dropEarly();
      if (state === "ready") {
        state = "loading";
        if (shell) shell.hideCode();
        draw();
      }
      retry();
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
