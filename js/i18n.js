// The messages that a person reads, in all built-in languages. src/view_model.rs and pending.js decide which message is shown
// when. Messages for developers are in src/error.rs and loader.js.

import { fromDocument } from "./document.js";

/** The built-in languages. A page adds any other one with `tips`. */
const LANGUAGES = ["en-US", "zh-CN", "zh-TW", "ja-JP"];

/** The messages by their names, in the order of the languages. `{time}` is replaced by minutes and seconds. */
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
  scanned: ["Scanned", "扫码成功", "掃描成功", "読み取りました"],
  number: [
    "Choose this number on your phone", "请在手机上选择此数字", "請在手機上選擇此數字", "スマートフォンでこの番号を選んでください",
  ],
  middleTitle: ["Confirm the sign-in on your phone", "请在手机上确认登录", "請在手機上確認登入", "スマートフォンでログインを承認してください"],
  referText: ["Not you? Get a new code", "不是你？换一个二维码", "不是你？取得新的 QR Code", "ご本人でない場合は新しいQRコードを表示"],
  signingIn: ["Signing you in…", "正在登录…", "正在登入…", "ログインしています…"],
  succeed: ["Signed in", "登录成功", "登入成功", "ログインしました"],
  needsMfa: ["One more step to sign in", "还需完成一步验证", "還需完成一步驗證", "もう一段階の認証が必要です"],
  canceled: ["Sign-in was declined", "已取消登录", "已取消登入", "ログインがキャンセルされました"],
  expired: ["This code has expired", "二维码已过期", "QR Code 已過期", "QRコードの有効期限が切れました"],
  retry: ["Get a new code", "获取新的二维码", "取得新的 QR Code", "新しいQRコードを表示"],
  failed: ["Something went wrong", "出了点问题", "發生問題", "問題が発生しました"],
  siteProblem: [
    "Sign in another way, or contact this site’s support", "请换用其他登录方式，或联系本站客服",
    "請改用其他登入方式，或聯絡本站客服", "別の方法でログインするか、サイトのサポートにお問い合わせください",
  ],
  refused: ["The sign-in was refused", "登录被拒绝", "登入遭到拒絕", "ログインが拒否されました"],
  otherAccount: [
    "Use another account, or contact this site’s support", "请换用其他账号，或联系本站客服",
    "請改用其他帳號，或聯絡本站客服", "別のアカウントを使うか、サイトのサポートにお問い合わせください",
  ],
  signInExpired: ["This sign-in has expired", "本次登录已过期", "此次登入已過期", "このログインの有効期限が切れました"],
  checkConnection: [
    "Check your connection and try again", "请检查网络后重试", "請檢查網路後重試", "接続を確認して、もう一度お試しください",
  ],
  loading: ["Loading code…", "正在加载二维码…", "正在載入 QR Code…", "QRコードを読み込んでいます…"],
  unreachable: ["Can’t reach the server", "无法连接服务器", "無法連線到伺服器", "サーバーに接続できません"],
  reconnecting: ["Retrying…", "正在重试…", "正在重試…", "再試行しています…"],
  tryNow: ["Try now", "立即重试", "立即重試", "今すぐ再試行"],
  busy: ["The server is busy", "服务器繁忙", "伺服器忙碌中", "サーバーが混み合っています"],
  retryIn: ["Trying again in {time}", "{time} 后自动重试", "{time} 後自動重試", "{time} 後に再試行します"],
  offline: ["You’re offline", "网络已断开", "網路已中斷", "オフラインです"],
  offlineHint: ["We’ll continue when you’re back online", "联网后将自动继续", "恢復連線後將自動繼續", "オンラインに戻ると再開します"],
  expiresIn: ["Expires in {time}", "{time} 后过期", "{time} 後過期", "残り {time}"],
  codeName: ["QR code for signing in", "登录二维码", "登入用 QR Code", "ログイン用QRコード"],
};

/** The names of the messages: the names that `tips` can replace. */
export const MESSAGE_NAMES = Object.keys(MESSAGES);

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
