//! What a person reads, by language.
//!
//! Deliberately absent: which words stand where ([`Words::headline`] and its neighbours tell that), and errors for
//! developers ([`crate::error`]).

use std::borrow::Cow;

use crate::view_model::{Action, ScanState, ViewModel};

/// A language with words of its own. Any other is made by overriding words with `tips`.
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
    /// The language of a BCP 47 tag such as `zh-CN`, `zh-Hant-HK`, `ja`.
    pub fn of(tag: &str) -> Self {
        let tag = tag.to_ascii_lowercase();
        let mut subtags = tag.split(['-', '_']);
        match subtags.next() {
            Some("zh") if subtags.any(|subtag| matches!(subtag, "hant" | "tw" | "hk" | "mo")) => {
                Self::TraditionalChinese
            }
            Some("zh") => Self::SimplifiedChinese,
            Some("ja") => Self::Japanese,
            _ => Self::English,
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

type Text = Cow<'static, str>;

/// All the words of a widget. The first nine are the `tips` of CONTRACT §4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Above a code that can be scanned.
    pub title: Text,
    /// When somebody has scanned.
    pub scanned: Text,
    /// When the user approved.
    pub succeed: Text,
    /// When the user declined.
    pub canceled: Text,
    /// When the code is too old.
    pub expired: Text,
    /// The button that asks for a new code.
    pub retry: Text,
    /// When it can't go on.
    pub failed: Text,
    /// After a scan: what to do on the phone.
    pub middle_title: Text,
    /// After a scan: the button for another code.
    pub refer_text: Text,
    /// While a code is on its way.
    pub loading: Text,
    /// While the server can't be reached.
    pub unreachable: Text,
    /// Below it.
    pub reconnecting: Text,
    /// The button that does not wait for the next try.
    pub try_now: Text,
    /// While the ticket is exchanged.
    pub signing_in: Text,
    /// When the page has to ask for a second factor.
    pub needs_mfa: Text,
    /// The name of the image of the code.
    pub code_name: Text,
    /// How long the code can be scanned: `{time}` becomes minutes and seconds.
    pub expires_in: Text,
}

impl Words {
    /// The built-in words of a language.
    pub fn of(language: Language) -> Self {
        match language {
            Language::English => ENGLISH,
            Language::SimplifiedChinese => SIMPLIFIED_CHINESE,
            Language::TraditionalChinese => TRADITIONAL_CHINESE,
            Language::Japanese => JAPANESE,
        }
    }

    /// The sentence that says what is going on.
    pub fn headline(&self, state: ScanState) -> &str {
        match state {
            ScanState::Loading => &self.loading,
            ScanState::Ready => &self.title,
            ScanState::Scanned => &self.scanned,
            ScanState::SigningIn => &self.signing_in,
            ScanState::Confirmed => &self.succeed,
            ScanState::Cancelled => &self.canceled,
            // Whether time or the page ended it: to a person it is a code that is over.
            ScanState::Expired | ScanState::Stopped => &self.expired,
            ScanState::Unreachable => &self.unreachable,
            ScanState::NeedsMfa => &self.needs_mfa,
            ScanState::Failed => &self.failed,
            ScanState::Destroyed => "",
        }
    }

    /// The smaller line below it.
    pub fn hint<'a>(&'a self, view: &'a ViewModel) -> Cow<'a, str> {
        match view.state {
            ScanState::Ready => match view.seconds_left {
                Some(seconds) => self.remaining(seconds).into(),
                None => "".into(),
            },
            ScanState::Scanned => self.middle_title.as_ref().into(),
            ScanState::Unreachable => self.reconnecting.as_ref().into(),
            ScanState::Failed => view.detail.as_deref().unwrap_or_default().into(),
            ScanState::Loading
            | ScanState::SigningIn
            | ScanState::Confirmed
            | ScanState::Cancelled
            | ScanState::Expired
            | ScanState::Stopped
            | ScanState::NeedsMfa
            | ScanState::Destroyed => "".into(),
        }
    }

    /// The words on the button.
    pub fn button(&self, action: Action) -> &str {
        match action {
            Action::NewCode => &self.retry,
            Action::ScanAgain => &self.refer_text,
            Action::TryNow => &self.try_now,
        }
    }

    fn remaining(&self, seconds: u32) -> String {
        self.expires_in.replace("{time}", &format!("{}:{:02}", seconds / 60, seconds % 60))
    }
}

const ENGLISH: Words = Words {
    title: Text::Borrowed("Scan with the app to sign in"),
    scanned: Text::Borrowed("Scanned"),
    succeed: Text::Borrowed("Signed in"),
    canceled: Text::Borrowed("Sign-in was declined"),
    expired: Text::Borrowed("This code has expired"),
    retry: Text::Borrowed("Get a new code"),
    failed: Text::Borrowed("Something went wrong"),
    middle_title: Text::Borrowed("Confirm the sign-in on your phone"),
    refer_text: Text::Borrowed("Use another code"),
    loading: Text::Borrowed("Getting a code…"),
    unreachable: Text::Borrowed("Can’t reach the server"),
    reconnecting: Text::Borrowed("Trying again by itself…"),
    try_now: Text::Borrowed("Try now"),
    signing_in: Text::Borrowed("Signing you in…"),
    needs_mfa: Text::Borrowed("One more step to sign in"),
    code_name: Text::Borrowed("QR code for signing in"),
    expires_in: Text::Borrowed("Expires in {time}"),
};

const SIMPLIFIED_CHINESE: Words = Words {
    title: Text::Borrowed("请使用 App 扫码登录"),
    scanned: Text::Borrowed("扫码成功"),
    succeed: Text::Borrowed("登录成功"),
    canceled: Text::Borrowed("已取消登录"),
    expired: Text::Borrowed("二维码已过期"),
    retry: Text::Borrowed("获取新的二维码"),
    failed: Text::Borrowed("出了点问题"),
    middle_title: Text::Borrowed("请在手机上确认登录"),
    refer_text: Text::Borrowed("重新扫码"),
    loading: Text::Borrowed("正在获取二维码…"),
    unreachable: Text::Borrowed("无法连接服务器"),
    reconnecting: Text::Borrowed("正在自动重试…"),
    try_now: Text::Borrowed("立即重试"),
    signing_in: Text::Borrowed("正在登录…"),
    needs_mfa: Text::Borrowed("还需完成一步验证"),
    code_name: Text::Borrowed("登录二维码"),
    expires_in: Text::Borrowed("{time} 后过期"),
};

const TRADITIONAL_CHINESE: Words = Words {
    title: Text::Borrowed("請使用 App 掃碼登入"),
    scanned: Text::Borrowed("掃碼成功"),
    succeed: Text::Borrowed("登入成功"),
    canceled: Text::Borrowed("已取消登入"),
    expired: Text::Borrowed("QR Code 已過期"),
    retry: Text::Borrowed("取得新的 QR Code"),
    failed: Text::Borrowed("發生問題"),
    middle_title: Text::Borrowed("請在手機上確認登入"),
    refer_text: Text::Borrowed("重新掃碼"),
    loading: Text::Borrowed("正在取得 QR Code…"),
    unreachable: Text::Borrowed("無法連線到伺服器"),
    reconnecting: Text::Borrowed("正在自動重試…"),
    try_now: Text::Borrowed("立即重試"),
    signing_in: Text::Borrowed("正在登入…"),
    needs_mfa: Text::Borrowed("還需完成一步驗證"),
    code_name: Text::Borrowed("登入用 QR Code"),
    expires_in: Text::Borrowed("{time} 後過期"),
};

const JAPANESE: Words = Words {
    title: Text::Borrowed("アプリでスキャンしてログイン"),
    scanned: Text::Borrowed("スキャンしました"),
    succeed: Text::Borrowed("ログインしました"),
    canceled: Text::Borrowed("ログインがキャンセルされました"),
    expired: Text::Borrowed("QRコードの有効期限が切れました"),
    retry: Text::Borrowed("新しいQRコードを表示"),
    failed: Text::Borrowed("問題が発生しました"),
    middle_title: Text::Borrowed("スマートフォンでログインを承認してください"),
    refer_text: Text::Borrowed("別のQRコードを使う"),
    loading: Text::Borrowed("QRコードを取得しています…"),
    unreachable: Text::Borrowed("サーバーに接続できません"),
    reconnecting: Text::Borrowed("自動的に再試行しています…"),
    try_now: Text::Borrowed("今すぐ再試行"),
    signing_in: Text::Borrowed("ログインしています…"),
    needs_mfa: Text::Borrowed("もう一段階の認証が必要です"),
    code_name: Text::Borrowed("ログイン用QRコード"),
    expires_in: Text::Borrowed("残り {time}"),
};

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

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
            assert_eq!(Language::of(tag), language, "{tag}");
        }
    }

    #[test]
    fn the_remaining_time_reads_as_minutes_and_seconds() {
        let view = ViewModel { seconds_left: Some(65), ..ViewModel::new(ScanState::Ready) };
        assert_eq!(Words::of(Language::English).hint(&view), "Expires in 1:05");
        assert_eq!(Words::of(Language::Japanese).hint(&view), "残り 1:05");
    }

    #[test]
    fn every_language_says_how_long_a_code_can_be_scanned() {
        for words in [ENGLISH, SIMPLIFIED_CHINESE, TRADITIONAL_CHINESE, JAPANESE] {
            assert!(words.expires_in.contains("{time}"), "{}", words.expires_in);
        }
    }
}
