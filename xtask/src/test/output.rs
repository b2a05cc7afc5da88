//! Reads what test harnesses print: libtest and wasm-bindgen-test, whose output has nearly the same shape.

use std::fmt;
use std::ops::AddAssign;

/// How many tests had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) test: String,
    /// The first line of its error or panic message. Empty when the harness printed none.
    pub(crate) reason: String,
}

/// What a run of a suite printed about its tests.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) tally: Tally,
    pub(crate) failures: Vec<Failure>,
    /// Whether a command of the run ended with an error.
    pub(crate) has_error: bool,
    position: Position,
}

/// Where in the output of a harness the next line stands.
#[derive(Debug, Default, PartialEq, Eq)]
enum Position {
    #[default]
    Elsewhere,
    /// In the block of the last failure.
    Failure,
    /// In that block, after a line that says where a test panicked: the message follows.
    AfterPanic,
}

impl Output {
    /// Takes in the next line.
    pub(crate) fn read(&mut self, line: &str) {
        self.tally += Tally::of_line(line);
        if let Some(test) = failed_test(line) {
            self.failures.push(Failure { test: test.to_owned(), reason: String::new() });
            self.position = Position::Failure;
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.position = Position::Elsewhere;
        } else if let Some(failure) = self.failures.last_mut() {
            self.position = failure.read(line.trim(), &self.position);
        }
    }

    /// What is wrong with a run that printed this, beyond the failures it counted.
    pub(crate) fn problem(&self) -> Option<String> {
        let Tally { passed, failed, ignored } = self.tally;
        if failed > 0 {
            None
        } else if self.has_error {
            Some("the run ended with an error, but no test failed: see above what did not compile or crashed".into())
        } else if ignored > 0 {
            Some(format!("{ignored} tests are ignored: mend or delete them"))
        } else if passed == 0 {
            Some("no test ran".into())
        } else {
            None
        }
    }
}

impl Failure {
    /// Takes in a line of the block that a harness prints about it, and returns the position after that line.
    fn read(&mut self, line: &str, position: &Position) -> Position {
        match position {
            Position::Elsewhere => Position::Elsewhere,
            Position::AfterPanic if line.is_empty() => Position::AfterPanic,
            Position::AfterPanic => {
                line.clone_into(&mut self.reason);
                Position::Elsewhere
            }
            Position::Failure => {
                if let Some(error) = line.strip_prefix("Error: ") {
                    error.clone_into(&mut self.reason);
                    return Position::Elsewhere;
                }
                if line.contains("panicked at ") {
                    return Position::AfterPanic;
                }
                Position::Failure
            }
        }
    }
}

/// The test whose block begins with this line.
fn failed_test(line: &str) -> Option<&str> {
    // libtest: ---- module::name stdout ----
    // wasm-bindgen-test: ---- module::name output ----
    let block = line.strip_prefix("---- ")?.strip_suffix(" ----")?;
    block.strip_suffix(" stdout").or_else(|| block.strip_suffix(" output"))
}

impl Tally {
    /// What a line of output adds: something if it is a harness's last line, otherwise nothing.
    fn of_line(line: &str) -> Self {
        let mut tally = Self::default();
        // test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.13s
        let counts = line.strip_prefix("test result: ").and_then(|result| result.split_once(". "));
        for part in counts.map(|(_, counts)| counts).unwrap_or_default().split("; ") {
            let Some((count, outcome)) = part.split_once(' ') else { continue };
            let Ok(count) = count.parse() else { continue };
            match outcome {
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

/// The line that `cargo xtask test` ends with.
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
    fn the_last_line_of_libtest_is_counted() {
        let line = "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 7 filtered out; finished in 0.42s";
        assert_eq!(read(line).tally, Tally { passed: 12, failed: 0, ignored: 3 });
    }

    #[test]
    fn the_last_line_of_wasm_bindgen_test_is_counted() {
        let line = "test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 filtered out; finished in 0.13s";
        assert_eq!(read(line).tally, Tally { passed: 1, failed: 2, ignored: 1 });
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in
            ["", "running 3 tests", "test result: 5 passed", "5 passed; 0 failed", "    test result: ok. 1 passed;"]
        {
            assert_eq!(read(line).tally, Tally::default(), "{line:?}");
        }
    }

    #[test]
    fn the_results_of_several_harnesses_are_added() {
        let output = "\
            test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test a ... FAILED\n\
            test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(read(output).tally.to_string(), "7 passed, 1 failed");
    }

    #[test]
    fn a_failure_has_the_first_line_of_its_panic_or_error() {
        let text = "\
test life::panics ... FAILED
test life::errs ... FAILED

failures:

---- life::panics stdout ----
it says something first

thread 'life::panics' (4711) panicked at tests/it/life.rs:4:5:
assertion `left == right` failed: told
  left: 1
 right: 2
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

---- life::errs stdout ----
Error: waited in vain for `ready`

Caused by:
    deadline has elapsed


failures:
    life::errs
    life::panics

test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.05s
";
        let expected = [
            ("life::panics".to_owned(), "assertion `left == right` failed: told".to_owned()),
            ("life::errs".to_owned(), "waited in vain for `ready`".to_owned()),
        ];
        assert_eq!(failures(text), expected);
    }

    #[test]
    fn a_failure_without_a_message_is_listed() {
        assert_eq!(failures("---- quiet stdout ----\n\nfailures:\n    quiet\n"), [("quiet".to_owned(), String::new())]);
    }

    #[test]
    fn counted_failures_are_no_further_problem() {
        assert_eq!(problem(3, 1, 0, true), None);
        assert_eq!(problem(3, 0, 0, false), None);
    }

    #[test]
    fn an_error_without_a_failed_test_is_a_problem() {
        assert!(problem(3, 0, 0, true).is_some_and(|problem| problem.contains("no test failed")));
    }

    #[test]
    fn an_ignored_test_is_a_problem() {
        assert!(problem(3, 0, 2, false).is_some_and(|problem| problem.contains("2 tests are ignored")));
    }

    #[test]
    fn a_run_without_tests_is_a_problem() {
        assert!(problem(0, 0, 0, false).is_some_and(|problem| problem.contains("no test ran")));
    }
}
