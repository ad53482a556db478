//! Programs of the lead times within one trajectory: IND-06, IND-07, IND-08, IND-08P and waiting, IND-17.

use std::collections::BTreeSet;

use super::columns::{Row, at, index};
use super::release::BEGUN;
use super::sheet::{Measures, Sheet, Unit};
use super::view::View;
use super::volume::ENDS;
use crate::domain::codes::{EventType as E, Uitkomst};
use crate::domain::day::Day;
use crate::domain::query::IndicatorId;
use crate::policy::rules::DayKind;

/// A stage from a start to an end event, with its norm in days.
pub(super) struct Stage {
    pub series: &'static str,
    pub start: E,
    pub end: E,
    pub days: DayKind,
    pub norm: Option<i32>,
}

const fn stage(series: &'static str, start: E, end: E, days: DayKind, norm: Option<i32>) -> Stage {
    Stage { series, start, end, days, norm }
}

use DayKind::{Calendar, Working};

/// The stages of IND-06 with their norms (Handelingsprotocol Veilig Thuis, Kwaliteitskader RvdK, Normenkader JB/JR).
pub(super) const STAGES: [Stage; 7] = [
    stage("VT_TRIAGE", E::VtMelding, E::VtTriage, Working, Some(5)),
    stage("VT_ONDERZOEK", E::VtOnderzoekStart, E::VtOnderzoekEinde, Calendar, Some(70)),
    stage("RVDK_WACHT", E::RvdkVtoOntvangen, E::RvdkOnderzoekStart, Calendar, Some(10)),
    stage("RVDK_ONDERZOEK", E::RvdkOnderzoekStart, E::RvdkOnderzoekEinde, Calendar, None),
    stage("GI_WERKER", E::GiKennisgeving, E::GiToewijzingWerker, Working, Some(5)),
    stage("GI_CONTACT", E::GiKennisgeving, E::GiEersteContact, Working, Some(5)),
    stage("GI_PLAN", E::GiMaatregelStart, E::GiPlan, Calendar, Some(42)),
];

/// The stages of IND-07, IND-08 and IND-08P.
pub(super) const WORKER: Stage = stage("ALLE", E::GiKennisgeving, E::GiToewijzingWerker, Working, Some(5));
pub(super) const CONTACT: Stage = stage("ALLE", E::GiKennisgeving, E::GiEersteContact, Working, Some(5));
pub(super) const PLAN: Stage = stage("ALLE", E::GiMaatregelStart, E::GiPlan, Calendar, Some(42));

/// What became of a trajectory in a stage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    Days(i32),
    NoStart,
    Imprecise,
    Negative,
    OpenTooLate,
    Censored,
}

impl Course {
    fn days(self) -> Option<i32> {
        if let Self::Days(days) = self { Some(days) } else { None }
    }
}

fn days_of(unit: &Unit<Course>) -> Option<i32> {
    unit.found.days()
}

