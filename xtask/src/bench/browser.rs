//! The benchmarks in a browser: builds what they need, and runs `bench/browser/main.js`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::{Arguments, server};
use crate::browsers::{Browser, Engine};
use crate::run::{run, step};
use crate::wasm_module::WasmModule;
use crate::widget::Passes;
use crate::workspace::Workspace;
use crate::{decoder, dist, tools};

const DRAWING: WasmModule = WasmModule { package: "scanlogin-bench-drawing", name: "drawing", passes: Passes::Size };
/// The benchmarks in a browser. A part of a benchmark has its name, a hyphen and the part's own name.
const PARTS: [&str; 9] =
    ["download", "time", "start", "confirm", "waiting", "mounts", "drawing", "robustness", "phone"];

/// Whether `name` is a benchmark in a browser.
pub(super) fn has_part(name: &str) -> bool {
    PARTS.iter().any(|part| name.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
}

/// Runs the benchmarks that `only` names, or all.
pub(super) fn measure(workspace: &Workspace, arguments: &Arguments, only: &[&str]) -> Result<()> {
    tools::ensure_bench_modules(workspace)?;
    let browser = Browser::ensure(workspace, Engine::Chromium)?;
    let chromium = browser.programs.iter().find(|(variable, _)| *variable == "CHROME").map(|(_, path)| path);
    let chromium = chromium.context("Chromium has no program CHROME")?;
    dist::dist(workspace)?;
    let drawing = build_drawing(workspace)?;
    step("Building the server with optimization (some minutes the first time)");
    let server = server::build_server(workspace)?;

    step("Running the benchmarks in a browser; do not use this machine for other work meanwhile");
    let mut bench = workspace.command("node");
    bench.arg("bench/browser/main.js");
    let paths = [
        ("--server", &server),
        ("--chromium", chromium),
        ("--package", &workspace.path("pkg/dist")),
        ("--drawing", &drawing),
        ("--decoder", &workspace.path(decoder::FOLDER)),
        ("--results", &workspace.target("bench")),
        ("--server-table", &server::table_file(workspace)),
    ];
    for (option, path) in paths {
        bench.arg(option).arg(path);
    }
    // The report names these two. They are relative to the root, where the command runs.
    bench.args(["--report", "bench/RESULTS.md", "--charts", "docs/pictures"]);
    bench.args(["--rounds", &arguments.rounds.to_string()]);
    bench.args(only.iter().flat_map(|name| ["--only", name]));
    if arguments.quick {
        bench.arg("--quick");
    }
    run(&mut bench, "The benchmarks in the browser failed: see the message above.")
}

/// Builds the wasm that draws codes and does nothing else, as the widget's wasm is built. Returns its folder.
fn build_drawing(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target("bench/drawing");
    DRAWING.build(workspace, &folder, &folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_part_accepts_a_benchmark_and_its_parts() {
        assert!(["time", "time-1.6m", "robustness"].into_iter().all(has_part));
        assert!(!["check", "timer", "memory"].into_iter().any(has_part));
    }
}
