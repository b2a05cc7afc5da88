// What a person reads, by language: the one home of all words. Deliberately absent: which of them is said when, which
// src/view_model.rs and box.js know, and errors for developers.

/** The languages that are built in. Any other is made by `tips`. */
const LANGUAGES = ["en-US", "zh-CN", "zh-TW", "ja-JP"];

/** Each word in these languages, by its name among the `tips`: `{time}` becomes minutes and seconds. */
const WORDS = {
  title: ["Scan with the app to sign in", "请使用 App 扫码登录", "請使用 App 掃碼登入", "アプリでスキャンしてログイン"],
  scanned: ["Scanned", "扫码成功", "掃碼成功", "スキャンしました"],
  middleTitle: ["Confirm the sign-in on your phone", "请在手机上确认登录", "請在手機上確認登入", "スマホでログインを承認してください"],
  referText: ["Use another code", "重新扫码", "重新掃碼", "別のQRコードを使う"],
  signingIn: ["Signing you in…", "正在登录…", "正在登入…", "ログインしています…"],
  succeed: ["Signed in", "登录成功", "登入成功", "ログインしました"],
  needsMfa: ["One more step to sign in", "还需完成一步验证", "還需完成一步驗證", "もう一段階の認証が必要です"],
  canceled: ["Sign-in was declined", "已取消登录", "已取消登入", "ログインがキャンセルされました"],
  expired: ["This code has expired", "二维码已过期", "QR Code 已過期", "QRコードの有効期限が切れました"],
  retry: ["Get a new code", "获取新的二维码", "取得新的 QR Code", "新しいQRコードを表示"],
  failed: ["Something went wrong", "出了点问题", "發生問題", "問題が発生しました"],
  loading: ["Getting a code…", "正在获取二维码…", "正在取得 QR Code…", "QRコードを取得しています…"],
  unreachable: ["Can’t reach the server", "无法连接服务器", "無法連線到伺服器", "サーバーに接続できません"],
  reconnecting: ["Trying again by itself…", "正在自动重试…", "正在自動重試…", "自動的に再試行しています…"],
  tryNow: ["Try now", "立即重试", "立即重試", "今すぐ再試行"],
  busy: ["The server is busy", "服务器繁忙", "伺服器忙碌中", "サーバーが混み合っています"],
  retryIn: ["Trying again in {time}", "{time} 后自动重试", "{time} 後自動重試", "{time} 後に再試行します"],
  offline: ["You’re offline", "网络已断开", "網路已中斷", "オフラインです"],
  offlineHint: ["It goes on when the connection is back", "网络恢复后将自动继续", "網路恢復後將自動繼續", "接続が戻ると自動的に再開します"],
  expiresIn: ["Expires in {time}", "{time} 后过期", "{time} 後過期", "残り {time}"],
  codeName: ["QR code for signing in", "登录二维码", "登入用 QR Code", "ログイン用QRコード"],
};

/** What else there is to say when the wasm does not come, where another word would promise a code. */
export const WITHOUT_WASM = {
  failed: ["The QR code can’t be shown", "无法显示二维码", "無法顯示 QR Code", "QRコードを表示できません"],
  help: [
    "Try again, or use another browser", "请重试，或换一个浏览器", "請重試，或換一個瀏覽器", "再試行するか、別のブラウザーをお使いください",
  ],
  retry: ["Try again", "重试", "重試", "再試行"],
};

/** A field of options that may be anything. As in the widget, what can't be read is not there. */
export function field(options, name) {
  try {
    return options[name];
  } catch (_) {
    return undefined;
  }
}

/** What one widget says: the page's own words, its `tips`, over those in `lang` or, without it, in the page's language. */
export function wordsOf(tips, lang) {
  // A fault in what the page gave would leave the wasm in the middle of drawing: each is read once, and only as text.
  const text = (value) => (typeof value === "string" ? value : undefined);
  const tag = () => text(lang) || document.documentElement.lang;
  const own = (name) => text(field(tips, name));
  return {
    /** Goes on in another language, or without a tag in that of the page. */
    speak(other) {
      lang = other;
    },
    /** The BCP 47 tag under which the words are marked up. */
    language() {
      // A language that is made by `tips` is what the page says it is.
      const isMade = Object.keys(WORDS).some((name) => own(name) !== undefined);
      return LANGUAGES[indexOf(tag())] || (isMade && tag()) || LANGUAGES[0];
    },
    /** One word; `seconds` is the time in it. */
    say(name, seconds, words = WORDS) {
      const said = own(name) ?? words[name][Math.max(indexOf(tag()), 0)];
      return said.replace("{time}", () => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);
    },
  };
}

/** Calls `changed` when the page has another language, until what it returns is disconnected. */
export function followPage(changed) {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributeFilter: ["lang"] });
  return observer;
}

/** Which of the languages that of a BCP 47 tag such as `zh-CN`, `zh-Hant-HK`, `ja` is. */
function indexOf(tag) {
  const [language, ...others] = String(tag).toLowerCase().split(/[-_]/);
  if (language === "zh" && others.some((other) => /^(hant|tw|hk|mo)$/.test(other))) return 2;
  return LANGUAGES.findIndex((known) => known.slice(0, 2) === language);
}
