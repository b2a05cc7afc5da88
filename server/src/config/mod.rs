//! The configuration of a server as values: [`Config`] for the process, [`settings`] for its apps, issuers and limits.
//!
//! [`crate::cli`] makes a [`Config`] from flags and the environment. A test makes one itself, and can set values that the flags
//! and the file reject, such as a code that lives for a second.

pub mod app;
pub mod issuer;
pub mod limits;
pub mod origin;
pub mod settings;

use core::fmt;
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ipnet::IpNet;

use crate::config::app::App;
use crate::config::issuer::Issuers;
use crate::config::limits::Limits;
use crate::config::origin::Origin;
use crate::config::settings::{Settings, SettingsError};
use crate::secrets::{Hash, RandomError, Secret};
use crate::store::address::StoreAddress;
use crate::store::redis::DEFAULT_TIMEOUT;
use crate::store::sqlite::DEFAULT_TAKEOVER_TIMEOUT;

/// Twice the browsers that one process is meant for.
pub(crate) const MAX_CONNECTIONS: u32 = 20_000;

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

/// Why the server does not start: a sentence that names the flag, or the place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(pub(crate) String);

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

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}
