//! What every call works with: the configuration, the store, the clock, the keys, and who waits for news.
//!
//! Here a code is made, found, and moved along its life by compare-and-swap. Deliberately absent: HTTP, and any decision
//! about a life, which is `scanlogin_protocol::lifecycle`'s.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use scanlogin_protocol::lifecycle::{Action, Life, Step};
use serde_json::{Map, Value};
use tokio::sync::{OnceCell, watch};

use crate::auth::Identity;
use crate::auth::signing_keys::SigningKeys;
use crate::client::Browser;
use crate::clock::{Clock, later, rfc3339};
use crate::config::app::{App, Apps};
use crate::config::settings::Settings;
use crate::config::{Config, ConfigError, read_settings};
use crate::http::error::ApiError;
use crate::rate_limit::Meters;
use crate::secrets::{self, Hash, PollKey, RandomError, Secret};
use crate::store::notify::Waiters;
use crate::store::open::open_store;
use crate::store::raw_json::RawJson;
use crate::store::record::Record;
use crate::store::sqlite::SqliteStore;
use crate::store::user::User;
use crate::store::{KeyPurpose, Revision, Store, StoreError, StoredKey};
use crate::telemetry::audit::Event;
use crate::telemetry::measured_store::MeasuredStore;
use crate::telemetry::metrics::Metrics;

/// A life has two steps, so whoever has lost this many races finds a code that has ended.
const MAX_ATTEMPTS: usize = 3;
/// A QR code can hold 2,331 bytes at this error correction, in modules too fine for a phone at arm's length. With this
/// many it has at most 121 modules from edge to edge.
const MAX_TEXT_BYTES: usize = 1_000;

/// What every call works with.
pub struct Service {
    /// What the server is to do.
    pub config: Config,
    /// What time it is.
    pub clock: Clock,
    /// Where codes are kept.
    pub store: Arc<dyn Store>,
    /// Who waits for news of which code.
    pub waiters: Waiters,
    /// Knows users by their tokens.
    pub identity: Identity,
    /// What the tokens that we hand out are signed with.
    pub signing_keys: SigningKeys,
    /// Who does what too often.
    pub meters: Meters,
    /// What has been counted.
    pub metrics: Metrics,
    apps: RwLock<Arc<Apps>>,
    own_key: PollKey,
    shared_key: OnceCell<PollKey>,
    stopping: watch::Sender<bool>,
}

/// A code that was looked for.
pub struct Found {
    /// The code.
    pub record: Record,
    /// The revision that it is in.
    pub revision: Revision,
    /// The app that it signs in to.
    pub app: Arc<App>,
    /// What time it was then.
    pub now: Timestamp,
}

impl Service {
    /// Opens the store that `config` names, on the clock of this machine.
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

    /// Works with a store and a clock of the caller's.
    ///
    /// # Errors
    ///
    /// When the system has no random numbers.
    pub fn new(config: Config, store: Arc<dyn Store>, clock: Clock) -> Result<Arc<Self>, RandomError> {
        let metrics = Metrics::default();
        let store: Arc<dyn Store> = Arc::new(MeasuredStore::new(store, metrics.store.clone()));
        Ok(Arc::new(Self {
            store: Arc::clone(&store),
            metrics,
            identity: Identity::new(config.jwt_secret.as_ref(), config.settings.issuers.clone(), clock.clone()),
            signing_keys: SigningKeys::new(store, clock.clone()),
            apps: RwLock::new(Arc::new(Apps::new(config.settings.apps.clone()))),
            own_key: PollKey::random()?,
            shared_key: OnceCell::new(),
            waiters: Waiters::default(),
            meters: Meters::new(&config.settings.limits),
            stopping: watch::Sender::new(false),
            config,
            clock,
        }))
    }

