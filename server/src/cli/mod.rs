//! The command line: flags, and the commands for operators that run instead of the server.
//!
//! A command writes its result to the standard output, so that a script can use it. It writes messages for people to the
//! standard error output.

use std::sync::Arc;

use tokio::runtime::{self, Runtime};

use crate::auth::count_keys;
use crate::cli::args::{Command, Flags};
use crate::cli::error::CommandError;
use crate::config::Config;
use crate::config::issuer::Issuers;
use crate::config::native_apps::NativeApps;
use crate::store::address::StoreAddress;
use crate::store::open::open_store;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};

mod app;
pub mod args;
mod error;
mod keys;
mod settings_file;
mod token;
mod user;

/// Runs `command`. `flags` are the other arguments of the command line.
///
/// # Errors
///
/// A sentence that says why the command failed.
pub fn run(command: Command, flags: Flags) -> Result<(), CommandError> {
    match command {
        Command::App(command) => command.run(flags.config()),
        Command::Keys(command) => in_store(&flags, async |store| command.run(store).await),
        Command::User(command) => in_store(&flags, async |store| command.run(store).await),
        Command::CheckConfig { fetch_keys } => {
            let config = Config::try_from(flags).map_err(CommandError::new)?;
            if fetch_keys {
                check_issuers(&config.settings.issuers)?;
            }
            print_summary(&config);
            Ok(())
        }
        Command::Token(command) => command.run(Config::try_from(flags).map_err(CommandError::new)?),
    }
}

/// Runs `work` on the store of `flags`. A SQLite file must exist: a wrong path must not create a new store.
fn in_store(
    flags: &Flags,
    work: impl AsyncFnOnce(Arc<dyn Store>) -> Result<(), StoreError>,
) -> Result<(), CommandError> {
    let address = flags.store().map_err(CommandError::new)?;
    if let StoreAddress::Sqlite(path) = &address
        && !path.is_file()
    {
        return Err(CommandError::new(format_args!(
            "--store {}: there is no such file; the first start of a server creates it",
            path.display()
        )));
    }
    runtime()?
        .block_on(async { work(open_store(&address, flags.redis_timeout(), SqliteStore::open_shared).await?).await })
        .map_err(CommandError::new)
}

fn runtime() -> Result<Runtime, CommandError> {
    runtime::Builder::new_current_thread().enable_all().build().map_err(CommandError::new)
}

/// Fetches the keys of each issuer.
fn check_issuers(issuers: &Issuers) -> Result<(), CommandError> {
    let runtime = runtime()?;
    let mut problems = Vec::new();
    for issuer in issuers.clone() {
        let name = issuer.name.clone();
        match runtime.block_on(count_keys(issuer)) {
            Ok(count) => eprintln!("issuer {name:?}: {count} usable keys"),
            Err(problem) => problems.push(format!("the keys of the issuer {name:?} can't be fetched: {problem}")),
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(CommandError::new(problems.join("\n"))) }
}

fn print_summary(config: &Config) {
    for app in &config.settings.apps {
        eprintln!("{}", app::summary(app));
    }
    if let Some(NativeApps { android, ios }) = &config.settings.native_apps {
        let android = android.iter().map(|app| &app.package);
        let ids: Vec<&str> = android.chain(ios).map(String::as_str).collect();
        eprintln!(
            "Links open the native apps {}, if the host of code_url has the files of this server.",
            ids.join(", ")
        );
    }
    eprintln!("A server would start and listen on {}.", config.listen);
}
