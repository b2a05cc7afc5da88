//! Where codes, users' accounts and the server's keys are kept: a small trait, so that a second store needs only this.
//!
//! A store compares, swaps and counts; it never decides. What may happen to a code stands in `scanlogin_protocol::lifecycle`,
//! what may be seen of it in [`crate::http::api`]. Deliberately absent: poll tokens and tickets. Of them a store gets hashes;
//! the only secrets in it are the keys that several servers share.

use core::fmt;

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

/// How often a record has been swapped: what a swap is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision(pub i64);

/// What became of a ticket that was brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Redemption {
    /// It was good, and is so no longer.
    Redeemed(Box<Redeemed>),
    /// No authorised code has it.
    Unknown,
    /// It has been redeemed before.
    Used,
    /// It was brought too late.
    Expired,
    /// Its user has been locked out since the code was authorised. The ticket is as good as before.
    Blocked,
}

/// What a good ticket brings.
#[derive(Debug, Clone, PartialEq)]
pub struct Redeemed {
    /// The user who authorised the code.
    pub user: User,
    /// What the server knows of them.
    pub account: Account,
}

/// What the server remembers of a user from one sign-in to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// When they first signed in here, or were locked out before they ever did.
    pub signed_up: Timestamp,
    /// How often they have signed in, this time included.
    pub logins_count: i64,
    /// The address of the browser that they last signed in with; empty before they did.
    pub last_ip: String,
    /// Whether somebody has locked them out.
    pub is_blocked: bool,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    /// The tokens of users are signed with it.
    Signing,
    /// Poll tokens are made from it.
    PollToken,
}

impl KeyPurpose {
    /// The word that is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::PollToken => "poll-token",
        }
    }
}

/// A key that all servers on one store share.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Names it, among those of any purpose.
    pub id: String,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// What it is used with.
    pub algorithm: String,
    /// The key itself.
    pub secret: Vec<u8>,
    /// When it was made. Of two keys of one time, that with the greater id is the newer.
    pub created_at: Timestamp,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, purpose, algorithm, secret: _, created_at } = self;
        write!(formatter, "StoredKey({id}, {purpose:?}, {algorithm}, {created_at})")
    }
}

/// Keeps codes, accounts and keys, and counts the sign-ins of users.
#[async_trait]
pub trait Store: Send + Sync {
    /// Keeps a new code.
    async fn insert(&self, record: Record) -> Result<(), StoreError>;

    /// The code `random`, and the revision that it is in.
    async fn find(&self, random: &str) -> Result<Option<(Record, Revision)>, StoreError>;

    /// The code that `ticket` belongs to.
    async fn find_by_ticket(&self, ticket: Hash) -> Result<Option<Record>, StoreError>;

    /// Puts `record` in place of what was read as `expected`, in one step. `false`: somebody else was faster.
    async fn swap(&self, record: Record, expected: Revision) -> Result<bool, StoreError>;

    /// Takes a ticket of `app_id` and counts the sign-in, in one step: of any number of callers one gets the user.
    async fn redeem(&self, ticket: Hash, app_id: &str, now: Timestamp) -> Result<Redemption, StoreError>;

    /// What is known of a user.
    async fn account(&self, user_pool_id: &str, user_id: &str) -> Result<Option<Account>, StoreError>;

    /// Locks a user out, or lets them in again; known or not yet.
    async fn set_blocked(
        &self,
        user_pool_id: &str,
        user_id: &str,
        blocked: bool,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// All keys of `purpose`, newest first.
    async fn keys(&self, purpose: KeyPurpose) -> Result<Vec<StoredKey>, StoreError>;

    /// Keeps `key` if there is none of its purpose yet, and tells the newest that there is then, in one step: of two
    /// servers that start at once both get the same key.
    async fn key_or(&self, key: StoredKey) -> Result<StoredKey, StoreError>;

    /// Keeps one more key.
    async fn add_key(&self, key: StoredKey) -> Result<(), StoreError>;

    /// Drops every key of `purpose` that a newer one, made before `superseded_before`, has superseded, and tells how
    /// many.
    async fn drop_keys(&self, purpose: KeyPurpose, superseded_before: Timestamp) -> Result<usize, StoreError>;

    /// Drops every code whose [`Record::forget_at`] has come by `now`, and tells how many. A store that does so by
    /// itself tells of none.
    async fn forget(&self, now: Timestamp) -> Result<usize, StoreError>;

    /// Wakes `waiters` for what other processes do to codes, and never returns. A store that tells nothing of other
    /// processes wakes nobody.
    async fn listen(&self, waiters: CodeNotifier);

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// The store failed. What it says is for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(String);

impl StoreError {
    /// Keeps the words of `cause`.
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
    fn the_secret_of_a_key_is_not_printed() {
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
