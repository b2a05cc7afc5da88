//! `scanlogin-server keys`: the keys that a server signs with, as they are in its store.
//!
//! Deliberately absent: the keys themselves. They are made in the store and never leave it.

use std::sync::Arc;

use clap::Subcommand;

use crate::auth::signing_keys::SigningKeys;
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// What to do with the keys that tokens of users are signed with.
#[derive(Subcommand)]
pub enum KeysCommand {
    /// List the keys that are published, newest first, and which of them signs.
    List,
    /// Make a new key. Running servers publish it within a minute and sign with it six minutes from now; the one before
    /// it stays published until its last token has expired, a day later.
    Rotate,
}

impl KeysCommand {
    pub(super) async fn run(self, store: Arc<dyn Store>) -> Result<(), StoreError> {
        let keys = SigningKeys::new(store, Clock::system());
        match self {
            Self::List => {
                for line in keys.list().await? {
                    println!("{line}");
                }
            }
            Self::Rotate => {
                println!("{}", keys.rotate().await?);
                eprintln!("Running servers publish this key within a minute, and sign with it in six.");
            }
        }
        Ok(())
    }
}
