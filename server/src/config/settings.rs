//! `scanlogin.toml`: what a running server takes in anew when it is told to.
//!
//! A file that is wrong anywhere is refused as a whole, with the line. Deliberately absent: what belongs to the process,
//! such as its address and its store, which [`crate::config`] takes from flags and the environment.

use core::fmt;
use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use crate::config::app::App;
use crate::config::issuer::Issuers;
use crate::config::limits::Limits;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The apps that people sign in to.
    #[serde(default, rename = "app")]
    pub apps: Vec<App>,
    /// Whose users may approve, besides those of the shared secret.
    #[serde(default, rename = "issuer")]
    pub issuers: Issuers,
    /// What is too much of one caller. Taken in at the start only.
    #[serde(default)]
    pub limits: Limits,
}

impl Settings {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// When it is not there, is no TOML, or says what is not understood: with the line and the field.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|error| SettingsError {
            path: path.display().to_string(),
            problem: match error.kind() {
                ErrorKind::NotFound => "is not there; `scanlogin-server app add` makes it".to_owned(),
                _ => error.to_string(),
            },
        })?;
        Self::parse(&text).map_err(|problem| SettingsError { path: path.display().to_string(), problem })
    }

    /// Reads the content of such a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if settings.apps.is_empty() {
            return Err("describes no app; `scanlogin-server app add` adds one".to_owned());
        }
        let mut ids = HashSet::new();
        match settings.apps.iter().find(|app| !ids.insert(&app.id)) {
            Some(app) => Err(format!("describes the app {:?} twice", app.id)),
            None => Ok(settings),
        }
    }
}

/// Why a file of settings is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    path: String,
    problem: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, problem } = self;
        // What TOML's reader says has several lines, and its place in the file in the first.
        let separator = if problem.contains('\n') { ":\n" } else { " " };
        write!(formatter, "{path}{separator}{problem}")
    }
}

impl core::error::Error for SettingsError {}
