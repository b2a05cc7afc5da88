//! What `cargo xtask test` prints at its end: which tests failed and why, how to run each alone, and the sum.

use anyhow::Result;

use super::output::{Output, Tally};
use super::suite::Run;
use crate::workspace::Workspace;

/// What became of a suite, over all its turns.
pub(crate) struct Report {
    run: Run,
    turns: u32,
    tally: Tally,
    failed_tests: Vec<FailedTest>,
    /// What is wrong beyond failed tests, once a turn.
    problems: Vec<String>,
}

struct FailedTest {
    name: String,
    /// Of the first time that it failed.
    reason: String,
    times: u32,
}

impl Report {
    pub(crate) fn new(run: Run) -> Self {
        Self { run, turns: 0, tally: Tally::default(), failed_tests: Vec::new(), problems: Vec::new() }
    }

    /// Adds a turn.
    pub(crate) fn add(&mut self, output: Result<Output>) {
        self.turns += 1;
        let output = match output {
            Ok(output) => output,
            Err(error) => return self.add_problem(format!("{error:#}")),
        };
        self.tally += output.tally;
        self.problem_of(&output);
        for failure in output.failures {
            match self.failed_tests.iter_mut().find(|test| test.name == failure.test) {
                Some(test) => test.times += 1,
                None => self.failed_tests.push(FailedTest { name: failure.test, reason: failure.reason, times: 1 }),
            }
        }
    }

    fn problem_of(&mut self, output: &Output) {
        if let Some(problem) = output.problem() {
            self.add_problem(problem);
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
        let Self { run, turns, .. } = self;
        for FailedTest { name, reason, times } in &self.failed_tests {
            println!(
                "FAILED  {name}, in {run}{}",
                match turns {
                    1 => String::new(),
                    turns => format!(", {times} times of {turns}"),
                }
            );
            println!("        {reason}");
            println!("        again: {}", run.command_for(name));
            let folder = run.evidence(workspace);
            // A test may have two browsers.
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

/// Prints what failed, each suite's sum, and the sum of all in the last line.
pub(crate) fn print(workspace: &Workspace, reports: &[Report]) {
    for report in reports {
        report.print_failures(workspace);
    }
    let mut sum = Tally::default();
    for Report { run, turns, tally, .. } in reports {
        println!(
            "{tally}: {run}{}",
            match turns {
                1 => String::new(),
                turns => format!(", {turns} times"),
            }
        );
        sum += *tally;
    }
    println!("{sum}");
}
