//! Fetches and builds what the suites need.

use std::sync::OnceLock;
use std::thread;

use anyhow::{Result, anyhow};

use super::cargo_test::{cargo_test, native_targets};
use super::suite::Run;
use crate::browsers::Browser;
use crate::run::{run, step};
use crate::timing::Timings;
use crate::workspace::Workspace;
use crate::{dist, tools};

/// State that the runs share: the package is built once.
pub(crate) struct Preparation<'a> {
    workspace: &'a Workspace,
    timings: &'a Timings,
    /// The error message if the package was not built.
    widget: OnceLock<Result<(), String>>,
}

impl<'a> Preparation<'a> {
    /// Fetches and compiles what the runs need. Ignores errors, because each run repeats the step and reports the error.
    pub(crate) fn prepare(workspace: &'a Workspace, runs: &[Run], timings: &'a Timings) -> Self {
        thread::scope(|scope| {
            // Installing packages takes little CPU time, so it runs while the tests compile.
            let fetching = scope.spawn(|| fetch(workspace, runs));
            let targets = test_targets(workspace, runs);
            if !targets.is_empty() {
                step("Compiling the tests (some minutes the first time)");
                let _ = timings.time("compiling the tests", || {
                    run(
                        cargo_test(workspace).arg("--no-run").args(targets),
                        "The tests did not compile: see the compiler's message above.",
                    )
                });
            }
            if runs.iter().any(|run| matches!(run, Run::Browser(_) | Run::E2e(_))) {
                let _ = timings.time("compiling wasm-pack and wasm-bindgen", || tools::build_test_tools(workspace));
            }
            timings.time("waiting for the installation of packages", || fetching.join().ok());
        });
        Self { workspace, timings, widget: OnceLock::new() }
    }

    /// The durations of the parts.
    pub(crate) fn timings(&self) -> &Timings {
        self.timings
    }

    /// Builds the package once. A second caller waits for the first.
    pub(crate) fn build_widget(&self) -> Result<()> {
        let build = || {
            let built = self.timings.time("building the widget", || dist::dist(self.workspace));
            built.map(drop).map_err(|error| format!("{error:#}"))
        };
        self.widget.get_or_init(build).clone().map_err(|problem| anyhow!("the widget was not built: {problem}"))
    }
}

/// The flags that select the test binaries of the runs. Empty when no run has any.
fn test_targets(workspace: &Workspace, runs: &[Run]) -> Vec<String> {
    let mut targets = Vec::new();
    for run in runs {
        match run {
            Run::Native => targets.extend(native_targets(workspace).unwrap_or_default()),
            Run::Schema => targets.extend(["--test", "schema"].map(str::to_owned)),
            Run::E2e(_) => targets.extend(["--test", "e2e"].map(str::to_owned)),
            Run::Checks | Run::Browser(_) => {}
        }
    }
    targets
}

fn fetch(workspace: &Workspace, runs: &[Run]) {
    for run in runs {
        let _ = match run {
            Run::Checks => tools::ensure_node_modules(workspace).map(drop),
            Run::Native => tools::ensure_redis(workspace),
            Run::Schema => tools::ensure_schemathesis(workspace).map(drop),
            Run::Browser(engine) => Browser::ensure(workspace, *engine).map(drop),
            Run::E2e(engine) => {
                let browser = Browser::ensure(workspace, *engine);
                browser
                    .and_then(|_| tools::ensure_proxies(workspace))
                    .and_then(|_| tools::ensure_bench_modules(workspace))
                    .map(drop)
            }
        };
    }
}
