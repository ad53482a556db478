//! Moments as text (ISO 8601 in UTC) and as the day in Europe/Amsterdam.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::day::Day;

/// The calendar day in Europe/Amsterdam of a moment in milliseconds since 1970 UTC: the day that law counts.
#[must_use]
pub fn day_in_amsterdam(ms: u64) -> Day {
    let zone = TimeZone::get("Europe/Amsterdam").unwrap_or(TimeZone::UTC);
    let date = at(ms).to_zoned(zone).date();
    Day::from_ymd(date.year(), date.month(), date.day()).unwrap_or(Day(0))
}

/// A moment in milliseconds since 1970 UTC, to the second: `2026-06-01T12:00:00Z`. One past the year 9999 is the last of it.
#[must_use]
pub fn seconds(ms: u64) -> String {
    at(ms).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// As [`seconds`], to the millisecond: `2026-06-01T12:00:00.250Z`.
#[must_use]
pub fn millis(ms: u64) -> String {
    at(ms).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn at(ms: u64) -> Timestamp {
    i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_utc_and_never_past_its_years() {
        assert_eq!(seconds(1_780_315_200_999), "2026-06-01T12:00:00Z");
        assert_eq!(millis(1_780_315_200_250), "2026-06-01T12:00:00.250Z");
        assert!(seconds(u64::MAX).starts_with("9999-12-30T"));
    }
}
