//! `scanlogin-server app`: adds apps to the settings file, lists them, and rotates their secrets.
//!
//! The file gets the hash of a secret. The command prints the secret once. Comments and layout of the file are preserved.
//!
//! Invariant: a command does not write a file that a server would reject.

use std::path::Path;

use clap::Subcommand;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use crate::cli::error::CommandError;
use crate::cli::settings_file::{edit, failure};
use crate::config::app::{App, Confirmation, check_id};
use crate::config::code_url::CodeUrl;
use crate::config::origin::Origin;
use crate::config::settings::Settings;
use crate::secrets::{Hash, RandomError, Secret};

const FILE_HEADER: &str = "\
# The apps that people sign in to by scanning a code. A running server reads this file again on SIGHUP.
# Optional settings of an app: code_lifetime and ticket_lifetime (seconds), logo (a URL), code_url (the address of your
# approver: codes are then links), return_urls (addresses of pages), confirmation, step_up (a confirm needs a new sign-in),
# shown_custom_data (names), return_full_user_info, allow_exchange_from_browser, and compat.poll_without_token.

";

/// The commands for apps.
#[derive(Subcommand)]
pub enum AppCommand {
    /// Add an app, and print the secret that its backend exchanges tickets with.
    Add {
        /// The id of the app in requests: `appId` of the widget.
        id: String,
        /// The name that phones show when they ask for confirmation.
        #[arg(long)]
        name: String,
        /// The user pool whose users may sign in to the app.
        #[arg(long, value_name = "ID")]
        user_pool_id: String,
        /// An origin whose pages may request codes, besides the server's own; repeat the flag for several.
        #[arg(long = "allowed-origin", value_name = "ORIGIN")]
        allowed_origins: Vec<Origin>,
        /// The address of your approver, such as `https://pass.example.com/s`: codes are then links to it, which the camera
        /// of any phone opens. Without it, codes are JSON, which only your app can read.
        #[arg(long, value_name = "URL")]
        code_url: Option<CodeUrl>,
    },
    /// List the apps.
    List,
    /// Give an app a new secret, and print it. The previous secret stays valid until the next rotation, so that there is
    /// time to update the backend.
    RotateSecret {
        /// The id of the app.
        id: String,
        /// Revoke all other secrets, for example after a secret has leaked.
        #[arg(long)]
        revoke: bool,
    },
}

impl AppCommand {
    pub(super) fn run(self, path: &Path) -> Result<(), CommandError> {
        match self {
            Self::Add { id, name, user_pool_id, allowed_origins, code_url } => {
                let (secret, hash) = new_secret()?;
                let app = App { allowed_origins, code_url, ..App::new(&id, &name, &user_pool_id, hash) };
                add(path, &app)?;
                eprintln!("Added {id} to {}. Its secret, which is not shown again:", path.display());
                println!("{}", secret.expose());
                eprintln!("A running server reads the file again on SIGHUP.");
            }
            Self::List => {
                for app in Settings::read(path).map_err(CommandError::new)?.apps {
                    println!("{}", summary(&app));
                }
            }
            Self::RotateSecret { id, revoke } => {
                let (secret, hash) = new_secret()?;
                rotate(path, &id, hash, revoke)?;
                eprintln!("The new secret of {id}, which is not shown again:");
                println!("{}", secret.expose());
                let old = if revoke { "All other secrets are revoked" } else { "The previous secret stays valid" };
                eprintln!("{old}. A running server reads the file again on SIGHUP.");
            }
        }
        Ok(())
    }
}

/// One line that describes `app`: its pages, its links, how people confirm, and each of its settings that lower security.
pub(super) fn summary(app: &App) -> String {
    let App { id, name, user_pool_id, .. } = app;
    let origins: Vec<&str> = app.allowed_origins.iter().map(Origin::as_str).collect();
    let pages = match origins.as_slice() {
        [] => "the server's own pages alone".to_owned(),
        origins => format!("pages of {}", origins.join(", ")),
    };
    let links = app.code_url.as_ref().map(|code_url| format!(", with links to {code_url}")).unwrap_or_default();
    let returns = match app.return_urls.len() {
        0 => String::new(),
        1 => "; 1 page has links for the same device".to_owned(),
        count => format!("; {count} pages have links for the same device"),
    };
    let numbers = match app.confirmation {
        Confirmation::Button => "",
        Confirmation::Number => "; phones ask for the number of the page",
    };
    let unsafe_settings: String = [
        (app.compat.poll_without_token, "; polls need no poll token"),
        (app.return_full_user_info, "; pages get the full profile of the user who scans"),
        (app.allow_exchange_from_browser, "; pages may exchange tickets"),
    ]
    .into_iter()
    .filter_map(|(is_on, text)| is_on.then_some(text))
    .collect();
    format!("{id}: {name:?}, for users of {user_pool_id}, on {pages}{links}{returns}{numbers}{unsafe_settings}")
}

fn new_secret() -> Result<(Secret, Hash), CommandError> {
    let to_command_error = |error: RandomError| {
        CommandError::new(format_args!("the random number generator of the system failed: {error}"))
    };
    let secret = Secret::random().map_err(to_command_error)?;
    let hash = Hash::of(secret.expose());
    Ok((secret, hash))
}

fn add(path: &Path, app: &App) -> Result<(), CommandError> {
    check_id(&app.id).map_err(|problem| CommandError::new(format_args!("the id {problem}")))?;
    edit(path, |document| {
        let prefix = if document.is_some() { "\n" } else { FILE_HEADER };
        let mut document = document.unwrap_or_default();
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
        if let Some(code_url) = &app.code_url {
            table.insert("code_url", value(code_url.as_str()));
        }
        apps.push(table);
        Ok(document)
    })
}

fn rotate(path: &Path, id: &str, hash: Hash, revoke: bool) -> Result<(), CommandError> {
    edit(path, |document| {
        let unknown = || failure(path, format_args!("there is no app {id:?}"));
        let mut document = document.ok_or_else(|| failure(path, "there is no such file"))?;
        let apps = tables(&mut document).ok_or_else(unknown)?;
        let app = find(apps, id).ok_or_else(unknown)?;
        let newest = app.get("secret_hashes").and_then(|hashes| hashes.as_array()?.get(0)?.as_str().map(str::to_owned));
        let kept = newest.filter(|_| !revoke);
        app.insert("secret_hashes", value(Array::from_iter([Some(hash.to_string()), kept].into_iter().flatten())));
        Ok(document)
    })
}

fn tables(document: &mut DocumentMut) -> Option<&mut ArrayOfTables> {
    document.entry("app").or_insert(Item::ArrayOfTables(ArrayOfTables::new())).as_array_of_tables_mut()
}

fn find<'a>(apps: &'a mut ArrayOfTables, id: &str) -> Option<&'a mut Table> {
    apps.iter_mut().find(|app| app.get("id").and_then(Item::as_str) == Some(id))
}
