//! What a page may ask for: raw options in, a [`Config`] out.
//!
//! CONTRACT §4. Options are parsed once, at the door: whoever holds a [`Config`] need not check anything. An option of
//! the wrong type or out of range is an error that names it. Deliberately absent: callbacks, which are no data.

use core::time::Duration;

use crate::color::{Colors, luminance};
use crate::error::{Error, ErrorCode};
use crate::protocol::header;
use crate::qr::Format;
use crate::session::Policy;
use crate::text::{Word, Words};

/// Where options are read from: a JavaScript object in the browser, JSON in tests.
///
/// A field that is `undefined` or `null` counts as absent. Each method fails with an error that names the option when
/// the field has another type.
pub trait Fields: Sized {
    /// The whole name of a field, such as `size.width`, for errors.
    fn name_of(&self, name: &str) -> String;
    /// A text.
    fn string(&self, name: &str) -> Result<Option<String>, Error>;
    /// A number.
    fn number(&self, name: &str) -> Result<Option<f64>, Error>;
    /// A truth value.
    fn boolean(&self, name: &str) -> Result<Option<bool>, Error>;
    /// A list of texts.
    fn strings(&self, name: &str) -> Result<Option<Vec<String>>, Error>;
    /// An object with fields of its own, which are named `name.field` in errors.
    fn object(&self, name: &str) -> Result<Option<Self>, Error>;
}

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
    /// What a person reads.
    pub words: Words,
    /// Whether the words follow the language of the page.
    pub follows_page: bool,
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
    /// Reads the options of `startScanning`. `page_language` is what the page says of itself, as a BCP 47 tag.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidOption`], with a message that names the option and what it must be.
    pub fn read(options: &impl Fields, page_language: &str) -> Result<Self, Error> {
        let lang = options.string("lang")?;
        let words = Words::new(lang.as_deref().unwrap_or(page_language), tips(options)?);
        let follows_page = lang.is_none();
        let size = size(options, "size", 240)?;
        let defaults = Policy::default();
        Ok(Self {
            policy: Policy {
                scene: defaults.scene,
                interval: milliseconds(options, "interval", 100, 60_000)?.unwrap_or(defaults.interval),
                long_poll: options.boolean("longPoll")?.unwrap_or(defaults.long_poll),
                timeout: milliseconds(options, "timeout", 1_000, 120_000)?.unwrap_or(defaults.timeout),
                auto_exchange: options.boolean("autoExchangeUserInfo")?.unwrap_or(defaults.auto_exchange),
                auto_refresh: whole(options, "autoRefresh", 0, 1_000_000, "number")?.unwrap_or(defaults.auto_refresh),
                refresh_on_cancel: options.boolean("refreshOnCancel")?.unwrap_or(defaults.refresh_on_cancel),
                countdown: options.boolean("countdown")?.unwrap_or(defaults.countdown),
            },
            host: host(options)?,
            headers: headers(options, lang)?,
            size,
            container_size: self::size(options, "containerSize", 300)?,
            format: Format {
                width: size.width.min(size.height),
                logo: options.string("logo")?.filter(|logo| !logo.is_empty()).map(Into::into),
                is_image: one_of(options, "render", [("svg", false), ("img", true)])?.unwrap_or(false),
            },
            colors: colors(options)?,
            theme: one_of(
                options,
                "theme",
                [Theme::Auto, Theme::Light, Theme::Dark].map(|theme| (theme.word(), theme)),
            )?
            .unwrap_or(Theme::Auto),
            words,
            follows_page,
            frame_ancestors: frame_ancestors(options)?,
        })
    }
}

/// The error for an option of the wrong type: `` option `interval` must be a number ``.
pub fn wrong_option(name: &str, must_be: &str) -> Error {
    Error::new(ErrorCode::InvalidOption, ["option `", name, "` must be ", must_be].concat())
}

fn whole(options: &impl Fields, name: &str, least: u32, most: u32, unit: &str) -> Result<Option<u32>, Error> {
    let Some(number) = options.number(name)? else { return Ok(None) };
    if number.fract() == 0.0 && (f64::from(least)..=f64::from(most)).contains(&number) {
        return Ok(Some(number as u32));
    }
    Err(wrong_option(&options.name_of(name), &format!("a whole {unit} from {least} to {most}")))
}

fn milliseconds(options: &impl Fields, name: &str, least: u32, most: u32) -> Result<Option<Duration>, Error> {
    let number = whole(options, name, least, most, "number of milliseconds")?;
    Ok(number.map(|number| Duration::from_millis(number.into())))
}

fn size(options: &impl Fields, name: &str, default: u32) -> Result<Size, Error> {
    let Some(size) = options.object(name)? else { return Ok(Size { width: default, height: default }) };
    let side = |side: &str| whole(&size, side, 80, 4_000, "number of pixels").map(|side| side.unwrap_or(default));
    Ok(Size { width: side("width")?, height: side("height")? })
}

fn host(options: &impl Fields) -> Result<String, Error> {
    for name in ["appHost", "host"] {
        let Some(host) = options.string(name)?.filter(|host| !host.is_empty()) else { continue };
        let authority = host.strip_prefix("https://").or_else(|| host.strip_prefix("http://"));
        if authority.is_none_or(|authority| authority.is_empty() || authority.contains(['?', '#', ' ', '@'])) {
            return Err(wrong_option(name, "an address such as `https://login.example.com`"));
        }
        return Ok(host.trim_end_matches('/').to_owned());
    }
    Ok(String::new())
}

