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
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread;

use self::load::Load;
use self::preparation::Preparation;
use self::report::Report;
use self::run_suite::run_suite;
use self::suite::{Filter, Run, Suite};
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
    let timings = Timings::default();
    let suites = Suite::all().filter(|suite| arguments.only.is_none_or(|only| only == *suite));
    let runs: Vec<_> = suites.flat_map(|suite| suite.runs(arguments.browsers.engines())).collect();
    // The report lists files in this folder. Files of an earlier run must not be in it.
    let _ = std::fs::remove_dir_all(workspace.target("failed-tests"));
    let preparation = Preparation::prepare(workspace, &runs, &timings);
    let _load = arguments.busy.then(Load::start);
    let run_all = |runs: Vec<Run>| -> Vec<Report> {
        runs.into_iter().map(|run| run_repeatedly(run, workspace, &preparation, arguments)).collect()
    };

    // The build of the widget and the browser tests mostly use one core, so other suites run beside them. The end-to-end
    // tests use all cores.
    let (last, others): (Vec<_>, Vec<_>) = runs.into_iter().partition(|run| matches!(run, Run::E2e(_)));
    let (first_lane, second_lane) = others.into_iter().partition(|run| matches!(run, Run::Checks | Run::Native));
    let mut reports = thread::scope(|scope| {
        let second = scope.spawn(|| {
            if !last.is_empty() {
                // The first end-to-end run reports an error.
                let _ = preparation.build_widget();
            }
            run_all(second_lane)
        });
        let mut reports = run_all(first_lane);
        reports.extend(second.join().unwrap_or_else(|panic| resume_unwind(panic)));
        reports
    });
    reports.extend(run_all(last));

    println!("\nDurations, longest first. Some parts ran at the same time:\n{timings}");
    report::print(workspace, &reports);
    if reports.iter().all(Report::is_success) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_repeatedly(run: Run, workspace: &Workspace, preparation: &Preparation<'_>, arguments: &Arguments) -> Report {
    let mut report = Report::new(run);
    for repetition in 1..=arguments.repeat.get() {
        step(match arguments.repeat.get() {
            1 => format!("Running {run}"),
            repetitions => format!("Running {run}, {repetition} of {repetitions}"),
        });
        let output = preparation.timings().time(run, || run_suite(run, workspace, preparation, &arguments.filter));
        report.add(output);
    }
    report
}
