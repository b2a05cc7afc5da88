//! The state that all handlers share: the configuration and all parts of the server.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::auth::Identity;
use crate::auth::signing_keys::SigningKeys;
use crate::clock::Clock;
use crate::codes::CodeService;
use crate::config::app::Apps;
use crate::config::current::Current;
use crate::config::native_apps::NativeApps;
use crate::config::settings::Settings;
use crate::config::{Config, ConfigError, read_settings};
use crate::http::image_threads::ImageThreads;
use crate::http::readiness::Readiness;
use crate::rate_limit::RateLimiters;
use crate::secrets::RandomError;
use crate::store::open::open_store;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};
use crate::telemetry::measured_store::MeasuredStore;
use crate::telemetry::metrics::Metrics;

/// The state of a server, shared by all handlers.
pub struct AppState {
    /// The configuration at the start. [`reload`](Self::reload) does not change it.
    pub config: Config,
    /// The clock that all parts use.
    pub clock: Clock,
    /// Stores codes, accounts and keys.
    pub store: MeasuredStore,
    /// Creates, finds and changes codes.
    pub codes: CodeService,
    /// Verifies the tokens of users, and signs those of the demo.
    pub identity: Identity,
    /// Signs the tokens that this server issues.
    pub signing_keys: SigningKeys,
    /// Counts requests against the rate limits.
    pub(crate) rate_limiters: RateLimiters,
    /// Checks the store for `/readyz`.
    pub(crate) readiness: Readiness,
    /// Draws the images of codes.
    pub(crate) image_threads: ImageThreads,
    /// Counts requests, codes and tickets.
    pub(crate) metrics: Arc<Metrics>,
    apps: Arc<Current<Apps>>,
    native_apps: Current<Option<NativeApps>>,
    stopping: watch::Sender<bool>,
}

impl AppState {
    /// Opens the store that `config` names, with the clock of this machine.
    ///
    /// # Errors
    ///
    /// When the store can't be opened, or the system has no random numbers.
    pub async fn open(config: Config) -> Result<Arc<Self>, StoreError> {
        let takeover_timeout = config.takeover_timeout;
        let open_file = move |path: &Path| SqliteStore::take_over(path, takeover_timeout);
        let store = open_store(&config.store, config.redis_timeout, open_file).await?;
        Self::new(config, store, Clock::system()).map_err(StoreError::new)
    }

    /// Makes a state from the given store and clock.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn new(config: Config, store: Arc<dyn Store>, clock: Clock) -> Result<Arc<Self>, RandomError> {
        let metrics = Arc::new(Metrics::default());
        let store = MeasuredStore::new(store, metrics.store.clone());
        let apps = Arc::new(Current::new(config.apps(&config.settings)));
        Ok(Arc::new(Self {
            codes: CodeService::new(store.clone(), &clock, Arc::clone(&apps), Arc::clone(&metrics))?,
            identity: Identity::new(config.jwt_secret.as_ref(), config.settings.issuers.clone(), clock.clone()),
            signing_keys: SigningKeys::new(store.clone(), clock.clone()),
            rate_limiters: RateLimiters::new(&config.settings.limits),
            readiness: Readiness::default(),
            image_threads: ImageThreads::new(),
            native_apps: Current::new(config.settings.native_apps.clone()),
            stopping: watch::Sender::new(false),
            metrics,
            apps,
            store,
            config,
            clock,
        }))
    }

    /// The apps at the start, or after the last successful [`reload`](Self::reload).
    pub fn apps(&self) -> Arc<Apps> {
        self.apps.get()
    }

    /// The native apps at the start, or after the last successful [`reload`](Self::reload). `None` without `[native_apps]`.
    pub fn native_apps(&self) -> Arc<Option<NativeApps>> {
        self.native_apps.get()
    }

    /// Reads the settings file again, replaces the apps, issuers and native apps, and returns the number of apps. Without a
    /// settings file it changes nothing.
    ///
    /// # Errors
    ///
    /// When the file is rejected. Nothing changes then.
    pub fn reload(&self) -> Result<usize, ConfigError> {
        let Some(path) = &self.config.settings_file else { return Ok(self.config.settings.apps.len()) };
        let mut settings = read_settings(path, self.config.jwt_secret.as_ref())?;
        if let Some(demo) = &self.config.demo {
            demo.add_to(&mut settings);
        }
        let (apps, count) = (self.config.apps(&settings), settings.apps.len());
        let Settings { issuers, limits, native_apps, .. } = settings;
        if limits != self.config.settings.limits {
            tracing::warn!("changed limits take effect after a restart");
        }
        self.identity.set_issuers(issuers);
        self.apps.set(apps);
        self.native_apps.set(native_apps);
        Ok(count)
    }

    /// Ends all held polls. From now on no poll is held, and `/readyz` returns `unavailable`.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// A receiver whose value becomes `true` when [`stop`](Self::stop) is called.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}