fn headers(options: &impl Fields, lang: Option<String>) -> Result<Vec<(String, String)>, Error> {
    let names = options.object("headers")?;
    let request_from = options.string("requestFrom")?.unwrap_or_else(|| "sdk".to_owned());
    let version = concat!("scanlogin:", env!("CARGO_PKG_VERSION")).to_owned();
    let mut headers = Vec::new();
    for (option, rename, default, value) in [
        ("appId", "app-id", header::APP_ID, options.string("appId")?),
        ("userPoolId", "userpool-id", header::USER_POOL_ID, options.string("userPoolId")?),
        ("tenantId", "tenant-id", header::TENANT_ID, options.string("tenantId")?),
        ("requestFrom", "request-from", header::REQUEST_FROM, Some(request_from)),
        ("sdkVersion", "sdk-version", header::SDK_VERSION, Some(version)),
        ("lang", "lang", header::LANG, lang),
    ] {
        // What can't be a header would fail every request; better to say so now.
        let name = match &names {
            Some(names) => names.string(rename)?,
            None => None,
        };
        if name.as_deref().is_some_and(|name| !header::is_name(name)) {
            return Err(wrong_option(&["headers.", rename].concat(), "the name of a header"));
        }
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        if !header::is_value(&value) {
            return Err(wrong_option(option, "text of printable ASCII characters"));
        }
        headers.push((name.unwrap_or_else(|| default.to_owned()), value));
    }
    Ok(headers)
}

fn one_of<T: Copy, const N: usize>(
    options: &impl Fields,
    name: &str,
    choices: [(&str, T); N],
) -> Result<Option<T>, Error> {
    let Some(word) = options.string(name)? else { return Ok(None) };
    match choices.iter().find(|(choice, _)| *choice == word) {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let choices = choices.map(|(choice, _)| ["`", choice, "`"].concat());
            Err(wrong_option(&options.name_of(name), &choices.join(" or ")))
        }
    }
}

fn colors(options: &impl Fields) -> Result<Colors, Error> {
    let mut colors = Colors::default();
    let Some(chosen) = options.object("colors")? else { return Ok(colors) };
    for (name, color) in [("dark", &mut colors.dark), ("light", &mut colors.light)] {
        if let Some(chosen) = chosen.string(name)? {
            if luminance(&chosen).is_none() {
                return Err(wrong_option(&["colors.", name].concat(), "a colour such as `#1a2b3c`"));
            }
            *color = chosen;
        }
    }
    if !colors.are_legible() {
        return Err(wrong_option("colors", "dark on light and further apart: a camera could not read such a code"));
    }
    Ok(colors)
}

/// Origins are compared as the browser writes them, so that they have to be written as the browser does.
fn frame_ancestors(options: &impl Fields) -> Result<Option<Vec<String>>, Error> {
    let Some(origins) = options.strings("frameAncestors")? else { return Ok(None) };
    let is_origin = |origin: &String| {
        let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        authority.is_some_and(|authority| !authority.is_empty() && !authority.contains(['/', '?', '#', ' ', '@', '*']))
    };
    if origins.iter().all(is_origin) {
        return Ok(Some(origins));
    }
    Err(wrong_option("frameAncestors", "a list of origins such as `https://www.example.com`"))
}

fn tips(options: &impl Fields) -> Result<Vec<(Word, String)>, Error> {
    let mut words = Vec::new();
    if let Some(tips) = options.object("tips")? {
        for word in Word::ALL {
            words.extend(tips.string(word.tip())?.map(|tip| (word, tip)));
        }
    }
    Ok(words)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod tests {
    use super::*;
    use serde_json::{Value, json};

    struct Json {
        path: String,
        value: Value,
    }

    impl Json {
        fn at<T>(&self, name: &str, must_be: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, Error> {
            match self.value.get(name) {
                None | Some(Value::Null) => Ok(None),
                Some(value) => match read(value) {
                    Some(read) => Ok(Some(read)),
                    None => Err(wrong_option(&self.name_of(name), must_be)),
                },
            }
        }
    }

    impl Fields for Json {
        fn name_of(&self, name: &str) -> String {
            format!("{}{name}", self.path)
        }
        fn string(&self, name: &str) -> Result<Option<String>, Error> {
            self.at(name, "a string", |value| value.as_str().map(str::to_owned))
        }
        fn number(&self, name: &str) -> Result<Option<f64>, Error> {
            self.at(name, "a number", Value::as_f64)
        }
        fn boolean(&self, name: &str) -> Result<Option<bool>, Error> {
            self.at(name, "a boolean", Value::as_bool)
        }
        fn strings(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
            self.at(name, "a list of strings", |value| {
                value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
            })
        }
        fn object(&self, name: &str) -> Result<Option<Self>, Error> {
            let path = format!("{}{name}.", self.path);
            self.at(name, "an object", |value| {
                value.is_object().then(|| Self { path: path.clone(), value: value.clone() })
            })
        }
    }

    pub(crate) fn read(value: Value) -> Result<Config, Error> {
        Config::read(&Json { path: String::new(), value }, "en")
    }

    #[test]
    fn nothing_asked_for_is_the_defaults_of_the_contract() {
        let config = read(json!({})).unwrap();
        assert_eq!(config.policy, Policy::default());
        assert_eq!(config.policy.interval, Duration::from_millis(800));
        assert_eq!(config.size, Size { width: 240, height: 240 });
        assert_eq!(config.container_size, Size { width: 300, height: 300 });
        assert_eq!(config.host, "");
        assert_eq!((config.words.tag(), config.follows_page), ("en-US", true));
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
    fn tips_replace_words_and_leave_the_others() {
        let config = read(json!({ "lang": "zh-CN", "tips": { "title": "<b>Scan</b>" } })).unwrap();
        assert_eq!(config.words.get(Word::Title), "<b>Scan</b>");
        assert_eq!(config.words.get(Word::Expired), Words::new("zh-CN", Vec::new()).get(Word::Expired));
        assert!(!config.follows_page, "a language that was asked for stays");
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
