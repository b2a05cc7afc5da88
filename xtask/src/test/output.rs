//! Parses the output of the test harnesses libtest and wasm-bindgen-test, which have similar formats.

use std::fmt;
use std::ops::AddAssign;

/// The number of tests by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

/// A failure of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The name of the test, with its modules.
    pub(crate) test: String,
    /// The first line of its error or panic message. Empty when the harness printed none.
    pub(crate) reason: String,
}

/// The results that the commands of a run have printed.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) tally: Tally,
    pub(crate) failures: Vec<Failure>,
    /// Whether a command of the run has exited with an error.
    pub(crate) has_error: bool,
    position: Position,
}

/// The position of the next line in the output of a harness.
#[derive(Debug, Default, PartialEq, Eq)]
enum Position {
    /// Outside the block of a failure, or after its reason.
    #[default]
    Outside,
    /// In the block of the last failure, before its reason.
    Failure,
    /// In that block, between the location of a panic and its message.
    PanicMessage,
}

impl Output {
    /// Parses the next line.
    pub(crate) fn read(&mut self, line: &str) {
        self.tally += Tally::of_line(line);
        if let Some(test) = failed_test(line) {
            self.failures.push(Failure { test: test.to_owned(), reason: String::new() });
            self.position = Position::Failure;
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.position = Position::Outside;
        } else if let Some(failure) = self.failures.last_mut() {
            self.position = failure.read(line.trim(), &self.position);
        }
    }

    /// The problem of a run in which no test failed. `None` when the run succeeded, or when a test failed, which is
    /// counted.
    pub(crate) fn problem(&self) -> Option<String> {
        let Tally { passed, failed, ignored } = self.tally;
        if failed > 0 {
            None
        } else if self.has_error {
            Some("the command failed, but no test failed: see the compiler error or the crash above".into())
        } else if ignored > 0 {
            Some(format!("{ignored} tests are ignored: fix or delete them"))
        } else if passed == 0 {
            Some("no test ran".into())
        } else {
            None
        }
    }
}

impl Failure {
    /// Parses a line of the block of this failure. Returns the position after the line.
    fn read(&mut self, line: &str, position: &Position) -> Position {
        match position {
            Position::Outside => Position::Outside,
            Position::PanicMessage if line.is_empty() => Position::PanicMessage,
            Position::PanicMessage => {
                line.clone_into(&mut self.reason);
                Position::Outside
            }
            Position::Failure => {
                if let Some(error) = line.strip_prefix("Error: ") {
                    error.clone_into(&mut self.reason);
                    return Position::Outside;
                }
                if line.contains("panicked at ") {
                    return Position::PanicMessage;
                }
                Position::Failure
            }
        }
    }
}

/// The name of the test if this line begins the block of a failure.
fn failed_test(line: &str) -> Option<&str> {
    // libtest: ---- module::name stdout ----
    // wasm-bindgen-test: ---- module::name output ----
    let block = line.strip_prefix("---- ")?.strip_suffix(" ----")?;
    block.strip_suffix(" stdout").or_else(|| block.strip_suffix(" output"))
}

impl Tally {
    /// The counts in the result line of a harness. Zero for any other line.
    fn of_line(line: &str) -> Self {
        let mut tally = Self::default();
        // test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.13s
        let counts = line.strip_prefix("test result: ").and_then(|result| result.split_once(". "));
        for part in counts.map(|(_, counts)| counts).unwrap_or_default().split("; ") {
            let Some((count, result)) = part.split_once(' ') else { continue };
            let Ok(count) = count.parse() else { continue };
            match result {
                "passed" => tally.passed = count,
                "failed" => tally.failed = count,
                "ignored" => tally.ignored = count,
                _ => {}
            }
        }
        tally
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

/// The last line of `cargo xtask test`.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Output {
        let mut output = Output::default();
        text.lines().for_each(|line| output.read(line));
        output
    }

    fn problem(passed: u64, failed: u64, ignored: u64, has_error: bool) -> Option<String> {
        Output { tally: Tally { passed, failed, ignored }, has_error, ..Output::default() }.problem()
    }

    fn failures(text: &str) -> Vec<(String, String)> {
        read(text).failures.into_iter().map(|failure| (failure.test, failure.reason)).collect()
    }

    #[test]
    fn read_counts_the_result_line_of_libtest() {
        let line = "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 7 filtered out; finished in 0.42s";
        assert_eq!(read(line).tally, Tally { passed: 12, failed: 0, ignored: 3 });
    }

    #[test]
    fn read_counts_the_result_line_of_wasm_bindgen_test() {
        let line = "test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 filtered out; finished in 0.13s";
        assert_eq!(read(line).tally, Tally { passed: 1, failed: 2, ignored: 1 });
    }

    #[test]
    fn read_counts_no_other_line() {
        for line in
            ["", "running 3 tests", "test result: 5 passed", "5 passed; 0 failed", "    test result: ok. 1 passed;"]
        {
            assert_eq!(read(line).tally, Tally::default(), "{line:?}");
        }
    }

    #[test]
    fn read_adds_the_results_of_several_harnesses() {
        let output = "\
            test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test a ... FAILED\n\
            test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(read(output).tally.to_string(), "7 passed, 1 failed");
    }

    #[test]
    fn reason_of_a_failure_is_the_first_line_of_its_panic_or_error() {
        let text = "\
test sign_in::panics ... FAILED
test sign_in::errs ... FAILED

failures:

---- sign_in::panics stdout ----
output before the panic

thread 'sign_in::panics' (4711) panicked at tests/it/sign_in.rs:4:5:
assertion `left == right` failed: callbacks
  left: 1
 right: 2
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

---- sign_in::errs stdout ----
Error: timeout while waiting for `ready`

Caused by:
    deadline has elapsed


failures:
    sign_in::errs
    sign_in::panics

test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.05s
";
        let expected = [
            ("sign_in::panics".to_owned(), "assertion `left == right` failed: callbacks".to_owned()),
            ("sign_in::errs".to_owned(), "timeout while waiting for `ready`".to_owned()),
        ];
        assert_eq!(failures(text), expected);
    }

    #[test]
    fn reason_of_a_failure_without_a_message_is_empty() {
        assert_eq!(
            failures("---- silent stdout ----\n\nfailures:\n    silent\n"),
            [("silent".to_owned(), String::new())]
        );
    }

    #[test]
    fn problem_is_none_for_failed_tests_and_for_success() {
        assert_eq!(problem(3, 1, 0, true), None);
        assert_eq!(problem(3, 0, 0, false), None);
    }

    #[test]
    fn problem_reports_an_error_without_a_failed_test() {
        assert!(problem(3, 0, 0, true).is_some_and(|problem| problem.contains("no test failed")));
    }

    #[test]
    fn problem_reports_ignored_tests() {
        assert!(problem(3, 0, 2, false).is_some_and(|problem| problem.contains("2 tests are ignored")));
    }

    #[test]
    fn problem_reports_a_run_without_tests() {
        assert!(problem(0, 0, 0, false).is_some_and(|problem| problem.contains("no test ran")));
    }
}
