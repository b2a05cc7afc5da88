//! `cargo xtask test`: runs all checks and tests, and prints the total.
//!
//! The total counts the tests that the test harnesses report. A run with another problem (a test does not compile, no
//! test ran, a test is ignored) counts as one failed test. Invariant: `0 failed` means that everything ran and passed.

mod cargo_test;
mod checks;
mod load;
mod output;
mod preparation;
mod report;
mod run_suite;
mod suite;

use std::num::NonZeroU32;
use std::process::ExitCode;

use self::load::Load;
use self::preparation::Preparation;
use self::report::Report;
use self::run_suite::run_suite;
use self::suite::{Filter, Suite};
use crate::browsers::Browsers;
use crate::run::step;
use crate::timing::Timings;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run only this suite.
    #[arg(long, value_enum)]
    only: Option<Suite>,
    /// The browsers for the suites `browser` and `e2e`.
    #[arg(long, value_enum, default_value_t = Browsers::Chromium)]
    browsers: Browsers,
    /// Run each suite N times, and report the number of failures of each test.
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    /// Load all cores while the tests run, to find tests that depend on the speed of the machine.
    #[arg(long)]
    busy: bool,
    #[command(flatten)]
    filter: Filter,
}

/// Runs the suites, also after one has failed. The last line of the output is `N passed, N failed`.
pub(crate) fn test(workspace: &Workspace, arguments: &Arguments) -> ExitCode {
    let mut timings = Timings::default();
    let suites = Suite::all().filter(|suite| arguments.only.is_none_or(|only| only == *suite));
    let runs: Vec<_> = suites.flat_map(|suite| suite.runs(arguments.browsers.engines())).collect();
    // The report lists files in this folder. Files of an earlier run must not be in it.
    let _ = std::fs::remove_dir_all(workspace.target("failed-tests"));
    let preparation = Preparation::prepare(workspace, &runs, &mut timings);
    let reports: Vec<_> = runs
        .into_iter()
        .map(|run| {
            let mut report = Report::new(run);
            for repetition in 1..=arguments.repeat.get() {
                step(match arguments.repeat.get() {
                    1 => format!("Running {run}"),
                    repetitions => format!("Running {run}, {repetition} of {repetitions}"),
                });
                let output = timings.time(run, || {
                    let _load = arguments.busy.then(Load::start);
                    run_suite(run, workspace, &preparation, &arguments.filter)
                });
                report.add(output);
            }
            report
        })
        .collect();

    println!("\nDurations, longest first:\n{timings}");
    report::print(workspace, &reports);
    if reports.iter().all(Report::is_success) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
