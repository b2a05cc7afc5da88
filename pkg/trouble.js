// What a person sees where the code should be, while there is no wasm to draw it: a sentence and a button.
//
// Deliberately absent: inline styles and HTML from strings, so that no policy needs an exception. The parts have the
// names of the widget's, and its custom properties count, so that a page that dresses the widget dresses this too.

/** For each language: what is wrong, what helps, and the button. */
const WORDS = {
  "en-US": ["The QR code can’t be shown", "Try again. If that doesn’t help, use another browser.", "Try again"],
  "zh-CN": ["无法显示二维码", "请重试。如仍无法显示,请换一个浏览器。", "重试"],
  "zh-TW": ["無法顯示 QR Code", "請重試。如仍無法顯示,請換一個瀏覽器。", "重試"],
  "ja-JP": ["QRコードを表示できません", "再試行しても表示されない場合は、別のブラウザーをお使いください。", "再試行"],
};

const STYLE = `
:host { color-scheme: var(--scanlogin-color-scheme, light dark); display: block; font: var(--scanlogin-font, 15px/1.4 system-ui, sans-serif); }
:host([data-theme="light"]) { color-scheme: light; }
:host([data-theme="dark"]) { color-scheme: dark; }
:host([data-floating]) { left: 50%; position: fixed; top: 50%; transform: translate(-50%, -50%); z-index: 2147483647; }
.frame { align-items: center; background: var(--scanlogin-surface, Canvas); border: 1px solid var(--scanlogin-line, GrayText); border-radius: var(--scanlogin-radius, 16px); box-sizing: border-box; color: var(--scanlogin-text, CanvasText); display: flex; flex-direction: column; justify-content: center; margin: auto; max-width: 100%; min-height: 300px; padding: var(--scanlogin-padding, 20px); text-align: center; width: 300px; }
p { margin: 0 0 12px; overflow-wrap: anywhere; }
.headline { font-weight: 600; }
.button { cursor: pointer; font: inherit; min-height: 44px; padding: 8px 20px; }
[aria-disabled="true"] { opacity: 0.5; }
[hidden] { display: none; }`;

/** How to end what shows its trouble in an element: there is room for one. */
const ends = new WeakMap();

/** Ends what shows its trouble in `element`. */
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
export function showTrouble(target, { theme, tips }, retry, gone) {
  const element = find(target);
  const host = document.createElement("div");
  host.className = "scanlogin";
  host.setAttribute("data-state", "failed");
  if (theme) host.setAttribute("data-theme", theme);
  if (!element) host.setAttribute("data-floating", "");
  const root = host.attachShadow ? host.attachShadow({ mode: "open" }) : host;
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
  } catch (_) {
    // An old browser shows plain words.
  }
  const add = (parent, tag, part) => {
    const child = parent.appendChild(document.createElement(tag));
    child.className = part;
    child.setAttribute("part", part);
    child.setAttribute("dir", "auto");
    return child;
  };
  const frame = add(root, "div", "frame");
  const status = add(frame, "div", "status");
  status.setAttribute("role", "alert");
  const headline = add(status, "p", "headline");
  const hint = add(status, "p", "hint");
  const button = add(frame, "button", "button");
  button.type = "button";
  button.onclick = retry;
  const parent = element || document.body;
  makeRoom(element);
  if (element) ends.set(element, gone);
  parent.appendChild(host);
  const stopWatching = watch(host, gone);

  return {
    /** Says it anew, so that it is heard anew; without a button where trying again can't help. */
    say(lang, canRetry) {
      const tag = languageOf(lang || document.documentElement.lang);
      const words = WORDS[tag];
      frame.lang = tag;
      headline.textContent = (tips && tips.failed) || words[0];
      hint.textContent = canRetry ? words[1] : "";
      button.textContent = (tips && tips.retry) || words[2];
      button.hidden = !canRetry;
      button.removeAttribute("aria-disabled");
    },
    /** While it is tried again. A button that were really disabled would lose the focus. */
    wait() {
      headline.textContent = hint.textContent = "";
      button.setAttribute("aria-disabled", "true");
    },
    /** Makes room for the widget, which takes over the focus. */
    remove() {
      const hadFocus = root.activeElement === button;
      stopWatching();
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
  const observe = (root) => observer.observe(root, { childList: true, subtree: true });
  observe(document);
  // A document does not see into its shadow roots.
  for (let host = node; host; ) {
    const root = host.getRootNode();
    observe(root);
    host = root.host;
  }
  return () => observer.disconnect();
}

/** As `Language::of` in src/text.rs. */
function languageOf(tag) {
  if (/^zh[-_](.*[-_])?(hant|tw|hk|mo)/i.test(tag)) return "zh-TW";
  if (/^zh/i.test(tag)) return "zh-CN";
  return /^ja/i.test(tag) ? "ja-JP" : "en-US";
}
