//! Codes in one SQLite file.
//!
//! One connection writes, behind a lock, since SQLite writes one at a time anyway. Others read meanwhile, which a write-ahead
//! log allows. A server has the file to itself, and its codes in a [`cache`] too. Every change is one statement or one
//! transaction, so that commands may work on the file meanwhile; new records that come at once share a transaction. A file
//! written by a newer version of this server is refused at the start. Deliberately absent: other servers, who would have to
//! hear of every change. They share a Redis.

use core::mem::take;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, RowIndex, Transaction, TransactionBehavior, named_params};
use scanlogin::lifecycle::Life;
use scanlogin::protocol::Requester;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use self::cache::Cache;
use self::file::{Readers, is_busy};
use super::{Account, KeyPurpose, Redeemed, Redemption, Revision, Store, StoreError, StoredKey};
use crate::record::Record;
use crate::secrets::Hash;
use crate::unread::Unread;
use crate::user::User;
use crate::waiters::Waiters;

mod cache;
mod file;

/// What [`read_record`] reads of codes, in its order: to look columns up by their names would take as long again.
macro_rules! select_codes {
    ($condition:literal) => {
        concat!(
            "SELECT random, app_id, created_at, expires_at, life, owner, ended_at, ticket_expires_at, custom_data,
                    requester, poll_token_hash, ticket_hash, revision
             FROM codes WHERE ",
            $condition
        )
    };
}

/// A [`Store`] in one SQLite file, or in memory.
#[derive(Clone)]
pub struct SqliteStore {
    /// None for a store in memory, which has one connection.
    readers: Option<Arc<Readers>>,
    /// Its lock is tokio's: whoever waits for it takes no thread.
    writer: Arc<tokio::sync::Mutex<Connection>>,
    /// What is to be inserted by whoever writes next.
    inserts: Arc<Mutex<Vec<Insert>>>,
    cache: Arc<Cache>,
}

/// A new record, and who is to be told that it is kept.
type Insert = (Record, oneshot::Sender<Result<(), StoreError>>);

