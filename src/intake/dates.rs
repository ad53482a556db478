//! The dates and timestamps of a row as text (definitions 1.2).

use crate::domain::day::{Day, PartialDate, Precision};

/// A number of ASCII digits.
fn number(digits: &[u8]) -> Option<i16> {
    let all_digits = !digits.is_empty() && digits.len() <= 4 && digits.iter().all(u8::is_ascii_digit);
    all_digits.then(|| digits.iter().fold(0, |n, digit| n * 10 + i16::from(digit - b'0')))
}

fn day(year: &[u8], month: &[u8], day: &[u8]) -> Option<Day> {
    let narrow = |n: i16| i8::try_from(n).ok();
    Day::from_ymd(number(year)?, narrow(number(month)?)?, narrow(number(day)?)?)
}

/// Reads `JJJJMMDD` with its imprecise forms, `dd-mm-jjjj` and `jjjj-mm-dd`.
pub(super) fn read_date(text: &str) -> Option<PartialDate> {
    match text.as_bytes() {
        b"00000000" | b"99999999" => Some(PartialDate::from_parts(Precision::U, Day(0))),
        [y1, y2, y3, y4, m1, m2, d1, d2] => {
            let (year, month, last) = ([*y1, *y2, *y3, *y4], [*m1, *m2], [*d1, *d2]);
            let (precision, first) = match (&month, &last) {
                (b"00", b"00") => (Precision::Y, day(&year, b"01", b"01")?),
                (_, b"00") => (Precision::M, day(&year, &month, b"01")?),
                _ => (Precision::D, day(&year, &month, &last)?),
            };
            Some(PartialDate::from_parts(precision, first))
        }
        [d1, d2, b'-', m1, m2, b'-', year @ ..] if year.len() == 4 => {
            day(year, &[*m1, *m2], &[*d1, *d2]).map(PartialDate::exact)
        }
        [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] => {
            day(&[*y1, *y2, *y3, *y4], &[*m1, *m2], &[*d1, *d2]).map(PartialDate::exact)
        }
        _ => None,
    }
}

/// The calendar day of an RFC 3339 timestamp, as written and in the offset as written. `T` may be `t` or a space, the
/// offset is required, a leap second is allowed.
pub(super) fn registration_day(text: &str) -> Option<Day> {
    let bytes = text.as_bytes();
    let (date, rest) = bytes.split_at_checked(10)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else { return None };
    let [b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':', s1, s2, rest @ ..] = rest else { return None };
    let within = |digits: [u8; 2], max| number(&digits).is_some_and(|n| n <= max);
    if !(within([*h1, *h2], 23) && within([*n1, *n2], 59) && within([*s1, *s2], 60)) {
        return None;
    }
    let offset = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            &fraction[digits..]
        }
        other => other,
    };
    let offset_is_valid = match offset {
        b"Z" | b"z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => within([*h1, *h2], 23) && within([*m1, *m2], 59),
        _ => false,
    };
    if offset_is_valid { day(&[*y1, *y2, *y3, *y4], &[*m1, *m2], &[*d1, *d2]) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_every_notation_and_precision() {
        let shown = |text: &str| read_date(text).map(|d| (d.precision, d.lo.to_string(), d.hi.to_string()));
        let is = |p, lo: &str, hi: &str| Some((p, lo.to_owned(), hi.to_owned()));
        for text in ["20240229", "29-02-2024", "2024-02-29"] {
            assert_eq!(shown(text), is(Precision::D, "2024-02-29", "2024-02-29"), "{text}");
        }
        assert_eq!(shown("20240200"), is(Precision::M, "2024-02-01", "2024-02-29"));
        assert_eq!(shown("20240000"), is(Precision::Y, "2024-01-01", "2024-12-31"));
        assert_eq!(shown("99990000"), is(Precision::Y, "9999-01-01", "9999-12-31"));
        assert_eq!(shown("00010101"), is(Precision::D, "0001-01-01", "0001-01-01"));
        for text in ["00000000", "99999999"] {
            assert_eq!(read_date(text).map(|d| d.precision), Some(Precision::U));
        }
        for text in [
            "",
            "20230229",
            "29-02-2023",
            "20240015",
            "20241301",
            "20241300",
            "00000100",
            "00000101",
            "2024-1-01",
            "2024-00-00",
            "01-00-2024",
            "2024022",
            "202402299",
            "2024_02_29",
            "+2240229",
            "２0240229",
            "2024-02-29 ",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn a_timestamp_gives_the_day_as_written() {
        for text in [
            "2024-03-01T00:00:00Z",
            "2024-03-01t23:59:60.123456789z",
            "2024-03-01 12:00:00+23:59",
            "2024-03-01T00:30:00-05:00",
        ] {
            assert_eq!(registration_day(text), Day::parse("2024-03-01").ok(), "{text}");
        }
        for text in [
            "",
            "2024-03-01",
            "2024-03-01T00:00:00",
            "2024-03-01T24:00:00Z",
            "2024-03-01T00:60:00Z",
            "2024-03-01T00:00:61Z",
            "2024-03-01T00:00:00.Z",
            "2024-03-01T00:00:00+24:00",
            "2024-03-01T00:00:00+0100",
            "2024-03-01T00:00Z",
            "2024-02-30T00:00:00Z",
            "0000-03-01T00:00:00Z",
            "2024-03-01X00:00:00Z",
            "2024-03-01T00:00:00Z ",
            "é024-03-01T00:00:00Z",
            "2024-03-0é",
        ] {
            assert_eq!(registration_day(text), None, "{text}");
        }
    }
}
