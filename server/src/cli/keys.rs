//! `scanlogin-server keys`: lists and rotates the signing keys in the store.
//!
//! Invariant: a command prints the ids of keys, and never a private key.

use std::sync::Arc;

use clap::Subcommand;

use crate::auth::signing_keys::SigningKeys;
use crate::clock::Clock;
use crate::store::{Store, StoreError};
use crate::telemetry::measured_store::MeasuredStore;

/// The commands for signing keys.
#[derive(Subcommand)]
pub enum KeysCommand {
    /// List the published keys, newest first, and show which one signs.
    List,
    /// Create a new key. Running servers publish it within a minute, and sign with it after six minutes. The previous key
    /// stays published until its last token has expired, a day later.
    Rotate,
}

impl KeysCommand {
    pub(super) async fn run(self, store: Arc<dyn Store>) -> Result<(), StoreError> {
        let keys = SigningKeys::new(MeasuredStore::unexported(store), Clock::system());
        match self {
            Self::List => {
                for line in keys.list().await? {
                    println!("{line}");
                }
            }
            Self::Rotate => {
                println!("{}", keys.rotate().await?);
                eprintln!("Running servers publish this key within a minute, and sign with it after six minutes.");
            }
        }
        Ok(())
    }
}
