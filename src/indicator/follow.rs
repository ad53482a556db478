//! Programs that look for another event of the same child: IND-05, IND-09 to IND-14 (definitions 3). They take anchors and
//! timelines, whoever told them; IND-10, IND-11 and IND-13 are also counted over the events of one node.

use super::columns::Row;
use super::sheet::{Measures, Sheet, Unit};
use super::steps::{Anchor, Timeline, first_of_each};
use super::view::View;
use crate::domain::codes::{EventType, Maatregel, Reden};
use crate::domain::day::Day;
use crate::policy::rules::{BinCut, DayKind};

type Window = (Day, Day);

/// Days within which a follow-up counts, if the definition gives no other window.
pub(super) const YEAR: i32 = 365;
/// Days of the longer follow-up of IND-13.
pub(super) const TWO_YEARS: i32 = 730;
/// Days within which a VOTS is followed by an OTS in IND-11.
pub(super) const MONTH: i32 = 30;

/// Days until the event looked for, and whether the follow-up is complete.
#[derive(Clone, Copy)]
pub(super) struct Follow {
    complete: bool,
    lead: Option<i32>,
}

impl Follow {
    /// The lead, of the units that count.
    fn hit(self) -> Option<i32> {
        self.lead.filter(|_| self.complete)
    }
}

/// The anchors, each with the days to the first event of the child in the window that opens and closes so many days after it.
fn followed(
    anchors: &[Anchor],
    later: &Timeline,
    (from, to): (i32, i32),
    complete: impl Fn(&Anchor) -> bool,
) -> Vec<Unit<Follow>> {
    let follow = |a: &Anchor| {
        let found = later.first(a.subject, Day(a.day.0 + from), Day(a.day.0 + to));
        Unit::new(a.row, Follow { complete: complete(a), lead: found.map(|day| day.0 - a.day.0) })
    };
    anchors.iter().map(follow).collect()
}

fn fold(bins: &BinCut, units: &[Unit<Follow>], out: &mut Measures) {
    out.count("noemer", units, |u| u.found.complete);
    out.count("teller", units, |u| u.found.hit().is_some());
    out.count("n_gecensureerd", units, |u| !u.found.complete);
    out.quantiles(units, |u| u.found.hit());
    out.bins(bins, units, |u| u.found.hit());
}

/// A series of children who are followed from an anchor for some days.
pub(super) fn flow(
    sheet: &mut Sheet,
    series: &str,
    (anchors, later): (&[Anchor], &Timeline),
    window: (i32, i32),
    complete: impl Fn(&Anchor) -> bool,
) {
    let bins = sheet.bins(DayKind::Calendar);
    sheet.series(series, followed(anchors, later, window, complete), |u, out| fold(&bins, u, out));
}

/// Series of IND-10 by the duration of the preventive measure, with the first and last day of the class.
pub(super) const DURATIONS: [(&str, Option<(i32, i32)>); 4] = [
    ("DUUR_0-183", Some((0, 183))),
    ("DUUR_184-365", Some((184, 365))),
    ("DUUR_366+", Some((366, i32::MAX))),
    ("DUUR_OPEN", None),
];

/// The place in [`DURATIONS`] of a preventive measure that lasted so long, or that has no end.
pub(super) fn duration_class(days: Option<i32>) -> usize {
    let holds = |class: Option<(i32, i32)>| match (days, class) {
        (Some(days), Some((low, high))) => low <= days && days <= high,
        (days, class) => days.is_none() && class.is_none(),
    };
    DURATIONS.iter().position(|&(_, class)| holds(class)).unwrap_or(DURATIONS.len() - 1)
}

/// IND-10: children with a start of preventive youth protection and an OTS or VOTS within 365 days; `class` is a place in
/// [`DURATIONS`].
pub(super) fn pjb_to_ots(
    sheet: &mut Sheet,
    (anchors, starts): (&[Anchor], &Timeline),
    complete: impl Fn(&Anchor) -> bool,
    class: impl Fn(&Anchor) -> usize,
) {
    flow(sheet, "ALLE", (anchors, starts), (0, YEAR), &complete);
    for (place, (series, _)) in DURATIONS.iter().enumerate() {
        let here: Vec<Anchor> = anchors.iter().filter(|a| class(a) == place).copied().collect();
        flow(sheet, series, (&here, starts), (0, YEAR), &complete);
    }
}

/// The first exact end of preventive youth protection of the anchor's trajectory, as a place in [`DURATIONS`].
pub(super) fn durations(view: View<'_>) -> impl Fn(&Anchor) -> usize {
    let columns = view.columns;
    let ends = view.of_type(EventType::GiPjbEinde);
    let ends = Timeline::new(ends.filter_map(|row| columns.trajectory(row).zip(columns.day(row))));
    move |a| {
        let end = columns.trajectory(a.row).and_then(|t| ends.first(t, a.day, Day(i32::MAX)));
        duration_class(end.map(|day| day.0 - a.day.0))
    }
}

