//! What the program does instead of serving: commands for whoever runs the server.
//!
//! What a command makes goes to the standard output, so that a script can take it; what it says to people goes to the
//! standard error output.

use std::sync::Arc;

use tokio::runtime;

use crate::cli::args::{Command, Flags};
use crate::cli::error::CommandError;
use crate::config::Config;
use crate::store::address::StoreAddress;
use crate::store::open::open_store;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};

pub mod app;
pub mod args;
pub mod error;
pub mod keys;
pub mod user;

/// Runs `command`. `flags` are those that stand beside it.
///
/// # Errors
///
/// Why it can't be done; then nothing has changed.
pub fn run(command: Command, flags: Flags) -> Result<(), CommandError> {
    match command {
        Command::App(command) => command.run(&flags.config),
        Command::Keys(command) => in_store(&flags, async |store| command.run(store).await),
        Command::User(command) => in_store(&flags, async |store| command.run(store).await),
        Command::CheckConfig => check_config(flags),
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
