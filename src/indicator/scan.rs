//! One pass over all events: how many there are of each type, municipality, measure and age band in a period.

use super::columns::{Columns, Combination, at};
use crate::domain::codes::{EventType, Maatregel};
use crate::domain::day::Day;
use crate::domain::event::Gemeente;
use crate::policy::rules::AGE_BANDS;

/// Number of events of one combination; exact, for own use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EventCount {
    /// Event type.
    pub event_type: EventType,
    /// Municipality.
    pub gemeente: Gemeente,
    /// Measure, none for types without.
    pub maatregel: Option<Maatregel>,
    /// Age band of definitions 2.
    pub leeftijd: &'static str,
    /// Events.
    pub events: u32,
}

/// 1 January 1990: no date is earlier (definitions 1.2, rule 9); events without any date lie before it.
const FIRST_DATE: Day = Day(7305);

/// Counts the events in a period (both days inclusive, imprecise dates when they lie in it altogether), by type,
/// municipality, measure and age band; combinations without events are left out.
///
/// Reads 12 bytes an event once, in stored order, and touches one counter an event.
#[must_use]
pub fn count_events(columns: &Columns, (first, last): (Day, Day)) -> Vec<EventCount> {
    let first = first.max(FIRST_DATE);
    let block = at(Combination::BLOCK);
    let mut counts = vec![0_u32; columns.gemeenten().len() * block];
    let (combinations, lo, hi) = columns.scan();
    for ((&combination, &lo), &hi) in combinations.iter().zip(lo).zip(hi) {
        counts[at(combination)] += u32::from(lo >= first.0 && hi <= last.0);
    }
    let blocks = columns.gemeenten().iter().zip(counts.chunks_exact(block));
    let mut found: Vec<EventCount> = blocks
        .flat_map(|(&gemeente, block)| (0..).zip(block).filter_map(move |(i, &n)| count(gemeente, i, n)))
        .collect();
    found.sort_unstable();
    found
}

fn count(gemeente: Gemeente, combination: u32, events: u32) -> Option<EventCount> {
    let combination = Combination(combination);
    let leeftijd = AGE_BANDS.get(usize::from(combination.age())).copied()?;
    let (event_type, maatregel) = (combination.event_type()?, combination.maatregel());
    (events > 0).then_some(EventCount { event_type, gemeente, maatregel, leeftijd, events })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::day::{PartialDate, Precision};
    use crate::domain::event::Event;

    fn event((kind, day, precision, code, measure): (usize, i32, usize, u16, usize), born: Option<i32>) -> Event {
        let exact = Day(19_000 + day);
        let (year, month, _) = exact.ymd();
        let first = |month| Day::from_ymd(year, month, 1).expect("first of the month");
        let datum = match precision {
            0..=5 => PartialDate::exact(exact),
            6 => PartialDate::from_parts(Precision::M, first(month)),
            7 => PartialDate::from_parts(Precision::Y, first(1)),
            _ => PartialDate::from_parts(Precision::U, Day(0)),
        };
        Event {
            event_id: "e".into(),
            subject: None,
            event_type: EventType::ALL[kind],
            datum,
            registered: exact,
            gemeente: Gemeente(code),
            maatregel: Maatregel::ALL.get(measure).copied(),
            reden: None,
            kader: None,
            uitkomst: None,
            melder: None,
            partij: None,
            zaak: 0,
            gezin: 0,
            geslacht: None,
            scheiding: None,
            born: born.map(|days| Day(exact.0 - days)),
        }
    }

    proptest! {
        #[test]
        fn the_scan_counts_what_a_loop_over_the_events_counts(
            seeds in proptest::collection::vec(
                ((0..36_usize, 0..800_i32, 0..9_usize, 0..4_u16, 0..8_usize), proptest::option::of(0..9_000_i32)),
                0..200,
            ),
            first in 18_900..19_900_i32,
            length in 0..500_i32,
        ) {
            let events: Vec<Event> = seeds.into_iter().map(|(seed, born)| event(seed, born)).collect();
            let window = (Day(first), Day(first + length));
            let mut expected: BTreeMap<_, u32> = BTreeMap::new();
            for e in &events {
                let dated = e.datum.precision != Precision::U && e.datum.lo >= window.0 && e.datum.hi <= window.1;
                let age = e.born.zip(e.datum.exact_day()).map(|(born, on)| born.age_on(on));
                let band = match age {
                    Some(0..=3) => "0-3",
                    Some(4..=11) => "4-11",
                    Some(12..=15) => "12-15",
                    Some(16..=17) => "16-17",
                    Some(18..=22) => "18-22",
                    _ => "ONB",
                };
                if dated {
                    *expected.entry((e.event_type, e.gemeente, e.maatregel, band)).or_default() += 1;
                }
            }
            let found: BTreeMap<_, _> = count_events(&Columns::build(events), window)
                .into_iter()
                .map(|c| ((c.event_type, c.gemeente, c.maatregel, c.leeftijd), c.events))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
