//! Reads and checks the options of a page: docs/protocol.md, "Options".
//!
//! Options are checked once, when a [`Config`] is read. An option with a wrong type or out of range is an error that
//! names it. Not here: the options that the shell reads in `js/options.js`, and callbacks and signals, which
//! `web/options.rs` reads.

use core::time::Duration;
use std::rc::Rc;

use scanlogin_protocol::wire::header;
use scanlogin_qr::contrast::{Colors, luminance};

use crate::address;
use crate::client::reader::{JsonValue, Reader};
use crate::error::Error;
use crate::number::decimal;
use crate::session::Policy;

/// The options of a page, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The options of the session.
    pub policy: Policy,
    /// The address of the server: scheme and authority, without a slash at the end. Empty for the origin of the page.
    pub host: String,
    /// The headers of every request. Headers without a value are left out.
    pub headers: Vec<(String, String)>,
    /// The name of the header with the language, and its value for a widget without a shell: empty for no header.
    pub language: (String, String),
    /// The address of the logo in the middle of the code. `None` for the logo of the server, if it has one.
    pub logo: Option<Rc<str>>,
    /// Whether the widget shows the image of the server instead of drawing the code: `render: "img"`.
    pub is_image: bool,
    /// The colours of the code.
    pub colors: Colors,
    /// The address to which the approver returns on the device of the page.
    pub return_url: ReturnUrl,
    /// The origins that may frame the page. `None` allows every origin.
    pub frame_ancestors: Option<Vec<String>>,
}

/// The option `returnUrl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReturnUrl {
    /// The address of the page, if it is on a touch device.
    Page,
    /// None: codes have no link for the device of the page.
    Never,
    /// This address.
    Given(String),
}

impl Config {
    /// Reads the options of `startScanning`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidOption`](crate::error::ErrorCode::InvalidOption) for the first invalid option of all that
    /// were read from `options`, here or before. The message names the option and what it must be.
    pub fn read(options: &Reader<impl JsonValue>) -> Result<Self, Error> {
        let defaults = Policy::default();
        let (headers, language) = headers(options);
        let config = Self {
            policy: Policy {
                scene: defaults.scene,
                interval: milliseconds(options, "interval", 100, 60_000).unwrap_or(defaults.interval),
                long_poll: options.bool("longPoll").unwrap_or(defaults.long_poll),
                reports_results: defaults.reports_results,
                timeout: milliseconds(options, "timeout", 1_000, 120_000).unwrap_or(defaults.timeout),
                auto_exchange: options.bool("autoExchangeUserInfo").unwrap_or(defaults.auto_exchange),
                auto_refresh: integer(options, "autoRefresh", 0, 1_000_000, "number").unwrap_or(defaults.auto_refresh),
                refresh_on_cancel: options.bool("refreshOnCancel").unwrap_or(defaults.refresh_on_cancel),
                countdown: options.bool("countdown").unwrap_or(defaults.countdown),
            },
            host: host(options),
            headers,
            language,
            logo: options.text("logo").filter(|logo| !logo.is_empty()).map(Into::into),
            is_image: one_of(options, "render", &["svg", "img"], "`svg` or `img`") == Some("img"),
            colors: colors(options),
            return_url: return_url(options),
            frame_ancestors: frame_ancestors(options),
        };
        // `js/early_code.js` reads the code of the page.
        options.object("code");
        options.finish()?;
        Ok(config)
    }
}

/// Reads an integer from `min` to `max`. `noun` says in the error what is counted.
fn integer(options: &Reader<impl JsonValue>, name: &str, min: u32, max: u32, noun: &str) -> Option<u32> {
    let number = options.number(name)?;
    let integer = number as u32;
    if f64::from(integer) == number && (min..=max).contains(&integer) {
        return Some(integer);
    }
    let must_be = ["a whole ", noun, " from ", &decimal(min), " to ", &decimal(max)].concat();
    options.reject(name, &must_be);
    None
}

fn milliseconds(options: &Reader<impl JsonValue>, name: &str, min: u32, max: u32) -> Option<Duration> {
    integer(options, name, min, max, "number of milliseconds").map(|number| Duration::from_millis(number.into()))
}

/// Reads the address of the server: `appHost`, otherwise `host`. Empty when both are absent or empty.
fn host(options: &Reader<impl JsonValue>) -> String {
    for name in ["appHost", "host"] {
        let Some(host) = options.text(name).filter(|host| !host.is_empty()) else { continue };
        if !address::is_http(&host, |byte| matches!(byte, b'?' | b'#' | b' ' | b'@')) {
            options.reject(name, "an address such as `https://login.example.com`");
        }
        let mut host = host.as_str();
        while let Some(without_slash) = host.strip_suffix("/") {
            host = without_slash;
        }
        return host.to_owned();
    }
    String::new()
}

