//! Changes the settings file: one command at a time, and in one step.
//!
//! A server that reads the file during a change gets the old or the new content. The file keeps its owner, its group and
//! its mode, because the server may run as another user than the command. A symbolic link stays a link: its target changes.

use core::time::Duration;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use crate::cli::error::CommandError;
use crate::config::settings::Settings;
use crate::file_lock::lock_within;
use crate::secrets;

/// How long [`edit`] waits for another command. A command holds the lock for milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the file at `path`, applies `change` to it, and replaces the file. Waits up to [`LOCK_TIMEOUT`] for other
/// commands that change a file of the same folder. `change` gets `None` if there is no file.
///
/// # Errors
///
/// If the other command does not end in time, if the file can't be read or replaced, if `change` fails, or if a server
/// would reject the new content. The file does not change then.
pub(super) fn edit(
    path: &Path,
    change: impl FnOnce(Option<DocumentMut>) -> Result<DocumentMut, CommandError>,
) -> Result<(), CommandError> {
    edit_within(path, LOCK_TIMEOUT, change)
}

fn edit_within(
    path: &Path,
    timeout: Duration,
    change: impl FnOnce(Option<DocumentMut>) -> Result<DocumentMut, CommandError>,
) -> Result<(), CommandError> {
    let target = resolve(path).map_err(|error| failure(path, error))?;
    let _lock = lock(&target, timeout).map_err(|error| failure(path, error))?;
    let document = match fs::read_to_string(&target) {
        Ok(text) => Some(text.parse().map_err(|error| failure(path, error))?),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failure(path, error)),
    };
    let text = change(document)?.to_string();
    Settings::parse(&text).map_err(|problem| failure(path, problem))?;
    replace(&target, &text).map_err(|error| failure(path, error))
}

/// An error about the file at `path`.
pub(super) fn failure(path: &Path, problem: impl core::fmt::Display) -> CommandError {
    CommandError::new(format_args!("{}: {problem}", path.display()))
}

/// The file that `path` leads to through symbolic links. It need not exist.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
            Err(io::Error::new(ErrorKind::NotFound, "the symbolic link leads to a file that does not exist"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_owned()),
        resolved => resolved,
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Locks the folder of `path` against other commands until the returned file is dropped. A lock on the file itself would
/// be lost when the file is replaced, and a lock file would belong to the user of the first command.
///
/// Only Unix can lock a folder. On other systems, this locks a file beside `path`.
fn lock(path: &Path, timeout: Duration) -> io::Result<File> {
    let file = if cfg!(unix) {
        File::open(folder(path))?
    } else {
        let mut name = path.as_os_str().to_owned();
        name.push("-lock");
        OpenOptions::new().write(true).create(true).truncate(false).open(name)?
    };
    let tell = || eprintln!("Another program has locked the folder of the file; waiting for it.");
    if lock_within(&file, timeout, tell)? {
        return Ok(file);
    }
    let problem = format!(
        "another program has kept the folder of the file locked for {} s; nothing was changed. Wait until that program \
         has ended, or end it, and run the command again",
        timeout.as_secs()
    );
    Err(io::Error::new(ErrorKind::WouldBlock, problem))
}

/// Writes `text` to a new file, and renames that to `path`.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Nobody can predict this name, so no other file and no symbolic link has it.
    let id = secrets::random_id().map_err(io::Error::other)?;
    let new = folder(path).join(format!(".{name}.{id}.new"));
    let replaced = write_new(&new, text, path).and_then(|()| fs::rename(&new, path)).and_then(|()| sync_folder(path));
    if replaced.is_err() {
        // The error to report is the first one, so an error of the removal is ignored.
        let _ = fs::remove_file(&new);
    }
    replaced
}

/// Makes a renamed file survive a power failure.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}

/// Creates the file `new` with the owner, the group and the mode of the file `old`, if that exists.
fn write_new(new: &Path, text: &str, old: &Path) -> io::Result<()> {
    let old = match fs::metadata(old) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if old.is_some() {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(new)?;
    if let Some(old) = old {
        #[cfg(unix)]
        keep_owner(&file, &old)?;
        file.set_permissions(old.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    // The secret is printed only once, so the file must survive a power failure from now on.
    file.sync_all()
}

/// Gives `file` the owner and the group of `old`. Only root can give a file to another user.
#[cfg(unix)]
fn keep_owner(file: &File, old: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(file, Some(old.uid()), Some(old.gid())).map_err(|error| {
        let problem = format!(
            "this user can't preserve the owner {}:{}; run the command as root or as the owner: {error}",
            old.uid(),
            old.gid()
        );
        io::Error::new(error.kind(), problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_folder_is_an_error_that_names_the_file_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scanlogin.toml");
        let other = lock(&path, Duration::ZERO).unwrap();
        let error = edit_within(&path, Duration::ZERO, |_| panic!("the folder is locked")).unwrap_err().to_string();
        assert!(error.contains("scanlogin.toml: another program has kept the folder"), "{error}");
        assert!(error.contains("run the command again"), "{error}");
        drop(other);
        lock(&path, Duration::ZERO).unwrap();
    }
}
