//! The apps that people sign in to: the tables `[[app]]` of `scanlogin.toml`, and the checks of their values.
//!
//! [`crate::config::settings`] reads the file, and `crate::cli::app` writes it.

use core::time::Duration;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use scanlogin_protocol::lifecycle::{CODE_LIFETIME, MAX_CODE_LIFETIME, MIN_CODE_LIFETIME, TICKET_LIFETIME};
use scanlogin_protocol::wire::header;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::config::code_url::CodeUrl;
use crate::config::origin::Origin;
use crate::config::return_url::ReturnUrl;
use crate::config::step_up::StepUp;
use crate::secrets::Hash;

/// The upper limit of `ticket_lifetime`.
const MAX_TICKET_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// An app that people sign in to: one table `[[app]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// The id of the app in requests: printable ASCII without a colon.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name that phones show.
    #[serde(deserialize_with = "non_empty")]
    pub name: String,
    /// The user pool whose users may sign in to the app.
    #[serde(deserialize_with = "non_empty")]
    pub user_pool_id: String,
    /// The hashes of the valid secrets of the backend, newest first. A rotation keeps the previous secret valid.
    #[serde(deserialize_with = "secret_hashes")]
    pub secret_hashes: Vec<Hash>,
    /// The origins whose pages may request codes, besides the server's own. They are compared exactly.
    #[serde(default)]
    pub allowed_origins: Vec<Origin>,
    /// How long a code can be scanned: 10 to 1800 s, by default 120 s.
    #[serde(default = "default_code_lifetime", deserialize_with = "code_lifetime")]
    pub code_lifetime: Duration,
    /// How long a ticket can be exchanged: 1 to 1800 s, by default 300 s.
    #[serde(default = "default_ticket_lifetime", deserialize_with = "ticket_lifetime")]
    pub ticket_lifetime: Duration,
    /// The URL of an image for the middle of the codes. `None` if the app has no logo.
    #[serde(default, deserialize_with = "logo")]
    pub logo: Option<String>,
    /// The address of the approver: the text of the codes is then a link. `None`: the text is JSON.
    #[serde(default)]
    pub code_url: Option<CodeUrl>,
    /// The names of the custom data that phones may show, in this order.
    #[serde(default, deserialize_with = "names")]
    pub shown_custom_data: Vec<String>,
    /// The addresses of the pages whose codes have a link for the same device. They are compared exactly, and need a
    /// `code_url`.
    #[serde(default)]
    pub return_urls: Vec<ReturnUrl>,
    /// How a person confirms on another device than that of the page.
    #[serde(default)]
    pub confirmation: Confirmation,
    /// Whether `check` returns the full profile of the user from the scan on. If not, it returns nickname and photo.
    #[serde(default)]
    pub return_full_user_info: bool,
    /// Whether a page may exchange its ticket without the secret of the app.
    #[serde(default)]
    pub allow_exchange_from_browser: bool,
    /// What `confirm` requires of the user's sign-in. `None`: the token of the user is enough.
    #[serde(default)]
    pub step_up: Option<StepUp>,
    /// The switches for older clients.
    #[serde(default)]
    pub compat: Compat,
    /// Whether pages of this machine may request codes, at any port. Only a demo sets it; the file can't.
    #[serde(skip)]
    pub allow_local_origins: bool,
    /// Whether requests have to name the app even if there is no other. Only a demo sets it, for its second app: without that,
    /// requests without an app id would fail there.
    #[serde(skip)]
    pub has_to_be_named: bool,
}

/// How a person confirms: the setting `confirmation`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirmation {
    /// With a button.
    #[default]
    Button,
    /// With the number that the page shows: docs/protocol.md, "Number matching".
    Number,
}

/// Switches for older clients: the table `[app.compat]`. Each switch makes the app less secure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compat {
    /// Whether `check` accepts requests without a poll token. Every person who sees a code can then take the sign-in.
    #[serde(default)]
    pub poll_without_token: bool,
}

impl App {
    /// An app with one secret, and with the default of every optional setting.
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
            code_url: None,
            shown_custom_data: Vec::new(),
            return_urls: Vec::new(),
            confirmation: Confirmation::default(),
            return_full_user_info: false,
            allow_exchange_from_browser: false,
            step_up: None,
            compat: Compat::default(),
            allow_local_origins: false,
            has_to_be_named: false,
        }
    }

    /// Whether pages of `origin` may request codes.
    pub fn allows(&self, origin: &Origin) -> bool {
        self.allowed_origins.contains(origin) || (self.allow_local_origins && origin.is_local())
    }

    /// The entry of `return_urls` that is exactly `address`.
    pub fn return_url(&self, address: &str) -> Option<&ReturnUrl> {
        self.return_urls.iter().find(|url| url.as_str() == address)
    }

    /// Whether `secret` is a secret of the app. Each comparison takes constant time.
    pub fn has_secret(&self, secret: &str) -> bool {
        self.secret_hashes.iter().any(|hash| hash.is_of(secret))
    }
}

/// All apps of a server, by id.
#[derive(Debug, Clone, Default)]
pub struct Apps(HashMap<String, Arc<App>>);

impl Apps {
    /// Indexes `apps` by their ids.
    pub fn new(apps: impl IntoIterator<Item = App>) -> Self {
        Self(apps.into_iter().map(|app| (app.id.clone(), Arc::new(app))).collect())
    }

    /// The app with the id `id`.
    pub fn find(&self, id: &str) -> Option<&Arc<App>> {
        self.0.get(id)
    }

    /// The only app, for requests that name none. `None` if there is not exactly one app that need not be named.
    pub fn only(&self) -> Option<&Arc<App>> {
        let mut apps = self.0.values().filter(|app| !app.has_to_be_named);
        apps.next().filter(|_| apps.next().is_none())
    }

    /// The paths of all links, sorted.
    pub fn link_paths(&self) -> BTreeSet<&str> {
        self.0.values().filter_map(|app| app.code_url.as_ref().map(CodeUrl::path)).collect()
    }

    /// Whether any app allows pages of `origin` to request codes.
    pub fn any_allows(&self, origin: &Origin) -> bool {
        self.0.values().any(|app| app.allows(origin))
    }
}

/// Checks the id of an app.
///
/// # Errors
///
/// The rule that `id` breaks, as a predicate such as `must not be empty`.
pub fn check_id(id: &str) -> Result<(), &'static str> {
    match id {
        "" => Err("must not be empty"),
        _ if id.contains(':') => Err("must not contain a colon, because HTTP Basic ends the id there"),
        _ if id.trim() != id || !header::is_value(id) => Err("must be printable ASCII, because it is sent in a header"),
        _ => Ok(()),
    }
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    check_id(&id).map_err(D::Error::custom)?;
    Ok(id)
}

fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() { Err(D::Error::custom("must not be empty")) } else { Ok(text) }
}

fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names: Vec<String> = Vec::deserialize(deserializer)?;
    let is_repeated = |(index, name)| names.iter().skip(index + 1).any(|other| other == name);
    if names.iter().any(|name| name.trim().is_empty()) {
        Err(D::Error::custom("must not have an empty name"))
    } else if names.iter().enumerate().any(is_repeated) {
        Err(D::Error::custom("must not have a name twice"))
    } else {
        Ok(names)
    }
}

fn secret_hashes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Hash>, D::Error> {
    let hashes = Vec::deserialize(deserializer)?;
    if hashes.is_empty() {
        return Err(D::Error::custom("must have at least one hash; `scanlogin-server app rotate-secret` creates one"));
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
