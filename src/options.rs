//! What a page may ask for: raw options in, a [`Config`] out.
//!
//! docs/protocol.md, "Options". Options are parsed once, at the door: whoever holds a [`Config`] need not check anything. An option of
//! the wrong type or out of range is an error that names it. Deliberately absent: callbacks, which are no data.

use core::time::Duration;

use scanlogin_protocol::wire::header;
use scanlogin_qr::contrast::{Colors, luminance};

use crate::error::Error;
use crate::fields::{Fields, Value};
use crate::format::Format;
use crate::number::decimal;
use crate::session::Policy;

/// The names of all words that a page may replace.
pub const TIPS: [&str; 21] = [
    "title",
    "scanned",
    "middleTitle",
    "referText",
    "signingIn",
    "succeed",
    "needsMfa",
    "canceled",
    "expired",
    "retry",
    "failed",
    "loading",
    "unreachable",
    "reconnecting",
    "tryNow",
    "busy",
    "retryIn",
    "offline",
    "offlineHint",
    "expiresIn",
    "codeName",
];

/// All options, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How the session behaves.
    pub policy: Policy,
    /// Where the server is: scheme and authority without a slash at the end. Empty for the page's own origin.
    pub host: String,
    /// The headers that every request carries.
    pub headers: Vec<(String, String)>,
    /// The width and height of the code in CSS pixels.
    pub size: Size,
    /// The least width and height of the box in CSS pixels.
    pub container_size: Size,
    /// How the code is drawn.
    pub format: Format,
    /// The colours of the code.
    pub colors: Colors,
    /// Light or dark.
    pub theme: Theme,
    /// The origins that may frame the page; `None` for any.
    pub frame_ancestors: Option<Vec<String>>,
}

/// Whether the widget is light or dark. The code itself is always dark on light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the person prefers it.
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The option, and the value of `data-theme`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A width and a height in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Config {
    /// Reads the options of `startScanning`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidOption`](crate::error::ErrorCode::InvalidOption), with a message that names the option and
    /// what it must be: the first fault of all that was read of `options` until now.
    pub fn read(options: &Fields<impl Value>) -> Result<Self, Error> {
        check_tips(options);
        let size = size(options, "size", 240);
        let defaults = Policy::default();
        let config = Self {
            policy: Policy {
                scene: defaults.scene,
                interval: milliseconds(options, "interval", 100, 60_000).unwrap_or(defaults.interval),
                long_poll: options.truth("longPoll").unwrap_or(defaults.long_poll),
                timeout: milliseconds(options, "timeout", 1_000, 120_000).unwrap_or(defaults.timeout),
                auto_exchange: options.truth("autoExchangeUserInfo").unwrap_or(defaults.auto_exchange),
                auto_refresh: whole(options, "autoRefresh", 0, 1_000_000, "number").unwrap_or(defaults.auto_refresh),
                refresh_on_cancel: options.truth("refreshOnCancel").unwrap_or(defaults.refresh_on_cancel),
                countdown: options.truth("countdown").unwrap_or(defaults.countdown),
            },
            host: host(options),
            headers: headers(options),
            size,
            container_size: self::size(options, "containerSize", 300),
            format: Format {
                width: size.width.min(size.height),
                logo: options.text("logo").filter(|logo| !logo.is_empty()).map(Into::into),
                is_image: one_of(options, "render", &["svg", "img"], "`svg` or `img`") == Some("img"),
            },
            colors: colors(options),
            theme: match one_of(options, "theme", &["auto", "light", "dark"], "`auto` or `light` or `dark`") {
                Some("light") => Theme::Light,
                Some("dark") => Theme::Dark,
                _ => Theme::Auto,
            },
            frame_ancestors: frame_ancestors(options),
        };
        options.end()?;
        Ok(config)
    }
}

fn whole(options: &Fields<impl Value>, name: &str, least: u32, most: u32, unit: &str) -> Option<u32> {
    let number = options.number(name)?;
    let whole = number as u32;
    if f64::from(whole) == number && (least..=most).contains(&whole) {
        return Some(whole);
    }
    let range = ["a whole ", unit, " from ", &decimal(least), " to ", &decimal(most)].concat();
    options.refuse(name, &range);
    None
}

fn milliseconds(options: &Fields<impl Value>, name: &str, least: u32, most: u32) -> Option<Duration> {
    whole(options, name, least, most, "number of milliseconds").map(|number| Duration::from_millis(number.into()))
}

fn size(options: &Fields<impl Value>, name: &str, default: u32) -> Size {
    let size = options.object(name);
    let side = |side| whole(&size, side, 80, 4_000, "number of pixels").unwrap_or(default);
    Size { width: side("width"), height: side("height") }
}

