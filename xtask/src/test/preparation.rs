//! What several suites need, fetched and built once before they run.

use std::thread;

use super::suite::{Run, cargo_test, native_targets};
use crate::browsers::Browser;
use crate::run::{run, step};
use crate::timing::Timings;
use crate::workspace::Workspace;
use crate::{dist, tools};

/// What the suites find prepared.
pub(crate) struct Preparation {
    /// Whether the package was built; if not, why.
    pub(crate) widget: Result<(), String>,
}

impl Preparation {
    /// Fetches and builds what the runs need. A run says itself what is wrong when something is missing: it asks for the
    /// same again.
    pub(crate) fn of(workspace: &Workspace, runs: &[Run], timings: &mut Timings) -> Self {
        thread::scope(|scope| {
            // Installing packages leaves the cores idle that compiling needs.
            let fetching = scope.spawn(|| fetch(workspace, runs));
            let targets = test_targets(workspace, runs);
            if !targets.is_empty() {
                step("Compiling the tests (some minutes at the first time)");
                let _ = timings.time("compiling the tests", || {
                    run(cargo_test(workspace).arg("--no-run").args(targets), "The tests did not compile.")
                });
            }
            if runs.iter().any(|run| matches!(run, Run::Browser(_))) {
                let _ = timings.time("compiling wasm-pack and wasm-bindgen", || tools::build_test_tools(workspace));
            }
            timings.time("waiting for packages to be installed", || fetching.join().ok());
            let mut widget = Ok(());
            if runs.iter().any(|run| matches!(run, Run::Checks | Run::E2e(_))) {
                widget = timings.time("building the widget", || dist::dist(workspace).map(drop));
            }
            Self { widget: widget.map_err(|error| format!("{error:#}")) }
        })
    }
}

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
            Run::Browser(engine) | Run::E2e(engine) => Browser::ensure(workspace, *engine).map(drop),
        };
    }
}
