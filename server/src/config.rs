//! What can be set, by flags and by the environment, and what is refused at the door.
//!
//! [`Flags`] is what a person writes, [`Config`] is what it means. A test builds a [`Config`] itself, and may then set
//! what the flags would refuse, such as a code that lives for a second. Deliberately absent: reading files.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use axum::http::Uri;
use clap::builder::BoolishValueParser;
use clap::{Parser, ValueEnum};
use scanlogin::lifecycle::{CODE_LIFETIME, MAX_CODE_LIFETIME, MIN_CODE_LIFETIME, TICKET_LIFETIME};

use crate::secrets::{RandomError, Secret};

/// The shortest secret that HS256 is safe with (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// The longest life of a ticket that may be configured.
const MAX_TICKET_LIFETIME: Duration = Duration::from_secs(30 * 60);
const EXAMPLE: &str = "\
Example, behind a proxy that speaks TLS:
  SCANLOGIN_APP_SECRET=… SCANLOGIN_JWT_SECRET=… scanlogin-server \\
    --public-url https://login.example.com --app-id shop --app-name \"The Shop\" --user-pool-id customers

To try it out:
  scanlogin-server --demo --www www --package pkg/dist";

/// Signs people in to web pages that they scan with their phone.
#[derive(Parser)]
#[command(name = "scanlogin-server", version, after_help = EXAMPLE)]
pub struct Flags {
    /// The address and port to listen on.
    #[arg(long, env = "SCANLOGIN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    #[arg(help_heading = "Server")]
    listen: SocketAddr,
    /// The address that browsers and phones reach this server by, such as `https://login.example.com`.
    #[arg(long, env = "SCANLOGIN_PUBLIC_URL", value_name = "URL", help_heading = "Server")]
    public_url: Option<Origin>,
    /// Where codes are kept: `sqlite:PATH`, or `sqlite::memory:` to lose them at the end.
    #[arg(long, env = "SCANLOGIN_STORE", value_name = "STORE", default_value = "sqlite:scanlogin.db")]
    #[arg(help_heading = "Server")]
    store: StoreAddress,
    /// How the log is written.
    #[arg(long, env = "SCANLOGIN_LOG_FORMAT", value_name = "FORMAT", default_value = "text", help_heading = "Server")]
    log_format: LogFormat,

    /// The id of the app that people sign in to.
    #[arg(long, env = "SCANLOGIN_APP_ID", value_name = "ID", help_heading = "App")]
    app_id: Option<String>,
    /// What the app's backend proves itself with: 32 bytes or more, better set in the environment than here.
    #[arg(long, env = "SCANLOGIN_APP_SECRET", value_name = "SECRET", hide_env_values = true, help_heading = "App")]
    app_secret: Option<String>,
    /// What phones call the app when they ask their owner; the id unless given.
    #[arg(long, env = "SCANLOGIN_APP_NAME", value_name = "NAME", help_heading = "App")]
    app_name: Option<String>,
    /// The pool whose users may sign in.
    #[arg(long, env = "SCANLOGIN_USER_POOL_ID", value_name = "ID", help_heading = "App")]
    user_pool_id: Option<String>,
    /// What the tokens of users are signed with (HS256): 32 bytes or more, better set in the environment than here.
    #[arg(long, env = "SCANLOGIN_JWT_SECRET", value_name = "SECRET", hide_env_values = true, help_heading = "App")]
    jwt_secret: Option<String>,

