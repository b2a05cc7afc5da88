//! Where codes are kept: a small trait, so that a second store needs only these six operations.
//!
//! A store compares, swaps and counts; it never decides. What may happen to a code stands in `scanlogin::lifecycle`,
//! what may be seen of it in [`crate::api`]. Deliberately absent: any secret. A store gets hashes.

use core::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::record::Record;
use crate::secrets::Hash;
use crate::user::User;

pub mod sqlite;

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
    /// When they first signed in here.
    pub signed_up: Timestamp,
    /// How often they have signed in, this time included.
    pub logins_count: i64,
    /// The address of the browser that they last signed in with.
    pub last_ip: String,
    /// Whether somebody has locked them out.
    pub is_blocked: bool,
}

/// Keeps codes, and counts the sign-ins of users.
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

    /// Drops every code whose [`Record::forget_at`] has come by `now`, and tells how many.
    async fn forget(&self, now: Timestamp) -> Result<usize, StoreError>;
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
