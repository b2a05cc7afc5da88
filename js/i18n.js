// The messages that a person reads, in all built-in languages: the first ones, and those of src/web/messages.json once the
// wasm is loaded. src/view_model.rs and pending.js decide which message is shown when. Messages for developers are in
// src/error.rs and loader.js.

import { fromDocument } from "./document.js";

/** The built-in languages. A page adds any other one with `tips`. */
const LANGUAGES = ["en-US", "zh-CN", "zh-TW", "ja-JP"];

/**
 * The messages that are shown before the wasm is loaded, by their names, in the order of the languages. `{time}` is replaced by
 * minutes and seconds.
 */
const MESSAGES = {
  title: ["Scan with the app to sign in", "请使用 App 扫码登录", "請使用 App 掃描登入", "アプリで読み取ってログイン"],
  openApp: ["Continue on this phone", "在这部手机上继续", "在這支手機上繼續", "このスマートフォンで続ける"],
  otherDevice: [
    "Or scan with the app on another phone", "或使用另一部手机上的 App 扫码", "或使用另一支手機上的 App 掃描",
    "または別のスマートフォンのアプリで読み取る",
  ],
  otherBrowser: [
    "You started in another browser. Go back to it, or start again here", "你是在另一个浏览器中开始的。请回到那里，或在此重新开始",
    "你是在另一個瀏覽器中開始的。請回到那裡，或在此重新開始", "別のブラウザーで開始されました。そちらに戻るか、ここでもう一度お試しください",
  ],
  signingIn: ["Signing you in…", "正在登录…", "正在登入…", "ログインしています…"],
  checkConnection: [
    "Check your connection and try again", "请检查网络后重试", "請檢查網路後重試", "接続を確認して、もう一度お試しください",
  ],
  loading: ["Loading code…", "正在加载二维码…", "正在載入 QR Code…", "QRコードを読み込んでいます…"],
  codeName: ["QR code for signing in", "登录二维码", "登入用 QR Code", "ログイン用QRコード"],
};

/**
 * The names of the messages in src/web/messages.json, which come with the wasm. Without their texts, a server can send the
 * whole script before it waits for an acknowledgment of the browser.
 */
const LATER_NAMES = [
  "scanned", "number", "middleTitle", "referText", "succeed", "needsMfa", "canceled", "expired", "retry", "failed",
  "siteProblem", "refused", "otherAccount", "signInExpired", "unreachable", "reconnecting", "tryNow", "busy", "retryIn",
  "offline", "offlineHint", "expiresIn",
];

/** The names of the messages: the names that `tips` can replace. */
export const MESSAGE_NAMES = [...Object.keys(MESSAGES), ...LATER_NAMES];

/** Adds the later messages. The wasm calls this before it shows a state. */
export function addMessages(json) {
  Object.assign(MESSAGES, JSON.parse(json));
}

/** Messages for a wasm that can't be loaded. `tips` replaces `failed` and `retry`. */
const LOADER_MESSAGES = {
  failed: ["Couldn’t load the QR code", "无法加载二维码", "無法載入 QR Code", "QRコードを読み込めませんでした"],
  help: MESSAGES.checkConnection,
  retry: ["Try again", "重试", "重試", "再試行"],
  outdated: ["This page is out of date", "此页面已更新", "此頁面已更新", "このページは更新されています"],
  reload: ["Reload the page", "重新加载页面", "重新載入頁面", "ページを再読み込み"],
};

/** The messages of one widget: its `tips`, and otherwise the built-in ones in `lang` or the language of the page. */
export class Messages {
  constructor(tips, lang) {
    this._tips = tips;
    this._lang = lang;
  }

  /** Changes the language. An empty tag stands for the language of the page. */
  setLanguage(tag) {
    this._lang = typeof tag === "string" ? tag : undefined;
  }

  /** The BCP 47 tag of the messages. */
  language() {
    const hasTips = Object.values(this._tips).some((tip) => tip !== undefined);
    return LANGUAGES[indexOf(this._tag())] || (hasTips && this._tag()) || LANGUAGES[0];
  }

  /** The message `name`. `seconds` is the time in it. */
  message(name, seconds) {
    return this.parts(name, seconds).join("");
  }

  /** The message `name` in three parts: before the time, the time, and after it. */
  parts(name, seconds) {
    const [before, ...after] = this._find(name, MESSAGES).split("{time}");
    return after.length > 0 ? [before, minutesAndSeconds(seconds), after.join("{time}")] : [before, "", ""];
  }

  /** The message `name` for a wasm that can't be loaded. */
  loaderMessage(name) {
    return this._find(name, LOADER_MESSAGES);
  }

  _find(name, messages) {
    return this._tips[name] ?? messages[name][Math.max(indexOf(this._tag()), 0)];
  }

  _tag() {
    return this._lang || fromDocument("documentElement").lang;
  }
}

/** The time in a message, such as `1:05`. */
export function minutesAndSeconds(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Calls `changed` when the language of the page changes, until `disconnect()` of the returned observer. */
export function followPageLanguage(changed) {
  const observer = new MutationObserver(changed);
  observer.observe(fromDocument("documentElement"), { attributeFilter: ["lang"] });
  return observer;
}

/** The index of the built-in language for a BCP 47 tag such as `zh-CN`, `zh-Hant-HK` or `ja`; -1 if there is none. */
function indexOf(tag) {
  const [language, ...others] = String(tag).toLowerCase().split(/[-_]/);
  if (language === "zh" && others.some((other) => /^(hant|tw|hk|mo)$/.test(other))) return 2;
  return LANGUAGES.findIndex((known) => known.slice(0, 2) === language);
}
