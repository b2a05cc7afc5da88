//! `cargo xtask setup`: everything that the other commands would fetch or build at their first use.

use anyhow::Result;

use crate::browsers::{Browser, Browsers};
use crate::run::{run, step};
use crate::workspace::Workspace;
use crate::{tools, widget};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where the tests will run.
    #[arg(long, value_enum, default_value_t = Browsers::Chromium)]
    browsers: Browsers,
}

pub(crate) fn setup(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    step("Fetching the crates of Cargo.lock");
    run(
        workspace.cargo().args(["fetch", "--locked"]),
        "Not all crates were fetched: check the network, and that Cargo.lock fits the Cargo.toml files.",
    )?;
    widget::fetch(workspace)?;
    tools::ensure_node_modules(workspace)?;
    tools::build(workspace, "bindgen")?;
    tools::build(workspace, "anatomy")?;
    tools::build_test_tools(workspace)?;
    tools::ensure_schemathesis(workspace)?;
    for engine in arguments.browsers.engines() {
        let browser = Browser::ensure(workspace, *engine)?;
        println!("Ready to test in {engine}, driven by {}.", browser.driver.display());
    }
    Ok(())
}
