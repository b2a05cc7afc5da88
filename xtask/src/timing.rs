//! How long the parts of a command took.

use std::fmt;
use std::time::{Duration, Instant};

/// The parts of a command in the order in which they ended.
#[derive(Default)]
pub(crate) struct Timings(Vec<(String, Duration)>);

impl Timings {
    /// Runs a part, and prints and keeps how long it took.
    pub(crate) fn time<T>(&mut self, part: impl fmt::Display, run: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let outcome = run();
        let duration = started.elapsed();
        println!("==> {}: {part}", Seconds(duration));
        self.0.push((part.to_string(), duration));
        outcome
    }
}

/// The slowest part first.
impl fmt::Display for Timings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<_> = self.0.iter().collect();
        parts.sort_by_key(|(_, duration)| std::cmp::Reverse(*duration));
        for (part, duration) in parts {
            writeln!(formatter, "{:>11}  {part}", Seconds(*duration).to_string())?;
        }
        Ok(())
    }
}

/// A duration in whole seconds, as people read it.
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
    fn durations_are_listed_from_the_longest() {
        let part = |name: &str, seconds| (name.to_owned(), Duration::from_secs_f64(seconds));
        let timings = Timings(vec![part("lints", 4.4), part("tests", 61.6), part("size", 60.0)]);
        assert_eq!(timings.to_string(), " 1 min 02 s  tests\n 1 min 00 s  size\n        4 s  lints\n");
    }

    #[test]
    fn a_timed_part_returns_its_value_and_is_listed() {
        let mut timings = Timings::default();
        assert_eq!(timings.time("part", || 5), 5);
        assert!(timings.to_string().contains("part"));
    }
}
