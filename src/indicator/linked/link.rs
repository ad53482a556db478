//! What each question links: its anchors and the events around them, as data.

use super::super::volume::MEASURE_SERIES;
use super::{RE_ENTRY, REPORTED_AGAIN};
use crate::domain::codes::{EventType as E, Maatregel, Uitkomst};
use crate::domain::query::IndicatorId;

/// The kinds of question.
#[derive(Clone, Copy)]
pub(super) enum Link {
    /// Children of a series of IND-01.
    Inflow,
    /// Children of a series of IND-02.
    Outflow,
    /// Children under one of these measures on the last day.
    Stock(&'static [Maatregel]),
    /// From the first event of a type to one of others.
    Flow(Pair),
    /// From asking for help to getting it.
    Help,
    /// From preventive youth protection to (V)OTS.
    PjbToOts,
    /// From VOTS to OTS.
    VotsToOts,
    /// What was known before the first measure.
    Known,
    /// From an end to a new start.
    ReEntry,
    /// From a report to another one.
    ReportedAgain,
    /// From a hand-over to a take-over.
    Gap,
}

/// From where to where children flow.
#[derive(Clone, Copy)]
pub(in super::super) struct Pair {
    pub from: E,
    /// The outcome that `from` must have.
    pub outcome: Option<Uitkomst>,
    pub to: &'static [E],
}

/// Events with which a certified institution meets a child for the first time.
pub(super) const MEETINGS: &[E] = &[E::GiKennisgeving, E::GiPjbStart, E::GiMaatregelStart];

/// The series of IND-05.
pub(in super::super) const PAIRS: [(&str, Pair); 3] = [
    ("VT->RVDK", Pair { from: E::VtMelding, outcome: None, to: &[E::RvdkVtoOntvangen] }),
    ("RVDK->GI", Pair { from: E::RechtUitspraak, outcome: Some(Uitkomst::Ja), to: &[E::GiKennisgeving] }),
    ("LT->GI", Pair { from: E::LtStart, outcome: None, to: MEETINGS }),
];

/// What the question of this name links.
pub(super) fn link(indicator: IndicatorId, series: &str) -> Option<Link> {
    use IndicatorId as I;
    let known = |list: &[&str]| list.contains(&series);
    match indicator {
        I::Ind01 => Some(Link::Inflow),
        I::Ind02 => Some(Link::Outflow),
        I::Ind03 => {
            let name = series.strip_prefix("KETEN|")?;
            MEASURE_SERIES.iter().find(|(n, _)| *n == name).map(|(_, measures)| Link::Stock(measures))
        }
        I::Ind05 => PAIRS.iter().find(|(name, _)| *name == series).map(|(_, pair)| Link::Flow(*pair)),
        I::Ind09 if known(&["ALLE"]) => Some(Link::Help),
        I::Ind10 if known(&["ALLE"]) => Some(Link::PjbToOts),
        I::Ind11 if known(&["ALLE"]) => Some(Link::VotsToOts),
        I::Ind12 if known(&["ALLE"]) => Some(Link::Known),
        I::Ind13 if known(&[RE_ENTRY]) => Some(Link::ReEntry),
        I::Ind13 if known(&[REPORTED_AGAIN]) => Some(Link::ReportedAgain),
        I::Ind14 if known(&["ALLE"]) => Some(Link::Gap),
        _ => None,
    }
}
