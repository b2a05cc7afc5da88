//! What a person reads, by language.
//!
//! Deliberately absent: errors for developers ([`crate::error`]).

use crate::number::decimal;
use crate::view_model::{Action, Countdown, ScanState, Trouble, ViewModel};

/// A language with words of its own. Any other is made by `tips`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// English, and whatever is not listed.
    #[default]
    English,
    /// Chinese in simplified characters.
    SimplifiedChinese,
    /// Chinese in traditional characters.
    TraditionalChinese,
    /// Japanese.
    Japanese,
}

impl Language {
    /// The language of a BCP 47 tag such as `zh-CN`, `zh-Hant-HK`, `ja`; `None` when it has no words of its own.
    pub fn of(tag: &str) -> Option<Self> {
        let tag = tag.to_ascii_lowercase();
        let mut subtags = tag.as_bytes().split(|byte| matches!(byte, b'-' | b'_'));
        match subtags.next()? {
            b"en" => Some(Self::English),
            b"zh" if subtags.any(|subtag| matches!(subtag, b"hant" | b"tw" | b"hk" | b"mo")) => {
                Some(Self::TraditionalChinese)
            }
            b"zh" => Some(Self::SimplifiedChinese),
            b"ja" => Some(Self::Japanese),
            _ => None,
        }
    }

    /// The BCP 47 tag under which the words are marked up.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en-US",
            Self::SimplifiedChinese => "zh-CN",
            Self::TraditionalChinese => "zh-TW",
            Self::Japanese => "ja-JP",
        }
    }
}

/// A sentence of the widget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Above a code that can be scanned.
    Title,
    /// When somebody has scanned.
    Scanned,
    /// Below it: what to do on the phone.
    MiddleTitle,
    /// The button for another code after a scan.
    ReferText,
    /// While the ticket is exchanged.
    SigningIn,
    /// When the user approved.
    Succeed,
    /// When the page has to ask for a second factor.
    NeedsMfa,
    /// When the user declined.
    Canceled,
    /// When the code is too old.
    Expired,
    /// The button that asks for a new code.
    Retry,
    /// When it can't go on.
    Failed,
    /// While a code is on its way.
    Loading,
    /// While the server can't be reached.
    Unreachable,
    /// Below it.
    Reconnecting,
    /// The button that does not wait for the next try.
    TryNow,
    /// While the server asks for patience.
    Busy,
    /// Below it: `{time}` becomes minutes and seconds.
    RetryIn,
    /// While the browser has no network.
    Offline,
    /// Below it.
    OfflineHint,
    /// How long the code can be scanned: `{time}` becomes minutes and seconds.
    ExpiresIn,
    /// The name of the image of the code.
    CodeName,
}

