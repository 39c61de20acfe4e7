//! The table that a run ends with.

use std::{fmt, time::Duration};

/// One line of the table.
#[derive(Debug, Default)]
pub struct Row {
    pub what: String,
    pub measured: String,
    pub baseline: String,
    pub ratio: String,
    pub target: &'static str,
    /// `None` when there is no target.
    pub met: Option<bool>,
    pub note: String,
}

/// All the lines.
#[derive(Debug, Default)]
pub struct Table(Vec<Row>);

impl Table {
    pub fn add(&mut self, row: Row) {
        eprintln!("  {}: {} ({})", row.what, row.measured, row.note);
        self.0.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["", "measured", "baseline", "ratio", "target", "", "rounds"];
        let mut lines = vec![head.map(str::to_owned)];
        lines.extend(self.0.iter().map(|row| {
            let verdict = match row.met {
                Some(true) => "met",
                Some(false) => "missed",
                None => "",
            };
            [
                row.what.clone(),
                row.measured.clone(),
                row.baseline.clone(),
                row.ratio.clone(),
                row.target.to_owned(),
                verdict.to_owned(),
                row.note.clone(),
            ]
        }));
        let width = |n: usize| lines.iter().map(|line| line[n].chars().count()).max();
        let widths: Vec<_> = (0..head.len()).map(|n| width(n).unwrap_or(0)).collect();
        for line in &lines {
            let mut text = String::new();
            for (n, cell) in line.iter().enumerate() {
                let width = widths[n];
                // Figures end at the same column, words begin at it.
                text += &match n {
                    1..=3 => format!("{cell:>width$}   "),
                    _ => format!("{cell:<width$}   "),
                };
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// `1.234 ms`.
pub fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

/// `5812/s`.
pub fn per_second(rate: f64) -> String {
    format!("{rate:.0}/s")
}

/// `0.123 to 0.145`, or whatever `show` makes of the smallest and the largest.
pub fn range<T: PartialOrd + Copy>(values: &[T], show: impl Fn(T) -> String) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    match (sorted.first(), sorted.last()) {
        (Some(least), Some(most)) => format!("{} to {}", show(*least), show(*most)),
        _ => String::new(),
    }
}
