//! The list of municipality codes with their validity: configuration, never code (input contract 2).

use super::day::Day;
use super::event::Gemeente;

impl Gemeente {
    /// Reads a code of exactly four digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 4] = text.as_bytes().try_into().ok()?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| Self(digits.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0'))))
    }
}

/// One span in which a code is valid; both days inclusive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct GemeenteSpan {
    /// The code.
    pub code: Gemeente,
    /// First valid day; none: since ever.
    pub from: Option<Day>,
    /// Last valid day; none: still valid.
    pub to: Option<Day>,
}

/// Every code that a region knows; a code that is not in it is not valid.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GemeenteList(Vec<GemeenteSpan>);

impl GemeenteList {
    /// Takes the spans in any order; a code may have several.
    #[must_use]
    pub fn new(mut spans: Vec<GemeenteSpan>) -> Self {
        spans.sort_unstable();
        Self(spans)
    }

    /// All spans, by code.
    #[must_use]
    pub fn spans(&self) -> &[GemeenteSpan] {
        &self.0
    }

    fn spans_of(&self, code: Gemeente) -> impl Iterator<Item = &GemeenteSpan> {
        let first = self.0.partition_point(|span| span.code < code);
        self.0[first..].iter().take_while(move |span| span.code == code)
    }

    /// Whether the code is in the list at all, valid now or not.
    #[must_use]
    pub fn known(&self, code: Gemeente) -> bool {
        self.spans_of(code).next().is_some()
    }

    /// Whether the code is valid on this day.
    #[must_use]
    pub fn valid_on(&self, code: Gemeente, day: Day) -> bool {
        self.spans_of(code).any(|span| span.from.is_none_or(|from| from <= day) && span.to.is_none_or(|to| day <= to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_days_are_inclusive_and_an_open_end_is_still_valid() {
        let day = |t: &str| Day::parse(t).unwrap();
        let span = |code, from: Option<&str>, to: Option<&str>| GemeenteSpan {
            code: Gemeente(code),
            from: from.map(day),
            to: to.map(day),
        };
        let list = GemeenteList::new(vec![
            span(788, None, Some("2000-12-31")),
            span(153, Some("1990-01-01"), None),
            span(788, Some("2010-01-01"), Some("2010-01-01")),
        ]);
        let valid = |code, text| list.valid_on(Gemeente(code), day(text));
        assert!(valid(153, "1990-01-01") && valid(153, "2090-01-01") && !valid(153, "1989-12-31"));
        assert!(valid(788, "1901-01-01") && valid(788, "2000-12-31") && !valid(788, "2001-01-01"));
        assert!(valid(788, "2010-01-01") && !valid(788, "2010-01-02"));
        assert!(list.known(Gemeente(788)) && !list.known(Gemeente(141)) && !valid(141, "2010-01-01"));
    }

    #[test]
    fn a_code_has_exactly_four_digits() {
        assert_eq!(Gemeente::parse("0153"), Some(Gemeente(153)));
        for text in ["", "153", "00153", "015a", "+153", "０153"] {
            assert_eq!(Gemeente::parse(text), None, "{text}");
        }
    }
}
