//! What belongs to the process, by flags and by the environment, and what is refused at the door.
//!
//! [`Flags`] is what a person writes, [`Config`] is what it means. A test builds a [`Config`] itself, and may then set
//! what the flags and the file would refuse, such as a code that lives for a second. Deliberately absent: apps, which
//! [`crate::config::settings`] reads from a file.

pub mod app;
pub mod issuer;
pub mod limits;
pub mod origin;
pub mod settings;

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Parser, ValueEnum};
use ipnet::IpNet;
use redis::IntoConnectionInfo as _;

use crate::cli::Command;
use crate::config::app::App;
use crate::config::issuer::Issuers;
use crate::config::limits::Limits;
use crate::config::origin::Origin;
use crate::config::settings::{Settings, SettingsError};
use crate::secrets::{Hash, RandomError, Secret};
use crate::store::redis::DEFAULT_TIMEOUT;
use crate::store::sqlite::DEFAULT_TAKEOVER_TIMEOUT;

/// The shortest secret that HS256 is safe with (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// Twice the browsers that one process is meant for.
const MAX_CONNECTIONS: u32 = 20_000;
const EXAMPLE: &str = "\
To try it out:
  scanlogin-server --demo --www www --package pkg/dist

To run it, behind a proxy that speaks TLS:
  scanlogin-server app add shop --name \"The Shop\" --user-pool-id customers \\
    --allowed-origin https://www.example.com     # writes scanlogin.toml, and shows the secret for your backend
  scanlogin-server check-config
  SCANLOGIN_JWT_SECRET=… scanlogin-server --public-url https://login.example.com --trusted-proxy 127.0.0.1

A running server reads scanlogin.toml again on SIGHUP; one that is wrong is refused, and the old one stays.";

/// Signs people in to web pages that they scan with their phone.
#[derive(Parser)]
#[command(name = "scanlogin-server", version, after_help = EXAMPLE)]
#[command(subcommand_value_name = "COMMAND", subcommand_help_heading = "Commands, instead of serving")]
pub struct Flags {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The file that describes the apps.
    #[arg(long, env = "SCANLOGIN_CONFIG", value_name = "FILE", global = true, help_heading = "Server")]
    #[arg(default_value = "scanlogin.toml")]
    pub config: PathBuf,
    /// The address and port to listen on.
    #[arg(long, env = "SCANLOGIN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    #[arg(help_heading = "Server")]
    listen: SocketAddr,
    /// The address that browsers and phones reach this server by, such as `https://login.example.com`.
    #[arg(long, env = "SCANLOGIN_PUBLIC_URL", value_name = "URL", help_heading = "Server")]
    public_url: Option<Origin>,
    /// Where codes are kept: `sqlite:PATH`, `sqlite::memory:` to lose them at the end, or for several servers at once
    /// `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, with TLS `rediss://…`.
    // Not parsed by clap, which repeats what it can't read, with the password in it.
    #[arg(long, env = "SCANLOGIN_STORE", value_name = "STORE", default_value = "sqlite:scanlogin.db", global = true)]
    #[arg(hide_env_values = true, help_heading = "Server")]
    store: String,
    /// How many seconds Redis may take for one operation; the server then answers 503.
    #[arg(long, env = "SCANLOGIN_REDIS_TIMEOUT", value_name = "SECONDS", default_value_t = DEFAULT_TIMEOUT.as_secs())]
    #[arg(value_parser = clap::value_parser!(u64).range(1..), global = true, help_heading = "Server")]
    redis_timeout: u64,
    /// How many seconds to wait at the start for another server on the same SQLite file to end.
    #[arg(long, env = "SCANLOGIN_TAKEOVER_TIMEOUT", value_name = "SECONDS", help_heading = "Server")]
    #[arg(default_value_t = DEFAULT_TAKEOVER_TIMEOUT.as_secs())]
    takeover_timeout: u64,
    /// A proxy, or a network of them, such as `10.0.0.0/8`, whose X-Forwarded-For is believed; repeat it, or separate
    /// several by commas. Without it all who come through a proxy count as one.
    #[arg(long, env = "SCANLOGIN_TRUSTED_PROXY", value_name = "NETWORK", value_delimiter = ',')]
    #[arg(value_parser = network, help_heading = "Server")]
    trusted_proxy: Vec<IpNet>,
    /// The connections that may be open at once; more are closed as they come.
    #[arg(long, env = "SCANLOGIN_MAX_CONNECTIONS", value_name = "NUMBER", default_value_t = MAX_CONNECTIONS)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..), help_heading = "Server")]
    max_connections: u32,
    /// The address and port where Prometheus reads `/metrics`; without it, nobody does. Not for the public.
    #[arg(long, env = "SCANLOGIN_METRICS_LISTEN", value_name = "ADDRESS", help_heading = "Server")]
    metrics_listen: Option<SocketAddr>,
    /// How the log is written.
    #[arg(long, env = "SCANLOGIN_LOG_FORMAT", value_name = "FORMAT", default_value = "text", help_heading = "Server")]
    log_format: LogFormat,