/// IND-10 over the events of one node.
pub(super) fn own_pjb_to_ots(view: View, window: Window, sheet: &mut Sheet) {
    let starts = view.timeline(starts_of(view, &[Maatregel::Ots, Maatregel::Vots]));
    let anchors = view.anchors(view.of_type(EventType::GiPjbStart), window);
    pjb_to_ots(sheet, (&anchors, &starts), complete(view, YEAR), durations(view));
    excluded(view, sheet, window, view.of_type(EventType::GiPjbStart));
}

/// IND-11: children with an end of a VOTS and an OTS within 30 days, beside what the reason of ending says.
pub(super) fn vots_to_ots(
    sheet: &mut Sheet,
    (anchors, starts): (&[Anchor], &Timeline),
    complete: impl Fn(&Anchor) -> bool,
    reason_07: impl Fn(&Anchor) -> bool,
) {
    let units = followed(anchors, starts, (0, MONTH), complete);
    let units = units.into_iter().zip(anchors).map(|(u, a)| Unit::new(a.row, (u.found, reason_07(a)))).collect();
    let tied = sheet.is_release();
    sheet.series("ALLE", units, |units: &[Unit<(Follow, bool)>], out| {
        let linked = |u: &Unit<(Follow, bool)>| u.found.0.hit().is_some();
        let reason = |u: &Unit<(Follow, bool)>| u.found.0.complete && u.found.1;
        out.count("noemer", units, |u| u.found.0.complete);
        out.count("teller_gekoppeld", units, linked);
        out.count("teller_reden07", units, reason);
        out.count("gekoppeld_zonder_07", units, |u| linked(u) && !reason(u));
        out.count("reden07_zonder_koppeling", units, |u| reason(u) && !linked(u));
        if tied {
            out.count(BOTH, units, |u| linked(u) && reason(u));
        }
        let signed = |u: &Unit<(Follow, bool)>| i64::from(linked(u)) - i64::from(reason(u));
        out.own("verschil", Some(units.iter().map(signed).sum()));
        out.count("n_gecensureerd", units, |u| !u.found.0.complete);
    });
}

/// The measure of children who are followed by an OTS and have reason 07: ties the four others of IND-11 together, never printed.
pub(super) const BOTH: &str = "gekoppeld_met_07";

/// Ends of a VOTS.
pub(super) fn vots_ends(view: View<'_>) -> impl Iterator<Item = Row> {
    let ends = view.of_type(EventType::GiMaatregelEinde);
    ends.filter(move |&row| view.columns.maatregel(row) == Some(Maatregel::Vots))
}

/// IND-11 over the events of one node.
pub(super) fn own_vots_to_ots(view: View, window: Window, sheet: &mut Sheet) {
    let starts = view.timeline(starts_of(view, &[Maatregel::Ots]));
    let anchors = view.anchors(vots_ends(view), window);
    let reason_07 = |a: &Anchor| view.columns.reden(a.row) == Some(Reden::R07);
    vots_to_ots(sheet, (&anchors, &starts), complete(view, MONTH), reason_07);
    excluded(view, sheet, window, vots_ends(view));
}

/// IND-13: children whose measure ended without continuation, and a new one later. `ends` are all ends in the period.
pub(super) fn re_entry(
    sheet: &mut Sheet,
    (mut ends, starts): (Vec<Anchor>, &Timeline),
    complete: impl Fn(&Anchor, i32) -> bool,
) {
    ends.retain(|a| starts.first(a.subject, a.day, Day(a.day.0 + 1)).is_none());
    let anchors = first_of_each(ends);
    for (series, days) in [("MAATREGEL_12M", YEAR), ("MAATREGEL_24M", TWO_YEARS)] {
        flow(sheet, series, (&anchors, starts), (2, days), |a| complete(a, days));
    }
}

/// IND-13: children with a report, and another one later.
pub(super) fn reported_again(
    sheet: &mut Sheet,
    (anchors, reports): (&[Anchor], &Timeline),
    complete: impl Fn(&Anchor) -> bool,
) {
    flow(sheet, "VT_HERMELDING_12M", (anchors, reports), (1, YEAR), complete);
}

/// IND-13 over the events of one node.
pub(super) fn own_re_entry(view: View, window: Window, sheet: &mut Sheet) {
    let starts = view.timeline(view.inflow_starts().into_iter());
    let ends = view.candidates(view.of_type(EventType::GiMaatregelEinde), window);
    re_entry(sheet, (ends, &starts), |a, days| complete(view, days)(a));
    let reports = view.timeline(view.of_type(EventType::VtMelding));
    let anchors = view.anchors(view.of_type(EventType::VtMelding), window);
    reported_again(sheet, (&anchors, &reports), complete(view, YEAR));
}

