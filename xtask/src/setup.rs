//! `cargo xtask setup`: everything that the other commands would fetch or build at their first use.

use anyhow::Result;

use crate::run::{run, step};
use crate::tools;
use crate::workspace::Workspace;

pub(crate) fn setup(workspace: &Workspace) -> Result<()> {
    step("Fetching the crates of Cargo.lock");
    run(
        workspace.cargo().args(["fetch", "--locked"]),
        "Not all crates were fetched: check the network, and that Cargo.lock fits the Cargo.toml files.",
    )?;
    tools::ensure_wasm_target(workspace)?;
    tools::ensure_node_modules(workspace)?;
    tools::build_bindgen(workspace)?;
    tools::build_test_tools(workspace)?;
    let browser = tools::ensure_browser(workspace)?;
    println!("Ready. The tests will use {} with {}.", browser.chrome.display(), browser.chromedriver.display());
    Ok(())
}