    /// What the tokens of users are signed with (HS256), where no issuer publishes keys: 32 bytes or more, better set in
    /// the environment than here.
    #[arg(long, env = "SCANLOGIN_JWT_SECRET", value_name = "SECRET", hide_env_values = true, help_heading = "Users")]
    jwt_secret: Option<String>,

    /// A folder of pages to serve at `/`.
    #[arg(long, env = "SCANLOGIN_WWW", value_name = "FOLDER", help_heading = "Pages")]
    www: Option<PathBuf>,
    /// The folder of the built widget (`pkg/dist`), to serve at `/scanlogin/`.
    #[arg(long, env = "SCANLOGIN_PACKAGE", value_name = "FOLDER", help_heading = "Pages")]
    package: Option<PathBuf>,
    /// Play a whole company: the users alice and bob, an app, and a site to sign in to. For this machine only.
    #[arg(long, env = "SCANLOGIN_DEMO", value_parser = BoolishValueParser::new(), help_heading = "Pages")]
    demo: bool,
    /// Let others than this machine reach the demo, whose passwords everybody knows.
    #[arg(long, env = "SCANLOGIN_DEMO_PUBLIC", value_parser = BoolishValueParser::new(), help_heading = "Pages")]
    demo_public: bool,
}

impl Flags {
    /// Where codes are kept.
    ///
    /// # Errors
    ///
    /// When there is no such kind of place.
    pub fn store(&self) -> Result<StoreAddress, ConfigError> {
        self.store.parse().map_err(|problem| ConfigError(format!("--store: {problem}")))
    }

    /// How long Redis may take for one operation.
    pub(crate) fn redis_timeout(&self) -> Duration {
        Duration::from_secs(self.redis_timeout)
    }
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
    /// How long Redis may take for one operation.
    pub redis_timeout: Duration,
    /// How long a start waits for another server on the same SQLite file to end.
    pub takeover_timeout: Duration,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The connections that may be open at once.
    pub max_connections: u32,
    /// Where the metrics are read.
    pub metrics_listen: Option<SocketAddr>,
    /// How the log is written.
    pub log_format: LogFormat,
    /// What the tokens of users are signed with, of those who are of no issuer.
    pub jwt_secret: Option<Secret>,
    /// The apps, issuers and limits, as the server starts with them.
    pub settings: Settings,
    /// Where they are read from again.
    pub settings_file: Option<PathBuf>,
    /// The pages at `/`.
    pub www: Option<PathBuf>,
    /// The widget at `/scanlogin/`.
    pub package: Option<PathBuf>,
    /// What a whole company is played with.
    pub demo: Option<Demo>,
}

/// What the demo's site knows of itself.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The id of its app.
    pub app_id: String,
    /// What its backend proves itself with.
    pub app_secret: Secret,
    /// The pool of its users.
    pub user_pool_id: String,
}