/// IND-09: children who asked for help and got it within three months. `limit` says how many days those are and whether they
/// have passed.
pub(super) fn timely_help(
    sheet: &mut Sheet,
    (anchors, starts): (&[Anchor], &Timeline),
    limit: impl Fn(&Anchor) -> (i32, bool),
) {
    let bins = sheet.bins(DayKind::Calendar);
    let found = |a: &Anchor| {
        let (days, complete) = limit(a);
        let start = starts.first(a.subject, a.day, Day(a.day.0 + YEAR)).map(|day| day.0 - a.day.0);
        let timely = complete && start.is_some_and(|lead| lead <= days);
        Unit::new(a.row, (Follow { complete, lead: start }, timely))
    };
    sheet.series("ALLE", anchors.iter().map(found).collect(), |units: &[Unit<(Follow, bool)>], out| {
        out.count("noemer", units, |u| u.found.0.complete);
        out.count("teller", units, |u| u.found.1);
        out.count("n_gecensureerd", units, |u| !u.found.0.complete);
        out.count("n_met_start_365", units, |u| u.found.0.hit().is_some());
        out.quantiles(units, |u| u.found.0.hit());
        out.bins(&bins, units, |u| u.found.0.hit());
    });
}

/// Measures of IND-12 by how long ago the child was first known.
pub(super) const KNOWN: [&str; 3] = ["bekend_0-3_mnd", "bekend_3-12_mnd", "bekend_12-24_mnd"];
/// The months back of [`KNOWN`].
pub(super) const MONTHS_BACK: [i32; 3] = [3, 12, 24];

/// IND-12: children of whom the chain knew something before their first measure. `back` says how many days before the anchor
/// each of [`MONTHS_BACK`] begins, and whether the data reach back so far.
pub(super) fn known_earlier(
    sheet: &mut Sheet,
    (anchors, earlier): (&[Anchor], &Timeline),
    back: impl Fn(&Anchor) -> ([i32; 3], bool),
) {
    let found = |a: &Anchor| {
        let (limits, complete) = back(a);
        let first = earlier.first(a.subject, Day(a.day.0 - limits[2]), Day(a.day.0 - 1));
        let lead = first.map(|day| a.day.0 - day.0);
        let band = lead.and_then(|days| limits.iter().position(|&limit| days <= limit));
        Unit::new(a.row, (Follow { complete, lead }, band))
    };
    let units = anchors.iter().map(found).collect();
    sheet.series("ALLE", units, |units: &[Unit<(Follow, Option<usize>)>], out| {
        out.count("noemer", units, |u| u.found.0.complete);
        out.count("teller", units, |u| u.found.0.hit().is_some());
        out.count("n_onvolledige_terugblik", units, |u| !u.found.0.complete);
        out.quantiles(units, |u| u.found.0.hit());
        for (place, measure) in KNOWN.iter().enumerate() {
            out.count(measure, units, |u| u.found.0.complete && u.found.1 == Some(place));
        }
    });
}

/// IND-14: measures handed over to another institution, with the days that nobody had them.
pub(super) fn gaps(sheet: &mut Sheet, units: Vec<Unit<Option<i32>>>) {
    sheet.series("ALLE", units, |units: &[Unit<Option<i32>>], out| {
        out.count("n_overdrachten", units, |_| true);
        out.count("n_gekoppeld", units, |u| u.found.is_some());
        out.count("n_zonder_overname", units, |u| u.found.is_none());
        out.count("gat_0", units, |u| u.found == Some(0));
        for (measure, days) in [("gat_gt0", 0), ("gat_gt5", 5), ("gat_gt30", 30)] {
            out.count(measure, units, |u| u.found.is_some_and(|gap| gap > days));
        }
        out.count("overlap", units, |u| u.found.is_some_and(|gap| gap < 0));
        out.quantiles(units, |u| u.found);
    });
}

/// Whether everything within so many days of an anchor is known.
pub(super) fn complete(view: View<'_>, days: i32) -> impl Fn(&Anchor) -> bool {
    move |a| Day(a.day.0 + days) <= view.horizon
}

/// Inflow starts of these measures.
pub(super) fn starts_of(view: View, measures: &[Maatregel]) -> impl Iterator<Item = Row> {
    let starts = view.inflow_starts().into_iter();
    starts.filter(move |&row| view.columns.maatregel(row).is_some_and(|m| measures.contains(&m)))
}

fn excluded(view: View, sheet: &mut Sheet, window: Window, anchors: impl Iterator<Item = Row>) {
    let [without, imprecise] = view.left_out(anchors, window);
    sheet.excluded("ALLE", [&without, &imprecise]);
}
