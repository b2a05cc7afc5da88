//! `scanlogin-server user`: shows, blocks and unblocks users.
//!
//! Deliberately absent: commands that create or list users. The server has no user directory. It learns of a user from a
//! valid token, and stores only sign-ins and blocks.

use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::clock::{Clock, rfc3339};
use crate::store::{Account, Store, StoreError};

/// The commands for users.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Show the first sign-in of a user, the number of sign-ins, the last address, and whether the user is blocked.
    Show(Who),
    /// Block a user: the server refuses their confirmations, and the exchange of tickets that they have approved.
    Block(Who),
    /// Unblock a user.
    Unblock(Who),
}

/// The user that a command applies to.
#[derive(Args)]
pub struct Who {
    /// The id of the user: the claim `sub` of their token.
    id: String,
    /// The user pool of the user.
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