impl Config {
    /// Everything a demo needs, in memory, with secrets of its own: where a test begins.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn demo() -> Result<Self, RandomError> {
        let app_secret = Secret::random()?;
        let app = App::new("demo-app", "Quaymark", "demo-pool", Hash::of(app_secret.expose()));
        Ok(Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            public_url: None,
            store: StoreAddress::SqliteInMemory,
            redis_timeout: DEFAULT_TIMEOUT,
            takeover_timeout: DEFAULT_TAKEOVER_TIMEOUT,
            trusted_proxies: Vec::new(),
            max_connections: MAX_CONNECTIONS,
            metrics_listen: None,
            log_format: LogFormat::Text,
            jwt_secret: Some(Secret::random()?),
            demo: Some(Demo { app_id: app.id.clone(), app_secret, user_pool_id: app.user_pool_id.clone() }),
            settings: Settings { apps: vec![app], issuers: Issuers::default(), limits: Limits::default() },
            settings_file: None,
            www: None,
            package: None,
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
        if flags.demo && !flags.listen.ip().is_loopback() && !flags.demo_public {
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
        let (store, redis_timeout) = (flags.store()?, flags.redis_timeout());
        let demo = flags.demo.then(Self::demo).transpose()?;
        let jwt_secret = match (flags.jwt_secret, &demo) {
            (Some(secret), _) => Some(long_enough("--jwt-secret", Secret::new(secret))?),
            (None, Some(demo)) => demo.jwt_secret.clone(),
            (None, None) => None,
        };
        let (settings, settings_file, demo) = match demo {
            Some(Self { settings, demo, .. }) => (settings, None, demo),
            None => (read_settings(&flags.config, jwt_secret.as_ref())?, Some(flags.config), None),
        };
        Ok(Self {
            store,
            redis_timeout,
            takeover_timeout: Duration::from_secs(flags.takeover_timeout),
            listen: flags.listen,
            public_url: flags.public_url,
            trusted_proxies: flags.trusted_proxy,
            max_connections: flags.max_connections,
            metrics_listen: flags.metrics_listen,
            log_format: flags.log_format,
            jwt_secret,
            settings,
            settings_file,
            www: folder("--www", flags.www)?,
            package: folder("--package", flags.package)?,
            demo,
        })
    }
}

/// The settings of a server that has `jwt_secret`, or none.
pub(crate) fn read_settings(path: &Path, jwt_secret: Option<&Secret>) -> Result<Settings, ConfigError> {
    let settings = Settings::read(path)?;
    if jwt_secret.is_none() && settings.issuers.is_empty() {
        return Err(ConfigError(format!(
            "{} describes no [[issuer]], and --jwt-secret is not given: nobody could sign in",
            path.display()
        )));
    }
    Ok(settings)
}

fn long_enough(flag: &str, secret: Secret) -> Result<Secret, ConfigError> {
    if secret.length() < MIN_SECRET_BYTES {
        return Err(ConfigError(format!("{flag} is too short to be safe: at least {MIN_SECRET_BYTES} bytes")));
    }
    Ok(secret)
}

fn folder(flag: &str, path: Option<PathBuf>) -> Result<Option<PathBuf>, ConfigError> {
    match path {
        Some(path) if !Path::is_dir(&path) => Err(ConfigError(format!("{flag}: {} is not a folder", path.display()))),
        path => Ok(path),
    }
}

/// A network, or an address alone.
fn network(text: &str) -> Result<IpNet, String> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "this is no network such as 10.0.0.0/8, and no address".to_owned())
}

/// Why the server does not start: a sentence that names the flag, or the place in the file.
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

impl From<SettingsError> for ConfigError {
    fn from(error: SettingsError) -> Self {
        Self(error.to_string())
    }
}

/// Where codes are kept.
#[derive(Debug, Clone)]
pub enum StoreAddress {
    /// A file.
    Sqlite(PathBuf),
    /// Nowhere for long.
    SqliteInMemory,
    /// A server that several of ours share.
    Redis(RedisAddress),
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(formatter, "sqlite:{}", path.display()),
            Self::SqliteInMemory => formatter.write_str("sqlite::memory:"),
            Self::Redis(address) => address.fmt(formatter),
        }
    }
}

impl FromStr for StoreAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("redis://") || text.starts_with("rediss://") {
            return text.parse().map(Self::Redis);
        }
        match text.strip_prefix("sqlite:") {
            Some(":memory:") => Ok(Self::SqliteInMemory),
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            _ => Err("a store is sqlite:PATH, sqlite::memory: or redis://HOST"),
        }
    }
}

/// Where a Redis is, and what to say to be let in. Whoever prints it learns nothing of the latter.
#[derive(Debug, Clone)]
pub struct RedisAddress {
    whole: Secret,
    shown: String,
}

impl RedisAddress {
    /// The address itself, for the one who must connect to it.
    pub fn expose(&self) -> &str {
        self.whole.expose()
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl FromStr for RedisAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a Redis is named by redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or rediss://…";
        text.into_connection_info().map_err(|_| WRONG)?;
        let url = redis::parse_redis_url(text).ok_or(WRONG)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(WRONG);
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let shown = format!("{}://{}{port}{}", url.scheme(), url.host_str().ok_or(WRONG)?, url.path());
        Ok(Self { whole: Secret::new(text), shown })
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
