//! The report at the end of `cargo xtask test`: the failed tests with the commands that run them again, and the total.

use anyhow::Result;

use super::output::{Output, Tally};
use super::suite::Run;
use crate::workspace::Workspace;

/// The results of a run, over all its repetitions.
pub(crate) struct Report {
    run: Run,
    repetitions: u32,
    tally: Tally,
    failed_tests: Vec<FailedTest>,
    /// Problems other than failed tests, at most one for each repetition.
    problems: Vec<String>,
}

struct FailedTest {
    name: String,
    /// The reason of the first failure.
    reason: String,
    /// The number of repetitions in which the test failed.
    failures: u32,
}

impl Report {
    pub(crate) fn new(run: Run) -> Self {
        Self { run, repetitions: 0, tally: Tally::default(), failed_tests: Vec::new(), problems: Vec::new() }
    }

    /// Adds the result of a repetition.
    pub(crate) fn add(&mut self, output: Result<Output>) {
        self.repetitions += 1;
        let output = match output {
            Ok(output) => output,
            Err(error) => return self.add_problem(format!("{error:#}")),
        };
        self.tally += output.tally;
        if let Some(problem) = output.problem() {
            self.add_problem(problem);
        }
        for failure in output.failures {
            match self.failed_tests.iter_mut().find(|test| test.name == failure.test) {
                Some(test) => test.failures += 1,
                None => self.failed_tests.push(FailedTest { name: failure.test, reason: failure.reason, failures: 1 }),
            }
        }
    }

    /// A problem counts as a failed test.
    fn add_problem(&mut self, problem: String) {
        self.tally.failed += 1;
        self.problems.push(problem);
    }

    pub(crate) fn is_success(&self) -> bool {
        self.tally.failed == 0
    }

    fn print_failures(&self, workspace: &Workspace) {
        let Self { run, repetitions, .. } = self;
        for FailedTest { name, reason, failures } in &self.failed_tests {
            println!(
                "FAILED  {name}, in {run}{}",
                match repetitions {
                    1 => String::new(),
                    repetitions => format!(", {failures} of {repetitions} times"),
                }
            );
            println!("        {reason}");
            println!("        run again: {}", run.command_for(name));
            let folder = run.evidence(workspace);
            // A test can have two browsers.
            for number in ["", "-2"] {
                for (what, extension) in [("screenshot", "png"), ("console", "txt")] {
                    let file = folder.join(format!("{}{number}.{extension}", name.replace("::", ".")));
                    if file.is_file() {
                        println!("        {what}: {}", file.display());
                    }
                }
            }
        }
        for problem in &self.problems {
            println!("FAILED  {run}\n        {problem}");
        }
    }
}

/// Prints the failures, the tally of each run, and the total in the last line.
pub(crate) fn print(workspace: &Workspace, reports: &[Report]) {
    for report in reports {
        report.print_failures(workspace);
    }
    let mut total = Tally::default();
    for Report { run, repetitions, tally, .. } in reports {
        println!(
            "{tally}: {run}{}",
            match repetitions {
                1 => String::new(),
                repetitions => format!(", {repetitions} times"),
            }
        );
        total += *tally;
    }
    println!("{total}");
}