impl Word {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Title,
        Self::Scanned,
        Self::MiddleTitle,
        Self::ReferText,
        Self::SigningIn,
        Self::Succeed,
        Self::NeedsMfa,
        Self::Canceled,
        Self::Expired,
        Self::Retry,
        Self::Failed,
        Self::Loading,
        Self::Unreachable,
        Self::Reconnecting,
        Self::TryNow,
        Self::Busy,
        Self::RetryIn,
        Self::Offline,
        Self::OfflineHint,
        Self::ExpiresIn,
        Self::CodeName,
    ];

    /// Its name among the `tips` of CONTRACT §4.
    pub fn tip(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Scanned => "scanned",
            Self::MiddleTitle => "middleTitle",
            Self::ReferText => "referText",
            Self::SigningIn => "signingIn",
            Self::Succeed => "succeed",
            Self::NeedsMfa => "needsMfa",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Retry => "retry",
            Self::Failed => "failed",
            Self::Loading => "loading",
            Self::Unreachable => "unreachable",
            Self::Reconnecting => "reconnecting",
            Self::TryNow => "tryNow",
            Self::Busy => "busy",
            Self::RetryIn => "retryIn",
            Self::Offline => "offline",
            Self::OfflineHint => "offlineHint",
            Self::ExpiresIn => "expiresIn",
            Self::CodeName => "codeName",
        }
    }

    fn built_in(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english(),
            Language::SimplifiedChinese => self.simplified_chinese(),
            Language::TraditionalChinese => self.traditional_chinese(),
            Language::Japanese => self.japanese(),
        }
    }

    fn english(self) -> &'static str {
        match self {
            Self::Title => "Scan with the app to sign in",
            Self::Scanned => "Scanned",
            Self::MiddleTitle => "Confirm the sign-in on your phone",
            Self::ReferText => "Use another code",
            Self::SigningIn => "Signing you in…",
            Self::Succeed => "Signed in",
            Self::NeedsMfa => "One more step to sign in",
            Self::Canceled => "Sign-in was declined",
            Self::Expired => "This code has expired",
            Self::Retry => "Get a new code",
            Self::Failed => "Something went wrong",
            Self::Loading => "Getting a code…",
            Self::Unreachable => "Can’t reach the server",
            Self::Reconnecting => "Trying again by itself…",
            Self::TryNow => "Try now",
            Self::Busy => "The server is busy",
            Self::RetryIn => "Trying again in {time}",
            Self::Offline => "You’re offline",
            Self::OfflineHint => "It goes on when the connection is back",
            Self::ExpiresIn => "Expires in {time}",
            Self::CodeName => "QR code for signing in",
        }
    }

    fn simplified_chinese(self) -> &'static str {
        match self {
            Self::Title => "请使用 App 扫码登录",
            Self::Scanned => "扫码成功",
            Self::MiddleTitle => "请在手机上确认登录",
            Self::ReferText => "重新扫码",
            Self::SigningIn => "正在登录…",
            Self::Succeed => "登录成功",
            Self::NeedsMfa => "还需完成一步验证",
            Self::Canceled => "已取消登录",
            Self::Expired => "二维码已过期",
            Self::Retry => "获取新的二维码",
            Self::Failed => "出了点问题",
            Self::Loading => "正在获取二维码…",
            Self::Unreachable => "无法连接服务器",
            Self::Reconnecting => "正在自动重试…",
            Self::TryNow => "立即重试",
            Self::Busy => "服务器繁忙",
            Self::RetryIn => "{time} 后自动重试",
            Self::Offline => "网络已断开",
            Self::OfflineHint => "网络恢复后将自动继续",
            Self::ExpiresIn => "{time} 后过期",
            Self::CodeName => "登录二维码",
        }
    }

    fn traditional_chinese(self) -> &'static str {
        match self {
            Self::Title => "請使用 App 掃碼登入",
            Self::Scanned => "掃碼成功",
            Self::MiddleTitle => "請在手機上確認登入",
            Self::ReferText => "重新掃碼",
            Self::SigningIn => "正在登入…",
            Self::Succeed => "登入成功",
            Self::NeedsMfa => "還需完成一步驗證",
            Self::Canceled => "已取消登入",
            Self::Expired => "QR Code 已過期",
            Self::Retry => "取得新的 QR Code",
            Self::Failed => "發生問題",
            Self::Loading => "正在取得 QR Code…",
            Self::Unreachable => "無法連線到伺服器",
            Self::Reconnecting => "正在自動重試…",
            Self::TryNow => "立即重試",
            Self::Busy => "伺服器忙碌中",
            Self::RetryIn => "{time} 後自動重試",
            Self::Offline => "網路已中斷",
            Self::OfflineHint => "網路恢復後將自動繼續",
            Self::ExpiresIn => "{time} 後過期",
            Self::CodeName => "登入用 QR Code",
        }
    }

    fn japanese(self) -> &'static str {
        match self {
            Self::Title => "アプリでスキャンしてログイン",
            Self::Scanned => "スキャンしました",
            Self::MiddleTitle => "スマホでログインを承認してください",
            Self::ReferText => "別のQRコードを使う",
            Self::SigningIn => "ログインしています…",
            Self::Succeed => "ログインしました",
            Self::NeedsMfa => "もう一段階の認証が必要です",
            Self::Canceled => "ログインがキャンセルされました",
            Self::Expired => "QRコードの有効期限が切れました",
            Self::Retry => "新しいQRコードを表示",
            Self::Failed => "問題が発生しました",
            Self::Loading => "QRコードを取得しています…",
            Self::Unreachable => "サーバーに接続できません",
            Self::Reconnecting => "自動的に再試行しています…",
            Self::TryNow => "今すぐ再試行",
            Self::Busy => "サーバーが混み合っています",
            Self::RetryIn => "{time} 後に再試行します",
            Self::Offline => "オフラインです",
            Self::OfflineHint => "接続が戻ると自動的に再開します",
            Self::ExpiresIn => "残り {time}",
            Self::CodeName => "ログイン用QRコード",
        }
    }
}

/// The words of a widget: those of a language, and over them those that the page gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    language: Language,
    tag: String,
    tips: Vec<(Word, String)>,
}

impl Words {
    /// The words for a BCP 47 tag, with other words from the page.
    pub fn new(tag: &str, tips: Vec<(Word, String)>) -> Self {
        let language = Language::of(tag);
        // A language that is made by `tips` is what the page says it is.
        let is_made_by_tips = language.is_none() && !tips.is_empty() && !tag.is_empty();
        let language = language.unwrap_or_default();
        Self { language, tag: if is_made_by_tips { tag } else { language.tag() }.to_owned(), tips }
    }

    /// The same page's words in another language.
    #[must_use]
    pub fn in_language(&self, tag: &str) -> Self {
        Self::new(tag, self.tips.clone())
    }

    /// The BCP 47 tag under which they are marked up.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// One of them.
    pub fn get(&self, word: Word) -> &str {
        let tip = self.tips.iter().find(|(tip, _)| *tip == word);
        tip.map_or_else(|| word.built_in(self.language), |(_, text)| text)
    }