fn host(options: &Fields<impl Value>) -> String {
    for name in ["appHost", "host"] {
        let Some(host) = options.text(name).filter(|host| !host.is_empty()) else { continue };
        if !is_origin(&host, |byte| matches!(byte, b'?' | b'#' | b' ' | b'@')) {
            options.refuse(name, "an address such as `https://login.example.com`");
        }
        let mut host = host.as_str();
        while let Some(shorter) = host.strip_suffix("/") {
            host = shorter;
        }
        return host.to_owned();
    }
    String::new()
}

/// Whether it is a scheme and more, without any byte that `is_forbidden`.
fn is_origin(address: &str, is_forbidden: fn(u8) -> bool) -> bool {
    let authority = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    authority.is_some_and(|authority| !authority.is_empty() && !authority.bytes().any(is_forbidden))
}

fn headers(options: &Fields<impl Value>) -> Vec<(String, String)> {
    let names = options.object("headers");
    let mut headers = Vec::new();
    for (option, rename, default) in [
        ("appId", "app-id", header::APP_ID),
        ("userPoolId", "userpool-id", header::USER_POOL_ID),
        ("tenantId", "tenant-id", header::TENANT_ID),
        ("requestFrom", "request-from", header::REQUEST_FROM),
        ("", "sdk-version", header::SDK_VERSION),
        ("lang", "lang", header::LANG),
    ] {
        // What can't be a header would fail every request; better to say so now.
        let name = names.text(rename).unwrap_or_else(|| default.to_owned());
        if !header::is_name(&name) {
            names.refuse(rename, "the name of a header");
        }
        let value = match option {
            "" => concat!("scanlogin:", env!("CARGO_PKG_VERSION")).to_owned(),
            "requestFrom" => options.text(option).unwrap_or_else(|| "sdk".to_owned()),
            _ => options.text(option).unwrap_or_default(),
        };
        if !header::is_value(&value) {
            options.refuse(option, "text of printable ASCII characters");
        }
        if !value.is_empty() {
            headers.push((name, value));
        }
    }
    headers
}

fn one_of<'a>(options: &Fields<impl Value>, name: &str, choices: &[&'a str], must_be: &str) -> Option<&'a str> {
    let word = options.read(name, must_be, Value::text)?;
    let choice = choices.iter().find(|choice| **choice == word).copied();
    if choice.is_none() {
        options.refuse(name, must_be);
    }
    choice
}

fn colors(options: &Fields<impl Value>) -> Colors {
    let mut colors = Colors::default();
    let chosen = options.object("colors");
    for (name, color) in [("dark", &mut colors.dark), ("light", &mut colors.light)] {
        let Some(text) = chosen.text(name) else { continue };
        if luminance(&text).is_none() {
            chosen.refuse(name, "a colour such as `#1a2b3c`");
        }
        *color = text;
    }
    if !colors.are_legible() {
        options.refuse("colors", "dark on light and further apart: a camera could not read such a code");
    }
    colors
}

/// Origins are compared as the browser writes them, so that they have to be written as the browser does.
fn frame_ancestors(options: &Fields<impl Value>) -> Option<Vec<String>> {
    let origins = options.texts("frameAncestors")?;
    let is_forbidden = |byte| matches!(byte, b'/' | b'?' | b'#' | b' ' | b'@' | b'*');
    if !origins.iter().all(|origin| is_origin(origin, is_forbidden)) {
        options.refuse("frameAncestors", "a list of origins such as `https://www.example.com`");
    }
    Some(origins)
}

