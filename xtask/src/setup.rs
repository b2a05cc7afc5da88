//! `cargo xtask setup`: fetches and builds what the other commands would fetch or build at their first use.

use anyhow::Result;

use crate::browsers::{Browser, Browsers};
use crate::run::{run, step};
use crate::workspace::Workspace;
use crate::{tools, widget};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The browsers to install for the tests.
    #[arg(long, value_enum, default_value_t = Browsers::Chromium)]
    browsers: Browsers,
}

pub(crate) fn setup(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    step("Fetching the crates of Cargo.lock");
    run(
        workspace.cargo().args(["fetch", "--locked"]),
        "Some crates were not fetched: check the network, and that Cargo.lock matches the Cargo.toml files.",
    )?;
    widget::fetch(workspace)?;
    tools::ensure_node_modules(workspace)?;
    tools::ensure_bench_modules(workspace)?;
    tools::build(workspace, "bindgen")?;
    tools::build(workspace, "size-report")?;
    tools::build_test_tools(workspace)?;
    tools::ensure_schemathesis(workspace)?;
    for engine in arguments.browsers.engines() {
        let browser = Browser::ensure(workspace, *engine)?;
        println!("Installed: {engine} with driver {}", browser.driver.display());
    }
    Ok(())
}
