//! The keys of an issuer as they were when last fetched, and when to fetch them again.
//!
//! They are fetched when first needed, every ten minutes by [`KeyCache::refresh`], and at once when a token names a key
//! that is not among them: then its issuer has a new one. Whoever makes such names up gets one fetch in [`FLOOR`] out of
//! us, and when a fetch fails, the keys that are there stay. Deliberately absent: what `Cache-Control` says, which many
//! issuers do not mean.

use core::time::Duration;
use std::fs::File;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};
use ureq::Proxy;
use ureq::tls::{RootCerts, TlsConfig};

use crate::auth::error::AuthError;
use crate::auth::jwks::Keys;
use crate::config::issuer::{Issuer, KeySource};

/// How old keys may become.
const MAX_AGE: Duration = Duration::from_secs(10 * 60);
/// The least time between two fetches.
const FLOOR: Duration = Duration::from_secs(30);
/// The same while there are no keys at all, and nobody can sign in.
const FLOOR_WITHOUT_KEYS: Duration = Duration::from_secs(5);
/// How long a fetch may take. Phones wait for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// A key set is a few kilobytes.
const MAX_BYTES: u64 = 256 * 1024;

/// The keys of an issuer.
pub(super) struct KeyCache {
    /// For the log.
    issuer: String,
    source: KeySource,
    state: Mutex<State>,
    /// Held by the one who fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<Keys>>,
    fetched_at: Option<Instant>,
    /// When the last fetch ended, whether it succeeded or not.
    tried_at: Option<Instant>,
}

impl KeyCache {
    /// Knows nothing yet.
    pub(super) fn new(issuer: &Issuer) -> Self {
        Self {
            issuer: issuer.name.clone(),
            source: issuer.jwks.clone(),
            state: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// The one key for `algorithm` that is called `id`, or the only one when the token does not say.
    ///
    /// # Errors
    ///
    /// [`AuthError::NotSignedIn`] when the issuer has no such key, [`AuthError::Unavailable`] when we have none of its keys.
    pub(super) async fn find(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, AuthError> {
        if let Some(keys) = self.keys()
            && let Some(key) = keys.find(id, algorithm)
        {
            return Ok(key.clone());
        }
        // In a task of its own: a phone that hangs up must not end a fetch that others wait for.
        let _ = tokio::spawn(Arc::clone(self).fetch()).await;
        let keys = self.keys().ok_or(AuthError::Unavailable)?;
        keys.find(id, algorithm).cloned().ok_or(AuthError::NotSignedIn)
    }

    /// Fetches keys that have become old, without being waited for.
    pub(super) fn refresh(self: &Arc<Self>) {
        if self.state().fetched_at.is_none_or(|at| at.elapsed() >= MAX_AGE) {
            tokio::spawn(Arc::clone(self).fetch());
        }
    }

    /// Fetches the keys, or waits for the one who does. Nothing happens when that has been tried just now.
    async fn fetch(self: Arc<Self>) {
        let _alone = self.fetching.lock().await;
        if self.was_tried_just_now() {
            return;
        }
        let fetched = self.source.read().await;
        let mut state = self.state();
        state.tried_at = Some(Instant::now());
        match fetched {
            Ok(keys) => {
                state.keys = Some(Arc::new(keys));
                state.fetched_at = state.tried_at;
            }
            Err(error) => tracing::warn!(issuer = self.issuer, error, "the keys of an issuer can't be had"),
        }
    }

    fn was_tried_just_now(&self) -> bool {
        let state = self.state();
        let floor = if state.keys.is_some() { FLOOR } else { FLOOR_WITHOUT_KEYS };
        state.tried_at.is_some_and(|at| at.elapsed() < floor)
    }

    fn keys(&self) -> Option<Arc<Keys>> {
        self.state().keys.clone()
    }

    // Nothing can panic while it is locked.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeySource {
    async fn read(&self) -> Result<Keys, String> {
        let source = self.clone();
        let reading = spawn_blocking(move || match source {
            Self::Url(url) => download(&url).map_err(|error| error.to_string()),
            Self::File(path) => load(&path).map_err(|error| error.to_string()),
        });
        let bytes = timeout(PATIENCE, reading).await.map_err(|_| "no answer in time")?;
        Keys::read(&bytes.map_err(|error| error.to_string())??)
    }
}

/// What is at `url` itself: an address that leads elsewhere is not followed, since it could lead anywhere.
fn download(url: &str) -> Result<Vec<u8>, ureq::Error> {
    // Without TLS the keys are on this machine, and no proxy gets to see them.
    let proxy = if url.starts_with("https:") { Proxy::try_from_env() } else { None };
    let agent = ureq::Agent::config_builder()
        .proxy(proxy)
        // The thread ends by this. Whoever waits for it goes by tokio's clock.
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .build()
        .new_agent();
    let answer = agent
        .get(url)
        .header("accept", "application/jwk-set+json, application/json")
        // Without this header a server may compress its answer (RFC 9110, section 12.5.3).
        .header("accept-encoding", "identity")
        .call()?;
    if answer.status() != 200 {
        return Err(ureq::Error::StatusCode(answer.status().as_u16()));
    }
    answer.into_body().into_with_config().limit(MAX_BYTES).read_to_vec()
}

/// What is in the file at `path`. A file that is too long ends early, and is no key set then.
fn load(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
