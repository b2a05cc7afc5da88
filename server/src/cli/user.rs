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
    Show(UserRef),
    /// Block a user: the server refuses their confirmations, and the exchange of tickets that they have approved.
    Block(UserRef),
    /// Unblock a user.
    Unblock(UserRef),
}

/// The user that a command applies to.
#[derive(Args)]
pub struct UserRef {
    /// The id of the user: the claim `sub` of their token.
    id: String,
    /// The user pool of the user.
    #[arg(long, value_name = "ID")]
    user_pool_id: String,
}

impl UserCommand {
    pub(super) async fn run(self, store: Arc<dyn Store>) -> Result<(), StoreError> {
        let now = Clock::system().now();
        let user = match self {
            Self::Show(user) => user,
            Self::Block(user) => {
                store.set_blocked(&user.user_pool_id, &user.id, true, now).await?;
                user
            }
            Self::Unblock(user) => {
                store.set_blocked(&user.user_pool_id, &user.id, false, now).await?;
                user
            }
        };
        let account = store.account(&user.user_pool_id, &user.id).await?;
        println!("{}", account.map_or_else(|| "has never signed in".to_owned(), |account| summary(&account)));
        Ok(())
    }
}

fn summary(account: &Account) -> String {
    let Account { signed_up, logins_count, last_ip, is_blocked } = account;
    let last = if last_ip.is_empty() { String::new() } else { format!(", last from {last_ip}") };
    let blocked = if *is_blocked { "; blocked" } else { "" };
    format!("known since {}, {logins_count} sign-ins{last}{blocked}", rfc3339(*signed_up))
}
