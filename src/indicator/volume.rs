//! Programs of IND-01 inflow, IND-02 outflow and IND-03 stock (definitions 3).

use std::collections::BTreeMap;

use super::columns::Row;
use super::release::YEAR_ONLY;
use super::sheet::{Measures, Sheet, Unit};
use super::view::View;
use crate::domain::codes::{EventType, Maatregel, Reden};
use crate::domain::day::Day;

type Window = (Day, Day);

/// Event types of IND-01 that are a series by themselves.
pub(super) const INFLOW_TYPES: [EventType; 7] = [
    EventType::VtMelding,
    EventType::VtAdvies,
    EventType::LtAanmelding,
    EventType::LtStart,
    EventType::JbtAanmelding,
    EventType::RvdkVtoOntvangen,
    EventType::JhStart,
];

/// Series by measure.
pub(super) const MEASURE_SERIES: [(&str, &[Maatregel]); 5] = [
    ("OTS", &[Maatregel::Ots]),
    ("VOTS", &[Maatregel::Vots]),
    ("VOOGDIJ", &[Maatregel::Voogdij, Maatregel::VoorlopigeVoogdij, Maatregel::TijdelijkeVoogdij]),
    ("PJB", &[Maatregel::Pjb]),
    ("JB", Maatregel::JB),
];

const ENDS: [EventType; 2] = [EventType::GiMaatregelEinde, EventType::GiPjbEinde];

/// IND-01: events in the period, exact or not.
pub(super) fn inflow(view: View, window: Window, sheet: &mut Sheet) {
    for event_type in INFLOW_TYPES {
        events(sheet, event_type.as_str(), view.of_type(event_type).filter(|&r| view.lies_in(r, window)), view);
    }
    let mut starts = view.inflow_starts();
    starts.extend(view.of_type(EventType::GiPjbStart));
    starts.retain(|&row| view.lies_in(row, window));
    for (series, measures) in MEASURE_SERIES {
        events(sheet, series, of_measures(view, &starts, measures), view);
    }
}

/// IND-02: ends in the period, per measure and per measure and reason.
pub(super) fn outflow(view: View, window: Window, sheet: &mut Sheet) {
    let ends: Vec<Row> = view.of_types(&ENDS).filter(|&row| view.lies_in(row, window)).collect();
    for (series, measures) in MEASURE_SERIES {
        events(sheet, series, of_measures(view, &ends, measures), view);
        if series == "JB" {
            continue;
        }
        let mut by_reason: BTreeMap<Option<Reden>, Vec<Row>> = BTreeMap::new();
        for row in of_measures(view, &ends, measures) {
            by_reason.entry(view.columns.reden(row)).or_default().push(row);
        }
        for (reason, rows) in by_reason {
            let name = format!("{series}|{}", reason.map_or("ONB", Reden::as_str));
            events(sheet, &name, rows.into_iter(), view);
        }
    }
}

fn of_measures<'a>(view: View<'a>, rows: &'a [Row], measures: &'a [Maatregel]) -> impl Iterator<Item = Row> + 'a {
    rows.iter().copied().filter(move |&row| view.columns.maatregel(row).is_some_and(|m| measures.contains(&m)))
}

fn events(sheet: &mut Sheet, series: &str, rows: impl Iterator<Item = Row>, view: View) {
    let units = rows.map(|row| Unit::new(row, ())).collect();
    let year_only = sheet.counts_year_only();
    sheet.series(series, units, |units, out: &mut Measures| {
        out.children("n_kinderen", units);
        out.children("n_som_organisaties", units);
        out.count("n_gebeurtenissen", units, |_| true);
        out.count("n_zonder_subject", units, |u| view.columns.subject(u.anchor).is_none());
        if year_only {
            let units: Vec<_> = units.iter().filter(|u| view.columns.is_known_to_the_year(u.anchor)).copied().collect();
            out.children(YEAR_ONLY, &units);
        }
    });
}

/// IND-03: stock on `day`. `KETEN` over the inflow starts that this organisation knows, `LOKAAL` with take-overs and
/// hand-overs.
pub(super) fn stock(view: View, day: Day, sheet: &mut Sheet) {
    let mut chain = view.inflow_starts();
    chain.extend(view.of_type(EventType::GiPjbStart));
    let chain = running(view, chain.into_iter(), &ENDS, day);
    let starts = [EventType::GiMaatregelStart, EventType::GiOvergenomen, EventType::GiPjbStart];
    let ends = [ENDS[0], ENDS[1], EventType::GiOvergedragen];
    let local = running(view, view.of_types(&starts), &ends, day);
    for (prefix, measure, stock) in [("KETEN", "n_kinderen", chain), ("LOKAAL", "n_som_organisaties", local)] {
        for (series, measures) in MEASURE_SERIES {
            let units = of_measures(view, &stock, measures).map(|row| Unit::new(row, ())).collect();
            sheet.series(&format!("{prefix}|{series}"), units, |units, out| out.children(measure, units));
        }
    }
}

/// The last starts of (child, measure) that no end with `lo` up to `day` and `hi` on or after the start's `lo` closes.
fn running(view: View, starts: impl Iterator<Item = Row>, ends: &[EventType], day: Day) -> Vec<Row> {
    let columns = view.columns;
    let unit = |row| columns.subject(row).zip(columns.maatregel(row));
    let until = view.known_until(day);
    let ended = view.of_types(ends).filter(|&row| columns.lo(row) <= day && view.is_known(row, until));
    let mut ended: Vec<_> = ended.filter_map(|row| Some((unit(row)?, columns.hi(row)))).collect();
    ended.sort_unstable();
    let mut last = view.last_starts(starts, day);
    last.retain(|&row| {
        // The first end of this child and measure with `hi` on or after the start's `lo`.
        let next = unit(row).map(|unit| ended.partition_point(|&end| end < (unit, columns.lo(row))));
        let end = next.and_then(|next| ended.get(next));
        end.is_none_or(|&(of, _)| Some(of) != unit(row))
    });
    last
}
