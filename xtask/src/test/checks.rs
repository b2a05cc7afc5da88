//! The suite `checks`: format, lints, documentation, download size and packing of the crates. Each check counts as one test.

use anyhow::Result;

use super::output::{Failure, Output};
use super::preparation::Preparation;
use super::suite::Filter;
use crate::run::{run, step};
use crate::size;
use crate::tools::WASM_TARGET;
use crate::workspace::Workspace;

type Check = fn(&Workspace, &Preparation<'_>) -> Result<()>;

const CHECKS: [(&str, Check); 6] = [
    ("format", format),
    ("lints", lints),
    ("lints-for-wasm32", lints_for_wasm32),
    ("documentation", documentation),
    ("size", size_budget),
    ("crates", crates),
];
/// The crates for the registry.
const PUBLIC_CRATES: [&str; 4] = ["scanlogin-protocol", "scanlogin-qr", "scanlogin", "scanlogin-server"];

pub(crate) fn run_checks(workspace: &Workspace, preparation: &Preparation<'_>, filter: &Filter) -> Output {
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

fn format(workspace: &Workspace, _: &Preparation<'_>) -> Result<()> {
    run(workspace.cargo().args(["fmt", "--all", "--check"]), "Some files are not formatted: run `cargo fmt --all`.")
}

fn lints(workspace: &Workspace, _: &Preparation<'_>) -> Result<()> {
    clippy(workspace, &["--workspace"])
}

fn lints_for_wasm32(workspace: &Workspace, _: &Preparation<'_>) -> Result<()> {
    clippy(workspace, &["--package", "scanlogin", "--target", WASM_TARGET])
}

fn clippy(workspace: &Workspace, selection: &[&str]) -> Result<()> {
    run(
        workspace.cargo().args(["clippy", "--locked", "--all-targets"]).args(selection).args(["--", "-D", "warnings"]),
        "Clippy reported warnings: see its messages above.",
    )
}

fn documentation(workspace: &Workspace, _: &Preparation<'_>) -> Result<()> {
    // `--workspace` and `--examples` give the dependencies the same features as `lints` does, so that cargo does not
    // compile them again.
    run(
        workspace
            .cargo()
            .args(["doc", "--locked", "--no-deps", "--workspace", "--lib", "--examples"])
            .env("RUSTDOCFLAGS", "-D warnings"),
        "rustdoc reported warnings: see its messages above.",
    )
}

fn size_budget(workspace: &Workspace, preparation: &Preparation<'_>) -> Result<()> {
    preparation.build_widget()?;
    size::check_budget(workspace, size::BUDGET)
}

/// Packs the crates as `cargo publish` does. Does not compile the packed crates, because that takes minutes.
fn crates(workspace: &Workspace, _: &Preparation<'_>) -> Result<()> {
    run(
        workspace
            .cargo()
            .args(["package", "--quiet", "--locked", "--offline", "--no-verify", "--allow-dirty"])
            .args(PUBLIC_CRATES.iter().flat_map(|name| ["--package", name])),
        "A crate can't be packed for the registry: see cargo's message above.",
    )
}
