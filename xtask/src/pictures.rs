//! `cargo xtask pictures`: starts a demo and takes the pictures of the README.

use anyhow::Result;

use crate::browsers::{Browser, Engine};
use crate::dist;
use crate::run::{run, step};
use crate::workspace::Workspace;

pub(crate) fn pictures(workspace: &Workspace) -> Result<()> {
    dist::dist(workspace)?;
    let browser = Browser::ensure(workspace, Engine::Chromium)?;
    step("Taking the pictures (compiles the server, some minutes the first time)");
    run(
        workspace
            .cargo()
            .args(["run", "--quiet", "--package", "scanlogin-e2e", "--example", "pictures", "--"])
            .arg(workspace.path("docs/pictures"))
            .envs(browser.programs.iter().map(|(variable, program)| (variable, program))),
        "The pictures were not taken: see the message above.",
    )
}
