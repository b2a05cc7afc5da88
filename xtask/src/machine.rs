//! Finds programs on this machine, and installs packages with apt.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::run::{read, run, step};
use crate::workspace::Workspace;

/// The path of a program on the `PATH`. `None` when there is no such program.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).find_map(|folder| program_in(&folder, name))
}

/// The path of a program in a folder. `None` when there is no such program.
pub(crate) fn program_in(folder: &Path, name: &str) -> Option<PathBuf> {
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    program.is_file().then_some(program)
}

/// Installs Debian packages that contain `software`. Fails without apt or without root; `advice` is the part of the
/// error message that says how to install `software` by hand.
pub(crate) fn install(workspace: &Workspace, software: &str, packages: &[&str], advice: &str) -> Result<()> {
    let is_root = || read(workspace.command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !Path::new("/usr/bin/apt-get").is_file() || !is_root() {
        bail!("The tests need {software}: {advice}");
    }
    step(format_args!("Installing {} with apt", packages.join(", ")));
    let apt = |arguments: &[&str], packages: &[&str]| {
        let failure = format!("apt did not install {software}: {advice}");
        let mut apt = workspace.command("apt-get");
        run(apt.args(arguments).args(packages).env("DEBIAN_FRONTEND", "noninteractive"), &failure)
    };
    apt(&["update", "--quiet"], &[])?;
    apt(&["install", "--yes", "--quiet", "--no-install-recommends"], packages)
}
