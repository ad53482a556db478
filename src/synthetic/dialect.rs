//! How each organisation writes its file: columns, order, separator, line end, byte order mark, dates, sex, quoting.

use super::rng::Rng;
use crate::domain::codes::OrgType;
use crate::domain::day::Day;

/// A column of the canonical event file; the number of a variant is its place in a [`Row`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Column {
    EventId,
    Status,
    Bsn,
    Born,
    Sex,
    Gemeente,
    Type,
    Datum,
    Registered,
    Maatregel,
    Reden,
    Kader,
    Uitkomst,
    Melder,
    Partij,
    Zaak,
    Gezin,
    Scheiding,
}

use Column as C;

const COLUMNS: [(Column, &str); 18] = [
    (C::EventId, "event_id"),
    (C::Status, "status"),
    (C::Bsn, "bsn"),
    (C::Born, "geboortedatum"),
    (C::Sex, "geslacht"),
    (C::Gemeente, "gemeente"),
    (C::Type, "type"),
    (C::Datum, "datum"),
    (C::Registered, "geregistreerd_op"),
    (C::Maatregel, "maatregel"),
    (C::Reden, "reden"),
    (C::Kader, "kader"),
    (C::Uitkomst, "uitkomst"),
    (C::Melder, "melder"),
    (C::Partij, "partij"),
    (C::Zaak, "zaak"),
    (C::Gezin, "gezin"),
    (C::Scheiding, "scheiding"),
];

/// The values of one line, before quoting.
#[derive(Clone, Default)]
pub(super) struct Row([String; 18]);

impl Row {
    pub(super) fn value(&self, column: Column) -> &str {
        &self.0[column as usize]
    }

    pub(super) fn set(&mut self, column: Column, value: impl Into<String>) {
        self.0[column as usize] = value.into();
    }

    /// The same line with another value in one column.
    pub(super) fn with(&self, column: Column, value: impl Into<String>) -> Self {
        let mut row = self.clone();
        row.set(column, value);
        row
    }
}

#[derive(Clone, Copy)]
enum Dates {
    Compact,
    Iso,
    DayFirst,
}

/// The manner of one organisation.
pub(super) struct Dialect {
    separator: char,
    line_end: &'static str,
    byte_order_mark: bool,
    dates: Dates,
    sex_in_digits: bool,
    quote_all: bool,
    pub(super) uuid_ids: bool,
    utc: bool,
    columns: Vec<(Column, &'static str)>,
}

impl Dialect {
    /// The manner of the organisation with this number, fixed for all seeds.
    pub(super) fn of(number: usize, key: &str, org_type: OrgType) -> Self {
        let columns = columns(number, key, org_type);
        let base = Self {
            separator: if number.is_multiple_of(2) { ';' } else { ',' },
            line_end: if (number / 2).is_multiple_of(2) { "\n" } else { "\r\n" },
            byte_order_mark: number.is_multiple_of(3),
            dates: [Dates::Compact, Dates::DayFirst, Dates::Iso][number % 3],
            sex_in_digits: number % 2 == 1,
            quote_all: number.is_multiple_of(5),
            uuid_ids: number.is_multiple_of(4),
            utc: number.is_multiple_of(7),
            columns,
        };
        match key {
            // Semicolons, a byte order mark and Windows line ends: an export of a spreadsheet.
            "vtt" => Self { separator: ';', line_end: "\r\n", byte_order_mark: true, ..base },
            // The separator occurs inside `zaak`, so that this file needs quoting.
            "gi-gamma" => Self { separator: ',', quote_all: false, ..base },
            // A quote occurs inside `zaak`, and everything is quoted.
            "jha-berk" => Self { separator: ',', quote_all: true, uuid_ids: true, utc: true, ..base },
            _ => base,
        }
    }

    pub(super) fn date(&self, day: Day) -> String {
        let (y, m, d) = day.ymd();
        match self.dates {
            Dates::Compact => compact(day),
            Dates::Iso => format!("{y:04}-{m:02}-{d:02}"),
            Dates::DayFirst => format!("{d:02}-{m:02}-{y:04}"),
        }
    }