    /// An origin whose pages may ask for codes, besides the server's own; repeat it, or separate several by commas.
    #[arg(long, env = "SCANLOGIN_ALLOWED_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    #[arg(help_heading = "Rules")]
    allowed_origin: Vec<Origin>,
    /// How long a code can be scanned, in seconds, from 10 to 1800.
    #[arg(long, env = "SCANLOGIN_CODE_LIFETIME", value_name = "SECONDS", default_value_t = CODE_LIFETIME.as_secs())]
    #[arg(value_parser = clap::value_parser!(u64)
        .range(MIN_CODE_LIFETIME.as_secs()..=MAX_CODE_LIFETIME.as_secs()), help_heading = "Rules")]
    code_lifetime: u64,
    /// How long a ticket can be exchanged, in seconds, from 1 to 1800.
    #[arg(long, env = "SCANLOGIN_TICKET_LIFETIME", value_name = "SECONDS")]
    #[arg(default_value_t = TICKET_LIFETIME.as_secs(), help_heading = "Rules")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MAX_TICKET_LIFETIME.as_secs()))]
    ticket_lifetime: u64,
    /// Answer polls that bring no poll token, for SDKs that know none: whoever sees a code can then take the sign-in.
    #[arg(long, env = "SCANLOGIN_COMPAT_POLL_WITHOUT_TOKEN", value_parser = BoolishValueParser::new())]
    #[arg(help_heading = "Rules")]
    compat_poll_without_token: bool,
    /// Tell the page all about a user as soon as they scan, not only nickname and photo.
    #[arg(long, env = "SCANLOGIN_RETURN_FULL_USER_INFO", value_parser = BoolishValueParser::new())]
    #[arg(help_heading = "Rules")]
    return_full_user_info: bool,
    /// Let the page exchange the ticket itself, without the app's secret.
    #[arg(long, env = "SCANLOGIN_ALLOW_EXCHANGE_FROM_BROWSER", value_parser = BoolishValueParser::new())]
    #[arg(help_heading = "Rules")]
    allow_exchange_from_browser: bool,

    /// A folder of pages to serve at `/`.
    #[arg(long, env = "SCANLOGIN_WWW", value_name = "FOLDER", help_heading = "Pages")]
    www: Option<PathBuf>,
    /// The folder of the built widget (`pkg/dist`), to serve at `/scanlogin/`.
    #[arg(long, env = "SCANLOGIN_PACKAGE", value_name = "FOLDER", help_heading = "Pages")]
    package: Option<PathBuf>,
    /// Play a whole company: the users alice and bob, and a site to sign in to. For this machine only.
    #[arg(long, env = "SCANLOGIN_DEMO", value_parser = BoolishValueParser::new(), help_heading = "Pages")]
    demo: bool,
    /// Let others than this machine reach the demo, whose passwords everybody knows.
    #[arg(long, env = "SCANLOGIN_DEMO_PUBLIC", value_parser = BoolishValueParser::new(), help_heading = "Pages")]
    demo_public: bool,
}

/// What the server is to do.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The address that others reach the server by; the one it listens on unless given.
    pub public_url: Option<Origin>,
    /// Where codes are kept.
    pub store: StoreAddress,
    /// How the log is written.
    pub log_format: LogFormat,
    /// The app that people sign in to.
    pub app: App,
    /// What the tokens of users are signed with.
    pub jwt_secret: Secret,
    /// The origins whose pages may ask for codes, besides the server's own.
    pub allowed_origins: Vec<Origin>,
    /// How long a code can be scanned.
    pub code_lifetime: Duration,
    /// How long a ticket can be exchanged.
    pub ticket_lifetime: Duration,
    /// Whether `check` answers a caller that brings no poll token.
    pub poll_without_token: bool,
    /// Whether `check` tells all about a user.
    pub return_full_user_info: bool,
    /// Whether `userinfo` answers a browser.
    pub allow_exchange_from_browser: bool,
    /// The pages at `/`.
    pub www: Option<PathBuf>,
    /// The widget at `/scanlogin/`.
    pub package: Option<PathBuf>,
    /// Whether to play a whole company.
    pub demo: bool,
}

/// An app that people sign in to. One for now; several would be a map by id, looked up in `extract::ClientApp`.
#[derive(Debug, Clone)]
pub struct App {
    /// Names it on the wire.
    pub id: String,
    /// What its backend proves itself with.
    pub secret: Secret,
    /// Names it to people.
    pub name: String,
    /// The pool whose users may sign in to it.
    pub user_pool_id: String,
}

impl Config {
    /// Everything a demo needs, in memory, with secrets of its own: where a test begins.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn demo() -> Result<Self, RandomError> {
        Ok(Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            public_url: None,
            store: StoreAddress::SqliteInMemory,
            log_format: LogFormat::Text,
            app: App {
                id: "demo-app".to_owned(),
                secret: Secret::random()?,
                name: "Quaymark".to_owned(),
                user_pool_id: "demo-pool".to_owned(),
            },
            jwt_secret: Secret::random()?,
            allowed_origins: Vec::new(),
            code_lifetime: CODE_LIFETIME,
            ticket_lifetime: TICKET_LIFETIME,
            poll_without_token: false,
            return_full_user_info: false,
            allow_exchange_from_browser: false,
            www: None,
            package: None,
            demo: true,
        })
    }

    /// The address that others reach the server by.
    pub fn base_url(&self) -> String {
        self.public_url.as_ref().map_or_else(|| format!("http://{}", self.listen), ToString::to_string)
    }
}

impl TryFrom<Flags> for Config {
    type Error = ConfigError;

