//! Counting tests by the lines that libtest and wasm-bindgen-test end with, which have the same shape.

use std::fmt;
use std::ops::AddAssign;

/// How many tests had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Tally {
    /// What a line of output adds: something if it is a harness's last line, otherwise nothing.
    pub(crate) fn of_line(line: &str) -> Self {
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

    /// What is wrong with a suite that counted this, beyond the failures it counted.
    pub(crate) fn trouble(self, success: bool) -> Option<String> {
        if self.failed > 0 {
            None
        } else if !success {
            Some(
                "they ended with an error without a test having failed: see above what did not compile, or crashed."
                    .into(),
            )
        } else if self.ignored > 0 {
            Some(format!("{} ignored: a test that is not run tells nothing, so mend it or delete it.", self.ignored))
        } else if self.passed == 0 {
            Some("not one test ran: tests that cannot fail tell nothing.".into())
        } else {
            None
        }
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

    fn tally(passed: u64, failed: u64, ignored: u64) -> Tally {
        Tally { passed, failed, ignored }
    }

    #[test]
    fn a_line_of_libtest_is_counted() {
        let line = "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 7 filtered out; finished in 0.42s";
        assert_eq!(Tally::of_line(line), tally(12, 0, 3));
    }

    #[test]
    fn a_line_of_wasm_bindgen_test_is_counted() {
        let line = "test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 filtered out; finished in 0.13s";
        assert_eq!(Tally::of_line(line), tally(1, 2, 1));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in
            ["", "running 3 tests", "test result: 5 passed", "5 passed; 0 failed", "    test result: ok. 1 passed;"]
        {
            assert_eq!(Tally::of_line(line), Tally::default(), "{line:?}");
        }
    }

    #[test]
    fn the_sum_of_several_harnesses_is_the_last_line() {
        let output = "\
            test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test a ... FAILED\n\
            test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let mut sum = Tally::default();
        for line in output.lines() {
            sum += Tally::of_line(line);
        }
        assert_eq!(sum.to_string(), "7 passed, 1 failed");
    }

    #[test]
    fn counted_failures_need_no_further_words() {
        assert_eq!(tally(3, 1, 0).trouble(false), None);
        assert_eq!(tally(3, 0, 0).trouble(true), None);
    }

    #[test]
    fn an_error_without_a_failed_test_is_trouble() {
        assert!(tally(3, 0, 0).trouble(false).is_some_and(|words| words.contains("without a test having failed")));
    }

    #[test]
    fn an_ignored_test_is_trouble() {
        assert!(tally(3, 0, 2).trouble(true).is_some_and(|words| words.contains("2 ignored")));
    }

    #[test]
    fn no_test_at_all_is_trouble() {
        assert!(tally(0, 0, 0).trouble(true).is_some_and(|words| words.contains("not one test ran")));
    }
}