/// The words are said by pkg/words.js, which takes them for texts.
fn check_tips(options: &Fields<impl Value>) {
    let tips = options.object("tips");
    for name in TIPS {
        tips.text(name);
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::{Value as Json, json};

    pub(crate) fn read(options: Json) -> Result<Config, Error> {
        Config::read(&Fields::of(Some(options)))
    }

    #[test]
    fn nothing_asked_for_is_the_defaults_of_the_contract() {
        let config = read(json!({})).unwrap();
        assert_eq!(config.policy, Policy::default());
        assert_eq!(config.policy.interval, Duration::from_millis(800));
        assert_eq!(config.size, Size { width: 240, height: 240 });
        assert_eq!(config.container_size, Size { width: 300, height: 300 });
        assert_eq!(config.host, "");
        assert_eq!(config.format, Format { width: 240, logo: None, is_image: false });
        assert_eq!((config.theme, config.frame_ancestors), (Theme::Auto, None));
        let names: Vec<&str> = config.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, [header::REQUEST_FROM, header::SDK_VERSION], "empty headers are left out");
    }

    #[test]
    fn every_wrong_option_is_an_error_that_names_it() {
        let table = [
            (json!({ "interval": "fast" }), "option `interval` must be a number"),
            (json!({ "interval": 5 }), "option `interval` must be a whole number of milliseconds from 100 to 60000"),
            (
                json!({ "interval": 800.5 }),
                "option `interval` must be a whole number of milliseconds from 100 to 60000",
            ),
            (json!({ "timeout": -1 }), "option `timeout` must be a whole number of milliseconds from 1000 to 120000"),
            (json!({ "longPoll": 1 }), "option `longPoll` must be a boolean"),
            (json!({ "autoExchangeUserInfo": "yes" }), "option `autoExchangeUserInfo` must be a boolean"),
            (json!({ "autoRefresh": -1 }), "option `autoRefresh` must be a whole number from 0 to 1000000"),
            (json!({ "refreshOnCancel": {} }), "option `refreshOnCancel` must be a boolean"),
            (json!({ "countdown": "no" }), "option `countdown` must be a boolean"),
            (json!({ "size": 240 }), "option `size` must be an object"),
            (
                json!({ "size": { "width": 10 } }),
                "option `size.width` must be a whole number of pixels from 80 to 4000",
            ),
            (json!({ "containerSize": { "height": "x" } }), "option `containerSize.height` must be a number"),
            (json!({ "lang": 7 }), "option `lang` must be a string"),
            (json!({ "tips": "hello" }), "option `tips` must be an object"),
            (json!({ "tips": { "title": 5 } }), "option `tips.title` must be a string"),
            (json!({ "tips": { "tryNow": 5 } }), "option `tips.tryNow` must be a string"),
            (json!({ "logo": 5 }), "option `logo` must be a string"),
            (json!({ "render": "canvas" }), "option `render` must be `svg` or `img`"),
            (json!({ "theme": "blue" }), "option `theme` must be `auto` or `light` or `dark`"),
            (json!({ "colors": "#000" }), "option `colors` must be an object"),
            (json!({ "colors": { "dark": "navy" } }), "option `colors.dark` must be a colour such as `#1a2b3c`"),
            (
                json!({ "colors": { "dark": "#fff", "light": "#000" } }),
                "option `colors` must be dark on light and further apart: a camera could not read such a code",
            ),
            (
                json!({ "colors": { "dark": "#bbb" } }),
                "option `colors` must be dark on light and further apart: a camera could not read such a code",
            ),
            (json!({ "frameAncestors": "none" }), "option `frameAncestors` must be a list of strings"),
            (
                json!({ "frameAncestors": ["https://*.example.com"] }),
                "option `frameAncestors` must be a list of origins such as `https://www.example.com`",
            ),
            (
                json!({ "frameAncestors": ["https://www.example.com/"] }),
                "option `frameAncestors` must be a list of origins such as `https://www.example.com`",
            ),
            (
                json!({ "host": "login.example.com" }),
                "option `host` must be an address such as `https://login.example.com`",
            ),
            (
                json!({ "appHost": "javascript:x" }),
                "option `appHost` must be an address such as `https://login.example.com`",
            ),
            (json!({ "appId": 1 }), "option `appId` must be a string"),
            (json!({ "appId": "caf\u{e9}" }), "option `appId` must be text of printable ASCII characters"),
            (json!({ "lang": "en\r\nx: y" }), "option `lang` must be text of printable ASCII characters"),
            (json!({ "headers": { "app-id": 1 } }), "option `headers.app-id` must be a string"),
            (json!({ "headers": { "app-id": "x y" } }), "option `headers.app-id` must be the name of a header"),
        ];
        for (options, message) in table {
            let error = read(options.clone()).unwrap_err();
            assert_eq!((error.code, error.message.as_str()), (ErrorCode::InvalidOption, message), "{options}");
        }
    }

    #[test]
    fn the_address_of_the_server_loses_its_last_slash_and_may_come_under_two_names() {
        assert_eq!(read(json!({ "host": "https://a.test/" })).unwrap().host, "https://a.test");
        let both = json!({ "host": "https://a.test", "appHost": "https://b.test:8787" });
        assert_eq!(read(both).unwrap().host, "https://b.test:8787");
    }

    #[test]
    fn headers_can_be_renamed() {
        let config = read(json!({ "appId": "app", "headers": { "app-id": "x-my-app" } })).unwrap();
        assert!(config.headers.contains(&("x-my-app".to_owned(), "app".to_owned())));
    }

    #[test]
    fn the_code_is_as_wide_as_the_shorter_side_and_looks_as_the_page_wants() {
        let config = read(json!({
            "size": { "width": 300, "height": 200 }, "logo": "/logo.svg", "render": "img", "theme": "dark",
            "colors": { "dark": "#0b5a62", "light": "#f4fbfa" }, "frameAncestors": ["https://www.example.com:8443"],
        }))
        .unwrap();
        assert_eq!(config.format, Format { width: 200, logo: Some("/logo.svg".into()), is_image: true });
        assert_eq!((config.colors.dark.as_str(), config.colors.light.as_str()), ("#0b5a62", "#f4fbfa"));
        assert_eq!(config.theme, Theme::Dark);
        assert_eq!(config.frame_ancestors, Some(vec!["https://www.example.com:8443".to_owned()]));
    }
}
