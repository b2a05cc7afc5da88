// What a person sees where the code should be, while there is no wasm to draw it: that it is on its way or, when it does
// not come, a sentence and a button.
//
// It is made of the widget's own parts and has its look, as src/web/elements.rs makes them, so that nothing jumps when the
// widget takes its place. Deliberately absent: inline styles and HTML from strings, so that no policy needs an exception.

import { dress } from "./look.js";
import { WITHOUT_WASM, field, followPage } from "./words.js";

/** The icon of each state, as in src/web/view.rs. */
const ICONS = {
  loading: "M12 3a9 9 0 1 0 9 9",
  failed: "M12 7v6M12 17h.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
};

const HTML = "http://www.w3.org/1999/xhtml";
const SVG = "http://www.w3.org/2000/svg";

/** How to end what has its box in an element: there is room for one. */
const ends = new WeakMap();

/** Ends what has its box in `element`. */
export function makeRoom(element) {
  const end = ends.get(element);
  if (end) end();
}

/** The element that `target` is or names, if the page has it. */
export function find(target) {
  const element = typeof target === "string" ? document.getElementById(target) : target;
  return element && element.nodeType === 1 ? element : null;
}

/** Puts a box into `target`, or into the middle of the page; `gone` is called when it is taken away from there. */
export function showBox(target, options, words, retry, gone) {
  const element = find(target);
  const host = document.createElement("div");
  host.className = "scanlogin";
  host.dataset.theme = field(options, "theme") || "auto";
  if (!element) host.dataset.floating = "";
  const root = host.attachShadow({ mode: "open" });
  dress(root);
  const add = (parent, tag, part, namespace = HTML) => {
    const child = parent.appendChild(document.createElementNS(namespace, tag));
    child.setAttribute("class", part);
    child.setAttribute("part", part);
    return child;
  };
  const frame = add(root, "div", "frame");
  const cover = add(add(frame, "div", "stage"), "div", "cover");
  const icon = add(cover, "svg", "icon", SVG);
  const path = add(icon, "path", "", SVG);
  const text = add(frame, "div", "text");
  const status = add(text, "div", "status");
  const headline = add(status, "p", "headline");
  const hint = add(status, "p", "hint");
  const button = add(text, "button", "button");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", true);
  // Undressed it would fill the page.
  icon.setAttribute("width", 24);
  // The page's words bring their own direction, whatever the page's is.
  headline.dir = hint.dir = button.dir = "auto";
  button.type = "button";
  button.onclick = retry;
  const set = (property, value) => frame.style.setProperty(property, value);
  for (const [name, prefix, usual] of [["size", "--", 240], ["containerSize", "--box-", 300]]) {
    for (const side of ["width", "height"]) {
      const length = field(field(options, name), side);
      set(prefix + side, length >= 80 && length <= 4000 ? length : usual);
    }
  }
  set("--light", field(field(options, "colors"), "light") || "#fff");
  frame.dataset.covered = true;

  let said = {};
  function draw() {
    const { state, canRetry } = said;
    const isLoading = state === "loading";
    host.dataset.state = frame.dataset.state = state;
    frame.lang = words.language();
    frame.setAttribute("aria-busy", isLoading);
    status.setAttribute("role", isLoading ? "status" : "alert");
    path.setAttribute("d", ICONS[state]);
    headline.textContent = isLoading ? words.say("loading") : words.say("failed", 0, WITHOUT_WASM);
    hint.textContent = canRetry && !isLoading ? words.say("help", 0, WITHOUT_WASM) : "";
    hint.hidden = !hint.textContent;
    button.textContent = words.say("retry", 0, WITHOUT_WASM);
    button.hidden = !canRetry;
    // One that were really disabled, or not there, would lose the focus.
    button.setAttribute("aria-disabled", isLoading);
  }

  const parent = element || document.body;
  makeRoom(element);
  if (element) ends.set(element, gone);
  parent.appendChild(host);
  const presence = watch(host, gone);
  const language = followPage(draw);

  return {
    /** Says what is going on: `state`, and whether trying again may help. */
    say(what) {
      said = what;
      draw();
    },
    /** Makes room for the widget, which takes over the focus. */
    remove() {
      const hadFocus = root.activeElement === button;
      presence.disconnect();
      language.disconnect();
      ends.delete(element);
      host.remove();
      const next = parent.lastElementChild;
      if (hadFocus && next && next.matches(".scanlogin")) next.shadowRoot.querySelector(".frame").focus();
    },
  };
}

/** Calls `gone` when a node is no longer in the page. One that is moved leaves and comes back within one task. */
function watch(node, gone) {
  let wasThere = node.isConnected;
  const observer = new MutationObserver(() => {
    if (node.isConnected) wasThere = true;
    else if (wasThere) gone();
  });
  // A document does not see into its shadow roots.
  for (let root = node; root; root = root.host) {
    root = root.getRootNode();
    observer.observe(root, { childList: true, subtree: true });
  }
  observer.observe(document, { childList: true, subtree: true });
  return observer;
}