    fn try_from(flags: Flags) -> Result<Self, ConfigError> {
        let demo = flags.demo.then(Self::demo).transpose()?;
        if demo.is_some() && !flags.listen.ip().is_loopback() && !flags.demo_public {
            return Err(ConfigError(format!(
                "--demo with --listen {}: others could reach it, and its passwords are known to everybody; \
                 listen on 127.0.0.1, or say --demo-public if that is what you want",
                flags.listen
            )));
        }
        if flags.listen.ip().is_unspecified() && flags.public_url.is_none() {
            return Err(ConfigError(format!(
                "--public-url is needed with --listen {}: nobody can open a link to that address",
                flags.listen
            )));
        }
        let demo_app = demo.as_ref().map(|demo| &demo.app);
        let id = text("--app-id", flags.app_id, demo_app.map(|app| &app.id))?;
        let default_name = demo_app.map_or(&id, |app| &app.name);
        let app = App {
            name: text("--app-name", flags.app_name, Some(default_name))?,
            secret: secret("--app-secret", flags.app_secret, demo_app.map(|app| &app.secret))?,
            user_pool_id: text("--user-pool-id", flags.user_pool_id, demo_app.map(|app| &app.user_pool_id))?,
            id,
        };
        if app.id.contains(':') {
            return Err(ConfigError("--app-id must not contain a colon: HTTP Basic ends the name there".to_owned()));
        }
        Ok(Self {
            jwt_secret: secret("--jwt-secret", flags.jwt_secret, demo.as_ref().map(|demo| &demo.jwt_secret))?,
            listen: flags.listen,
            public_url: flags.public_url,
            store: flags.store,
            log_format: flags.log_format,
            app,
            allowed_origins: flags.allowed_origin,
            code_lifetime: Duration::from_secs(flags.code_lifetime),
            ticket_lifetime: Duration::from_secs(flags.ticket_lifetime),
            poll_without_token: flags.compat_poll_without_token,
            return_full_user_info: flags.return_full_user_info,
            allow_exchange_from_browser: flags.allow_exchange_from_browser,
            www: folder("--www", flags.www)?,
            package: folder("--package", flags.package)?,
            demo: flags.demo,
        })
    }
}

fn text(flag: &str, given: Option<String>, default: Option<&String>) -> Result<String, ConfigError> {
    match given.or_else(|| default.cloned()) {
        Some(value) if value.trim().is_empty() => Err(ConfigError(format!("{flag} is empty"))),
        Some(value) => Ok(value),
        None => Err(ConfigError(format!("{flag} is missing; only --demo has values of its own"))),
    }
}

fn secret(flag: &str, given: Option<String>, default: Option<&Secret>) -> Result<Secret, ConfigError> {
    let secret = Secret::new(text(flag, given, default.map(|secret| secret.expose().to_owned()).as_ref())?);
    if secret.length() < MIN_SECRET_BYTES {
        return Err(ConfigError(format!("{flag} is too short to be safe: at least {MIN_SECRET_BYTES} bytes")));
    }
    Ok(secret)
}

fn folder(flag: &str, path: Option<PathBuf>) -> Result<Option<PathBuf>, ConfigError> {
    match path {
        Some(path) if !path.is_dir() => Err(ConfigError(format!("{flag}: {} is not a folder", path.display()))),
        path => Ok(path),
    }
}

/// Why the server does not start: a sentence that names the flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl core::error::Error for ConfigError {}

impl From<RandomError> for ConfigError {
    fn from(error: RandomError) -> Self {
        Self(format!("the system has no random numbers: {error}"))
    }
}

/// Where codes are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// A file.
    Sqlite(PathBuf),
    /// Nowhere for long.
    SqliteInMemory,
}

impl FromStr for StoreAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("sqlite:") {
            Some(":memory:") => Ok(Self::SqliteInMemory),
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            _ => Err("a store is sqlite:PATH or sqlite::memory:".to_owned()),
        }
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Scheme, host and port, and nothing behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Whether browsers reach it over TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not scheme, host and port alone, such as https://example.com");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        match (uri.scheme_str(), uri.authority(), uri.path(), uri.query()) {
            (Some(scheme @ ("http" | "https")), Some(authority), "" | "/", None)
                if !authority.as_str().contains('@') =>
            {
                // Browsers leave the scheme's own port out of an origin, and write hosts in lower case.
                let default_port = if scheme == "https" { ":443" } else { ":80" };
                let authority = authority.as_str().to_ascii_lowercase();
                let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
                Ok(Self(format!("{scheme}://{authority}")))
            }
            _ => Err(wrong()),
        }
    }
}