impl SqliteStore {
    /// Opens the file at `path` as its only server, brings one of an older version up to date, and makes it when it is not
    /// there. Waits a while for a server that is about to end.
    ///
    /// # Errors
    ///
    /// When another server uses it, it can't be opened, is no SQLite file, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let claim = file::claim(path)?;
        Ok(Self::new(file::open(path)?, Some(Readers::new(path)), Cache::new(Some(claim))))
    }

    /// Opens the file like [`open`](Self::open), beside a server that may use it. That hears of what is written to accounts
    /// and keys, but not of codes.
    ///
    /// # Errors
    ///
    /// Those of `open`, but for the server.
    pub fn open_beside_a_server(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::new(file::open(path)?, Some(Readers::new(path)), Cache::without_room()))
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    ///
    /// When SQLite has no memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::new(file::prepare(Connection::open_in_memory()?)?, None, Cache::new(None)))
    }

    fn new(writer: Connection, readers: Option<Readers>, cache: Cache) -> Self {
        Self {
            readers: readers.map(Arc::new),
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            inserts: Arc::default(),
            cache: Arc::new(cache),
        }
    }

    /// Runs `work` on a thread that may block.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut connection = Arc::clone(&self.writer).lock_owned().await;
        Ok(tokio::task::spawn_blocking(move || work(&mut connection)).await.map_err(StoreError::new)??)
    }

    // A list whose holder panicked is still a list.
    fn inserts(&self) -> MutexGuard<'_, Vec<Insert>> {
        self.inserts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work`, which only reads, here and now: it takes microseconds, and a way to another thread and back takes
    /// longer. A reader does not wait for those who write. When it would have to all the same, which is while somebody
    /// recovers the file after a crash, it waits with them on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if let Some(readers) = &self.readers {
            let result = readers.with(&work);
            if !is_busy(&result) {
                return Ok(result?);
            }
        }
        self.run(move |connection| work(connection)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn insert(&self, record: Record) -> Result<(), StoreError> {
        let (tell, mut told) = oneshot::channel();
        self.inserts().push((record, tell));
        let mut connection = tokio::select! {
            biased;
            // Somebody has kept it together with theirs.
            outcome = &mut told => return outcome.map_err(StoreError::new)?,
            connection = Arc::clone(&self.writer).lock_owned() => connection,
        };
        let inserts = take(&mut *self.inserts());
        let cache = Arc::clone(&self.cache);
        let inserting = tokio::task::spawn_blocking(move || insert_all(&mut connection, &cache, inserts));
        inserting.await.map_err(StoreError::new)?;
        told.await.map_err(StoreError::new)?
    }

    async fn find(&self, random: &str) -> Result<Option<(Record, Revision)>, StoreError> {
        if let Some(found) = self.cache.find(random) {
            return Ok(Some(found));
        }
        let random = random.to_owned();
        self.read(move |connection| {
            connection
                .prepare_cached(select_codes!("random = ?1"))?
                .query_row([&random], |row| Ok((read_record(row)?, Revision(row.get(12)?))))
                .optional()
        })
        .await
    }

    async fn find_by_ticket(&self, ticket: Hash) -> Result<Option<Record>, StoreError> {
        self.read(move |connection| {
            connection
                .prepare_cached(select_codes!("ticket_hash = ?1"))?
                .query_row([ticket.as_bytes()], read_record)
                .optional()
        })
        .await
    }

    async fn swap(&self, record: Record, expected: Revision) -> Result<bool, StoreError> {
        let cache = Arc::clone(&self.cache);
        self.run(move |connection| {
            let (life, owner) = write_life(&record.life)?;
            let changed = connection
                .prepare_cached(
                    "UPDATE codes
                     SET life = :life, owner = :owner, ended_at = :ended_at, ticket_expires_at = :ticket_expires_at,
                         forget_at = :forget_at, revision = revision + 1
                     WHERE random = :random AND revision = :expected",
                )?
                .execute(named_params! {
                    ":random": record.random,
                    ":expected": expected.0,
                    ":life": life,
                    ":owner": owner,
                    ":ended_at": record.ended_at.map(Timestamp::as_millisecond),
                    ":ticket_expires_at": record.ticket_expires_at.map(Timestamp::as_millisecond),
                    ":forget_at": record.forget_at().as_millisecond(),
                })?;
            let is_swapped = changed == 1;
            if is_swapped {
                cache.swap(record, Revision(expected.0 + 1));
            }
            Ok(is_swapped)
        })
        .await
    }

    async fn redeem(&self, ticket: Hash, app_id: &str, now: Timestamp) -> Result<Redemption, StoreError> {
        let app_id = app_id.to_owned();
        self.run(move |connection| {
            // Immediate: the write lock is taken before anything is read, so that nobody is told "busy" half-way.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let redemption = take_ticket(&transaction, ticket, &app_id, now)?;
            transaction.commit()?;
            Ok(redemption)
        })
        .await
    }

    async fn account(&self, user_pool_id: &str, user_id: &str) -> Result<Option<Account>, StoreError> {
        let (user_pool_id, user_id) = (user_pool_id.to_owned(), user_id.to_owned());
        self.read(move |connection| read_account(connection, &user_pool_id, &user_id)).await
    }

    async fn set_blocked(
        &self,
        user_pool_id: &str,
        user_id: &str,
        blocked: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (user_pool_id, user_id) = (user_pool_id.to_owned(), user_id.to_owned());
        self.run(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            give_pool(&transaction, &user_pool_id, &user_id)?;
            transaction
                .prepare_cached(
                    "INSERT INTO users (user_pool_id, id, signed_up, logins_count, last_ip, blocked)
                     VALUES (:user_pool_id, :id, :now, 0, '', :blocked)
                     ON CONFLICT (user_pool_id, id) DO UPDATE SET blocked = excluded.blocked",
                )?
                .execute(named_params! {
                    ":user_pool_id": user_pool_id,
                    ":id": user_id,
                    ":now": now.as_millisecond(),
                    ":blocked": blocked,
                })?;
            transaction.commit()
        })
        .await
    }

    async fn keys(&self, purpose: KeyPurpose) -> Result<Vec<StoredKey>, StoreError> {
        self.read(move |connection| read_keys(connection, purpose)).await
    }

    async fn key_or(&self, key: StoredKey) -> Result<StoredKey, StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let key = match read_keys(&transaction, key.purpose)?.into_iter().next() {
                Some(newest) => newest,
                None => {
                    write_key(&transaction, &key)?;
                    key
                }
            };
            transaction.commit()?;
            Ok(key)
        })
        .await
    }

    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError> {
        self.run(move |connection| write_key(connection, &key)).await
    }

    async fn drop_keys(&self, purpose: KeyPurpose, superseded_before: Timestamp) -> Result<usize, StoreError> {
        self.run(move |connection| {
            connection
                .prepare_cached(
                    "DELETE FROM keys WHERE purpose = :purpose AND EXISTS (
                         SELECT 1 FROM keys AS newer
                         WHERE newer.purpose = keys.purpose AND newer.created_at < :superseded_before
                           AND (newer.created_at, newer.id) > (keys.created_at, keys.id)
                     )",
                )?
                .execute(named_params! {
                    ":purpose": purpose.word(),
                    ":superseded_before": superseded_before.as_millisecond(),
                })
        })
        .await
    }

    async fn forget(&self, now: Timestamp) -> Result<usize, StoreError> {
        let cache = Arc::clone(&self.cache);
        self.run(move |connection| {
            let mut delete = connection.prepare_cached("DELETE FROM codes WHERE forget_at <= ?1 RETURNING random")?;
            let mut rows = delete.query([now.as_millisecond()])?;
            let mut forgotten = 0;
            while let Some(row) = rows.next()? {
                cache.forget(row.get_ref(0)?.as_str()?);
                forgotten += 1;
            }
            Ok(forgotten)
        })
        .await
    }

    async fn listen(&self, _: Waiters) {
        core::future::pending().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.run(|connection| connection.query_row("SELECT EXISTS (SELECT 1 FROM codes)", [], |_| Ok(()))).await
    }
}

/// Keeps what can be kept of `inserts`, and tells each what became of it.
fn insert_all(connection: &mut Connection, cache: &Cache, inserts: Vec<Insert>) {
    let (records, tells): (Vec<_>, Vec<_>) = inserts.into_iter().unzip();
    let outcomes = insert_together(connection, &records).unwrap_or_else(|error| {
        let error = StoreError::from(error);
        vec![Err(error); records.len()]
    });
    for ((record, tell), outcome) in records.into_iter().zip(tells).zip(outcomes) {
        if outcome.is_ok() {
            cache.insert(record);
        }
        // Who has gone away needs no answer.
        let _ = tell.send(outcome);
    }
}

/// One transaction costs hardly more than one for a single record. A record that can't be kept does not hinder others.
fn insert_together(connection: &mut Connection, records: &[Record]) -> rusqlite::Result<Vec<Result<(), StoreError>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcomes = records.iter().map(|record| Ok(insert(&transaction, record)?)).collect();
    transaction.commit()?;
    Ok(outcomes)
}

fn insert(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let (life, owner) = write_life(&record.life)?;
    connection
        .prepare_cached(
            "INSERT INTO codes (random, app_id, created_at, expires_at, life, owner, ended_at,
                                ticket_expires_at, forget_at, custom_data, requester, poll_token_hash,
                                ticket_hash)
             VALUES (:random, :app_id, :created_at, :expires_at, :life, :owner, :ended_at,
                     :ticket_expires_at, :forget_at, :custom_data, :requester, :poll_token_hash,
                     :ticket_hash)",
        )?
        .execute(named_params! {
            ":random": record.random,
            ":app_id": record.app_id,
            ":created_at": record.created_at.as_millisecond(),
            ":expires_at": record.expires_at.as_millisecond(),
            ":life": life,
            ":owner": owner,
            ":ended_at": record.ended_at.map(Timestamp::as_millisecond),
            ":ticket_expires_at": record.ticket_expires_at.map(Timestamp::as_millisecond),
            ":forget_at": record.forget_at().as_millisecond(),
            ":custom_data": record.custom_data.as_ref().map(Unread::as_json),
            ":requester": record.requester.as_json(),
            ":poll_token_hash": record.poll_token_hash.as_bytes(),
            ":ticket_hash": record.ticket_hash.as_bytes(),
        })?;
    Ok(())
}

fn take_ticket(
    transaction: &Transaction<'_>,
    ticket: Hash,
    app_id: &str,
    now: Timestamp,
) -> rusqlite::Result<Redemption> {
    let found = transaction
        .prepare_cached(
            "SELECT owner, requester, ticket_used_at, ticket_expires_at FROM codes
             WHERE ticket_hash = :ticket AND app_id = :app_id AND life = 'authorised'",
        )?
        .query_row(named_params! { ":ticket": ticket.as_bytes(), ":app_id": app_id }, |row| {
            let user: User = from_json(row, "owner")?;
            let requester: Requester = from_json(row, "requester")?;
            Ok((user, requester, optional_time(row, "ticket_used_at")?, optional_time(row, "ticket_expires_at")?))
        })
        .optional()?;
    let Some((user, requester, used_at, expires_at)) = found else { return Ok(Redemption::Unknown) };
    if used_at.is_some() {
        return Ok(Redemption::Used);
    }
    if expires_at.is_none_or(|expires_at| expires_at <= now) {
        return Ok(Redemption::Expired);
    }
    if read_account(transaction, &user.user_pool_id, &user.id)?.is_some_and(|account| account.is_blocked) {
        return Ok(Redemption::Blocked);
    }
    transaction
        .prepare_cached("UPDATE codes SET ticket_used_at = :now WHERE ticket_hash = :ticket")?
        .execute(named_params! { ":now": now.as_millisecond(), ":ticket": ticket.as_bytes() })?;
    let account = count_sign_in(transaction, &user, &requester, now)?;
    Ok(Redemption::Redeemed(Box::new(Redeemed { user, account })))
}

fn count_sign_in(
    transaction: &Transaction<'_>,
    user: &User,
    requester: &Requester,
    now: Timestamp,
) -> rusqlite::Result<Account> {
    give_pool(transaction, &user.user_pool_id, &user.id)?;
    transaction
        .prepare_cached(
            "INSERT INTO users (user_pool_id, id, signed_up, logins_count, last_ip)
             VALUES (:user_pool_id, :id, :now, 1, :ip)
             ON CONFLICT (user_pool_id, id) DO UPDATE SET
                 signed_up = CASE logins_count WHEN 0 THEN excluded.signed_up ELSE signed_up END,
                 logins_count = logins_count + 1,
                 last_ip = excluded.last_ip
             RETURNING signed_up, logins_count, last_ip, blocked",
        )?
        .query_row(
            named_params! {
                ":user_pool_id": user.user_pool_id,
                ":id": user.id,
                ":now": now.as_millisecond(),
                ":ip": requester.ip,
            },
            account_of_row,
        )
}

/// A user whom an older version knew has no pool. Theirs is the first in which their id comes again: there was only one.
fn give_pool(transaction: &Transaction<'_>, user_pool_id: &str, id: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE OR IGNORE users SET user_pool_id = :user_pool_id WHERE user_pool_id = '' AND id = :id")?
        .execute(named_params! { ":user_pool_id": user_pool_id, ":id": id })?;
    Ok(())
}

fn read_account(connection: &Connection, user_pool_id: &str, id: &str) -> rusqlite::Result<Option<Account>> {
    connection
        .prepare_cached(
            "SELECT signed_up, logins_count, last_ip, blocked FROM users
             WHERE user_pool_id IN (:user_pool_id, '') AND id = :id
             ORDER BY user_pool_id DESC LIMIT 1",
        )?
        .query_row(named_params! { ":user_pool_id": user_pool_id, ":id": id }, account_of_row)
        .optional()
}

fn account_of_row(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        signed_up: time(row, "signed_up")?,
        logins_count: row.get("logins_count")?,
        last_ip: row.get("last_ip")?,
        is_blocked: row.get("blocked")?,
    })
}

fn read_keys(connection: &Connection, purpose: KeyPurpose) -> rusqlite::Result<Vec<StoredKey>> {
    connection
        .prepare_cached(
            "SELECT id, algorithm, secret, created_at FROM keys WHERE purpose = ?1
             ORDER BY created_at DESC, id DESC",
        )?
        .query_map([purpose.word()], |row| {
            Ok(StoredKey {
                id: row.get("id")?,
                purpose,
                algorithm: row.get("algorithm")?,
                secret: row.get("secret")?,
                created_at: time(row, "created_at")?,
            })
        })?
        .collect()
}

fn write_key(connection: &Connection, key: &StoredKey) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO keys (id, purpose, algorithm, secret, created_at)
             VALUES (:id, :purpose, :algorithm, :secret, :created_at)",
        )?
        .execute(named_params! {
            ":id": key.id,
            ":purpose": key.purpose.word(),
            ":algorithm": key.algorithm,
            ":secret": key.secret,
            ":created_at": key.created_at.as_millisecond(),
        })?;
    Ok(())
}

fn read_record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        random: row.get(0)?,
        app_id: row.get(1)?,
        created_at: time(row, 2)?,
        expires_at: time(row, 3)?,
        life: read_life(row)?,
        ended_at: optional_time(row, 6)?,
        ticket_expires_at: optional_time(row, 7)?,
        custom_data: row.get::<_, Option<Box<str>>>(8)?.map(Unread::from_json),
        requester: Unread::from_json(row.get::<_, Box<str>>(9)?),
        poll_token_hash: Hash::from_bytes(row.get(10)?),
        ticket_hash: Hash::from_bytes(row.get(11)?),
    })
}

fn read_life(row: &Row<'_>) -> rusqlite::Result<Life<User>> {
    let owner = || from_json(row, 5);
    Ok(match row.get_ref(4)?.as_str()? {
        "unused" => Life::Unused,
        "scanned" => Life::Scanned(owner()?),
        "authorised" => Life::Authorised(owner()?),
        "cancelled" => Life::Cancelled(owner()?),
        "failed" => Life::Failed(owner()?),
        word => return Err(unreadable(format!("no life is called {word}"))),
    })
}

fn write_life(life: &Life<User>) -> rusqlite::Result<(&'static str, Option<String>)> {
    let word = match life {
        Life::Unused => "unused",
        Life::Scanned(_) => "scanned",
        Life::Authorised(_) => "authorised",
        Life::Cancelled(_) => "cancelled",
        Life::Failed(_) => "failed",
    };
    Ok((word, life.owner().map(to_json).transpose()?))
}

fn time(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(unreadable)
}

fn optional_time(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(|at| Timestamp::from_millisecond(at).map_err(unreadable)).transpose()
}

fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(unreadable)
}

fn unreadable(cause: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, cause.into())
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(error)
    }
}
