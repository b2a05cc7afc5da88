//! What is on this machine, and how root gets installed what is not, on Debian and its like.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::run::{read, run, step};
use crate::workspace::Workspace;

/// Looks for a program on the `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).find_map(|folder| program_in(&folder, name))
}

/// Looks for a program in one folder.
pub(crate) fn program_in(folder: &Path, name: &str) -> Option<PathBuf> {
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    program.is_file().then_some(program)
}

/// Installs Debian's packages of `what`, which tests need. `advice` says how to get it by hand.
pub(crate) fn install(workspace: &Workspace, what: &str, packages: &[&str], advice: &str) -> Result<()> {
    let is_root = || read(workspace.command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !Path::new("/usr/bin/apt-get").is_file() || !is_root() {
        bail!("The tests need {what}: {advice}");
    }
    step(format_args!("Installing {} with apt", packages.join(", ")));
    let apt = |arguments: &[&str], packages: &[&str]| {
        let failure = format!("apt did not install {what}: {advice}");
        let mut apt = workspace.command("apt-get");
        run(apt.args(arguments).args(packages).env("DEBIAN_FRONTEND", "noninteractive"), &failure)
    };
    apt(&["update", "--quiet"], &[])?;
    apt(&["install", "--yes", "--quiet", "--no-install-recommends"], packages)
}
