//! `cargo test`, and the targets of the suite `native`.

use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;

/// The test binaries that do not belong to the suite `native`.
const OTHER_SUITES: [&str; 3] = ["browser", "e2e", "schema"];
/// `cargo test`. The caller adds the targets and the arguments of the test harness.
pub(crate) fn cargo_test(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo_for_tests("test");
    cargo.arg("--no-fail-fast");
    cargo
}

/// The flags of `cargo test` that select the test binaries of the suite `native`.
pub(crate) fn native_targets(workspace: &Workspace) -> Result<Vec<String>> {
    let mut flags = vec!["--lib".to_owned()];
    for kind in ["bin", "test"] {
        let mut targets = workspace.tested_targets(kind)?;
        targets.retain(|target| !OTHER_SUITES.contains(&target.as_str()));
        flags.extend(targets.into_iter().flat_map(|target| [format!("--{kind}"), target]));
    }
    Ok(flags)
}