fn counts(units: &[Unit<Course>], out: &mut Measures, courses: &[(&'static str, Course)]) {
    for &(measure, course) in courses {
        out.count(measure, units, |u| u.found == course);
    }
}

/// IND-06: stages ended in the period; the anchor is the first end event of the trajectory.
pub(super) fn ended(view: View, window: (Day, Day), sheet: &mut Sheet) {
    for stage in &STAGES {
        let (starts, bins) = (view.firsts(stage.start), sheet.bins(stage.days));
        let units = in_window(view, &view.firsts(stage.end), window, |i, end| {
            let Some(start) = starts[i] else { return Course::NoStart };
            match view.columns.day(start).zip(view.columns.day(end)) {
                None => Course::Imprecise,
                Some((s, e)) if e < s => Course::Negative,
                Some((s, e)) => Course::Days(view.days(stage.days, s, e)),
            }
        });
        sheet.series(stage.series, units, |units, out| {
            out.count("n", units, |u| u.found.days().is_some());
            out.quantiles(units, days_of);
            out.bins(&bins, units, days_of);
            match stage.norm {
                Some(norm) => out.count("binnen_norm", units, |u| u.found.days().is_some_and(|d| d <= norm)),
                None => out.own("binnen_norm", None),
            }
            let rest = [
                ("n_zonder_start", Course::NoStart),
                ("n_onnauwkeurig", Course::Imprecise),
                ("n_negatief", Course::Negative),
            ];
            counts(units, out, &rest);
        });
    }
}

/// IND-07, IND-08, IND-08P: timeliness of trajectories whose first start lies in the period; the anchor is the start.
pub(super) fn timely(view: View, window: (Day, Day), stage: &Stage, sheet: &mut Sheet) {
    let norm = stage.norm.unwrap_or(i32::MAX);
    let (ends, bins) = (view.firsts(stage.end), sheet.bins(stage.days));
    let units = in_window(view, &view.firsts(stage.start), window, |i, start| {
        let (start, end) = (view.columns.day(start), ends[i].map(|row| view.columns.day(row)));
        match (start, end) {
            (None, _) | (_, Some(None)) => Course::Imprecise,
            (Some(s), Some(Some(e))) if e < s => Course::Negative,
            (Some(s), Some(Some(e))) => Course::Days(view.days(stage.days, s, e)),
            (Some(s), None) if view.days(stage.days, s, view.horizon) > norm => Course::OpenTooLate,
            (Some(_), None) => Course::Censored,
        }
    });
    let is_release = sheet.is_release();
    sheet.series(stage.series, units, |units, out| {
        out.count("noemer", units, |u| u.found.days().is_some() || u.found == Course::OpenTooLate);
        out.count("teller", units, |u| u.found.days().is_some_and(|d| d <= norm));
        counts(units, out, &[("n_open_te_laat", Course::OpenTooLate)]);
        out.quantiles(units, days_of);
        out.bins(&bins, units, days_of);
        let rest = [
            ("n_gecensureerd", Course::Censored),
            ("n_onnauwkeurig", Course::Imprecise),
            ("n_negatief", Course::Negative),
        ];
        counts(units, out, &rest);
        if is_release {
            // A day that is not known exactly may lie in a year and in none of its quarters.
            out.count(BEGUN, units, |u| view.columns.day(u.anchor).is_some());
        }
    });
}

/// Units of the trajectories whose first event of a type, the anchor, lies in the period.
fn in_window<P>(
    view: View,
    firsts: &[Option<Row>],
    window: (Day, Day),
    found: impl Fn(usize, Row) -> P,
) -> Vec<Unit<P>> {
    let anchors = firsts.iter().enumerate().filter_map(|(i, row)| Some((i, (*row)?)));
    anchors
        .filter(|&(_, row)| view.lies_in(row, window))
        .map(|(i, row)| Unit { anchor: row, trajectory: Some(index(i)), found: found(i, row) })
        .collect()
}

/// When a waiting time is above the norm.
#[derive(Clone, Copy)]
pub(super) enum WaitNorm {
    Days(DayKind, i32),
    Months(i32),
    None,
}

/// A stop event: a type, and the outcome that it must have.
type Stop = (E, Option<Uitkomst>);

/// A queue of IND-17: trajectories that started and did not stop.
pub(super) struct Queue {
    pub series: &'static str,
    pub start: E,
    pub stops: &'static [Stop],
    pub norm: WaitNorm,
}

const FIVE_WORKING: WaitNorm = WaitNorm::Days(Working, 5);

/// The types of events that end what an indicator counts as still there on a day: a stock, or a wait.
#[must_use]
pub fn closed_by(indicator: IndicatorId) -> BTreeSet<E> {
    match indicator {
        IndicatorId::Ind03 => ENDS.into_iter().chain([E::GiOvergedragen]).collect(),
        IndicatorId::Ind17 => QUEUES.iter().flat_map(|queue| queue.stops).map(|(stop, _)| *stop).collect(),
        _ => BTreeSet::new(),
    }
}

/// The queues of IND-17.
pub(super) const QUEUES: [Queue; 6] = [
    Queue { series: "VT_TRIAGE", start: E::VtMelding, stops: &[(E::VtTriage, None)], norm: FIVE_WORKING },
    Queue {
        series: "RVDK_ONDERZOEK",
        start: E::RvdkVtoOntvangen,
        stops: &[(E::RvdkOnderzoekStart, None), (E::RvdkIntake, Some(Uitkomst::Nee)), (E::RechtUitspraak, None)],
        norm: WaitNorm::Days(Calendar, 10),
    },
    Queue {
        series: "GI_WERKER",
        start: E::GiKennisgeving,
        stops: &[(E::GiToewijzingWerker, None), (E::GiMaatregelEinde, None), (E::GiOvergedragen, None)],
        norm: FIVE_WORKING,
    },
    Queue {
        series: "GI_CONTACT",
        start: E::GiKennisgeving,
        stops: &[(E::GiEersteContact, None), (E::GiMaatregelEinde, None), (E::GiOvergedragen, None)],
        norm: FIVE_WORKING,
    },
    Queue {
        series: "JH_START",
        start: E::JhAanmelding,
        stops: &[(E::JhStart, None), (E::JhEinde, None)],
        norm: WaitNorm::Months(3),
    },
    Queue {
        series: "LT_START",
        start: E::LtAanmelding,
        stops: &[(E::LtStart, None), (E::LtEinde, None), (E::LtOverdracht, None)],
        norm: WaitNorm::None,
    },
];

/// IND-17: waiting on `today`, the last day of the period; the anchor is the first start.
pub(super) fn waiting(view: View, today: Day, sheet: &mut Sheet) {
    let bins = sheet.bins(DayKind::Calendar);
    for queue in &QUEUES {
        let mut stopped = vec![false; view.columns.trajectories()];
        for &(event_type, outcome) in queue.stops {
            for row in view.of_type(event_type).filter(|&row| view.columns.hi(row) <= today) {
                if let Some(trajectory) = view.columns.trajectory(row)
                    && (outcome.is_none() || view.columns.uitkomst(row) == outcome)
                {
                    stopped[at(trajectory)] = true;
                }
            }
        }
        let mut units = in_window(view, &view.firsts(queue.start), (Day(i32::MIN), today), |i, start| {
            let wait = view.columns.day(start).map(|day| (today.0 - day.0, above(view, queue.norm, day, today)));
            (!stopped[i]).then_some(wait)
        });
        units.retain(|u| u.found.is_some());
        let wait = |u: &Unit<Option<Option<(i32, bool)>>>| u.found.flatten();
        sheet.series(queue.series, units, |units, out| {
            out.count("n", units, |u| wait(u).is_some());
            out.count("n_onnauwkeurig", units, |u| wait(u).is_none());
            out.bins(&bins, units, |u| wait(u).map(|(days, _)| days));
            match queue.norm {
                WaitNorm::None => out.own("boven_norm", None),
                _ => out.count("boven_norm", units, |u| wait(u).is_some_and(|(_, above)| above)),
            }
        });
    }
}

fn above(view: View, norm: WaitNorm, start: Day, today: Day) -> bool {
    match norm {
        WaitNorm::Days(count, days) => view.days(count, start, today) > days,
        WaitNorm::Months(months) => today > start.add_months(months),
        WaitNorm::None => false,
    }
}
