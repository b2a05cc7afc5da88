//! Codes, accounts and keys in a Redis that several servers share.
//!
//! Invariant: every change is one command, one transaction or one script (`*.lua`). A crash of a server therefore leaves no
//! partial change.
//!
//! Redis deletes codes by key expiry. The clocks of Redis and of the servers may differ by a few minutes: a code is kept
//! for five minutes after its end.
//!
//! - `scanlogin:code:RANDOM`: a hash with the record as JSON, its revision, and the fields that the scripts read.
//! - `scanlogin:ticket:HASH`: the `random` of the code that the ticket belongs to.
//! - `scanlogin:account:LENGTH:POOL:USER`: a hash without expiry. `LENGTH` is the length of `POOL` in bytes. It makes the
//!   key unambiguous if an id contains a colon.
//! - `scanlogin:keys:PURPOSE`: a sorted set of keys as JSON. The score is the creation time.
//! - `scanlogin:ping`: an empty string that expires. Writing it shows that Redis accepts writes.
//! - `scanlogin:news`: a channel. Every swap publishes the `random` of its code there.
//!
//! Requires Redis 7 or newer with an eviction policy that evicts no keys. Deliberately absent: Redis Cluster, because a
//! script uses keys of several slots; and reads from replicas, because a replica may be behind.

use core::convert::Infallible;
use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use redis::aio::{PubSubSink, PubSubStream};
use redis::io::tcp::TcpSettings;
use redis::{
    Client, Cmd, IntoConnectionInfo as _, ProtocolVersion, RedisError, Script, Value, cmd, from_redis_value, pipe,
};
use scanlogin_protocol::lifecycle::CodeState;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use self::cache::{CachedRecord, RecordCache};
use self::connection::SharedConnection;
use super::{Account, KeyPurpose, Redeemed, Redemption, Revision, Store, StoreError, StoredKey};
use crate::secrets::Hash;
use crate::store::address::RedisAddress;
use crate::store::notify::CodeNotifier;
use crate::store::record::Record;

mod cache;
mod connection;

/// The default `timeout` of [`RedisStore::open`].
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

const CODE: &str = "scanlogin:code:";
const CHANNEL: &str = "scanlogin:news";
/// The time without a message after which the subscription is checked with a ping.
const PING_AFTER: Duration = Duration::from_secs(5);
/// The first and the longest pause between attempts to subscribe. The pause doubles after each failure.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// A [`Store`] in Redis.
pub struct RedisStore {
    client: Client,
    timeout: Duration,
    connection: SharedConnection,
    cache: RecordCache,
    write: Script,
    redeem: Script,
    get_or_insert_key: Script,
    delete_superseded_keys: Script,
}

impl RedisStore {
    /// Connects to the Redis at `address`. `timeout` applies to connecting and to each response.
    ///
    /// # Errors
    ///
    /// When Redis can't be reached within the timeout, or rejects the credentials.
    pub async fn open(address: &RedisAddress, timeout: Duration) -> Result<Self, StoreError> {
        // An error means that a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let info = address.expose().into_connection_info()?;
        // With RESP3 the client reports the end of a connection as a push message.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let info = info.set_redis_settings(settings).set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = Client::open(info)?;
        let store = Self {
            connection: SharedConnection::new(client.clone(), timeout),
            cache: RecordCache::default(),
            client,
            timeout,
            write: Script::new(include_str!("write.lua")),
            redeem: Script::new(include_str!("redeem.lua")),
            get_or_insert_key: Script::new(include_str!("get_or_insert_key.lua")),
            delete_superseded_keys: Script::new(include_str!("delete_superseded_keys.lua")),
        };
        // Reads are enough for a start: a replica may become the primary later, and `/readyz` checks writes.
        cmd("PING").exec_async(&mut store.connection.clone()).await?;
        Ok(store)
    }

    /// Writes a new code if `expected` is `None`; otherwise replaces the code at the revision `expected`. Returns `false` if
    /// the code exists already, or has another revision.
    async fn write(&self, record: &Record, expected: Option<Revision>) -> Result<bool, StoreError> {
        let mut write = self.write.key(code_key(&record.random));
        write
            .key(ticket_key(record.ticket_hash))
            .arg(expected.map(|Revision(revision)| revision.to_string()).unwrap_or_default())
            .arg(record.purge_at().as_millisecond())
            .arg(&record.random)
            .arg(CHANNEL)
            .arg(("record", to_json(record)?))
            .arg(("app_id", &record.app_id));
        if let (CodeState::Authorised(user), Some(expires_at)) = (&record.state, record.ticket_expires_at) {
            write
                .arg(("account", account_key(&user.user_pool_id, &user.id)))
                .arg(("ip", record.requester.read().map_err(StoreError::new)?.ip))
                .arg(("ticket_expires_at", expires_at.as_millisecond()));
        }
        Ok(write.invoke_async(&mut self.connection.clone()).await?)
    }

