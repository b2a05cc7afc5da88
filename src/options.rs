//! What a page may ask for: raw options in, a [`Config`] out.
//!
//! docs/protocol.md, "Options". Options are parsed once, at the door: whoever holds a [`Config`] need not check anything. An option of
//! the wrong type or out of range is an error that names it. Deliberately absent: callbacks, which are no data.

use core::time::Duration;
use std::rc::Rc;

use scanlogin_protocol::wire::header;
use scanlogin_qr::contrast::{Colors, luminance};

use crate::client::reader::{JsonValue, Reader};
use crate::error::Error;
use crate::number::decimal;
use crate::session::Policy;

/// All options, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How the session behaves.
    pub policy: Policy,
    /// Where the server is: scheme and authority without a slash at the end. Empty for the page's own origin.
    pub host: String,
    /// The headers that every request carries.
    pub headers: Vec<(String, String)>,
    /// The name of the header with the language, and its value for a widget without a shell.
    pub language: (String, String),
    /// The address of the image in the middle of the code. `None` for no logo.
    pub logo: Option<Rc<str>>,
    /// Whether the widget shows the image of the server instead of drawing the code.
    pub is_image: bool,
    /// The colours of the code.
    pub colors: Colors,
    /// The origins that may frame the page; `None` for any.
    pub frame_ancestors: Option<Vec<String>>,
}

impl Config {
    /// Reads the options of `startScanning`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidOption`](crate::error::ErrorCode::InvalidOption), with a message that names the option and
    /// what it must be: the first fault of all that was read of `options` until now.
    pub fn read(options: &Reader<impl JsonValue>) -> Result<Self, Error> {
        let defaults = Policy::default();
        let (headers, language) = headers(options);
        let config = Self {
            policy: Policy {
                scene: defaults.scene,
                interval: milliseconds(options, "interval", 100, 60_000).unwrap_or(defaults.interval),
                long_poll: options.bool("longPoll").unwrap_or(defaults.long_poll),
                timeout: milliseconds(options, "timeout", 1_000, 120_000).unwrap_or(defaults.timeout),
                auto_exchange: options.bool("autoExchangeUserInfo").unwrap_or(defaults.auto_exchange),
                auto_refresh: whole(options, "autoRefresh", 0, 1_000_000, "number").unwrap_or(defaults.auto_refresh),
                refresh_on_cancel: options.bool("refreshOnCancel").unwrap_or(defaults.refresh_on_cancel),
                countdown: options.bool("countdown").unwrap_or(defaults.countdown),
            },
            host: host(options),
            headers,
            language,
            logo: options.text("logo").filter(|logo| !logo.is_empty()).map(Into::into),
            is_image: one_of(options, "render", &["svg", "img"], "`svg` or `img`") == Some("img"),
            colors: colors(options),
            frame_ancestors: frame_ancestors(options),
        };
        options.finish()?;
        Ok(config)
    }
}

fn whole(options: &Reader<impl JsonValue>, name: &str, least: u32, most: u32, unit: &str) -> Option<u32> {
    let number = options.number(name)?;
    let whole = number as u32;
    if f64::from(whole) == number && (least..=most).contains(&whole) {
        return Some(whole);
    }
    let range = ["a whole ", unit, " from ", &decimal(least), " to ", &decimal(most)].concat();
    options.reject(name, &range);
    None
}

fn milliseconds(options: &Reader<impl JsonValue>, name: &str, least: u32, most: u32) -> Option<Duration> {
    whole(options, name, least, most, "number of milliseconds").map(|number| Duration::from_millis(number.into()))
}

