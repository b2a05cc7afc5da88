//! `cargo xtask bench`: how fast the server is, beside what could be had at most.
//!
//! Deliberately absent: the measurements, which stand in `bench/`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::run::{not_started, run, step};
use crate::workspace::Workspace;

/// What makes the load.
const OHA: &str = "1.16.0";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Measure this alone: check, gene, polls or memory. Repeat it for several.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

pub(crate) fn bench(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    let oha = ensure_oha(workspace)?;
    step("Building the server and its measurements with optimization (some minutes at the first time)");
    // One after the other: in one build, the server would get what the measurements want of tokio, a clock that can be
    // pushed, which takes a lock whenever it is read.
    for package in ["scanlogin-bench", "scanlogin-server"] {
        run(
            workspace.cargo().args(["build", "--release", "--package", package]),
            &format!("{package} did not build: see the compiler's message above."),
        )?;
    }
    step("Measuring, for some minutes; the less else this machine does, the better");
    let mut bench = workspace.command(workspace.built("release", "scanlogin-bench"));
    bench.arg("measure").arg("--server").arg(workspace.built("release", "scanlogin-server")).arg("--oha").arg(oha);
    bench.args(arguments.only.iter().flat_map(|name| ["--only", name]));
    let status = bench.status().map_err(|error| not_started(&bench, error))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sees to it that oha is there, and returns where.
fn ensure_oha(workspace: &Workspace) -> Result<PathBuf> {
    let root = workspace.target(&format!("oha-{OHA}"));
    let program = root.join("bin").join(format!("oha{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        step(format_args!("Building oha {OHA} (some minutes, once)"));
        let mut install = workspace.cargo();
        install.args(["install", "oha", "--locked", "--version", OHA, "--root"]).arg(&root);
        run(&mut install, "oha was not built: check the network; it comes from crates.io.")?;
    }
    Ok(program)
}
