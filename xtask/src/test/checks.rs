//! What is checked besides the tests. Each check counts as one test.

use anyhow::{Result, anyhow};

use super::output::{Failure, Output};
use super::preparation::Preparation;
use super::suite::Filter;
use crate::run::{run, step};
use crate::size;
use crate::tools::{self, WASM_TARGET};
use crate::workspace::Workspace;

type Check = fn(&Workspace, &Preparation) -> Result<()>;

const CHECKS: [(&str, Check); 5] = [
    ("format", format),
    ("lints", lints),
    ("lints-for-wasm32", lints_for_wasm32),
    ("documentation", documentation),
    ("size", size_budget),
];

/// All packages, as the tests and their tools are built: so cargo uses the build scripts and macros of these builds.
const SELECTIONS: [&[&str]; 2] =
    [&["--workspace", "--exclude", "tools"], &["--package", "tools", "--features", "test"]];

pub(crate) fn run_checks(workspace: &Workspace, preparation: &Preparation, filter: &Filter) -> Output {
    let mut output = Output::default();
    for (name, check) in CHECKS.into_iter().filter(|(name, _)| filter.matches(name)) {
        step(format_args!("Checking: {name}"));
        match check(workspace, preparation) {
            Ok(()) => output.tally.passed += 1,
            Err(error) => {
                let reason = format!("{error:#}");
                eprintln!("error: {reason}");
                output.tally.failed += 1;
                output.failures.push(Failure { test: name.to_owned(), reason });
            }
        }
    }
    output
}

fn format(workspace: &Workspace, _: &Preparation) -> Result<()> {
    tools::ensure_component(workspace, "fmt", "rustfmt")?;
    run(workspace.cargo().args(["fmt", "--all", "--check"]), "Some files are not formatted: run `cargo fmt --all`.")
}

fn lints(workspace: &Workspace, _: &Preparation) -> Result<()> {
    SELECTIONS.iter().try_for_each(|selection| clippy(workspace, selection))
}

fn lints_for_wasm32(workspace: &Workspace, _: &Preparation) -> Result<()> {
    tools::ensure_wasm_target(workspace)?;
    clippy(workspace, &["--package", "scanlogin", "--target", WASM_TARGET])
}

fn clippy(workspace: &Workspace, selection: &[&str]) -> Result<()> {
    tools::ensure_component(workspace, "clippy", "clippy")?;
    run(
        workspace.cargo().args(["clippy", "--locked", "--all-targets"]).args(selection).args(["--", "-D", "warnings"]),
        "Clippy found something: see its messages above.",
    )
}

fn documentation(workspace: &Workspace, _: &Preparation) -> Result<()> {
    SELECTIONS.iter().try_for_each(|selection| {
        run(
            workspace
                .cargo()
                .args(["doc", "--locked", "--no-deps", "--lib"])
                .args(*selection)
                // No package has examples. The flag gives the dependencies the features that they have in the lints, so
                // that cargo uses what it has compiled for them.
                .arg("--examples")
                .env("RUSTDOCFLAGS", "-D warnings"),
            "rustdoc found something: see its messages above.",
        )
    })
}

fn size_budget(workspace: &Workspace, preparation: &Preparation) -> Result<()> {
    preparation.widget.as_ref().map_err(|problem| anyhow!("there is no widget to measure: {problem}"))?;
    size::check_budget(workspace, size::BUDGET)
}
