//! Programs of npm packages, in a folder of `tests/` with a lock file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};

/// The folder `tests/NAME`, after the packages of its lock file are installed.
pub(crate) fn installed(name: &str) -> Result<PathBuf> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _guard = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let lock = fs::read(folder.join("package-lock.json"))?;
    let installed = folder.join("node_modules/.installed-from");
    if !fs::read(&installed).is_ok_and(|from| from == lock) {
        run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder))?;
        fs::write(installed, lock)?;
    }
    Ok(folder)
}

/// Runs a program, and returns what it prints. Fails if the program does.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} can't be started"))?;
    let [printed, errors] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    ensure!(output.status.success(), "{command:?} failed:\n{printed}{errors}");
    Ok(printed)
}
