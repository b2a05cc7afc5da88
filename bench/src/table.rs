//! The table of results.

/// A result and its reference, in the same unit.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) reference_name: &'static str,
    pub(crate) reference: f64,
    pub(crate) limit: Limit,
    /// Why the limit can be missed, if the cause is known. It is printed only beside a missed limit.
    pub(crate) known_cause: Option<&'static str>,
}

/// The limit of the ratio of value to reference.
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Row {
    pub(crate) fn is_within_limit(&self) -> bool {
        match self.limit {
            Limit::AtLeast(min) => self.ratio() >= min,
            Limit::AtMost(max) => self.ratio() <= max,
        }
    }

    fn ratio(&self) -> f64 {
        self.value / self.reference
    }
}

pub(crate) fn print(rows: &[Row]) {
    println!();
    for row in rows {
        let Row { name, unit, value, reference_name, reference, .. } = row;
        let limit = match row.limit {
            Limit::AtLeast(min) => format!("limit ≥ {min:.2}"),
            Limit::AtMost(max) => format!("limit ≤ {max:.2}"),
        };
        let result = match row.known_cause {
            _ if row.is_within_limit() => "met".to_owned(),
            Some(cause) => format!("missed: {cause}"),
            None => "missed".to_owned(),
        };
        println!(
            "{name:<43}{value:>9.*} {unit:<6} {reference_name:<19}{reference:>9.*}  ratio {:>5.2}, {limit}  {result}",
            decimals(*value),
            decimals(*reference),
            row.ratio(),
        );
    }
}

/// The number of decimal places that a number is printed with.
fn decimals(number: f64) -> usize {
    if number < 100.0 { 1 } else { 0 }
}
