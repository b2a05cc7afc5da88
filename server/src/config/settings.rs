//! The settings file `scanlogin.toml`: apps, issuers, native apps and limits. A running server reads it again on SIGHUP.
//!
//! A file with an error is rejected as a whole, and the error names the line. Settings of the process, such as its address
//! and its store, come from flags and the environment: see [`crate::config::Config`].

use core::fmt;
use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use crate::config::app::App;
use crate::config::issuer::Issuers;
use crate::config::limits::Limits;
use crate::config::native_apps::NativeApps;

/// The old and the new name of each renamed setting.
const RENAMED: [(&str, &str); 1] = [("answer_timeout", "response_timeout")];

/// The content of the settings file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The apps that people sign in to.
    #[serde(default, rename = "app")]
    pub apps: Vec<App>,
    /// The issuers whose users may approve codes. Users with a token of the shared secret may do so, too.
    #[serde(default, rename = "issuer")]
    pub issuers: Issuers,
    /// The native apps that open the links of codes. `None`: the server has no files about them.
    #[serde(default)]
    pub native_apps: Option<NativeApps>,
    /// Rate limits, connection limits and timeouts. A reload does not apply them; they apply from the next start on.
    #[serde(default)]
    pub limits: Limits,
}

impl Settings {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// If the file can't be read, is not TOML, or has an invalid setting. The error names the line and the field.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|error| SettingsError {
            path: path.display().to_string(),
            problem: match error.kind() {
                ErrorKind::NotFound => "does not exist; `scanlogin-server app add` creates it".to_owned(),
                _ => error.to_string(),
            },
        })?;
        Self::parse(&text).map_err(|problem| SettingsError { path: path.display().to_string(), problem })
    }

    /// Parses the content of a settings file.
    ///
    /// # Errors
    ///
    /// A description of the problem, with the line where possible.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| with_new_name(error.to_string()))?;
        if settings.apps.is_empty() {
            return Err("has no [[app]]; `scanlogin-server app add` adds one".to_owned());
        }
        if let Some(app) = settings.apps.iter().find(|app| !app.return_urls.is_empty() && app.code_url.is_none()) {
            return Err(format!("has return_urls of the app {:?} without code_url, the address of the links", app.id));
        }
        let mut ids = HashSet::new();
        if let Some(app) = settings.apps.iter().find(|app| !ids.insert(&app.id)) {
            return Err(format!("has the app {:?} twice", app.id));
        }
        if let Some(native_apps) = &settings.native_apps {
            if native_apps.is_empty() {
                return Err("has [native_apps] without an app; set android or ios".to_owned());
            }
            if settings.apps.iter().all(|app| app.code_url.is_none()) {
                return Err("has [native_apps], but no app has links: set code_url of an app".to_owned());
            }
        }
        Ok(settings)
    }
}

/// Adds the new name of a renamed setting to an error about its old name.
fn with_new_name(problem: String) -> String {
    let renamed = RENAMED.iter().find(|(old, _)| problem.contains(&format!("unknown field `{old}`")));
    match renamed {
        Some((old, new)) => format!("{}\n`{old}` was renamed to `{new}`", problem.trim_end()),
        None => problem,
    }
}

/// Why a settings file is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    path: String,
    problem: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, problem } = self;
        // An error of the TOML parser has several lines. The first says where in the file the error is.
        let separator = if problem.contains('\n') { ":\n" } else { " " };
        write!(formatter, "{path}{separator}{problem}")
    }
}

impl core::error::Error for SettingsError {}
