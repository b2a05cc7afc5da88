//! The configuration of a server: [`Config`] for the process, [`settings`] for its apps, issuers and limits.
//!
//! [`crate::cli`] makes a [`Config`] from flags and the environment. A test makes its own, and can set values that the
//! flags and the settings file reject, such as a code lifetime of one second.

pub mod algorithm;
pub mod app;
pub mod code_url;
pub mod current;
pub mod issuer;
pub mod limits;
pub mod native_apps;
pub mod origin;
pub mod return_url;
pub mod settings;
pub mod step_up;

use core::fmt;
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ipnet::IpNet;

use crate::config::app::{App, Apps, Confirmation};
use crate::config::code_url::CodeUrl;
use crate::config::origin::Origin;
use crate::config::return_url::ReturnUrl;
use crate::config::settings::{Settings, SettingsError};
use crate::secrets::{Hash, RandomError, Secret};
use crate::store::address::StoreAddress;
use crate::store::redis::DEFAULT_TIMEOUT;
use crate::store::sqlite::DEFAULT_TAKEOVER_TIMEOUT;

/// The default of `--max-connections`: twice the number of browsers that one process is designed for.
pub(crate) const MAX_CONNECTIONS: u32 = 20_000;

/// The configuration of a server process.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address and port to listen on. The system chooses a port for port 0.
    pub listen: SocketAddr,
    /// The origin that clients use. `None`: they use the address that the server listens on.
    pub public_url: Option<Origin>,
    /// The store of codes, accounts and keys.
    pub store: StoreAddress,
    /// The timeout of one Redis operation.
    pub redis_timeout: Duration,
    /// How long a start waits for another server to release the same SQLite file.
    pub takeover_timeout: Duration,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The limit of open connections.
    pub max_connections: u32,
    /// The address and port of `/metrics`. `None`: the metrics are not served.
    pub metrics_listen: Option<SocketAddr>,
    /// The format of the log.
    pub log_format: LogFormat,
    /// The shared secret for tokens of users. `None`: only tokens of issuers are accepted.
    pub jwt_secret: Option<Secret>,
    /// The apps, issuers and limits at the start. A reload does not change this value.
    pub settings: Settings,
    /// The file that a reload reads. `None` in a demo without a settings file: a reload then changes nothing.
    pub settings_file: Option<PathBuf>,
    /// The folder of the pages at `/`. `None`: there are none.
    pub www: Option<PathBuf>,
    /// The folder of the widget at `/scanlogin/`. `None`: the widget is not served.
    pub package: Option<PathBuf>,
    /// The demo site. `None` for a real server.
    pub demo: Option<Demo>,
}

/// The apps of the demo site, as its backend knows them.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The id of the app of the examples. Requests that name no app are for this one.
    pub app_id: String,
    /// The secret that the backend authenticates with, for both apps.
    pub app_secret: Secret,
    /// The user pool of the apps.
    pub user_pool_id: String,
    /// How a person confirms the codes of the login page.
    pub confirmation: Confirmation,
}

impl Demo {
    /// The id of the app of the login page. Its codes are links to the phone page.
    pub const LOGIN_APP_ID: &str = "demo-login";
    /// The path of these links.
    pub(crate) const LINK_PATH: &str = "/s";

    /// Adds the app of the examples to `settings`, unless an app has its id already. The secret of the demo site is one more
    /// secret of each app with an id of the demo. Allows pages of this machine to use every app.
    pub(crate) fn add_to(&self, settings: &mut Settings) {
        let secret = Hash::of(self.app_secret.expose());
        for app in settings.apps.iter_mut().filter(|app| self.has_app(&app.id)) {
            app.secret_hashes.push(secret);
        }
        if settings.apps.iter().all(|app| app.id != self.app_id) {
            settings.apps.push(App::new(&self.app_id, "Quaymark", &self.user_pool_id, secret));
        }
        for app in &mut settings.apps {
            app.allow_local_origins = true;
        }
    }

    /// Adds the app of the login page to `apps`, unless an app has its id already. It has the settings of the app of the
    /// examples, and the links of a server at `base_url`, which is known when the server listens, and its own confirmation.
    pub(crate) fn add_login_app(&self, apps: &mut Vec<App>, base_url: &str) {
        if apps.iter().any(|app| app.id == Self::LOGIN_APP_ID) {
            return;
        }
        let Some(examples) = apps.iter().find(|app| app.id == self.app_id) else { return };
        let login = App {
            id: Self::LOGIN_APP_ID.to_owned(),
            code_url: CodeUrl::of_demo(base_url, Self::LINK_PATH),
            return_urls: ReturnUrl::of_demo(base_url),
            confirmation: self.confirmation,
            has_to_be_named: true,
            ..examples.clone()
        };
        apps.push(login);
    }

    /// Whether `id` is the id of an app of the demo site.
    pub(crate) fn has_app(&self, id: &str) -> bool {
        id == self.app_id || id == Self::LOGIN_APP_ID
    }

    /// Uses the user pool of the first app in `settings` for the demo's users, so that they can sign in to that app.
    pub(crate) fn share_pool(&mut self, settings: &Settings) {
        let app = settings.apps.iter().find(|app| app.id == self.app_id).or(settings.apps.first());
        if let Some(app) = app {
            self.user_pool_id.clone_from(&app.user_pool_id);
        }
    }
}

impl Config {
    /// The configuration of a demo: the app of the examples, a store in memory, and random secrets. Tests start from it.
    ///
    /// # Errors
    ///
    /// If the random number generator of the system fails.
    pub fn demo() -> Result<Self, RandomError> {
        let demo = Demo {
            app_id: "demo-app".to_owned(),
            app_secret: Secret::random()?,
            user_pool_id: "demo-pool".to_owned(),
            confirmation: Confirmation::Button,
        };
        let mut settings = Settings::default();
        demo.add_to(&mut settings);
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
            demo: Some(demo),
            settings,
            settings_file: None,
            www: None,
            package: None,
        })
    }

    /// The apps of `settings` and, in a demo, the app of its login page.
    pub(crate) fn apps(&self, settings: &Settings) -> Apps {
        let mut apps = settings.apps.clone();
        if let Some(demo) = &self.demo {
            demo.add_login_app(&mut apps, &self.base_url());
        }
        Apps::new(apps)
    }

    /// The URL that clients use: `public_url`, or `http://` and the address that the server listens on.
    pub fn base_url(&self) -> String {
        self.public_url.as_ref().map_or_else(|| format!("http://{}", self.listen), ToString::to_string)
    }
}

/// Reads the settings file at `path`.
///
/// # Errors
///
/// If the file is rejected, or if no user could sign in: there is neither an issuer nor a `jwt_secret`.
pub(crate) fn read_settings(path: &Path, jwt_secret: Option<&Secret>) -> Result<Settings, ConfigError> {
    let settings = Settings::read(path)?;
    if jwt_secret.is_none() && settings.issuers.is_empty() {
        return Err(ConfigError(format!(
            "{} has no [[issuer]], and --jwt-secret is not set: no user could sign in",
            path.display()
        )));
    }
    Ok(settings)
}

/// Why a configuration is rejected: a sentence that names the flag, or the file and the line.
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
        Self(format!("the random number generator of the system failed: {error}"))
    }
}

impl From<SettingsError> for ConfigError {
    fn from(error: SettingsError) -> Self {
        Self(error.to_string())
    }
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line of text per event.
    Text,
    /// One JSON object per event and line.
    Json,
}
