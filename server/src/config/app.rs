//! The apps that people sign in to: what `scanlogin.toml` says of each, and what is refused there by name.
//!
//! Deliberately absent: the file itself, which [`crate::config::settings`] reads and [`crate::cli::app`] writes.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use scanlogin_protocol::lifecycle::{CODE_LIFETIME, MAX_CODE_LIFETIME, MIN_CODE_LIFETIME, TICKET_LIFETIME};
use scanlogin_protocol::wire::header;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::config::origin::Origin;
use crate::secrets::Hash;

/// The longest life of a ticket that may be configured.
const MAX_TICKET_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// An app that people sign in to: a table `[[app]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Names it on the wire.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Names it to people.
    #[serde(deserialize_with = "words")]
    pub name: String,
    /// The pool whose users may sign in to it.
    #[serde(deserialize_with = "words")]
    pub user_pool_id: String,
    /// What its backend proves itself with, newest first: two while it is being exchanged for another.
    #[serde(deserialize_with = "secret_hashes")]
    pub secret_hashes: Vec<Hash>,
    /// The origins whose pages may ask for its codes, besides the server's own.
    #[serde(default)]
    pub allowed_origins: Vec<Origin>,
    /// How long a code can be scanned, in seconds.
    #[serde(default = "default_code_lifetime", deserialize_with = "code_lifetime")]
    pub code_lifetime: Duration,
    /// How long a ticket can be exchanged, in seconds.
    #[serde(default = "default_ticket_lifetime", deserialize_with = "ticket_lifetime")]
    pub ticket_lifetime: Duration,
    /// The address of a picture for the middle of its codes.
    #[serde(default, deserialize_with = "logo")]
    pub logo: Option<String>,
    /// Whether `check` tells all about a user as soon as they scan, and not only nickname and photo.
    #[serde(default)]
    pub return_full_user_info: bool,
    /// Whether a page may exchange its ticket itself, without the app's secret.
    #[serde(default)]
    pub allow_exchange_from_browser: bool,
    /// What older clients need.
    #[serde(default)]
    pub compat: Compat,
}

/// What older clients need, and what is less safe for it: a table `[app.compat]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compat {
    /// Whether `check` answers a caller that brings no poll token: whoever sees a code can then take the sign-in.
    #[serde(default)]
    pub poll_without_token: bool,
}

impl App {
    /// An app with the defaults of the contract.
    pub fn new(id: &str, name: &str, user_pool_id: &str, secret: Hash) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            user_pool_id: user_pool_id.to_owned(),
            secret_hashes: vec![secret],
            allowed_origins: Vec::new(),
            code_lifetime: CODE_LIFETIME,
            ticket_lifetime: TICKET_LIFETIME,
            logo: None,
            return_full_user_info: false,
            allow_exchange_from_browser: false,
            compat: Compat::default(),
        }
    }

    /// Whether `secret` is one of the app's, in constant time for each.
    pub fn has_secret(&self, secret: &str) -> bool {
        self.secret_hashes.iter().any(|hash| hash.is_of(secret))
    }
}

/// All apps of a server, by id.
#[derive(Debug, Clone, Default)]
pub struct Apps(HashMap<String, Arc<App>>);

impl Apps {
    /// Looks apps up among `apps`.
    pub fn new(apps: impl IntoIterator<Item = App>) -> Self {
        Self(apps.into_iter().map(|app| (app.id.clone(), Arc::new(app))).collect())
    }

    /// The app `id`.
    pub fn find(&self, id: &str) -> Option<&Arc<App>> {
        self.0.get(id)
    }

    /// The app that is meant by who names none: the only one there is.
    pub fn only(&self) -> Option<&Arc<App>> {
        let mut apps = self.0.values();
        apps.next().filter(|_| apps.next().is_none())
    }

    /// Whether pages of `origin` may ask for codes of any app.
    pub fn any_allows(&self, origin: &Origin) -> bool {
        self.0.values().any(|app| app.allowed_origins.contains(origin))
    }
}

/// The apps that are configured now. All clones of the `Arc` around it see new ones.
#[derive(Debug, Default)]
pub struct CurrentApps(RwLock<Arc<Apps>>);

impl CurrentApps {
    /// Begins with `apps`.
    pub fn new(apps: Apps) -> Self {
        Self(RwLock::new(Arc::new(apps)))
    }

    /// The apps of now.
    pub fn get(&self) -> Arc<Apps> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces them. Requests that are under way end by the apps that they began with.
    pub fn set(&self, apps: Apps) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(apps);
    }
}

/// What is wrong with `id` as the id of an app, if anything.
///
/// # Errors
///
/// A sentence for whoever wrote it.
pub fn check_id(id: &str) -> Result<(), &'static str> {
    match id {
        "" => Err("must not be empty"),
        _ if id.contains(':') => Err("must not contain a colon, since HTTP Basic ends the name there"),
        _ if id.trim() != id || !header::is_value(id) => Err("must be printable ASCII, since it is sent in a header"),
        _ => Ok(()),
    }
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    check_id(&id).map_err(D::Error::custom)?;
    Ok(id)
}

fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let words = String::deserialize(deserializer)?;
    if words.trim().is_empty() { Err(D::Error::custom("must not be empty")) } else { Ok(words) }
}

fn secret_hashes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Hash>, D::Error> {
    let hashes = Vec::deserialize(deserializer)?;
    if hashes.is_empty() {
        return Err(D::Error::custom("must have one hash at least; `scanlogin-server app rotate-secret` makes one"));
    }
    Ok(hashes)
}

fn logo<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let logo = String::deserialize(deserializer)?;
    if logo.starts_with("https://") || logo.starts_with("http://") {
        Ok(Some(logo))
    } else {
        Err(D::Error::custom("must be the address of a picture, such as https://www.example.com/logo.svg"))
    }
}

fn code_lifetime<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    seconds(deserializer, MIN_CODE_LIFETIME, MAX_CODE_LIFETIME)
}

fn ticket_lifetime<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    seconds(deserializer, Duration::from_secs(1), MAX_TICKET_LIFETIME)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D, min: Duration, max: Duration) -> Result<Duration, D::Error> {
    let seconds = Duration::from_secs(u64::deserialize(deserializer)?);
    if (min..=max).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(D::Error::custom(format_args!("must be from {} to {} seconds", min.as_secs(), max.as_secs())))
    }
}

fn default_code_lifetime() -> Duration {
    CODE_LIFETIME
}

fn default_ticket_lifetime() -> Duration {
    TICKET_LIFETIME
}
