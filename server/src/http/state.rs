//! What handlers work with: the configuration, and every part of the server, wired together.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::auth::Identity;
use crate::auth::signing_keys::SigningKeys;
use crate::clock::Clock;
use crate::codes::CodeService;
use crate::config::app::{Apps, CurrentApps};
use crate::config::settings::Settings;
use crate::config::{Config, ConfigError, read_settings};
use crate::rate_limit::RateLimiters;
use crate::secrets::RandomError;
use crate::store::open::open_store;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};
use crate::telemetry::measured_store::MeasuredStore;
use crate::telemetry::metrics::Metrics;

/// The state of a server.
pub struct AppState {
    /// The configuration of the process.
    pub config: Config,
    /// The clock of all parts.
    pub clock: Clock,
    /// Where codes, accounts and keys are stored.
    pub store: Arc<dyn Store>,
    /// The codes.
    pub codes: CodeService,
    /// Verifies the tokens of users.
    pub identity: Identity,
    /// Signs the tokens that this server issues.
    pub signing_keys: SigningKeys,
    /// The rate limits.
    pub rate_limiters: RateLimiters,
    /// The counts.
    pub metrics: Arc<Metrics>,
    apps: Arc<CurrentApps>,
    stopping: watch::Sender<bool>,
}

impl AppState {
    /// Opens the store that `config` names, with the clock of this machine.
    ///
    /// # Errors
    ///
    /// When the store can't be opened.
    pub async fn open(config: Config) -> Result<Arc<Self>, StoreError> {
        let takeover_timeout = config.takeover_timeout;
        let open_file = move |path: &Path| SqliteStore::take_over(path, takeover_timeout);
        let store = open_store(&config.store, config.redis_timeout, open_file).await?;
        Self::new(config, store, Clock::system()).map_err(StoreError::new)
    }

    /// Uses a store and a clock of the caller's.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn new(config: Config, store: Arc<dyn Store>, clock: Clock) -> Result<Arc<Self>, RandomError> {
        let metrics = Arc::new(Metrics::default());
        let store: Arc<dyn Store> = Arc::new(MeasuredStore::new(store, metrics.store.clone()));
        let apps = Arc::new(CurrentApps::new(Apps::new(config.settings.apps.clone())));
        Ok(Arc::new(Self {
            codes: CodeService::new(Arc::clone(&store), clock.clone(), Arc::clone(&apps), Arc::clone(&metrics))?,
            identity: Identity::new(config.jwt_secret.as_ref(), config.settings.issuers.clone(), clock.clone()),
            signing_keys: SigningKeys::new(Arc::clone(&store), clock.clone()),
            rate_limiters: RateLimiters::new(&config.settings.limits),
            stopping: watch::Sender::new(false),
            metrics,
            apps,
            store,
            config,
            clock,
        }))
    }

    /// The apps that are configured now.
    pub fn apps(&self) -> Arc<Apps> {
        self.apps.get()
    }

    /// Reads the settings file again, and returns how many apps it describes.
    ///
    /// # Errors
    ///
    /// When the file is rejected; then nothing has changed.
    pub fn reload(&self) -> Result<usize, ConfigError> {
        let Some(path) = &self.config.settings_file else { return Ok(self.config.settings.apps.len()) };
        let Settings { apps, issuers, limits } = read_settings(path, self.config.jwt_secret.as_ref())?;
        if limits != self.config.settings.limits {
            tracing::warn!("the limits have changed, and count from the next start on");
        }
        let count = apps.len();
        self.identity.set_issuers(issuers);
        self.apps.set(Apps::new(apps));
        Ok(count)
    }

    /// Makes every poll that waits return, and lets no other poll wait.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Becomes `true` when [`stop`](Self::stop) is called.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}
