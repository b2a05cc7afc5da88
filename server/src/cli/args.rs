//! The flags, environment variables and commands of the program, and their conversion to a [`Config`].

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Parser, Subcommand};
use ipnet::IpNet;

use crate::cli::app::AppCommand;
use crate::cli::keys::KeysCommand;
use crate::cli::token::TokenCommand;
use crate::cli::user::UserCommand;
use crate::config::app::Confirmation;
use crate::config::origin::Origin;
use crate::config::{Config, ConfigError, Demo, LogFormat, MAX_CONNECTIONS, read_settings};
use crate::secrets::Secret;
use crate::store::address::StoreAddress;
use crate::store::redis::DEFAULT_TIMEOUT;
use crate::store::sqlite::DEFAULT_TAKEOVER_TIMEOUT;

/// The shortest secret that HS256 allows, in bytes (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// The settings file without `--config`.
const DEFAULT_CONFIG: &str = "scanlogin.toml";
const EXAMPLE: &str = "\
To try it out:
  scanlogin-server --demo --www www --package pkg/dist

To run it behind a proxy that terminates TLS:
  scanlogin-server app add shop --name \"The Shop\" --user-pool-id customers \\
    --allowed-origin https://www.example.com     # writes scanlogin.toml, and prints the secret for your backend
  export SCANLOGIN_JWT_SECRET=…                  # of the service that signs your users' tokens
  scanlogin-server check-config
  scanlogin-server --public-url https://login.example.com --trusted-proxy 127.0.0.1 --package pkg/dist

A running server reads scanlogin.toml again on SIGHUP. It rejects a file with an error, and keeps the old settings.";

/// Server for signing in to web pages by scanning a QR code with a phone.
#[derive(Parser)]
#[command(name = "scanlogin-server", version, after_help = EXAMPLE)]
#[command(subcommand_value_name = "COMMAND", subcommand_help_heading = "Commands (run instead of the server)")]
pub struct Flags {
    /// The command to run instead of the server.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The settings file: apps, issuers and limits. The default is `scanlogin.toml`. A demo reads a file only if this flag
    /// names one.
    #[arg(long, env = "SCANLOGIN_CONFIG", value_name = "FILE", global = true, help_heading = "Server")]
    config: Option<PathBuf>,
    /// The address and port to listen on.
    #[arg(long, global = true, env = "SCANLOGIN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    #[arg(help_heading = "Server")]
    listen: SocketAddr,
    /// The public URL of this server for browsers and phones, such as `https://login.example.com`.
    #[arg(long, env = "SCANLOGIN_PUBLIC_URL", value_name = "URL", global = true, help_heading = "Server")]
    #[arg(value_parser = parse_public_url)]
    public_url: Option<Origin>,
    /// The store of codes, accounts and keys: `sqlite:PATH`, `sqlite::memory:` (lost when the server ends), or, for several
    /// servers, `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, with TLS `rediss://…`.
    // clap must not parse this value: its error messages repeat an invalid value, which may contain a password.
    #[arg(long, env = "SCANLOGIN_STORE", value_name = "STORE", default_value = "sqlite:scanlogin.db", global = true)]
    #[arg(hide_env_values = true, help_heading = "Server")]
    store: String,
    /// The timeout of one Redis operation, in seconds; the server then returns 503.
    #[arg(long, env = "SCANLOGIN_REDIS_TIMEOUT", value_name = "SECONDS", default_value_t = DEFAULT_TIMEOUT.as_secs())]
    #[arg(value_parser = clap::value_parser!(u64).range(1..), global = true, help_heading = "Server")]
    redis_timeout: u64,
    /// How many seconds a start waits for another server to release the same SQLite file.
    #[arg(long, global = true, env = "SCANLOGIN_TAKEOVER_TIMEOUT", value_name = "SECONDS", help_heading = "Server")]
    #[arg(default_value_t = DEFAULT_TAKEOVER_TIMEOUT.as_secs())]
    takeover_timeout: u64,
    /// A proxy whose X-Forwarded-For is trusted: an address, or a network such as `10.0.0.0/8`. Repeat the flag, or separate
    /// several values with commas. Without it, all clients behind a proxy count as one address.
    #[arg(long, global = true, env = "SCANLOGIN_TRUSTED_PROXY", value_name = "NETWORK", value_delimiter = ',')]
    #[arg(value_parser = parse_network, help_heading = "Server")]
    trusted_proxy: Vec<IpNet>,
    /// The limit of open connections; the server closes further connections at once.
    #[arg(long, global = true, env = "SCANLOGIN_MAX_CONNECTIONS", value_name = "NUMBER", default_value_t = MAX_CONNECTIONS)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..), help_heading = "Server")]
    max_connections: u32,
    /// The address and port of `/metrics` for Prometheus; not served without it. Do not expose it to the public.
    #[arg(long, global = true, env = "SCANLOGIN_METRICS_LISTEN", value_name = "ADDRESS", help_heading = "Server")]
    metrics_listen: Option<SocketAddr>,
    /// The format of the log.
    #[arg(
        long,
        global = true,
        env = "SCANLOGIN_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Server"
    )]
    log_format: LogFormat,

    /// The shared secret that signs the tokens of users (HS256), for a set-up without an issuer: at least 32 bytes. Prefer
    /// the environment variable to the flag.
    #[arg(
        long,
        global = true,
        env = "SCANLOGIN_JWT_SECRET",
        value_name = "SECRET",
        hide_env_values = true,
        help_heading = "Users"
    )]
    jwt_secret: Option<String>,

    /// A folder of pages to serve at `/`.
    #[arg(long, global = true, env = "SCANLOGIN_WWW", value_name = "FOLDER", help_heading = "Pages")]
    www: Option<PathBuf>,
    /// The folder of the built widget (`pkg/dist`), to serve at `/scanlogin/`.
    #[arg(long, global = true, env = "SCANLOGIN_PACKAGE", value_name = "FOLDER", help_heading = "Pages")]
    package: Option<PathBuf>,
    /// Run a demo: the users alice and bob, an app, and a site to sign in to. For this machine only. Every page of this
    /// machine may use it, at any port. With `--config`, it also has the apps of that file, and alice and bob are users of
    /// the first one.
    #[arg(long, global = true, env = "SCANLOGIN_DEMO", value_parser = BoolishValueParser::new())]
    #[arg(help_heading = "Pages")]
    demo: bool,
    /// Allow a demo that other machines can reach. Its passwords are publicly known.
    #[arg(long, global = true, env = "SCANLOGIN_DEMO_PUBLIC", value_parser = BoolishValueParser::new())]
    #[arg(help_heading = "Pages")]
    demo_public: bool,
}

