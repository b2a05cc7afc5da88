//! `scanlogin-server app`: writes the file of settings, and leaves what a person wrote in it as it stands.
//!
//! The file gets the hash of a secret; the secret itself is shown once. Nothing is written that a server would not read.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use clap::Subcommand;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use crate::cli::error::CommandError;
use crate::config::app::{App, check_id};
use crate::config::origin::Origin;
use crate::config::settings::Settings;
use crate::secrets::{Hash, RandomError, Secret};

const BEGINNING: &str = "\
# The apps that people sign in to by scanning a code. A running server reads this again on SIGHUP.
# Besides what stands here an app can have: code_lifetime and ticket_lifetime (seconds), logo (an address),
# return_full_user_info, allow_exchange_from_browser, and compat.poll_without_token.

";

/// What to do with apps.
#[derive(Subcommand)]
pub enum AppCommand {
    /// Add an app, and show the secret that its backend exchanges tickets with.
    Add {
        /// Names it on the wire: the `appId` of the widget.
        id: String,
        /// What phones call it when they ask their owner.
        #[arg(long)]
        name: String,
        /// The pool whose users may sign in to it.
        #[arg(long, value_name = "ID")]
        user_pool_id: String,
        /// An origin whose pages may ask for its codes, besides the server's own; repeat it for several.
        #[arg(long = "allowed-origin", value_name = "ORIGIN")]
        allowed_origins: Vec<Origin>,
    },
    /// List the apps.
    List,
    /// Give an app a new secret, and show it. The one before it stays good until the next time, so that there is time
    /// to tell the backend.
    RotateSecret {
        /// The app's id.
        id: String,
        /// Let no other secret stay good: for one that somebody else may know.
        #[arg(long)]
        revoke: bool,
    },
}

impl AppCommand {
    pub(super) fn run(self, path: &Path) -> Result<(), CommandError> {
        match self {
            Self::Add { id, name, user_pool_id, allowed_origins } => {
                let (secret, hash) = new_secret()?;
                let app = App { allowed_origins, ..App::new(&id, &name, &user_pool_id, hash) };
                add(path, &app)?;
                eprintln!("Added {id} to {}. Its secret, which is shown this once:", path.display());
                println!("{}", secret.expose());
                eprintln!("A running server takes it in on SIGHUP.");
            }
            Self::List => {
                for app in Settings::read(path).map_err(CommandError::new)?.apps {
                    println!("{}", summary(&app));
                }
            }
            Self::RotateSecret { id, revoke } => {
                let (secret, hash) = new_secret()?;
                rotate(path, &id, hash, revoke)?;
                eprintln!("The new secret of {id}, which is shown this once:");
                println!("{}", secret.expose());
                let old = if revoke { "No other is good" } else { "The one before it stays good, too," };
                eprintln!("{old} as soon as a running server has got SIGHUP.");
            }
        }
        Ok(())
    }
}

/// A line that tells of `app`.
pub(super) fn summary(app: &App) -> String {
    let App { id, name, user_pool_id, .. } = app;
    let origins: Vec<&str> = app.allowed_origins.iter().map(Origin::as_str).collect();
    let pages = match origins.as_slice() {
        [] => "the server's own pages alone".to_owned(),
        origins => format!("pages of {}", origins.join(", ")),
    };
    let careless: String = [
        (app.compat.poll_without_token, "; polls need no token"),
        (app.return_full_user_info, "; pages learn all about who scans"),
        (app.allow_exchange_from_browser, "; pages exchange tickets"),
    ]
    .into_iter()
    .filter_map(|(is_on, words)| is_on.then_some(words))
    .collect();
    format!("{id}: {name:?}, for users of {user_pool_id}, on {pages}{careless}")
}

fn new_secret() -> Result<(Secret, Hash), CommandError> {
    let words = |error: RandomError| CommandError::new(format_args!("the system has no random numbers: {error}"));
    let secret = Secret::random().map_err(words)?;
    let hash = Hash::of(secret.expose());
    Ok((secret, hash))
}

fn add(path: &Path, app: &App) -> Result<(), CommandError> {
    check_id(&app.id).map_err(|problem| CommandError::new(format_args!("the id {problem}")))?;
    let (text, prefix) = match fs::read_to_string(path) {
        Ok(text) => (text, "\n"),
        Err(error) if error.kind() == ErrorKind::NotFound => (String::new(), BEGINNING),
        Err(error) => return Err(failure(path, error)),
    };
    let mut document: DocumentMut = text.parse().map_err(|error| failure(path, error))?;
    let apps = tables(&mut document).ok_or_else(|| failure(path, "app is not a list of tables [[app]]"))?;
    if find(apps, &app.id).is_some() {
        return Err(failure(path, format_args!("there is an app {:?} already", app.id)));
    }
    let mut table = Table::new();
    table.decor_mut().set_prefix(prefix);
    table.insert("id", value(&app.id));
    table.insert("name", value(&app.name));
    table.insert("user_pool_id", value(&app.user_pool_id));
    table.insert("secret_hashes", value(Array::from_iter(app.secret_hashes.iter().map(Hash::to_string))));
    table.insert("allowed_origins", value(Array::from_iter(app.allowed_origins.iter().map(Origin::as_str))));
    apps.push(table);
    write(path, &document)
}

fn rotate(path: &Path, id: &str, hash: Hash, revoke: bool) -> Result<(), CommandError> {
    let text = fs::read_to_string(path).map_err(|error| failure(path, error))?;
    let mut document: DocumentMut = text.parse().map_err(|error| failure(path, error))?;
    let unknown = || failure(path, format_args!("there is no app {id:?}"));
    let apps = tables(&mut document).ok_or_else(unknown)?;
    let app = find(apps, id).ok_or_else(unknown)?;
    let newest = app.get("secret_hashes").and_then(|hashes| hashes.as_array()?.get(0)?.as_str().map(str::to_owned));
    let kept = newest.filter(|_| !revoke);
    app.insert("secret_hashes", value(Array::from_iter([Some(hash.to_string()), kept].into_iter().flatten())));
    write(path, &document)
}

fn tables(document: &mut DocumentMut) -> Option<&mut ArrayOfTables> {
    document.entry("app").or_insert(Item::ArrayOfTables(ArrayOfTables::new())).as_array_of_tables_mut()
}

fn find<'a>(apps: &'a mut ArrayOfTables, id: &str) -> Option<&'a mut Table> {
    apps.iter_mut().find(|app| app.get("id").and_then(Item::as_str) == Some(id))
}

/// In one step, so that a server which reads it meanwhile finds the one or the other.
fn write(path: &Path, document: &DocumentMut) -> Result<(), CommandError> {
    let text = document.to_string();
    Settings::parse(&text).map_err(|problem| failure(path, problem))?;
    let new = path.with_extension("new");
    let written = fs::write(&new, text).and_then(|()| {
        if let Ok(old) = fs::metadata(path) {
            fs::set_permissions(&new, old.permissions())?;
        }
        fs::rename(&new, path)
    });
    written.map_err(|error| {
        // What could not be finished is not left behind; that it could not is what is told.
        let _ = fs::remove_file(&new);
        failure(path, error)
    })
}

fn failure(path: &Path, problem: impl core::fmt::Display) -> CommandError {
    CommandError::new(format_args!("{}: {problem}", path.display()))
}
