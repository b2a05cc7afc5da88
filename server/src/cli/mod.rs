//! What the program does instead of serving: commands for whoever runs the server.
//!
//! What a command makes goes to the standard output, so that a script can take it; what it says to people goes to the
//! standard error output.

use core::fmt;
use std::sync::Arc;

use clap::Subcommand;
use tokio::runtime;

use crate::codes::open_store;
use crate::config::{Config, Flags, StoreAddress};
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};

pub mod app;

pub mod keys;

pub mod user;

/// What to do instead of serving.
#[derive(Subcommand)]
pub enum Command {
    /// Describe apps in the file of settings: add one, list them, exchange a secret.
    #[command(subcommand)]
    App(app::AppCommand),
    /// List and exchange the keys that tokens of users are signed with.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Look a user up, lock them out, or let them in again.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Look whether a server would start with these flags, this environment and this file of settings.
    CheckConfig,
}

impl Command {
    /// Does it. `flags` are those that stand beside the command.
    ///
    /// # Errors
    ///
    /// Why it can't be done; then nothing has changed.
    pub fn run(self, flags: Flags) -> Result<(), CommandError> {
        match self {
            Self::App(command) => command.run(&flags.config),
            Self::Keys(command) => in_store(&flags, async |store| command.run(store).await),
            Self::User(command) => in_store(&flags, async |store| command.run(store).await),
            Self::CheckConfig => check_config(flags),
        }
    }
}

/// Does something in a store that a server has made.
fn in_store(
    flags: &Flags,
    work: impl AsyncFnOnce(Arc<dyn Store>) -> Result<(), StoreError>,
) -> Result<(), CommandError> {
    let address = flags.store().map_err(CommandError::new)?;
    if let StoreAddress::Sqlite(path) = &address
        && !path.is_file()
    {
        return Err(CommandError::new(format_args!(
            "--store {}: there is no such file; the first start of a server makes it",
            path.display()
        )));
    }
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(CommandError::new)?;
    runtime
        .block_on(async { work(open_store(&address, flags.redis_timeout(), SqliteStore::open_shared).await?).await })
        .map_err(CommandError::new)
}

fn check_config(flags: Flags) -> Result<(), CommandError> {
    let config = Config::try_from(flags).map_err(CommandError::new)?;
    for app in &config.settings.apps {
        eprintln!("{}", app::summary(app));
    }
    eprintln!("A server would start, and listen on {}.", config.listen);
    Ok(())
}

/// Why a command failed: a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError(String);

impl CommandError {
    pub(crate) fn new(cause: impl fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl core::error::Error for CommandError {}
