//! Caches the published keys of an issuer, and decides when to fetch them again.
//!
//! The keys are fetched when they are first needed, and by [`KeyCache::refresh`] when they are older than [`MAX_AGE`]. They
//! are also fetched when a token names an unknown key, because the issuer may have a new one. Invented key ids cause at
//! most one fetch per [`MIN_FETCH_INTERVAL`]. If a fetch fails, the cached keys stay in use.
//!
//! Deliberately absent: the response header `cache-control`. Many issuers send a value that does not fit their keys.

use core::time::Duration;
use std::fs::File;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};
use ureq::Proxy;
use ureq::tls::{RootCerts, TlsConfig};

use crate::auth::error::{TokenError, TokenProblem};
use crate::auth::jwks::{KeyQuery, Keys};
use crate::config::issuer::Issuer;
use crate::config::issuer::key_source::{KeySource, check_url, read_secret};

/// The age at which [`KeyCache::refresh`] fetches the keys again.
const MAX_AGE: Duration = Duration::from_secs(10 * 60);
/// The minimum time between two fetches while there are cached keys.
const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(30);
/// The minimum time between two fetches while there are no cached keys. It is shorter, because no user of the issuer can
/// sign in.
const MIN_FETCH_INTERVAL_WITHOUT_KEYS: Duration = Duration::from_secs(5);
/// The timeout of a fetch. Requests of approvers wait for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest key set that is read. Usual ones have a few kilobytes.
const MAX_BYTES: u64 = 256 * 1024;

/// The cached keys of one issuer.
pub(super) struct KeyCache {
    issuer: Arc<Issuer>,
    state: Mutex<State>,
    /// Held during a fetch, so that only one runs at a time.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<Keys>>,
    fetched_at: Option<Instant>,
    /// When the last fetch ended, successful or not. `None` before the first.
    tried_at: Option<Instant>,
    /// The problem of the last fetch. `None` if it was successful.
    error: Option<String>,
}

