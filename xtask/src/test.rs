//! `cargo xtask test`: all checks and tests, and one sum of them.
//!
//! The sum counts what the test harnesses report. Where they report nothing although something is wrong (it does not
//! compile, no test ran, a test is ignored), that counts as one failed test, so that `0 failed` means what it says.

mod checks;
mod load;
mod output;
mod preparation;
mod report;
mod suite;

use std::num::NonZeroU32;
use std::process::ExitCode;

use self::load::Load;
use self::preparation::Preparation;
use self::report::Report;
use self::suite::{Filter, Suite};
use crate::browsers::Browsers;
use crate::run::step;
use crate::timing::Timings;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run one suite instead of all.
    #[arg(long, value_enum)]
    only: Option<Suite>,
    /// Where to run the suites that need a browser.
    #[arg(long, value_enum, default_value_t = Browsers::Chromium)]
    browsers: Browsers,
    /// Run each suite N times, and report how often each test failed.
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    /// Keep all cores occupied while the tests run, as other programs may do on the machine of a user.
    #[arg(long)]
    busy: bool,
    #[command(flatten)]
    filter: Filter,
}

/// Runs the suites, whatever becomes of the others, and ends with the line `N passed, N failed`.
pub(crate) fn test(workspace: &Workspace, arguments: &Arguments) -> ExitCode {
    let mut timings = Timings::default();
    let suites = Suite::all().filter(|suite| arguments.only.is_none_or(|only| only == *suite));
    let runs: Vec<_> = suites.flat_map(|suite| suite.runs(arguments.browsers.engines())).collect();
    // What an earlier run left would be taken for this one's.
    let _ = std::fs::remove_dir_all(workspace.target("failed-tests"));
    let preparation = Preparation::of(workspace, &runs, &mut timings);
    let reports: Vec<_> = runs
        .into_iter()
        .map(|run| {
            let mut report = Report::new(run);
            for turn in 1..=arguments.repeat.get() {
                step(match arguments.repeat.get() {
                    1 => format!("Running {run}"),
                    turns => format!("Running {run}, {turn} of {turns}"),
                });
                let output = timings.time(run, || {
                    let _load = arguments.busy.then(Load::start);
                    run.run(workspace, &preparation, &arguments.filter)
                });
                report.add(output);
            }
            report
        })
        .collect();

    println!("\nHow long it took, the slowest part first:\n{timings}");
    report::print(workspace, &reports);
    if reports.iter().all(Report::is_success) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
