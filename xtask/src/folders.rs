//! Empties, lists and copies folders of built files.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result};

/// The names of the entries of a folder.
pub(crate) fn entry_names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Creates an empty folder. Removes an existing one first.
pub(crate) fn empty(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} can't be removed", folder.display()));
        }
        _ => {}
    }
    fs::create_dir_all(folder).with_context(|| format!("{} can't be created", folder.display()))
}

pub(crate) fn copy(from: &Path, to: &Path, file: &str) -> Result<()> {
    let source = from.join(file);
    fs::copy(&source, to.join(file))
        .with_context(|| format!("{} can't be copied to {}", source.display(), to.display()))?;
    Ok(())
}