impl KeyCache {
    /// An empty cache. It fetches nothing yet.
    pub(super) fn new(issuer: &Arc<Issuer>) -> Self {
        Self { issuer: Arc::clone(issuer), state: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// Whether the keys of `issuer` are these. Files are read again, because an operator who edits one reloads the settings.
    pub(super) fn is_for(&self, issuer: &Issuer) -> bool {
        let is_remote = matches!(issuer.jwks, KeySource::Url(_) | KeySource::Discovery { .. });
        is_remote
            && self.issuer.name == issuer.name
            && self.issuer.jwks == issuer.jwks
            && self.issuer.algorithms == issuer.algorithms
    }

    /// The key that fits `query`.
    ///
    /// # Errors
    ///
    /// [`TokenProblem::UnknownKey`] if not exactly one key matches. [`TokenProblem::KeysUnavailable`] if no keys are cached
    /// and the fetch failed.
    pub(super) async fn find(self: &Arc<Self>, query: KeyQuery<'_>) -> Result<DecodingKey, TokenError> {
        if let Some(keys) = self.keys()
            && let Ok(key) = keys.find(query)
        {
            return Ok(key.clone());
        }
        // A separate task: the fetch goes on for the other requests when this one is cancelled.
        let _ = tokio::spawn(Arc::clone(self).fetch()).await;
        let keys = self.keys().ok_or_else(|| {
            let error = self.state().error.clone().unwrap_or_default();
            TokenProblem::KeysUnavailable.because(format!("{}: {error}", self.issuer.jwks))
        })?;
        keys.find(query).cloned()
    }

    /// Starts a fetch in the background if the keys are older than [`MAX_AGE`] or were never fetched.
    pub(super) fn refresh(self: &Arc<Self>) {
        if self.state().fetched_at.is_none_or(|at| at.elapsed() >= MAX_AGE) {
            tokio::spawn(Arc::clone(self).fetch());
        }
    }

    /// Fetches the keys, or waits for a fetch that is in progress. Does nothing before the minimum time since the last
    /// fetch has passed.
    async fn fetch(self: Arc<Self>) {
        let _alone = self.fetching.lock().await;
        if self.was_tried_just_now() {
            return;
        }
        let fetched = read(&self.issuer).await;
        let mut state = self.state();
        state.tried_at = Some(Instant::now());
        match fetched {
            Ok(keys) => {
                state.keys = Some(Arc::new(keys));
                state.fetched_at = state.tried_at;
                state.error = None;
            }
            Err(error) => {
                let Issuer { name, jwks, .. } = &*self.issuer;
                tracing::warn!(issuer = name, source = %jwks, error, "the keys of an issuer can't be fetched");
                state.error = Some(error);
            }
        }
    }

    fn was_tried_just_now(&self) -> bool {
        let state = self.state();
        let interval = if state.keys.is_some() { MIN_FETCH_INTERVAL } else { MIN_FETCH_INTERVAL_WITHOUT_KEYS };
        state.tried_at.is_some_and(|at| at.elapsed() < interval)
    }

    fn keys(&self) -> Option<Arc<Keys>> {
        self.state().keys.clone()
    }

    // No code that holds the lock can panic, so the state behind a poisoned lock is consistent.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fetches the keys of `issuer`.
pub(super) async fn read(issuer: &Arc<Issuer>) -> Result<Keys, String> {
    let issuer = Arc::clone(issuer);
    let reading = spawn_blocking(move || read_blocking(&issuer));
    let keys = timeout(FETCH_TIMEOUT, reading).await.map_err(|_| "the fetch timed out")?;
    keys.map_err(|error| error.to_string())?
}

fn read_blocking(issuer: &Issuer) -> Result<Keys, String> {
    let bytes = match &issuer.jwks {
        KeySource::Url(url) => download(url).map_err(|error| error.to_string())?,
        KeySource::File(path) => load(path).map_err(|error| error.to_string())?,
        KeySource::Discovery { url, insecure_http } => {
            let document = download(url).map_err(|error| error.to_string())?;
            let jwks_uri = discovered(&document, &issuer.name)?;
            check_url(&jwks_uri, *insecure_http).map_err(|problem| format!("jwks_uri: {problem}"))?;
            // `check_url` allows `http` to this machine, for addresses that the operator writes. This one is the issuer's.
            if url.starts_with("https:") && !jwks_uri.starts_with("https:") && !insecure_http {
                return Err(format!("jwks_uri: {jwks_uri:?} is not https"));
            }
            download(&jwks_uri).map_err(|error| format!("{jwks_uri}: {error}"))?
        }
        KeySource::SecretFile(path) => return Ok(Keys::secret(&read_secret(path)?, issuer)),
    };
    Keys::read(&bytes, issuer.algorithms.as_deref())
}

/// The URL of the key set in the configuration document of the issuer `name`.
fn discovered(document: &[u8], name: &str) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Configuration {
        issuer: String,
        jwks_uri: String,
    }
    let found: Configuration = serde_json::from_slice(document)
        .map_err(|error| format!("not the configuration of an OpenID Connect provider: {error}"))?;
    if found.issuer != name {
        return Err(format!("the configuration is that of the issuer {:?}, not of {name:?}", found.issuer));
    }
    Ok(found.jwks_uri)
}

/// The body of the response of `url`. A redirect is an error, because it could lead to any host.
fn download(url: &str) -> Result<Vec<u8>, ureq::Error> {
    // A URL without TLS names a machine in this network, so the request must not go through a proxy.
    let proxy = if url.starts_with("https:") { Proxy::try_from_env() } else { None };
    let agent = ureq::Agent::config_builder()
        .proxy(proxy)
        // This timeout ends the blocking thread. The task that waits for it has a timeout on tokio's clock.
        .timeout_global(Some(FETCH_TIMEOUT))
        .max_redirects(0)
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .build()
        .new_agent();
    let response = agent
        .get(url)
        .header("accept", "application/jwk-set+json, application/json")
        // Without this header a server may compress its response (RFC 9110, section 12.5.3).
        .header("accept-encoding", "identity")
        .call()?;
    if response.status() != 200 {
        return Err(ureq::Error::StatusCode(response.status().as_u16()));
    }
    response.into_body().into_with_config().limit(MAX_BYTES).read_to_vec()
}

/// The first [`MAX_BYTES`] of the file at `path`. A longer file is not valid JSON then.
fn load(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
