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

    /// Sets whether the target of the line added last was met.
    pub fn met(&mut self, met: bool) {
        if let Some(row) = self.0.last_mut() {
            row.met = Some(met);
        }
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

/// `45 µs` or `1.23 ms`.
pub fn short(time: Duration) -> String {
    match time.as_secs_f64() * 1000.0 {
        millis if millis < 0.2 => format!("{:.0} µs", millis * 1000.0),
        millis => format!("{millis:.2} ms"),
    }
}

/// `5812/s`.
pub fn per_second(rate: f64) -> String {
    format!("{rate:.0}/s")
}

/// The smallest and the largest: `0.123 to 0.145`.
pub fn range<T: Copy>(
    values: &[T],
    figure: impl Fn(T) -> f64,
    show: impl Fn(f64) -> String,
) -> String {
    let mut figures: Vec<_> = values.iter().map(|value| figure(*value)).collect();
    figures.sort_by(f64::total_cmp);
    match &figures[..] {
        [] => String::new(),
        [one] => show(*one),
        [least, .., most] => format!("{} to {}", show(*least), show(*most)),
    }
}