    /// Opens a separate connection and subscribes it to [`CHANNEL`].
    async fn subscribe(&self) -> Result<(PubSubSink, PubSubStream), StoreError> {
        let subscribe = async {
            let (mut sink, messages) = self.client.get_async_pubsub().await?.split();
            sink.subscribe(CHANNEL).await?;
            Ok((sink, messages))
        };
        timeout(self.timeout, subscribe).await.map_err(StoreError::new)?
    }

    /// Wakes `notifier` for each message. Returns an error when the connection is lost.
    async fn forward_changes(
        &self,
        mut sink: PubSubSink,
        mut messages: PubSubStream,
        notifier: &CodeNotifier,
    ) -> Result<Infallible, StoreError> {
        loop {
            match timeout(PING_AFTER, messages.next()).await {
                Ok(Some(message)) => notifier.wake(&message.get_payload::<String>().map_err(StoreError::new)?),
                Ok(None) => return Err(StoreError::new("connection lost")),
                Err(_) => timeout(self.timeout, sink.ping::<()>()).await.map_err(StoreError::new)??,
            }
        }
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn insert(&self, record: Arc<Record>) -> Result<(), StoreError> {
        if self.write(&record, None).await? { Ok(()) } else { Err(StoreError::new("code id exists already")) }
    }

    async fn find(&self, random: &str) -> Result<Option<(Arc<Record>, Revision)>, StoreError> {
        let (connection, key) = (&self.connection, code_key(random));
        if let Some(CachedRecord { record, revision, generation }) = self.cache.find(random) {
            // The most frequent command. It is as long as its three words, so that its buffers do not grow.
            let mut find = Cmd::with_capacity(3, "HGET".len() + key.len() + "revision".len());
            find.arg("HGET").arg(&key).arg("revision");
            let current: Option<i64> = connection.query(find).await?;
            // The generation is compared after the response: a new connection may have been opened for this command.
            if current == Some(revision.0) && connection.generation() == generation {
                return Ok(Some((record, revision)));
            }
        }
        // This is read before the record. If a new connection is opened in between, the cached record counts as outdated.
        let generation = connection.generation();
        let mut find = cmd("HMGET");
        find.arg(&key).arg(&["record", "revision"]);
        let (Some(record), Some(revision)): (Option<String>, Option<i64>) = connection.query(find).await? else {
            return Ok(None);
        };
        let (record, revision) = (Arc::new(from_json::<Record>(&record)?), Revision(revision));
        self.cache.insert(CachedRecord { record: Arc::clone(&record), revision, generation });
        Ok(Some((record, revision)))
    }

    async fn find_by_ticket(&self, ticket: Hash) -> Result<Option<Arc<Record>>, StoreError> {
        let random: Option<String> =
            cmd("GET").arg(ticket_key(ticket)).query_async(&mut self.connection.clone()).await?;
        match random {
            Some(random) => {
                let found = self.find(&random).await?.map(|(record, _)| record);
                Ok(found.filter(|record| record.state.authorised_user().is_some()))
            }
            None => Ok(None),
        }
    }

    async fn swap(&self, record: Arc<Record>, expected: Revision) -> Result<bool, StoreError> {
        self.write(&record, Some(expected)).await
    }

    async fn redeem(&self, ticket: Hash, app_id: &str, now: Timestamp) -> Result<Redemption, StoreError> {
        let mut redeem = self.redeem.key(ticket_key(ticket));
        redeem.arg(CODE).arg(app_id).arg(now.as_millisecond());
        let result: Value = redeem.invoke_async(&mut self.connection.clone()).await?;
        if let Value::BulkString(word) = result {
            return match word.as_slice() {
                b"unknown" => Ok(Redemption::Unknown),
                b"used" => Ok(Redemption::Used),
                b"expired" => Ok(Redemption::Expired),
                b"blocked" => Ok(Redemption::Blocked),
                _ => Err(StoreError::new("redeem.lua returned an unknown result")),
            };
        }
        let (record, account): (String, AccountFields) = from_redis_value(result).map_err(StoreError::new)?;
        let record: Record = from_json(&record)?;
        match (record.state, read_account(account)?) {
            (CodeState::Authorised(user), Some(account)) => {
                Ok(Redemption::Redeemed(Box::new(Redeemed { user, account })))
            }
            _ => Err(StoreError::new("redeem.lua consumed a ticket without an authorised code or an account")),
        }
    }

    async fn account(&self, user_pool_id: &str, user_id: &str) -> Result<Option<Account>, StoreError> {
        let mut find = cmd("HMGET");
        find.arg(account_key(user_pool_id, user_id)).arg(&["signed_up", "logins_count", "last_ip", "blocked"]);
        read_account(find.query_async(&mut self.connection.clone()).await?)
    }

    async fn set_blocked(
        &self,
        user_pool_id: &str,
        user_id: &str,
        blocked: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = account_key(user_pool_id, user_id);
        pipe()
            .atomic()
            .hset_nx(&key, "signed_up", now.as_millisecond())
            .hset_nx(&key, "logins_count", 0)
            .hset_nx(&key, "last_ip", "")
            .hset(&key, "blocked", i32::from(blocked))
            .exec_async(&mut self.connection.clone())
            .await?;
        Ok(())
    }

    async fn keys(&self, purpose: KeyPurpose) -> Result<Vec<StoredKey>, StoreError> {
        let mut list = cmd("ZRANGE");
        list.arg(keys_key(purpose)).arg(0).arg(-1).arg("REV");
        let keys: Vec<String> = list.query_async(&mut self.connection.clone()).await?;
        keys.iter().map(|key| read_key(purpose, key)).collect()
    }

    async fn get_or_insert_key(&self, key: StoredKey) -> Result<StoredKey, StoreError> {
        let mut get_or_insert_key = self.get_or_insert_key.key(keys_key(key.purpose));
        get_or_insert_key.arg(key.created_at.as_millisecond()).arg(write_key(&key)?);
        let newest: String = get_or_insert_key.invoke_async(&mut self.connection.clone()).await?;
        read_key(key.purpose, &newest)
    }

    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError> {
        let mut add = cmd("ZADD");
        add.arg(keys_key(key.purpose)).arg(key.created_at.as_millisecond()).arg(write_key(&key)?);
        Ok(add.exec_async(&mut self.connection.clone()).await?)
    }

    async fn delete_superseded_keys(
        &self,
        purpose: KeyPurpose,
        superseded_before: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut delete_superseded_keys = self.delete_superseded_keys.key(keys_key(purpose));
        delete_superseded_keys.arg(superseded_before.as_millisecond());
        Ok(delete_superseded_keys.invoke_async(&mut self.connection.clone()).await?)
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.cache.purge_expired(now);
        Ok(0)
    }

    async fn listen(&self, notifier: CodeNotifier) {
        let (mut pause, mut is_logged) = (RETRY_PAUSES.0, false);
        loop {
            let error = match self.subscribe().await {
                Ok((sink, messages)) => {
                    tracing::info!("subscribed to code changes of other servers");
                    // Messages that were published before the subscription are lost.
                    notifier.wake_all();
                    (pause, is_logged) = (RETRY_PAUSES.0, false);
                    let Err(error) = self.forward_changes(sink, messages, &notifier).await;
                    error
                }
                Err(error) => error,
            };
            if !is_logged {
                tracing::warn!(%error, "no subscription to code changes of other servers, retrying");
                is_logged = true;
            }
            sleep(pause).await;
            pause = (pause * 2).min(RETRY_PAUSES.1);
        }
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        // A replica and a Redis without free memory answer PING, but refuse this command.
        Ok(cmd("SET").arg("scanlogin:ping").arg("").arg("EX").arg(60).exec_async(&mut self.connection.clone()).await?)
    }
}

fn code_key(random: &str) -> String {
    format!("{CODE}{random}")
}

fn ticket_key(ticket: Hash) -> String {
    format!("scanlogin:ticket:{ticket}")
}

fn account_key(user_pool_id: &str, user_id: &str) -> String {
    format!("scanlogin:account:{}:{user_pool_id}:{user_id}", user_pool_id.len())
}

fn keys_key(purpose: KeyPurpose) -> String {
    format!("scanlogin:keys:{}", purpose.as_str())
}

/// `signed_up`, `logins_count`, `last_ip` and `blocked`. All are `None` if there is no account.
type AccountFields = (Option<i64>, Option<i64>, Option<String>, Option<i32>);

fn read_account((signed_up, logins_count, last_ip, blocked): AccountFields) -> Result<Option<Account>, StoreError> {
    let (Some(signed_up), Some(logins_count), Some(last_ip)) = (signed_up, logins_count, last_ip) else {
        return Ok(None);
    };
    Ok(Some(Account { signed_up: time(signed_up)?, logins_count, last_ip, is_blocked: blocked == Some(1) }))
}

/// The JSON of a key. The purpose is part of the Redis key instead.
#[derive(Serialize, Deserialize)]
struct KeyFields {
    // Invariant: the first field. Redis orders members with equal scores by their bytes, so equal times sort by id.
    id: String,
    algorithm: String,
    /// base64url without padding.
    secret: String,
    /// Milliseconds since 1970.
    created_at: i64,
}

fn write_key(key: &StoredKey) -> Result<String, StoreError> {
    to_json(&KeyFields {
        id: key.id.clone(),
        algorithm: key.algorithm.clone(),
        secret: URL_SAFE_NO_PAD.encode(&key.secret),
        created_at: key.created_at.as_millisecond(),
    })
}

fn read_key(purpose: KeyPurpose, json: &str) -> Result<StoredKey, StoreError> {
    let KeyFields { id, algorithm, secret, created_at } = from_json(json)?;
    let secret = URL_SAFE_NO_PAD.decode(secret).map_err(StoreError::new)?;
    Ok(StoredKey { id, purpose, algorithm, secret, created_at: time(created_at)? })
}

fn time(milliseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(milliseconds).map_err(StoreError::new)
}

fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::new)
}

fn from_json<T: for<'a> Deserialize<'a>>(json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(StoreError::new)
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        Self::new(error)
    }
}
