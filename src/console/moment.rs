//! Times in words.

use time::{Date, OffsetDateTime, macros::format_description};

use crate::clock::Timestamp;

use super::view::When;

/// How a moment reads `now`: how long ago, or after 30 days the date.
pub fn when(at: Timestamp, now: Timestamp) -> When {
    When {
        iso: iso(at.to_utc()),
        exact: Some(exact(at.to_utc())),
        text: text(at, now),
    }
}

/// The date of a moment: `12 Mar 2026`.
pub fn date(at: Timestamp) -> String {
    day(at.to_utc().date())
}

/// A day: `12 Mar 2026`.
pub fn day(day: Date) -> String {
    let format = format_description!("[day padding:none] [month repr:short] [year]");
    day.format(format).unwrap_or_default()
}

/// The date of a moment, to the minute where the mouse rests.
pub fn dated(at: Timestamp) -> When {
    When {
        iso: iso(at.to_utc()),
        exact: Some(exact(at.to_utc())),
        text: date(at),
    }
}

/// A moment with its time, for one that is yet to come or where others are found by it:
/// `12 Mar 2026, 09:15 UTC`.
pub fn to_the_minute(at: Timestamp) -> When {
    let format =
        format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute] UTC");
    When {
        text: at.to_utc().format(format).unwrap_or_default(),
        ..dated(at)
    }
}

/// A moment as programs read it (RFC 3339): `2026-03-12T09:15:00Z`.
pub fn rfc_3339(at: Timestamp) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    at.to_utc().format(format).unwrap_or_default()
}

/// How long ago a moment was, in words; after 30 days its date.
pub fn text(at: Timestamp, now: Timestamp) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = now.since(at).as_secs();
    match seconds {
        0..MINUTE => "just now".to_owned(),
        MINUTE..HOUR => ago(seconds / MINUTE, "minute"),
        HOUR..DAY => ago(seconds / HOUR, "hour"),
        _ if seconds < 2 * DAY => "yesterday".to_owned(),
        _ if seconds <= 30 * DAY => ago(seconds / DAY, "day"),
        _ => date(at),
    }
}

fn ago(count: u64, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

// Both to the minute, which is how often a use is recorded, and spelt alike, which
// a page of a hundred moments compresses to half (HTML, "global dates and times").
fn iso(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]Z");
    at.format(format).unwrap_or_default()
}

fn exact(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    at.format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_read_as_people_say_them() {
        let now = Timestamp::from_millis(1_773_316_800_000); // 12 March 2026, 12:00 UTC
        for (seconds, words) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (7_200, "2 hours ago"),
            (86_400, "yesterday"),
            (2 * 86_400, "2 days ago"),
            (30 * 86_400, "30 days ago"),
            (31 * 86_400, "9 Feb 2026"),
        ] {
            let at = now.minus(Duration::from_secs(seconds));
            assert_eq!(text(at, now), words, "{seconds}");
        }
        assert_eq!(text(now.plus(Duration::from_secs(5)), now), "just now");
        let shown = when(now, now);
        assert_eq!(shown.iso, "2026-03-12 12:00Z");
        assert_eq!(shown.exact.as_deref(), Some("2026-03-12 12:00 UTC"));
    }
}
