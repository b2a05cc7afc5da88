//! The [`Store`] trait: storage of codes, accounts of users, and keys of the server.
//!
//! A store contains no business rules. `scanlogin_protocol::lifecycle` decides which transitions a code may make. The store
//! provides compare-and-swap, one-time redemption of tickets, and counters.
//!
//! Invariant: a store gets only the hashes of poll tokens and tickets. The only secrets in a store are the keys that
//! several servers share.

use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::secrets::Hash;
use crate::store::notify::CodeNotifier;
use crate::store::record::Record;
use crate::store::user::User;

pub mod address;

pub mod notify;

pub(crate) mod open;

pub mod raw_json;

pub mod record;

pub mod redis;

pub mod sqlite;

pub mod user;

/// The version of a stored record. It increases by one with each swap, and a swap compares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision(pub i64);

/// The result of an attempt to redeem a ticket.
#[derive(Debug, Clone, PartialEq)]
pub enum Redemption {
    /// The ticket was valid and is now consumed.
    Redeemed(Box<Redeemed>),
    /// No authorised code of the app has this ticket.
    Unknown,
    /// The ticket was redeemed before.
    Used,
    /// The ticket has expired.
    Expired,
    /// The user was blocked after the code was authorised. The ticket is not consumed.
    Blocked,
}

/// The data that a valid ticket returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Redeemed {
    /// The user who authorised the code.
    pub user: User,
    /// The account of the user, after this sign-in.
    pub account: Account,
}

/// The data that the server keeps of a user between sign-ins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The time of the first sign-in. For a user without a sign-in: when the account was first blocked or unblocked.
    pub signed_up: Timestamp,
    /// The number of sign-ins, including the current one.
    pub logins_count: i64,
    /// The IP address of the browser of the last sign-in. Empty before the first one.
    pub last_ip: String,
    /// Whether an operator has blocked the user.
    pub is_blocked: bool,
}

/// The purpose of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Signs the tokens of users.
    Signing,
    /// Derives the poll tokens of apps with `compat.poll_without_token`.
    PollToken,
}

impl KeyPurpose {
    /// The name in the store. Invariant: it never changes, because existing stores contain it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::PollToken => "poll-token",
        }
    }
}

/// A key that all servers on one store share. `Debug` does not print the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The id, unique among the keys of all purposes.
    pub id: String,
    /// The use of the key. Each purpose has its own newest key.
    pub purpose: KeyPurpose,
    /// The name of the algorithm: `EdDSA` or `HMAC-SHA-256`.
    pub algorithm: String,
    /// The bytes of the key.
    pub secret: Vec<u8>,
    /// The creation time. If two keys have the same time, the key with the greater id is newer.
    pub created_at: Timestamp,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, purpose, algorithm, secret: _, created_at } = self;
        write!(formatter, "StoredKey({id}, {purpose:?}, {algorithm}, {created_at})")
    }
}

/// Stores codes, accounts and keys.
#[async_trait]
pub trait Store: Send + Sync {
    /// Stores a new code. Fails if its id exists already.
    async fn insert(&self, record: Arc<Record>) -> Result<(), StoreError>;

    /// Returns the code `random` and its revision. `None` if there is no such code.
    async fn find(&self, random: &str) -> Result<Option<(Arc<Record>, Revision)>, StoreError>;

    /// Returns the authorised code with this ticket. `None` if there is none. A code has no valid ticket in other states.
    async fn find_by_ticket(&self, ticket: Hash) -> Result<Option<Arc<Record>>, StoreError>;

    /// Replaces the stored record with `record` if its revision is `expected`, atomically. Returns `false` if the revision
    /// differs.
    async fn swap(&self, record: Arc<Record>, expected: Revision) -> Result<bool, StoreError>;

    /// Consumes a ticket of the app `app_id` and counts the sign-in, atomically. Of several concurrent callers, one gets
    /// [`Redemption::Redeemed`].
    async fn redeem(&self, ticket: Hash, app_id: &str, now: Timestamp) -> Result<Redemption, StoreError>;

    /// Returns the account of a user. `None` if the user never signed in and was never blocked or unblocked.
    async fn account(&self, user_pool_id: &str, user_id: &str) -> Result<Option<Account>, StoreError>;

    /// Blocks or unblocks a user. Creates the account if there is none.
    async fn set_blocked(
        &self,
        user_pool_id: &str,
        user_id: &str,
        blocked: bool,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Returns all keys of `purpose`, newest first.
    async fn keys(&self, purpose: KeyPurpose) -> Result<Vec<StoredKey>, StoreError>;

    /// Stores `key` if its purpose has no key yet, and returns the newest key of the purpose, atomically. Two servers that
    /// start at the same time therefore get the same key.
    async fn get_or_insert_key(&self, key: StoredKey) -> Result<StoredKey, StoreError>;

    /// Stores an additional key.
    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError>;

    /// Deletes the superseded keys of `purpose` and returns their number. A key is superseded if a newer key was created
    /// before `superseded_before`. The newest key is never deleted.
    async fn delete_superseded_keys(
        &self,
        purpose: KeyPurpose,
        superseded_before: Timestamp,
    ) -> Result<usize, StoreError>;

    /// Deletes every code whose [`Record::purge_at`] has passed at `now`, and returns their number. Other changes can run
    /// between two deletions. Returns 0 if the store expires codes by itself.
    async fn purge_expired(&self, now: Timestamp) -> Result<usize, StoreError>;

    /// Wakes `notifier` when another process changes a code. Never returns. A store for a single server wakes no
    /// subscription.
    async fn listen(&self, notifier: CodeNotifier);

    /// Checks that the store accepts writes.
    async fn check_writable(&self) -> Result<(), StoreError>;
}

/// A failure of the store. The text is for the log, not for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(String);

impl StoreError {
    /// An error with the text of `cause`.
    pub fn new(cause: impl fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl core::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_key_debug_omits_the_secret() {
        let key = StoredKey {
            id: "k1".to_owned(),
            purpose: KeyPurpose::Signing,
            algorithm: "EdDSA".to_owned(),
            secret: b"hush".to_vec(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(format!("{key:?}"), "StoredKey(k1, Signing, EdDSA, 1970-01-01T00:00:00Z)");
    }
}
