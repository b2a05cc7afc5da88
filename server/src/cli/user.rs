//! `scanlogin-server user`: what the store knows of a user, and whether they may sign in.
//!
//! Deliberately absent: a directory. Users are whoever a good token says they are; the store counts their sign-ins.

use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::clock::{Clock, rfc3339};
use crate::store::{Account, Store, StoreError};

/// What to do with a user.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Show when a user first signed in, how often, from where last, and whether they are locked out.
    Show(Who),
    /// Lock a user out: their phone is refused, and so is a ticket that they have already approved.
    Block(Who),
    /// Let a user in again.
    Unblock(Who),
}

/// Which user.
#[derive(Args)]
pub struct Who {
    /// What their token says in `sub`.
    id: String,
    /// The pool that they are in.
    #[arg(long, value_name = "ID")]
    user_pool_id: String,
}

impl UserCommand {
    pub(super) async fn run(self, store: Arc<dyn Store>) -> Result<(), StoreError> {
        let now = Clock::system().now();
        let who = match self {
            Self::Show(who) => who,
            Self::Block(who) => {
                store.set_blocked(&who.user_pool_id, &who.id, true, now).await?;
                who
            }
            Self::Unblock(who) => {
                store.set_blocked(&who.user_pool_id, &who.id, false, now).await?;
                who
            }
        };
        let account = store.account(&who.user_pool_id, &who.id).await?;
        println!("{}", account.map_or_else(|| "has never signed in".to_owned(), |account| summary(&account)));
        Ok(())
    }
}

fn summary(account: &Account) -> String {
    let Account { signed_up, logins_count, last_ip, is_blocked } = account;
    let last = if last_ip.is_empty() { String::new() } else { format!(", last from {last_ip}") };
    let blocked = if *is_blocked { "; locked out" } else { "" };
    format!("known since {}, {logins_count} sign-ins{last}{blocked}", rfc3339(*signed_up))
}
