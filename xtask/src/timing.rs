//! Measures the durations of the parts of a command.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The parts of a command with their durations, in the order in which they ended. Parts may run at the same time.
#[derive(Default)]
pub(crate) struct Timings(Mutex<Vec<(String, Duration)>>);

impl Timings {
    /// Runs a part, and prints and records its duration. Returns the value of `run`.
    pub(crate) fn time<T>(&self, part: impl fmt::Display, run: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let value = run();
        let duration = start.elapsed();
        println!("==> {}: {part}", Seconds(duration));
        self.parts().push((part.to_string(), duration));
        value
    }

    fn parts(&self) -> MutexGuard<'_, Vec<(String, Duration)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line for each part, the longest first.
impl fmt::Display for Timings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.parts().clone();
        parts.sort_by_key(|(_, duration)| std::cmp::Reverse(*duration));
        for (part, duration) in parts {
            writeln!(formatter, "{:>11}  {part}", Seconds(duration).to_string())?;
        }
        Ok(())
    }
}

/// Displays a duration in minutes and rounded seconds.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64().round() as u64;
        match (seconds / 60, seconds % 60) {
            (0, seconds) => write!(formatter, "{seconds} s"),
            (minutes, seconds) => write!(formatter, "{minutes} min {seconds:02} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timings_display_lists_parts_from_longest_to_shortest() {
        let part = |name: &str, seconds| (name.to_owned(), Duration::from_secs_f64(seconds));
        let timings = Timings(Mutex::new(vec![part("lints", 4.4), part("tests", 61.6), part("size", 60.0)]));
        assert_eq!(timings.to_string(), " 1 min 02 s  tests\n 1 min 00 s  size\n        4 s  lints\n");
    }

    #[test]
    fn time_returns_the_value_and_records_the_part() {
        let timings = Timings::default();
        assert_eq!(timings.time("part", || 5), 5);
        assert!(timings.to_string().contains("part"));
    }
}
