//! Periods of a report: a year, half-year, quarter or month (definitions 2).

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::day::Day;

/// What kind of period.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeriodKind {
    /// `2024`
    Year,
    /// `2024-H1`
    Half,
    /// `2024-Q1`
    Quarter,
    /// `2024-03`
    Month,
}

/// A calendar period, both days inclusive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    year: i16,
    kind: PeriodKind,
    number: i8,
}

/// The text is no period.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("geen geldige periode (verwacht 2024, 2024-H1, 2024-Q1 of 2024-03)")]
pub struct InvalidPeriod;

impl Period {
    /// The calendar year.
    #[must_use]
    pub fn year_of(year: i16) -> Self {
        Self { year, kind: PeriodKind::Year, number: 1 }
    }

    /// Quarter 1 to 4 of a year; another number is brought within those bounds.
    #[must_use]
    pub fn quarter(year: i16, number: i8) -> Self {
        Self { year, kind: PeriodKind::Quarter, number: number.clamp(1, 4) }
    }

    /// The quarter that holds `day`.
    #[must_use]
    pub fn quarter_of(day: Day) -> Self {
        let (year, month, _) = day.ymd();
        Self::quarter(year, (month + 2) / 3)
    }

    /// Reads `2024`, `2024-H1`, `2024-Q1` or `2024-03`.
    ///
    /// # Errors
    /// [`InvalidPeriod`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidPeriod> {
        let (year, rest) = text.split_at_checked(4).ok_or(InvalidPeriod)?;
        if !year.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidPeriod);
        }
        let year: i16 = year.parse().map_err(|_| InvalidPeriod)?;
        let (kind, number) = match rest.as_bytes() {
            [] => (PeriodKind::Year, 1),
            [b'-', b'H', n @ b'1'..=b'2'] => (PeriodKind::Half, n - b'0'),
            [b'-', b'Q', n @ b'1'..=b'4'] => (PeriodKind::Quarter, n - b'0'),
            [b'-', b'0', n @ b'1'..=b'9'] => (PeriodKind::Month, n - b'0'),
            [b'-', b'1', n @ b'0'..=b'2'] => (PeriodKind::Month, 10 + n - b'0'),
            _ => return Err(InvalidPeriod),
        };
        if year < 1900 {
            return Err(InvalidPeriod);
        }
        Ok(Self { year, kind, number: i8::try_from(number).map_err(|_| InvalidPeriod)? })
    }

    /// The kind.
    #[must_use]
    pub fn kind(self) -> PeriodKind {
        self.kind
    }

    /// The calendar year that it lies in.
    #[must_use]
    pub fn year(self) -> i16 {
        self.year
    }

    /// First and last day, both inclusive.
    #[must_use]
    pub fn bounds(self) -> (Day, Day) {
        let months = match self.kind {
            PeriodKind::Year => 12,
            PeriodKind::Half => 6,
            PeriodKind::Quarter => 3,
            PeriodKind::Month => 1,
        };
        let first_month = (self.number - 1) * months + 1;
        let first = Day::from_ymd(self.year, first_month, 1).unwrap_or(Day(0));
        let last = Day::from_ymd(self.year, first_month + months - 1, 1).map_or(first, Day::end_of_month);
        (first, last)
    }

    /// The quarters that this period touches, in order.
    #[must_use]
    pub fn quarters(self) -> Vec<Self> {
        let (first, last) = self.bounds();
        let (_, a, _) = first.ymd();
        let (_, b, _) = last.ymd();
        ((a + 2) / 3..=(b + 2) / 3).map(|q| Self::quarter(self.year, q)).collect()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            PeriodKind::Year => write!(f, "{:04}", self.year),
            PeriodKind::Half => write!(f, "{:04}-H{}", self.year, self.number),
            PeriodKind::Quarter => write!(f, "{:04}-Q{}", self.year, self.number),
            PeriodKind::Month => write!(f, "{:04}-{:02}", self.year, self.number),
        }
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Period {
    type Err = InvalidPeriod;
    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Period {
    type Error = InvalidPeriod;
    fn try_from(text: String) -> Result<Self, InvalidPeriod> {
        Self::parse(&text)
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_read_print_and_bound() {
        for (text, first, last) in [
            ("2024", "2024-01-01", "2024-12-31"),
            ("2024-H2", "2024-07-01", "2024-12-31"),
            ("2024-Q1", "2024-01-01", "2024-03-31"),
            ("2024-02", "2024-02-01", "2024-02-29"),
            ("2023-12", "2023-12-01", "2023-12-31"),
        ] {
            let period = Period::parse(text).expect("period in the test");
            assert_eq!(period.to_string(), text);
            assert_eq!(period.bounds(), (Day::parse(first).expect("day"), Day::parse(last).expect("day")));
        }
        for bad in ["", "24", "2024-", "2024-Q5", "2024-13", "2024-00", "2024-Q", "20x4", "2024-q1", "2024é"] {
            assert_eq!(Period::parse(bad), Err(InvalidPeriod), "{bad}");
        }
    }
}