/// Reads the headers of all requests, and the header with the language: docs/protocol.md, "Request headers".
fn headers(options: &Reader<impl JsonValue>) -> (Vec<(String, String)>, (String, String)) {
    let names = options.object("headers");
    // `fetch` would fail for every request with an invalid name or value.
    let name = |key: &str, default: &str| {
        let name = names.text(key).unwrap_or_else(|| default.to_owned());
        if !header::is_name(&name) {
            names.reject(key, "a valid header name");
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

/// Reads a text that must be one of `choices`. `must_be` lists them for the error.
fn one_of<'a>(options: &Reader<impl JsonValue>, name: &str, choices: &[&'a str], must_be: &str) -> Option<&'a str> {
    let text = options.read(name, must_be, JsonValue::text)?;
    let choice = choices.iter().find(|choice| **choice == text).copied();
    if choice.is_none() {
        options.reject(name, must_be);
    }
    choice
}

fn colors(options: &Reader<impl JsonValue>) -> Colors {
    let mut colors = Colors::default();
    let fields = options.object("colors");
    for (name, color) in [("dark", &mut colors.dark), ("light", &mut colors.light)] {
        let Some(text) = fields.text(name) else { continue };
        if luminance(&text).is_none() {
            fields.reject(name, "a colour such as `#1a2b3c`");
        }
        *color = text;
    }
    if !colors.are_legible() {
        options.reject("colors", "dark on light with more contrast: a camera can't read this code");
    }
    colors
}

fn return_url(options: &Reader<impl JsonValue>) -> ReturnUrl {
    let read = options.read("returnUrl", "`false` or an address of this page without `#`", |value| {
        if value.bool() == Some(false) {
            return Some(ReturnUrl::Never);
        }
        let address = value.text().filter(|address| address::is_return_url(address))?;
        Some(ReturnUrl::Given(address))
    });
    read.unwrap_or(ReturnUrl::Page)
}

/// Reads a list of origins. They are compared with origins of the browser as text, so a slash at the end is rejected.
fn frame_ancestors(options: &Reader<impl JsonValue>) -> Option<Vec<String>> {
    let origins = options.texts("frameAncestors")?;
    let is_forbidden = |byte| matches!(byte, b'/' | b'?' | b'#' | b' ' | b'@' | b'*');
    if !origins.iter().all(|origin| address::is_http(origin, is_forbidden)) {
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
    fn defaults_match_the_protocol() {
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
    fn invalid_option_is_an_error_that_names_it() {
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
                "option `colors` must be dark on light with more contrast: a camera can't read this code",
            ),
            (
                json!({ "colors": { "dark": "#bbb" } }),
                "option `colors` must be dark on light with more contrast: a camera can't read this code",
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
            (json!({ "returnUrl": true }), "option `returnUrl` must be `false` or an address of this page without `#`"),
            (
                json!({ "returnUrl": "/login" }),
                "option `returnUrl` must be `false` or an address of this page without `#`",
            ),
            (
                json!({ "returnUrl": "javascript:alert(1)" }),
                "option `returnUrl` must be `false` or an address of this page without `#`",
            ),
            (
                json!({ "returnUrl": "https://a.test/#b" }),
                "option `returnUrl` must be `false` or an address of this page without `#`",
            ),
            (json!({ "code": "{}" }), "option `code` must be an object"),
            (json!({ "appId": 1 }), "option `appId` must be a string"),
            (json!({ "appId": "caf\u{e9}" }), "option `appId` must be text of printable ASCII characters"),
            (json!({ "lang": "en\r\nx: y" }), "option `lang` must be text of printable ASCII characters"),
            (json!({ "headers": { "app-id": 1 } }), "option `headers.app-id` must be a string"),
            (json!({ "headers": { "app-id": "x y" } }), "option `headers.app-id` must be a valid header name"),
        ];
        for (options, message) in table {
            let error = read(options.clone()).unwrap_err();
            assert_eq!((error.code(), error.message()), (ErrorCode::InvalidOption, message), "{options}");
        }
    }

    #[test]
    fn host_loses_its_trailing_slash_and_app_host_overrides_it() {
        assert_eq!(read(json!({ "host": "https://a.test/" })).unwrap().host, "https://a.test");
        let both = json!({ "host": "https://a.test", "appHost": "https://b.test:8787" });
        assert_eq!(read(both).unwrap().host, "https://b.test:8787");
    }

    #[test]
    fn headers_option_renames_headers() {
        let config = read(json!({ "appId": "app", "headers": { "app-id": "x-my-app" } })).unwrap();
        assert!(config.headers.contains(&("x-my-app".to_owned(), "app".to_owned())));
    }

    #[test]
    fn return_url_is_that_of_the_page_none_or_given() {
        let address = "https://www.example.com/login?a=b";
        for (options, expected) in [
            (json!({}), ReturnUrl::Page),
            (json!({ "returnUrl": null }), ReturnUrl::Page),
            (json!({ "returnUrl": false }), ReturnUrl::Never),
            (json!({ "returnUrl": address }), ReturnUrl::Given(address.to_owned())),
        ] {
            assert_eq!(read(options.clone()).unwrap().return_url, expected, "{options}");
        }
        let too_long = format!("https://a.test/{}", "x".repeat(2_048));
        assert!(read(json!({ "returnUrl": too_long })).is_err());
    }

    #[test]
    fn options_of_the_drawing_are_read() {
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
