//! Programs that look for a later event of the same child: IND-10, IND-11 and IND-13 (definitions 3).

use super::columns::Row;
use super::sheet::{Measures, Sheet, Unit};
use super::view::{Anchor, Timeline, View};
use crate::domain::codes::{EventType, Maatregel, Reden};
use crate::domain::day::Day;
use crate::policy::rules::{BinCut, DayKind};

type Window = (Day, Day);

/// Days until the event looked for, and whether the follow-up is complete.
#[derive(Clone, Copy)]
struct Follow {
    complete: bool,
    lead: Option<i32>,
}

impl Follow {
    fn new(view: View, anchor: &Anchor, window_days: i32, found: Option<Day>) -> Self {
        let complete = Day(anchor.day.0 + window_days) <= view.horizon;
        Self { complete, lead: found.map(|day| day.0 - anchor.day.0) }
    }

    /// The lead, of the units that count.
    fn hit(self) -> Option<i32> {
        self.lead.filter(|_| self.complete)
    }
}

fn fold(bins: &BinCut, units: &[Unit<Follow>], out: &mut Measures) {
    out.count("noemer", units, |u| u.found.complete);
    out.count("teller", units, |u| u.found.hit().is_some());
    out.count("n_gecensureerd", units, |u| !u.found.complete);
    out.quantiles(units, |u| u.found.hit());
    out.bins(bins, units, |u| u.found.hit());
}

/// Series of IND-10 by the duration of the preventive measure, with the last day of the class.
pub(super) const DURATIONS: [(&str, Option<(i32, i32)>); 4] = [
    ("DUUR_0-183", Some((0, 183))),
    ("DUUR_184-365", Some((184, 365))),
    ("DUUR_366+", Some((366, i32::MAX))),
    ("DUUR_OPEN", None),
];

/// IND-10: children with a start of preventive youth protection and an OTS or VOTS within 365 days.
pub(super) fn pjb_to_ots(view: View, window: Window, sheet: &mut Sheet) {
    let (columns, bins) = (view.columns, sheet.bins(DayKind::Calendar));
    let starts = starts_of(view, &[Maatregel::Ots, Maatregel::Vots]);
    let ends = EventType::GiPjbEinde;
    let ends = view.of_type(ends).filter_map(|row| columns.trajectory(row).zip(columns.day(row)));
    let ends = Timeline::new(ends);
    let units: Vec<(Unit<Follow>, Option<i32>)> = view
        .anchors(view.of_type(EventType::GiPjbStart), window)
        .iter()
        .map(|a| {
            let ots = starts.first(a.subject, a.day, Day(a.day.0 + 365));
            let end = columns.trajectory(a.row).and_then(|t| ends.first(t, a.day, Day(i32::MAX)));
            (Unit::new(a.row, Follow::new(view, a, 365, ots)), end.map(|day| day.0 - a.day.0))
        })
        .collect();
    sheet.series("ALLE", units.iter().map(|(unit, _)| *unit).collect(), |u, out| fold(&bins, u, out));
    for (series, class) in DURATIONS {
        let in_class = |duration: Option<i32>| match (duration, class) {
            (Some(days), Some((low, high))) => low <= days && days <= high,
            (None, None) => true,
            _ => false,
        };
        sheet.series(series, units.iter().filter(|(_, d)| in_class(*d)).map(|(unit, _)| *unit).collect(), |u, out| {
            fold(&bins, u, out)
        });
    }
    excluded(view, sheet, window, view.of_type(EventType::GiPjbStart));
}

/// IND-11: children with an end of a VOTS and an OTS within 30 days, beside what the reason of ending says.
pub(super) fn vots_to_ots(view: View, window: Window, sheet: &mut Sheet) {
    let columns = view.columns;
    let ends =
        || view.of_type(EventType::GiMaatregelEinde).filter(|&row| columns.maatregel(row) == Some(Maatregel::Vots));
    let starts = starts_of(view, &[Maatregel::Ots]);
    let units = view
        .anchors(ends(), window)
        .iter()
        .map(|a| Unit::new(a.row, Follow::new(view, a, 30, starts.first(a.subject, a.day, Day(a.day.0 + 30)))))
        .collect();
    sheet.series("ALLE", units, |units: &[Unit<Follow>], out| {
        let linked = |u: &Unit<Follow>| u.found.hit().is_some();
        let reason = |u: &Unit<Follow>| u.found.complete && columns.reden(u.anchor) == Some(Reden::R07);
        out.count("noemer", units, |u| u.found.complete);
        out.count("teller_gekoppeld", units, linked);
        out.count("teller_reden07", units, reason);
        out.count("gekoppeld_zonder_07", units, |u| linked(u) && !reason(u));
        out.count("reden07_zonder_koppeling", units, |u| reason(u) && !linked(u));
        let signed = |u: &Unit<Follow>| i64::from(linked(u)) - i64::from(reason(u));
        out.own("verschil", Some(units.iter().map(signed).sum()));
        out.count("n_gecensureerd", units, |u| !u.found.complete);
    });
    excluded(view, sheet, window, ends());
}

/// IND-13: children whose measure ended without continuation, and a new one later; and repeated reports.
pub(super) fn re_entry(view: View, window: Window, sheet: &mut Sheet) {
    let bins = sheet.bins(DayKind::Calendar);
    let starts = view.timeline(view.inflow_starts().into_iter());
    let ends = view.of_type(EventType::GiMaatregelEinde).filter(|&row| {
        let end = view.columns.subject(row).zip(view.columns.day(row));
        end.is_some_and(|(subject, day)| starts.first(subject, day, Day(day.0 + 1)).is_none())
    });
    let ends = view.anchors(ends, window);
    for (series, days) in [("MAATREGEL_12M", 365), ("MAATREGEL_24M", 730)] {
        let units = ends.iter().map(|a| {
            let again = starts.first(a.subject, Day(a.day.0 + 2), Day(a.day.0 + days));
            Unit::new(a.row, Follow::new(view, a, days, again))
        });
        sheet.series(series, units.collect(), |u, out| fold(&bins, u, out));
    }
    let reports = view.timeline(view.of_type(EventType::VtMelding));
    let anchors = view.anchors(view.of_type(EventType::VtMelding), window);
    let units = anchors.iter().map(|a| {
        let again = reports.first(a.subject, Day(a.day.0 + 1), Day(a.day.0 + 365));
        Unit::new(a.row, Follow::new(view, a, 365, again))
    });
    sheet.series("VT_HERMELDING_12M", units.collect(), |u, out| fold(&bins, u, out));
}

fn starts_of(view: View, measures: &[Maatregel]) -> Timeline {
    let starts = view.inflow_starts().into_iter();
    view.timeline(starts.filter(|&row| view.columns.maatregel(row).is_some_and(|m| measures.contains(&m))))
}

fn excluded(view: View, sheet: &mut Sheet, window: Window, anchors: impl Iterator<Item = Row>) {
    let rows: Vec<Row> = anchors.filter(|&row| view.lies_in(row, window)).collect();
    sheet.excluded("ALLE", &rows);
}
