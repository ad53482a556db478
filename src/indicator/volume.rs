//! Programs of IND-01 inflow, IND-02 outflow and IND-03 stock (definitions 3).

use std::collections::BTreeMap;

use super::columns::Row;
use super::release::YEAR_ONLY;
use super::sheet::{Measures, Sheet, Unit};
use super::steps::still_running;
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

pub(super) const ENDS: [EventType; 2] = [EventType::GiMaatregelEinde, EventType::GiPjbEinde];

/// Starts that put a child under a measure of the chain: inflow starts and those of preventive youth protection.
pub(super) fn chain_starts(view: View) -> Vec<Row> {
    let mut starts = view.inflow_starts();
    starts.extend(view.of_type(EventType::GiPjbStart));
    starts
}

/// The events of each series of IND-01 in the period, exact or not.
pub(super) fn inflow_events(view: View, window: Window) -> Vec<(String, Vec<Row>)> {
    let of_type = |&t: &EventType| {
        let rows = view.of_type(t).filter(|&row| view.lies_in(row, window)).collect();
        (t.as_str().to_owned(), rows)
    };
    let mut series: Vec<(String, Vec<Row>)> = INFLOW_TYPES.iter().map(of_type).collect();
    let mut starts = chain_starts(view);
    starts.retain(|&row| view.lies_in(row, window));
    let of_measures =
        |(name, measures): (&str, &[Maatregel])| (name.to_owned(), of_measures(view, &starts, measures).collect());
    series.extend(MEASURE_SERIES.map(of_measures));
    series
}

/// The ends of each series of IND-02 in the period: per measure, and per measure and reason as far as they occur.
pub(super) fn outflow_events(view: View, window: Window) -> Vec<(String, Vec<Row>)> {
    let ends: Vec<Row> = view.of_types(&ENDS).filter(|&row| view.lies_in(row, window)).collect();
    let mut all = Vec::new();
    for (series, measures) in MEASURE_SERIES {
        let rows: Vec<Row> = of_measures(view, &ends, measures).collect();
        let mut by_reason: BTreeMap<Option<Reden>, Vec<Row>> = BTreeMap::new();
        for &row in rows.iter().filter(|_| series != "JB") {
            by_reason.entry(view.columns.reden(row)).or_default().push(row);
        }
        all.push((series.to_owned(), rows));
        let name = |reason: Option<Reden>| format!("{series}|{}", reason.map_or("ONB", Reden::as_str));
        all.extend(by_reason.into_iter().map(|(reason, rows)| (name(reason), rows)));
    }
    all
}

/// IND-01 and IND-02: the children, organisations and events of each series.
pub(super) fn counted(view: View, series: Vec<(String, Vec<Row>)>, sheet: &mut Sheet) {
    for (name, rows) in series {
        events(sheet, &name, rows.into_iter(), view);
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
    let chain = still_running(view.starts(chain_starts(view).into_iter(), day), view.ends(&ENDS, day));
    let starts = [EventType::GiMaatregelStart, EventType::GiOvergenomen, EventType::GiPjbStart];
    let ends = [ENDS[0], ENDS[1], EventType::GiOvergedragen];
    let local = still_running(view.starts(view.of_types(&starts), day), view.ends(&ends, day));
    for (prefix, measure, stock) in [("KETEN", "n_kinderen", chain), ("LOKAAL", "n_som_organisaties", local)] {
        for (series, measures) in MEASURE_SERIES {
            let units = of_measures(view, &stock, measures).map(|row| Unit::new(row, ())).collect();
            sheet.series(&format!("{prefix}|{series}"), units, |units, out| out.children(measure, units));
        }
    }
}
