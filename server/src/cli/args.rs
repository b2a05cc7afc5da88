//! The grammar of the command line, and the configuration that it describes.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Parser, Subcommand};
use ipnet::IpNet;

use crate::cli::app::AppCommand;
use crate::cli::keys::KeysCommand;
use crate::cli::user::UserCommand;
use crate::config::origin::Origin;
use crate::config::{Config, ConfigError, LogFormat, MAX_CONNECTIONS, read_settings};
use crate::secrets::Secret;
use crate::store::address::StoreAddress;
use crate::store::redis::DEFAULT_TIMEOUT;
use crate::store::sqlite::DEFAULT_TAKEOVER_TIMEOUT;

/// The shortest secret that HS256 is safe with (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;
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

/// What to do instead of serving.
#[derive(Subcommand)]
pub enum Command {
    /// Describe apps in the file of settings: add one, list them, exchange a secret.
    #[command(subcommand)]
    App(AppCommand),
    /// List and exchange the keys that tokens of users are signed with.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Look a user up, lock them out, or let them in again.
    #[command(subcommand)]
    User(UserCommand),
    /// Look whether a server would start with these flags, this environment and this file of settings.
    CheckConfig,
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
