//! `cargo xtask bench`: builds the server and the benchmarks, and runs the benchmarks.
//!
//! The benchmarks are in `bench/`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::run::{run, start_error, step};
use crate::workspace::Workspace;

/// The version of oha, the load generator.
const OHA_VERSION: &str = "1.16.0";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run only this benchmark: check, gene, polls or memory. Repeat the option to run several.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

pub(crate) fn bench(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    let oha = ensure_oha(workspace)?;
    step("Building the server and the benchmarks with optimization (some minutes the first time)");
    // Two builds, because one build would give the server the feature `test-util` of tokio, which the benchmarks need.
    // With it, each read of tokio's clock takes a lock.
    for package in ["scanlogin-bench", "scanlogin-server"] {
        run(
            workspace.cargo().args(["build", "--release", "--package", package]),
            &format!("{package} did not build: see the compiler's message above."),
        )?;
    }
    step("Running the benchmarks (some minutes); do not use this machine for other work meanwhile");
    let mut bench = workspace.command(workspace.built("release", "scanlogin-bench"));
    bench.arg("measure").arg("--server").arg(workspace.built("release", "scanlogin-server")).arg("--oha").arg(oha);
    bench.args(arguments.only.iter().flat_map(|name| ["--only", name]));
    let status = bench.status().map_err(|error| start_error(&bench, error))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
