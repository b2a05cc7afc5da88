//! What was measured, beside what it is measured by.

/// One number, and its ratio to another.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) beside: &'static str,
    pub(crate) other: f64,
    pub(crate) wanted: Wanted,
}

/// What the ratio should be.
pub(crate) enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Row {
    pub(crate) fn is_met(&self) -> bool {
        match self.wanted {
            Wanted::AtLeast(least) => self.ratio() >= least,
            Wanted::AtMost(most) => self.ratio() <= most,
        }
    }

    fn ratio(&self) -> f64 {
        self.value / self.other
    }
}

pub(crate) fn print(rows: &[Row]) {
    println!();
    for row in rows {
        let Row { what, unit, value, beside, other, .. } = row;
        let wanted = match row.wanted {
            Wanted::AtLeast(least) => format!("≥ {least:.2}"),
            Wanted::AtMost(most) => format!("≤ {most:.2}"),
        };
        let verdict = if row.is_met() { "ok" } else { "MISSED" };
        println!(
            "{what:<46}{value:>9.*} {unit:<9} {beside:<28}{other:>9.*}  ratio {:>5.2}  wanted {wanted}  {verdict}",
            decimals(*value),
            decimals(*other),
            row.ratio(),
        );
    }
}

fn decimals(number: f64) -> usize {
    if number < 100.0 { 1 } else { 0 }
}