impl Flags {
    /// The path of the settings file.
    pub(crate) fn config(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG))
    }

    /// The parsed `--store`.
    ///
    /// # Errors
    ///
    /// If it does not have the form of a store's address.
    pub fn store(&self) -> Result<StoreAddress, ConfigError> {
        self.store.parse().map_err(|problem| ConfigError(format!("--store: {problem}")))
    }

    /// The timeout of one Redis operation.
    pub(crate) fn redis_timeout(&self) -> Duration {
        Duration::from_secs(self.redis_timeout)
    }
}

/// The commands that run instead of the server.
#[derive(Subcommand)]
pub enum Command {
    /// Add an app to the settings file, list the apps, or rotate a secret.
    #[command(subcommand)]
    App(AppCommand),
    /// List or rotate the keys that this server signs tokens with.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Show, block or unblock a user.
    #[command(subcommand)]
    User(UserCommand),
    /// Check a token of a user, and explain why a server accepts or rejects it.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Check whether a server would accept these flags, this environment and this settings file.
    CheckConfig {
        /// Also fetch the keys of each issuer, as a server does when the first of its users approves a code.
        #[arg(long)]
        fetch_keys: bool,
    },
}

impl TryFrom<Flags> for Config {
    type Error = ConfigError;

    fn try_from(flags: Flags) -> Result<Self, ConfigError> {
        if flags.demo && !flags.listen.ip().is_loopback() && !flags.demo_public {
            return Err(ConfigError(format!(
                "--demo with --listen {}: other machines could reach the demo, and its passwords are publicly known; \
                 listen on 127.0.0.1, or set --demo-public",
                flags.listen
            )));
        }
        if flags.listen.ip().is_unspecified() && flags.public_url.is_none() {
            return Err(ConfigError(format!(
                "--public-url is required with --listen {}: no client can connect to that address",
                flags.listen
            )));
        }
        let (store, redis_timeout) = (flags.store()?, flags.redis_timeout());
        let settings_file = flags.config().to_owned();
        let demo = flags.demo.then(Self::demo).transpose()?;
        let jwt_secret = match (flags.jwt_secret, &demo) {
            (Some(secret), _) => Some(parse_secret("--jwt-secret", Secret::new(secret))?),
            (None, Some(demo)) => demo.jwt_secret.clone(),
            (None, None) => None,
        };
        let (settings, settings_file, demo) = match demo {
            // A demo ignores a file that only happens to be in the working directory.
            Some(Self { settings, demo, .. }) if flags.config.is_none() => (settings, None, demo),
            Some(Self { mut demo, .. }) => {
                let mut settings = read_settings(&settings_file, jwt_secret.as_ref())?;
                if let Some(demo) = &mut demo {
                    demo.share_pool(&settings);
                    demo.add_to(&mut settings);
                }
                (settings, Some(settings_file), demo)
            }
            None => (read_settings(&settings_file, jwt_secret.as_ref())?, Some(settings_file), None),
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
            www: parse_folder("--www", flags.www)?,
            package: parse_folder("--package", flags.package)?,
            // The demo shows number matching. Tests that confirm without it start from `Config::demo`.
            demo: demo.map(|demo| Demo { confirmation: Confirmation::Number, ..demo }),
        })
    }
}

fn parse_secret(flag: &str, secret: Secret) -> Result<Secret, ConfigError> {
    if secret.length() < MIN_SECRET_BYTES {
        return Err(ConfigError(format!("{flag} is too short: it must have at least {MIN_SECRET_BYTES} bytes")));
    }
    Ok(secret)
}

fn parse_folder(flag: &str, path: Option<PathBuf>) -> Result<Option<PathBuf>, ConfigError> {
    match path {
        Some(path) if !Path::is_dir(&path) => Err(ConfigError(format!("{flag}: {} is not a folder", path.display()))),
        path => Ok(path),
    }
}

/// Parses an origin with the scheme `http` or `https`.
fn parse_public_url(text: &str) -> Result<Origin, String> {
    let origin: Origin = text.parse()?;
    if origin.is_web() { Ok(origin) } else { Err("must begin with https:// or http://".to_owned()) }
}

/// Parses a network, or an address as the network of this address only.
fn parse_network(text: &str) -> Result<IpNet, String> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "expected an address, or a network such as 10.0.0.0/8".to_owned())
}
