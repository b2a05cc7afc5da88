//! `scanlogin-server keys`: the keys that a server signs with, as they are in its store.
//!
//! Deliberately absent: the keys themselves. They are made in the store and never leave it.

use clap::Subcommand;
use tokio::runtime;

use super::CommandError;
use crate::clock::Clock;
use crate::config::StoreAddress;
use crate::service::open_store;
use crate::signing_keys::SigningKeys;
use crate::store::StoreError;

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
    pub(super) fn run(self, store: &StoreAddress) -> Result<(), CommandError> {
        if let StoreAddress::Sqlite(path) = store
            && !path.is_file()
        {
            return Err(CommandError::new(format_args!(
                "--store {}: there is no such file; the first start of a server makes it",
                path.display()
            )));
        }
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(CommandError::new)?;
        runtime.block_on(self.run_in(store)).map_err(CommandError::new)
    }

    async fn run_in(self, store: &StoreAddress) -> Result<(), StoreError> {
        let keys = SigningKeys::new(open_store(store).await?, Clock::system());
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