    /// The sentence that says what is going on.
    pub fn headline(&self, view: &ViewModel) -> &str {
        let word = match view.state {
            ScanState::Loading => Word::Loading,
            ScanState::Ready => Word::Title,
            ScanState::Scanned => Word::Scanned,
            ScanState::SigningIn => Word::SigningIn,
            ScanState::Confirmed => Word::Succeed,
            ScanState::Cancelled => Word::Canceled,
            // Whether time or the page ended it: to a person it is a code that is over.
            ScanState::Expired | ScanState::Stopped => Word::Expired,
            ScanState::Unreachable => match view.trouble {
                Trouble::Unreachable => Word::Unreachable,
                Trouble::Busy => Word::Busy,
                Trouble::Offline => Word::Offline,
            },
            ScanState::NeedsMfa => Word::NeedsMfa,
            ScanState::Failed => Word::Failed,
            ScanState::Destroyed => return "",
        };
        self.get(word)
    }

    /// The smaller sentence below it.
    pub fn hint<'a>(&'a self, view: &'a ViewModel) -> &'a str {
        match view.state {
            ScanState::Scanned => self.get(Word::MiddleTitle),
            ScanState::Unreachable => match view.trouble {
                Trouble::Unreachable => self.get(Word::Reconnecting),
                Trouble::Busy => "",
                Trouble::Offline => self.get(Word::OfflineHint),
            },
            ScanState::Failed => view.detail.as_deref().unwrap_or_default(),
            ScanState::Loading
            | ScanState::Ready
            | ScanState::SigningIn
            | ScanState::Confirmed
            | ScanState::Cancelled
            | ScanState::Expired
            | ScanState::Stopped
            | ScanState::NeedsMfa
            | ScanState::Destroyed => "",
        }
    }

    /// How long something still takes, to the second.
    pub fn countdown(&self, countdown: Countdown) -> String {
        let (word, seconds) = match countdown {
            Countdown::ExpiresIn(seconds) => (Word::ExpiresIn, seconds),
            Countdown::RetryIn(seconds) => (Word::RetryIn, seconds),
        };
        let number = |number: u32| decimal(number.into());
        let time = [&number(seconds / 60), ":", &number(seconds % 60 / 10), &number(seconds % 10)].concat();
        let text = self.get(word);
        let place = (0..text.len()).find_map(|at| {
            let (before, rest) = text.split_at_checked(at)?;
            Some((before, rest.strip_prefix("{time}")?))
        });
        place.map_or_else(|| text.to_owned(), |(before, after)| [before, &time, after].concat())
    }

    /// The words on the button.
    pub fn button(&self, action: Action) -> &str {
        self.get(match action {
            Action::NewCode => Word::Retry,
            Action::ScanAgain => Word::ReferText,
            Action::TryNow => Word::TryNow,
        })
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

    const LANGUAGES: [Language; 4] =
        [Language::English, Language::SimplifiedChinese, Language::TraditionalChinese, Language::Japanese];

    #[test]
    fn a_tag_finds_its_language_and_others_fall_back_to_english() {
        let table = [
            ("zh-CN", Language::SimplifiedChinese),
            ("zh", Language::SimplifiedChinese),
            ("zh-TW", Language::TraditionalChinese),
            ("zh-Hant-HK", Language::TraditionalChinese),
            ("zh_HK", Language::TraditionalChinese),
            ("ja", Language::Japanese),
            ("JA-jp", Language::Japanese),
            ("en-GB", Language::English),
            ("fr-CH", Language::English),
            ("", Language::English),
        ];
        for (tag, language) in table {
            assert_eq!(Words::new(tag, Vec::new()).tag(), language.tag(), "{tag}");
        }
    }

    #[test]
    fn a_language_made_by_tips_is_marked_up_as_what_it_is() {
        let words = Words::new("fr-CH", vec![(Word::Title, "Scannez".to_owned())]);
        assert_eq!((words.tag(), words.get(Word::Title)), ("fr-CH", "Scannez"));
        let words = words.in_language("ja");
        assert_eq!((words.tag(), words.get(Word::Title)), ("ja-JP", "Scannez"), "the page's own words stay");
        assert_eq!(words.get(Word::Retry), Word::Retry.built_in(Language::Japanese));
    }

    #[test]
    fn the_remaining_time_reads_as_minutes_and_seconds() {
        let countdown = |tag, countdown| Words::new(tag, Vec::new()).countdown(countdown);
        assert_eq!(countdown("en", Countdown::ExpiresIn(65)), "Expires in 1:05");
        assert_eq!(countdown("ja", Countdown::ExpiresIn(65)), "残り 1:05");
        assert_eq!(countdown("zh-CN", Countdown::RetryIn(9)), "0:09 后自动重试");
    }

    #[test]
    fn every_language_has_every_word_and_says_the_time_where_it_belongs() {
        for language in LANGUAGES {
            for word in Word::ALL {
                let text = word.built_in(language);
                assert!(!text.trim().is_empty(), "{language:?} {word:?}");
                let has_time = matches!(word, Word::ExpiresIn | Word::RetryIn);
                assert_eq!(text.contains("{time}"), has_time, "{language:?} {word:?}");
                assert!(language == Language::English || text != word.built_in(Language::English), "{word:?}");
            }
        }
    }
}
