//! Days, month arithmetic, imprecise dates and Dutch working days (definitions 1.2 and 2).

use std::fmt;

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A calendar day: number of days since 1 January 1970 (negative before).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(pub i32);

/// The text or the numbers are no day of the calendar.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("geen geldige datum (verwacht jjjj-mm-dd)")]
pub struct InvalidDay;

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

impl Day {
    /// The day of these calendar numbers, years 1 to 9999.
    #[must_use]
    pub fn from_ymd(year: i16, month: i8, day: i8) -> Option<Self> {
        if year < 1 {
            return None;
        }
        Date::new(year, month, day).ok().map(Self::from_date)
    }

    fn from_date(date: Date) -> Self {
        Self(date.since(EPOCH).map_or(0, |span| span.get_days()))
    }

    fn date(self) -> Date {
        EPOCH.saturating_add(jiff::Span::new().days(self.0))
    }

    /// Year, month and day number.
    #[must_use]
    pub fn ymd(self) -> (i16, i8, i8) {
        let date = self.date();
        (date.year(), date.month(), date.day())
    }

    /// Reads `jjjj-mm-dd`.
    ///
    /// # Errors
    /// [`InvalidDay`] for any other text or a day that does not exist.
    pub fn parse(text: &str) -> Result<Self, InvalidDay> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(InvalidDay);
        }
        let number = |range: std::ops::Range<usize>| -> Option<i16> {
            let part = &bytes[range];
            part.iter().all(u8::is_ascii_digit).then(|| part.iter().fold(0, |n, b| n * 10 + i16::from(b - b'0')))
        };
        let small = |range| number(range).and_then(|n| i8::try_from(n).ok());
        match (number(0..4), small(5..7), small(8..10)) {
            (Some(y), Some(m), Some(d)) => Self::from_ymd(y, m, d).ok_or(InvalidDay),
            _ => Err(InvalidDay),
        }
    }

    /// The same day number `months` later (or earlier), clamped to the end of the target month (definitions 2).
    #[must_use]
    pub fn add_months(self, months: i32) -> Self {
        Self::from_date(self.date().saturating_add(jiff::Span::new().months(months)))
    }

    /// Last day of this day's month.
    #[must_use]
    pub fn end_of_month(self) -> Self {
        Self::from_date(self.date().last_of_month())
    }

    /// Last day of this day's calendar quarter.
    #[must_use]
    pub fn end_of_quarter(self) -> Self {
        let (year, month, _) = self.ymd();
        Self::from_ymd(year, (month + 2) / 3 * 3, 1).map_or(self, Self::end_of_month)
    }

    /// Completed years at `on` of somebody born on this day (negative before birth).
    #[must_use]
    pub fn age_on(self, on: Self) -> i16 {
        let ((by, bm, bd), (y, m, d)) = (self.ymd(), on.ymd());
        y - by - i16::from((m, d) < (bm, bd))
    }

    /// Whether this is a Dutch working day: Monday to Friday and no day off (definitions 2; Algemene termijnenwet art. 3,
    /// with 5 May every year).
    #[must_use]
    pub fn is_working_day(self) -> bool {
        let date = self.date();
        !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_day_off(date)
    }
}

fn is_day_off(date: Date) -> bool {
    let easter = easter_sunday(date.year());
    let after_easter = Day::from_date(date).0 - Day::from_date(easter).0;
    let kings_day = match jiff::civil::date(date.year(), 4, 27).weekday() {
        Weekday::Sunday => 26,
        _ => 27,
    };
    matches!((date.month(), date.day()), (1, 1) | (5, 5) | (12, 25 | 26))
        || (date.month() == 4 && date.day() == kings_day)
        || matches!(after_easter, -2 | 1 | 39 | 50)
}

