//! `compute`: one table of an indicator over the organisation's own events.

use super::anchors::Events;
use super::columns::Columns;
use super::raw::{RawCell, RawTable};
use super::release::Release;
use super::sheet::Sheet;
use super::view::View;
use super::{follow, stage, volume};
use crate::crypto::Digest;
use crate::domain::day::{Day, WorkCalendar};
use crate::domain::oin::Oin;
use crate::domain::query::{IndicatorId, TableQuery};

/// What the figures depend on besides the events.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Horizon H: last day for which data has been delivered.
    pub horizon: Day,
    /// Data start F: first day for which data has been delivered (IND-12 alone looks at it).
    pub data_from: Day,
    /// N of IND-05 in days, for linked figures.
    pub within: u32,
    /// The organisation whose events these are: the value of dimension `organisatie`.
    pub organisation: Oin,
}

/// Computes the exact cells of one table, as definitions 3 say.
///
/// A table without dimensions lists every series of the definition, also when it counts nothing (the series by reason of
/// IND-02 only when they occur), and the excluded events as `uitgesloten:...`; a table with dimensions lists the cells
/// that hold at least one unit. IND-24 has no events as its source: its table is empty here, see `quality_table`;
/// and so is that of an indicator that only linkage can count, see `linked`.
#[must_use]
pub fn compute(
    columns: &Columns,
    settings: &Settings,
    calendar: &WorkCalendar,
    query: &TableQuery,
    query_hash: Digest,
) -> RawTable {
    let view = View { columns, horizon: settings.horizon, calendar, frozen: false };
    let events = Events::new(view, &query.by, settings.organisation, None);
    RawTable::mint(query.clone(), query_hash, cells(view, query, Sheet::new(&events, query, None)))
}

/// Computes the exact cells of one table for a release: only the series that the organisation can own, only the measures
/// that may leave or that tie those together (`Visibility::Hidden`), the bins of the convenant's cut, and municipalities
/// outside its list as `overig`. Every value is a count; a cell that is absent is 0.
///
/// A quarter knows nothing of later quarters but the follow-up that the indicator asks for, so that its figures stay what
/// they were at settlement and agree with those of the year: a take-over reported on the day after the quarter does not
/// turn a start on its last day into no inflow, and a trajectory has the measure that was known at the end of the quarter
/// of its anchor. An event of which only the year is known counts from the last quarter of that year on, also where it ends
/// a stock or could be the first of a trajectory. In these three rare cases a released figure differs from [`compute`].
#[must_use]
pub fn compute_release(
    columns: &Columns,
    release: &Release,
    calendar: &WorkCalendar,
    query: &TableQuery,
    query_hash: Digest,
) -> RawTable {
    let view = View { columns, horizon: release.settings.horizon, calendar, frozen: true };
    let events = Events::new(view, &query.by, release.settings.organisation, Some(release));
    RawTable::mint(query.clone(), query_hash, cells(view, query, Sheet::new(&events, query, Some(release))))
}

fn cells(view: View, query: &TableQuery, mut sheet: Sheet) -> Vec<RawCell> {
    let (window, sheet_ref) = (query.period.bounds(), &mut sheet);
    match query.indicator {
        IndicatorId::Ind01 => volume::counted(view, volume::inflow_events(view, window), sheet_ref),
        IndicatorId::Ind02 => volume::counted(view, volume::outflow_events(view, window), sheet_ref),
        IndicatorId::Ind03 => volume::stock(view, window.1, sheet_ref),
        IndicatorId::Ind06 => stage::ended(view, window, sheet_ref),
        IndicatorId::Ind07 => stage::timely(view, window, &stage::WORKER, sheet_ref),
        IndicatorId::Ind08 => stage::timely(view, window, &stage::CONTACT, sheet_ref),
        IndicatorId::Ind08P => stage::timely(view, window, &stage::PLAN, sheet_ref),
        IndicatorId::Ind10 => follow::own_pjb_to_ots(view, window, sheet_ref),
        IndicatorId::Ind11 => follow::own_vots_to_ots(view, window, sheet_ref),
        IndicatorId::Ind13 => follow::own_re_entry(view, window, sheet_ref),
        IndicatorId::Ind17 => stage::waiting(view, window.1, sheet_ref),
        IndicatorId::Ind05 | IndicatorId::Ind09 | IndicatorId::Ind12 | IndicatorId::Ind14 | IndicatorId::Ind24 => {}
    }
    sheet.into_cells()
}
