//! Rates: released counts against a denominator that the analyst chooses, such as the children who live in a municipality. Both numbers
//! are public, so a rate tells nothing that the count does not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::figures::{Figures, full, pick};
use super::text as words;
use crate::domain::period::Period;
use crate::domain::query::{Dimension, IndicatorId};

/// The place of a denominator of the whole region, in the file and in rates.
pub(super) const REGION: &str = "regio";
/// The indicators that are shown as rates: who comes in, who leaves, who is under a measure.
const RATED: [IndicatorId; 3] = [IndicatorId::Ind01, IndicatorId::Ind02, IndicatorId::Ind03];

/// A denominator: what is counted, and how many of it there are in each place and year.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denominator {
    /// What it counts and where it comes from, in the words of the file.
    pub name: String,
    /// How many, by code of the municipality (`regio` for all of them) and calendar year; each more than 0.
    pub counts: BTreeMap<String, BTreeMap<i16, i64>>,
}

impl Denominator {
    /// Reads a file of lines `gemeente;jaar;aantal`, with `;` or `,` between the fields. The head names the first two columns so, and the
    /// third column by what it counts and its source; `regio` stands for the whole region.
    ///
    /// # Errors
    /// A Dutch sentence with the line that is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines =
            (1..).zip(text.trim_start_matches('\u{feff}').lines()).filter(|(_, line)| !line.trim().is_empty());
        let (_, head) = lines.next().ok_or("het bestand met noemers is leeg")?;
        let between = if head.contains(';') { ';' } else { ',' };
        let split = |line: &str| -> Vec<String> {
            line.splitn(3, between).map(|field| field.trim().trim_matches('"').trim().to_owned()).collect()
        };
        let head = split(head);
        let [place, year, name] = head.as_slice() else { return Err(wrong(1, "de kop heeft drie kolommen")) };
        if place != "gemeente"
            || year != "jaar"
            || name.is_empty()
            || name.len() > 200
            || name.chars().any(char::is_control)
        {
            return Err(wrong(1, "de kop is `gemeente;jaar;` en dan waarvan het aantallen zijn, met de bron"));
        }
        let mut counts: BTreeMap<String, BTreeMap<i16, i64>> = BTreeMap::new();
        for (number, line) in lines {
            let fields = split(line);
            let [place, year, count] = fields.as_slice() else { return Err(wrong(number, "drie velden")) };
            let known = place == REGION || (place.len() == 4 && place.bytes().all(|b| b.is_ascii_digit()));
            let count = count.parse::<i64>().ok().filter(|n| (1..=100_000_000).contains(n));
            let (true, Ok(year), Some(count)) = (known, year.parse::<i16>(), count) else {
                return Err(wrong(
                    number,
                    "een gemeentecode van vier cijfers of `regio`, een jaar, en een aantal boven 0",
                ));
            };
            if counts.entry(place.clone()).or_default().insert(year, count).is_some() {
                return Err(wrong(number, "deze gemeente en dit jaar staan er dubbel in"));
            }
        }
        Ok(Self { name: name.clone(), counts })
    }

    fn of(&self, place: &str, year: i16) -> Option<i64> {
        self.counts.get(place)?.get(&year).copied()
    }
}

fn wrong(line: usize, what: &str) -> String {
    format!("het bestand met noemers, regel {line}: {what}")
}

/// A rate of a year.
pub(super) struct Rate<'a> {
    pub(super) indicator: IndicatorId,
    pub(super) series: &'a str,
    /// Code of the municipality, or [`REGION`].
    pub(super) place: String,
    pub(super) year: i16,
    /// The released count.
    pub(super) value: i64,
    /// The denominator.
    pub(super) of: i64,
    /// Tenths for each thousand.
    pub(super) tenths: i64,
}

/// Tenths for each thousand, rounded.
fn per_thousand(value: i64, of: i64) -> i64 {
    (value * 10_000 + of / 2) / of
}

/// Every rate that can be made of whole released counts: series by series, the region before its municipalities, year by year.
pub(super) fn rates<'a>(figures: &Figures<'a>, denominator: &Denominator) -> Vec<Rate<'a>> {
    let mut all = Vec::new();
    for indicator in RATED {
        let whole = words::presentation(indicator).whole;
        for series in figures.series(indicator).into_iter().filter(|series| !words::is_reason(series)) {
            for (place, years) in denominator.counts.iter().rev() {
                for &year in years.keys() {
                    let value = full(count(figures, (indicator, series), place, (year, whole)));
                    let Some((value, of)) = value.zip(denominator.of(place, year)) else { continue };
                    let (place, tenths) = (place.clone(), per_thousand(value, of));
                    all.push(Rate { indicator, series, place, year, value, of, tenths });
                }
            }
        }
    }
    all
}

/// The released count of a series in a place and year.
fn count<'a>(
    figures: &Figures<'a>,
    (indicator, series): (IndicatorId, &str),
    place: &str,
    (year, whole): (i16, &[&str]),
) -> Option<&'a crate::domain::table::Row> {
    let period = Period::year_of(year);
    if place == REGION {
        return figures.total(indicator, period, series, whole);
    }
    let tables = figures.tables_of(indicator).filter(|t| t.period == Some(period) && t.by == [Dimension::Gemeente]);
    let mine = |row: &&crate::domain::table::Row| {
        row.series == series && row.key.get(&Dimension::Gemeente).is_some_and(|code| code == place)
    };
    let rows: Vec<_> = tables.flat_map(|table| &table.rows).filter(mine).collect();
    pick(&rows.iter().copied(), whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_denominators_is_read_or_the_line_is_named() {
        let file = "\u{feff}gemeente;jaar;kinderen van 0 tot 18 jaar; CBS 03759ned\r\n0153;2024;31200\r\nregio;2024;120000\r\n\r\n";
        let read = Denominator::parse(file).expect("readable");
        assert_eq!(read.name, "kinderen van 0 tot 18 jaar; CBS 03759ned");
        assert_eq!(
            (read.of("0153", 2024), read.of(REGION, 2024), read.of("0153", 2023)),
            (Some(31_200), Some(120_000), None)
        );
        assert!(Denominator::parse("gemeente,jaar,kinderen\n0153,2024,10\n").is_ok());
        for (file, line) in [
            ("", "leeg"),
            ("0153;2024;10\n", "regel 1"),
            ("gemeente;jaar\n", "regel 1"),
            ("gemeente;jaar;k\n153;2024;10\n", "regel 2"),
            ("gemeente;jaar;k\n0153;2024;0\n", "regel 2"),
            ("gemeente;jaar;k\n0153;2024;10\n0153;2024;11\n", "regel 3"),
            ("gemeente;jaar;k\n0153;2024\n", "regel 2"),
        ] {
            assert!(Denominator::parse(file).expect_err(file).contains(line), "{file}");
        }
    }

    #[test]
    fn a_rate_is_rounded_to_a_tenth() {
        assert_eq!([(55, 31_200), (10, 3), (1, 100_000)].map(|(value, of)| per_thousand(value, of)), [18, 33_333, 0]);
    }
}