    /// The apps of now.
    pub fn apps(&self) -> Arc<Apps> {
        Arc::clone(&self.apps.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file of settings again, and returns how many apps it describes. Requests that are under way end by the
    /// settings that they began with.
    ///
    /// # Errors
    ///
    /// When the file is refused; then nothing has changed.
    pub fn reload(&self) -> Result<usize, ConfigError> {
        let Some(path) = &self.config.settings_file else { return Ok(self.config.settings.apps.len()) };
        let Settings { apps, issuers, limits } = read_settings(path, self.config.jwt_secret.as_ref())?;
        if limits != self.config.settings.limits {
            tracing::warn!("the limits have changed, and count from the next start on");
        }
        let count = apps.len();
        self.identity.set_issuers(issuers);
        *self.apps.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Apps::new(apps));
        Ok(count)
    }

    /// Makes a code of `app`, and the poll token of the browser that asked for it.
    ///
    /// # Errors
    ///
    /// When the code would be too dense to be scanned, and when the store or the random numbers fail.
    pub async fn create(
        &self,
        app: &App,
        custom_data: Option<Map<String, Value>>,
        browser: Browser,
    ) -> Result<(Record, Secret), ApiError> {
        let random = secrets::random_id()?;
        let key = if app.compat.poll_without_token { self.shared_key().await? } else { &self.own_key };
        let poll_token = key.poll_token(&random);
        let created_at = self.clock.now();
        let record = Record {
            app_id: app.id.clone(),
            created_at,
            expires_at: later(created_at, app.code_lifetime),
            life: Life::Unused,
            ended_at: None,
            ticket_expires_at: None,
            custom_data: custom_data.as_ref().map(RawJson::of).transpose()?,
            requester: RawJson::of(&browser.requester(&app.name, rfc3339(created_at)))?,
            poll_token_hash: Hash::of(poll_token.expose()),
            ticket_hash: Hash::of(secrets::ticket(&poll_token, &random).expose()),
            random,
        };
        let length = Self::text(app, &record)?.len();
        if length > MAX_TEXT_BYTES {
            return Err(ApiError::InvalidParameter {
                name: "customData".into(),
                problem: format!(
                    "makes the text of the code {length} bytes long; {MAX_TEXT_BYTES} can be scanned well"
                ),
            });
        }
        self.store.insert(record.clone()).await?;
        self.metrics.count_code(&record);
        Ok((record, poll_token))
    }

    /// The code `random`.
    ///
    /// # Errors
    ///
    /// [`ApiError::UnknownCode`] when there is none, its app is gone, or its time to be remembered is over.
    pub async fn load(&self, random: &str) -> Result<Found, ApiError> {
        let (record, revision) = self.store.find(random).await?.ok_or(ApiError::UnknownCode)?;
        let app = self.apps().find(&record.app_id).cloned().ok_or(ApiError::UnknownCode)?;
        let now = self.clock.now();
        if now < record.remembered_until() {
            Ok(Found { record, revision, app, now })
        } else {
            Err(ApiError::UnknownCode)
        }
    }

    /// Does what `user` asks of the code `random`, if its life has such a step, and tells everybody who waits for it.
    /// `event` learns which code it is.
    ///
    /// # Errors
    ///
    /// The reason why there is no such step, or [`ApiError::Blocked`] for a confirm that has failed. Of several callers
    /// at once one wins, and the others find the code changed.
    pub async fn act(&self, action: Action, random: &str, user: &User, event: &mut Event) -> Result<Record, ApiError> {
        for _ in 0..MAX_ATTEMPTS {
            let Found { record, revision, app, now } = self.load(random).await?;
            event.is_about(&record)?;
            if user.user_pool_id != app.user_pool_id {
                return Err(ApiError::WrongPool);
            }
            let is_owner = |owner: &User| owner.is(user);
            match record.life.apply(action, user.clone(), is_owner, record.past_expiry(now))? {
                Step::Stay => return Ok(record),
                Step::Become(life) => {
                    let life = self.fail_if_blocked(life).await?;
                    let record = record.step(life, now, app.ticket_lifetime);
                    if self.store.swap(record.clone(), revision).await? {
                        self.waiters.wake(random);
                        self.metrics.count_code(&record);
                        return if matches!(record.life, Life::Failed(_)) {
                            Err(ApiError::Blocked)
                        } else {
                            Ok(record)
                        };
                    }
                }
            }
        }
        tracing::error!("a code changed more often than its life has steps");
        Err(ApiError::Internal)
    }

    /// What a confirm comes to: nobody who is locked out signs in.
    async fn fail_if_blocked(&self, life: Life<User>) -> Result<Life<User>, ApiError> {
        let Life::Authorised(user) = life else { return Ok(life) };
        let account = self.store.account(&user.user_pool_id, &user.id).await?;
        let is_blocked = account.is_some_and(|account| account.is_blocked);
        Ok(if is_blocked { Life::Failed(user) } else { Life::Authorised(user) })
    }

    /// The text in the QR code of `record`, which is one of `app`.
    ///
    /// # Errors
    ///
    /// [`ApiError::Internal`] when it can't be written.
    pub fn text(app: &App, record: &Record) -> Result<String, ApiError> {
        Ok(serde_json::to_string(&record.payload(&app.user_pool_id))?)
    }

    /// The poll token of the browser that asked for `record`, made again for a client that does not bring it. `None` for
    /// a code from before its app let such clients poll.
    ///
    /// # Errors
    ///
    /// When the store does not tell the key.
    pub async fn poll_token_again(&self, record: &Record) -> Result<Option<Secret>, ApiError> {
        let poll_token = self.shared_key().await?.poll_token(&record.random);
        Ok(Some(poll_token).filter(|token| record.poll_token_hash.is_of(token.expose())))
    }

    /// The key that all servers on one store share, made by the first that needs it.
    async fn shared_key(&self) -> Result<&PollKey, ApiError> {
        let load = async || {
            let new = StoredKey {
                id: secrets::random_id()?,
                purpose: KeyPurpose::PollToken,
                algorithm: "HMAC-SHA-256".to_owned(),
                secret: PollKey::random()?.as_bytes().to_vec(),
                created_at: self.clock.now(),
            };
            PollKey::from_bytes(&self.store.key_or(new).await?.secret).ok_or_else(|| {
                tracing::error!("the key for poll tokens in the store is none");
                ApiError::Internal
            })
        };
        self.shared_key.get_or_try_init(load).await
    }

    /// From now on no poll waits, and those that do are answered.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Listens for [`stop`](Self::stop).
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}