/// Easter Sunday by the rule of Meeus, Jones and Butcher.
fn easter_sunday(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    let narrow = |x: i32| i8::try_from(x).unwrap_or(1);
    jiff::civil::date(year, narrow(n / 31), narrow(n % 31 + 1))
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, m, d) = self.ymd();
        write!(f, "{y:04}-{m:02}-{d:02}")
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Day {
    type Err = InvalidDay;
    fn from_str(text: &str) -> Result<Self, InvalidDay> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Day {
    type Error = InvalidDay;
    fn try_from(text: String) -> Result<Self, InvalidDay> {
        Self::parse(&text)
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

/// A table of working days, for counting between two days in constant time.
pub struct WorkCalendar {
    first: i32,
    cumulative: Vec<u32>,
}

impl WorkCalendar {
    /// Covers 1950 to 2100, as the definitions need.
    #[must_use]
    pub fn new() -> Self {
        let first = Day::from_ymd(1950, 1, 1).map_or(0, |d| d.0);
        let last = Day::from_ymd(2100, 12, 31).map_or(0, |d| d.0);
        let mut n = 0;
        let cumulative = (first..=last)
            .map(|day| {
                n += u32::from(Day(day).is_working_day());
                n
            })
            .collect();
        Self { first, cumulative }
    }

    /// Number of working days in (start, end]; 0 when `end` is not after `start`.
    #[must_use]
    pub fn between(&self, start: Day, end: Day) -> i32 {
        let at = |day: Day| {
            let index = usize::try_from(day.0 - self.first).unwrap_or(0).min(self.cumulative.len() - 1);
            i64::from(self.cumulative[index])
        };
        i32::try_from(at(end) - at(start)).unwrap_or(0).max(0)
    }
}

impl Default for WorkCalendar {
    fn default() -> Self {
        Self::new()
    }
}

/// How precisely a date is known (definitions 1.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Precision {
    /// The day.
    D,
    /// The month (`JJJJMM00`).
    M,
    /// The year (`JJJJ0000`).
    Y,
    /// Nothing (`00000000`, `99999999`).
    U,
}

/// A date with its precision; `lo` and `hi` are the first and last possible day (both 0 for precision U).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PartialDate {
    /// How precisely it is known.
    pub precision: Precision,
    /// First possible day.
    pub lo: Day,
    /// Last possible day.
    pub hi: Day,
}

impl PartialDate {
    /// An exact day.
    #[must_use]
    pub fn exact(day: Day) -> Self {
        Self { precision: Precision::D, lo: day, hi: day }
    }

    /// The day when it is known exactly.
    #[must_use]
    pub fn exact_day(self) -> Option<Day> {
        (self.precision == Precision::D).then_some(self.lo)
    }

    /// Rebuilds the date from its precision and first possible day.
    #[must_use]
    pub fn from_parts(precision: Precision, lo: Day) -> Self {
        let hi = match precision {
            Precision::D | Precision::U => lo,
            Precision::M => lo.end_of_month(),
            Precision::Y => Day::from_ymd(lo.ymd().0, 12, 31).unwrap_or(lo),
        };
        Self { precision, lo, hi }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn working_days_of_the_hand_checked_cases() {
        let calendar = WorkCalendar::new();
        let day = |t: &str| Day::parse(t).expect("date in the test");
        // domain.md 5.4, M01 to M05
        for (start, end, expected) in [
            ("2024-01-08", "2024-01-15", 5),
            ("2024-01-08", "2024-01-16", 6),
            ("2024-03-27", "2024-04-05", 5),
            ("2024-12-20", "2024-12-31", 5),
            ("2024-05-03", "2024-05-13", 5),
            ("2024-04-25", "2024-05-02", 5),
        ] {
            assert_eq!(calendar.between(day(start), day(end)), expected, "{start} to {end}");
        }
        assert!(!day("2025-04-26").is_working_day(), "King's day moves to Saturday when the 27th is a Sunday");
    }

    #[test]
    fn months_are_clamped_to_the_end_of_the_month() {
        let day = |t: &str| Day::parse(t).expect("date in the test");
        assert_eq!(day("2024-11-30").add_months(3), day("2025-02-28"));
        assert_eq!(day("2024-02-29").add_months(-24), day("2022-02-28"));
        assert_eq!(day("2024-02-29").0 - day("2024-02-28").0, 1);
        assert_eq!(day("1899-12-31").to_string(), "1899-12-31");
    }
}