    pub(super) fn sex(&self, sex: char) -> &'static str {
        match (sex, self.sex_in_digits) {
            ('M', false) => "M",
            ('V', false) => "V",
            ('M', true) => "1",
            ('V', true) => "2",
            (_, false) => "O",
            (_, true) => "0",
        }
    }

    /// An RFC 3339 timestamp of this second in Dutch time, in UTC or with its offset.
    pub(super) fn timestamp(&self, day: Day, second: i32) -> String {
        let hours = if is_summer_time(day) { 2 } else { 1 };
        let (second, zone) =
            if self.utc { (second - 3_600 * hours, "Z".to_owned()) } else { (second, format!("+0{hours}:00")) };
        format!("{day}T{:02}:{:02}:{:02}{zone}", second / 3_600, second / 60 % 60, second % 60)
    }

    pub(super) fn header(&self) -> String {
        let names = self.columns.iter().map(|(_, name)| self.quoted(name)).collect::<Vec<_>>();
        format!("{}{}{}", if self.byte_order_mark { "\u{feff}" } else { "" }, self.joined(&names), self.line_end)
    }

    pub(super) fn line(&self, row: &Row) -> String {
        let values = self.columns.iter().map(|(column, _)| self.quoted(row.value(*column))).collect::<Vec<_>>();
        format!("{}{}", self.joined(&values), self.line_end)
    }

    fn joined(&self, values: &[String]) -> String {
        values.join(self.separator.encode_utf8(&mut [0; 4]))
    }

    fn quoted(&self, value: &str) -> String {
        if self.quote_all || value.contains(['"', self.separator]) {
            format!("\"{}\"", value.replace('"', "\"\""))
        } else {
            value.to_owned()
        }
    }
}

/// `JJJJMMDD`.
pub(super) fn compact(day: Day) -> String {
    let (y, m, d) = day.ymd();
    format!("{y:04}{m:02}{d:02}")
}

/// Columns that the organisation's system knows, in its order.
fn columns(number: usize, key: &str, org_type: OrgType) -> Vec<(Column, &'static str)> {
    let absent: &[Column] = match org_type {
        OrgType::Jha => &[C::Maatregel, C::Reden, C::Kader, C::Uitkomst, C::Melder, C::Partij, C::Gezin, C::Scheiding],
        OrgType::Rvdk => &[C::Reden, C::Kader, C::Melder, C::Gezin, C::Scheiding],
        OrgType::Vt => &[C::Maatregel, C::Reden, C::Kader],
        OrgType::Gi => &[C::Kader, C::Uitkomst, C::Melder],
        _ => &[C::Maatregel, C::Reden],
    };
    let mut columns: Vec<_> = COLUMNS.into_iter().filter(|(column, _)| !absent.contains(column)).collect();
    if number % 2 == 1 {
        let mut rng = Rng::new(0, key);
        columns.sort_by_cached_key(|_| rng.next());
    }
    columns
}

/// Whether Dutch summer time holds during the day (its night of change aside).
fn is_summer_time(day: Day) -> bool {
    let year = day.ymd().0;
    let last_sunday = |month| {
        // 1 January 1970 was a Thursday.
        Day::from_ymd(year, month, 31).map_or(day, |end| Day(end.0 - (end.0 + 4).rem_euclid(7)))
    };
    last_sunday(3) <= day && day < last_sunday(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_time_begins_and_ends_on_the_last_sunday() {
        for (text, summer) in [
            ("2024-03-30", false),
            ("2024-03-31", true),
            ("2024-10-26", true),
            ("2024-10-27", false),
            ("2022-07-01", true),
        ] {
            assert_eq!(is_summer_time(Day::parse(text).expect("day")), summer, "{text}");
        }
    }

    #[test]
    fn values_with_separator_or_quote_are_quoted() {
        let dialect = Dialect::of(18, "gi-gamma", OrgType::Gi);
        assert_eq!(dialect.quoted("W,12"), "\"W,12\"");
        assert_eq!(dialect.quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!(dialect.quoted("plain"), "plain");
    }
}