fn host(options: &Reader<impl JsonValue>) -> String {
    for name in ["appHost", "host"] {
        let Some(host) = options.text(name).filter(|host| !host.is_empty()) else { continue };
        if !is_origin(&host, |byte| matches!(byte, b'?' | b'#' | b' ' | b'@')) {
            options.reject(name, "an address such as `https://login.example.com`");
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

/// The headers of all requests, and the header with the language.
fn headers(options: &Reader<impl JsonValue>) -> (Vec<(String, String)>, (String, String)) {
    let names = options.object("headers");
    // A name or a value that no header can have would fail every request.
    let name = |rename: &str, default: &str| {
        let name = names.text(rename).unwrap_or_else(|| default.to_owned());
        if !header::is_name(&name) {
            names.reject(rename, "the name of a header");
        }
        name
    };
    let value = |option: &str, default: &str| {
        let value = options.text(option).unwrap_or_else(|| default.to_owned());
        if !header::is_value(&value) {
            options.reject(option, "text of printable ASCII characters");
        }
        value
    };
    let headers = [
        (name("app-id", header::APP_ID), value("appId", "")),
        (name("userpool-id", header::USER_POOL_ID), value("userPoolId", "")),
        (name("tenant-id", header::TENANT_ID), value("tenantId", "")),
        (name("request-from", header::REQUEST_FROM), value("requestFrom", "sdk")),
        (name("sdk-version", header::SDK_VERSION), concat!("scanlogin:", env!("CARGO_PKG_VERSION")).to_owned()),
    ];
    let language = (name("lang", header::LANG), value("lang", ""));
    (headers.into_iter().filter(|(_, value)| !value.is_empty()).collect(), language)
}

fn one_of<'a>(options: &Reader<impl JsonValue>, name: &str, choices: &[&'a str], must_be: &str) -> Option<&'a str> {
    let word = options.read(name, must_be, JsonValue::text)?;
    let choice = choices.iter().find(|choice| **choice == word).copied();
    if choice.is_none() {
        options.reject(name, must_be);
    }
    choice
}

fn colors(options: &Reader<impl JsonValue>) -> Colors {
    let mut colors = Colors::default();
    let chosen = options.object("colors");
    for (name, color) in [("dark", &mut colors.dark), ("light", &mut colors.light)] {
        let Some(text) = chosen.text(name) else { continue };
        if luminance(&text).is_none() {
            chosen.reject(name, "a colour such as `#1a2b3c`");
        }
        *color = text;
    }
    if !colors.are_legible() {
        options.reject("colors", "dark on light and further apart: a camera could not read such a code");
    }
    colors
}

/// Origins are compared as the browser writes them, so that they have to be written as the browser does.
fn frame_ancestors(options: &Reader<impl JsonValue>) -> Option<Vec<String>> {
    let origins = options.texts("frameAncestors")?;
    let is_forbidden = |byte| matches!(byte, b'/' | b'?' | b'#' | b' ' | b'@' | b'*');
    if !origins.iter().all(|origin| is_origin(origin, is_forbidden)) {
        options.reject("frameAncestors", "a list of origins such as `https://www.example.com`");
    }
    Some(origins)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::{Value as Json, json};

    pub(crate) fn read(options: Json) -> Result<Config, Error> {
        Config::read(&Reader::of(Some(options)))
    }

    #[test]
    fn nothing_asked_for_is_the_defaults_of_the_contract() {
        let config = read(json!({})).unwrap();
        assert_eq!(config.policy, Policy::default());
        assert_eq!(config.policy.interval, Duration::from_millis(800));
        assert_eq!(config.host, "");
        assert_eq!((config.logo, config.is_image, config.frame_ancestors), (None, false, None));
        assert_eq!(config.language, (header::LANG.to_owned(), String::new()));
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
            (json!({ "lang": 7 }), "option `lang` must be a string"),
            (json!({ "logo": 5 }), "option `logo` must be a string"),
            (json!({ "render": "canvas" }), "option `render` must be `svg` or `img`"),
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
    fn options_of_the_code_are_read() {
        let config = read(json!({
            "logo": "/logo.svg", "render": "img",
            "colors": { "dark": "#0b5a62", "light": "#f4fbfa" }, "frameAncestors": ["https://www.example.com:8443"],
        }))
        .unwrap();
        assert_eq!((config.logo.as_deref(), config.is_image), (Some("/logo.svg"), true));
        assert_eq!((config.colors.dark.as_str(), config.colors.light.as_str()), ("#0b5a62", "#f4fbfa"));
        assert_eq!(config.frame_ancestors, Some(vec!["https://www.example.com:8443".to_owned()]));
    }
}
