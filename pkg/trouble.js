// What a person sees where the code should be, while there is no wasm to draw it: a sentence and a button.
//
// Deliberately absent: inline styles and HTML from strings, so that no policy needs an exception. The parts have the
// names of the widget's, and its custom properties count, so that a page that dresses the widget dresses this too.

/** For each language: what is wrong, what helps, and the button. */
const WORDS = {
  "en-US": ["The QR code can’t be shown", "Try again, or use another browser", "Try again"],
  "zh-CN": ["无法显示二维码", "请重试，或换一个浏览器", "重试"],
  "zh-TW": ["無法顯示 QR Code", "請重試，或換一個瀏覽器", "重試"],
  "ja-JP": ["QRコードを表示できません", "再試行するか、別のブラウザーをお使いください", "再試行"],
};

const STYLE =
  ":host{color-scheme:var(--scanlogin-color-scheme,light dark);display:block;" +
  "font:var(--scanlogin-font,15px/1.4 system-ui,sans-serif)}" +
  ":host([data-theme=light]){color-scheme:light}:host([data-theme=dark]){color-scheme:dark}" +
  ":host([data-floating]){left:50%;position:fixed;top:50%;transform:translate(-50%,-50%);z-index:2147483647}" +
  ".frame{align-content:center;background:var(--scanlogin-surface,Canvas);border:1px solid var(--scanlogin-line,GrayText);" +
  "border-radius:var(--scanlogin-radius,16px);box-sizing:border-box;color:var(--scanlogin-text,CanvasText);display:grid;" +
  "gap:12px;justify-items:center;margin:auto;max-width:100%;min-height:300px;padding:var(--scanlogin-padding,20px);" +
  "text-align:center;text-wrap:balance;width:300px}" +
  "p{margin:0}.headline{font-weight:600}.button{font:inherit;min-height:44px;padding:8px 20px}" +
  "[aria-disabled=true]{opacity:.5}[hidden]{display:none}";

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
  const add = (parent, tag, part, attribute, value) => {
    const child = parent.appendChild(document.createElement(tag));
    child.className = part;
    child.setAttribute("part", part);
    child.setAttribute(attribute, value);
    return child;
  };
  const frame = add(root, "div", "frame", "dir", "auto");
  const status = add(frame, "div", "status", "role", "alert");
  const headline = add(status, "p", "headline", "dir", "auto");
  const hint = add(status, "p", "hint", "dir", "auto");
  const button = add(frame, "button", "button", "type", "button");
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
  // A document does not see into its shadow roots.
  for (let root = node; root; root = root.host) {
    root = root.getRootNode();
    observer.observe(root, { childList: true, subtree: true });
  }
  observer.observe(document, { childList: true, subtree: true });
  return () => observer.disconnect();
}

/** As `Language::of` in src/text.rs. */
function languageOf(tag) {
  if (/^zh[-_](.*[-_])?(hant|tw|hk|mo)/i.test(tag)) return "zh-TW";
  if (/^zh/i.test(tag)) return "zh-CN";
  return /^ja/i.test(tag) ? "ja-JP" : "en-US";
}
