//! The benchmarks of the server.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::run::{run, run_with_lines, step};
use crate::workspace::Workspace;

/// The version of oha, the load generator.
const OHA_VERSION: &str = "1.16.0";

/// The file with the table of the last run of all benchmarks. The report of the browser contains it.
pub(super) fn table_file(workspace: &Workspace) -> PathBuf {
    workspace.target("bench/server.txt")
}

/// Runs the benchmarks that `only` names, or all. Fails if a result misses its limit.
pub(super) fn measure(workspace: &Workspace, only: &[&str]) -> Result<ExitCode> {
    let oha = ensure_oha(workspace)?;
    step("Building the server and its benchmarks with optimization (some minutes the first time)");
    build(workspace, "scanlogin-bench")?;
    let server = build_server(workspace)?;
    step("Running the benchmarks of the server (some minutes); do not use this machine for other work meanwhile");
    let mut bench = workspace.command(workspace.built("release", "scanlogin-bench"));
    bench.arg("measure").arg("--server").arg(server).arg("--oha").arg(oha);
    bench.args(only.iter().flat_map(|name| ["--only", name]));
    let mut table = String::new();
    let status = run_with_lines(&mut bench, |line| table.extend([line, "\n"]))?;
    if only.is_empty() {
        let file = table_file(workspace);
        fs::create_dir_all(workspace.target("bench"))
            .and_then(|()| fs::write(&file, table))
            .with_context(|| format!("{} can't be written", file.display()))?;
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds the server with optimization. Returns the path of the program.
pub(super) fn build_server(workspace: &Workspace) -> Result<PathBuf> {
    build(workspace, "scanlogin-server")?;
    Ok(workspace.built("release", "scanlogin-server"))
}

/// Builds one package, because one build of both would give the server the feature `test-util` of tokio, which the
/// benchmarks need. With it, each read of tokio's clock takes a lock.
fn build(workspace: &Workspace, package: &str) -> Result<()> {
    run(
        workspace.cargo().args(["build", "--release", "--package", package]),
        &format!("{package} did not build: see the compiler's message above."),
    )
}

/// Builds oha if it is missing. Returns the path of the program.
fn ensure_oha(workspace: &Workspace) -> Result<PathBuf> {
    let root = workspace.target(&format!("oha-{OHA_VERSION}"));
    let program = root.join("bin").join(format!("oha{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        step(format_args!("Building oha {OHA_VERSION} (some minutes, only once)"));
        let mut install = workspace.cargo();
        install.args(["install", "oha", "--locked", "--version", OHA_VERSION, "--root"]).arg(&root);
        run(&mut install, "oha was not installed from crates.io: check the network, and see cargo's message above.")?;
    }
    Ok(program)
}
