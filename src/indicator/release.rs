//! The frame of a node's release: what a convenant declares and the organisation owns, and the cells that follow from it.

use super::compute::Settings;
use super::definition::{MeasureKind, Series, Visibility, definition};
use super::stage;
use super::volume::MEASURE_SERIES;
use crate::domain::codes::{EventType, Owner};
use crate::domain::event::Gemeente;
use crate::domain::period::PeriodKind;
use crate::domain::query::{Dimension, IndicatorId, TableQuery};
use crate::policy::rules::{BinCut, DayKind, Domains, day_kinds, default_cut};

/// The measure of children who have an event of which only the year is known: they can be in the year and in none of
/// its quarters.
pub const YEAR_ONLY: &str = "alleen_jaar";

/// The measure of all trajectories that begin on a known day in the period, with a duration or not: what IND-07 and IND-08 both start from.
pub(super) const BEGUN: &str = "n_begonnen";

/// The value of dimension `maatregel` where there is none.
const NO_MEASURE: &str = "-";

/// What a node's release is made within.
#[derive(Clone, Debug)]
pub struct Release {
    /// Horizon and organisation.
    pub settings: Settings,
    /// Owner types whose series are released.
    pub owners: Vec<Owner>,
    /// Owner types whose events are among the records; measures come with those of a GI.
    pub delivers: Vec<Owner>,
    /// Full domain of each dimension, as the convenant declares it.
    pub domains: Domains,
    /// Bins of days, as the convenant declares them; the defaults where it says nothing.
    pub bin_cuts: Vec<BinCut>,
    /// Whether the gate counts it from linked rows: then `owners` are all kinds that some party delivers.
    pub linked: bool,
}

impl Release {
    /// The cut of an indicator's days.
    #[must_use]
    pub fn bin_cut(&self, indicator: IndicatorId, days: DayKind) -> BinCut {
        let declared = self.bin_cuts.iter().find(|cut| cut.indicator == indicator && cut.days == days);
        declared.cloned().unwrap_or_else(|| default_cut(indicator, days))
    }

    /// Every value of a dimension in a released table.
    #[must_use]
    pub fn values(&self, dimension: Dimension) -> Vec<String> {
        match dimension {
            Dimension::Organisatie => vec![self.settings.organisation.to_string()],
            other => self.domains.values(other).to_vec(),
        }
    }

    /// Every combination of dimension values in a released table, in the order of `by`; one empty one for the total.
    #[must_use]
    pub fn keys(&self, by: &[Dimension]) -> Vec<Vec<String>> {
        let mut keys = vec![Vec::new()];
        for &dimension in by {
            let values = self.values(dimension);
            let extended = |key: &Vec<String>| -> Vec<Vec<String>> {
                values.iter().map(|v| key.iter().chain([v]).cloned().collect()).collect()
            };
            keys = keys.iter().flat_map(extended).collect();
        }
        keys
    }

    /// The series of an indicator that this organisation releases.
    pub fn series(&self, indicator: IndicatorId) -> impl Iterator<Item = &'static Series> {
        let counts = |series: &Series| if self.linked { series.linked } else { series.released };
        let owned = move |series: &&Series| counts(series) && self.owners.contains(&series.owner);
        definition(indicator).series.iter().filter(owned)
    }

    /// The measures of a series that are computed for a released table, and whether each is printed at all.
    #[must_use]
    pub fn measures(&self, table: &TableQuery, series: &str) -> Vec<(String, Visibility)> {
        let indicator = table.indicator;
        let mut names = Vec::new();
        for measure in &definition(indicator).measures {
            let visibility = self.visibility(indicator, series, measure.name);
            if visibility == Visibility::Own {
                continue;
            }
            match measure.kind {
                MeasureKind::Bins => {
                    let bins = days_of(indicator, series).map(|days| self.bin_cut(indicator, days).bins());
                    names.extend(bins.into_iter().flatten().map(|bin| (bin_measure(&bin), visibility)));
                }
                MeasureKind::Count if measure.name == YEAR_ONLY && table.period.kind() != PeriodKind::Year => {}
                MeasureKind::Count if measure.name == "binnen_norm" && !has_norm(indicator, series) => {}
                MeasureKind::Count => names.push((measure.name.to_owned(), visibility)),
                MeasureKind::Derived => {}
            }
        }
        names
    }

    /// The municipalities that have a cell of their own.
    pub(super) fn gemeenten(&self) -> Vec<Gemeente> {
        self.domains.gemeente.iter().filter_map(|code| Gemeente::parse(code)).collect()
    }

    /// Whether a cell can be anything but 0 by definition: the measure of a breakdown must agree with the series and with the
    /// events that the records can hold.
    #[must_use]
    pub fn possible(&self, table: &TableQuery, series: &str, key: &[String]) -> bool {
        let of_measure = table.by.iter().zip(key).find(|(d, _)| **d == Dimension::Maatregel);
        // Only events of a GI, and rulings, which no series begins or ends with, have a measure.
        let none = !self.delivers.contains(&Owner::Gi);
        of_measure
            .is_none_or(|(_, value)| possible_measure(table.indicator, series, value) && (!none || value == NO_MEASURE))
    }

    /// Whether a release prints a measure of a series, needs it to tie printed ones together, or does not count it.
    ///
    /// Linkage prints how many children a step begins with only where no other figure counts those children: two counts of nearly
    /// the same children would differ by the few whose date is not exact. It protects who came on, and who did not, from a reader
    /// who knows the other count.
    #[must_use]
    pub fn visibility(&self, indicator: IndicatorId, series: &str, measure: &str) -> Visibility {
        let of = definition(indicator).measure(measure);
        match of {
            Some(_) if self.linked && measure == "noemer" && base(indicator, series).is_some() => {
                // The parts of IND-10 by duration are counted nowhere else, and tied to the whole of it.
                if series.starts_with("DUUR_") { Visibility::Own } else { Visibility::Elsewhere }
            }
            Some(of) if self.linked => of.linked,
            Some(of) => of.visibility,
            None => Visibility::Own,
        }
    }

    pub(super) fn has_series(&self, indicator: IndicatorId, series: &str) -> bool {
        self.series(indicator).any(|s| s.name == series)
    }
}

/// The measure name of a bin.
pub(super) fn bin_measure(bin: &str) -> String {
    format!("bin:{bin}")
}

/// The series of an indicator that linkage counts where these kinds of owner deliver. One party of a kind is enough: what it would
/// release by itself comes by no other route.
pub(super) fn linked_series(indicator: IndicatorId, owners: &[Owner]) -> impl Iterator<Item = &'static Series> {
    definition(indicator).series.iter().filter(move |series| series.linked && owners.contains(&series.owner))
}

/// The indicator and series that count the children with whom a step begins, if there is one.
pub(super) fn base(indicator: IndicatorId, series: &str) -> Option<(IndicatorId, &'static str)> {
    use IndicatorId as I;
    match (indicator, series) {
        (I::Ind05, "VT->RVDK") | (I::Ind13, "VT_HERMELDING_12M") => Some((I::Ind01, "VT_MELDING")),
        (I::Ind05, "LT->GI") => Some((I::Ind01, "LT_START")),
        (I::Ind10, _) => Some((I::Ind01, "PJB")),
        (I::Ind11, _) => Some((I::Ind02, "VOTS")),
        (I::Ind13, _) => Some((I::Ind02, "JB")),
        _ => None,
    }
}

/// Which days a series counts its durations in.
pub(super) fn days_of(indicator: IndicatorId, series: &str) -> Option<DayKind> {
    let stage = || stage::STAGES.iter().find(|s| s.series == series).map(|s| s.days);
    match indicator {
        IndicatorId::Ind06 => stage(),
        other => day_kinds(other).first().copied(),
    }
}

fn has_norm(indicator: IndicatorId, series: &str) -> bool {
    definition(indicator).series(series).is_some_and(|s| s.norm.is_some())
}

/// Whether a unit of the series can have the measure, as far as the definition says.
fn possible_measure(indicator: IndicatorId, series: &str, value: &str) -> bool {
    let one_of = |name: &str| {
        let measures = MEASURE_SERIES.iter().find(|(n, _)| *n == name).map_or(&[][..], |(_, measures)| *measures);
        measures.iter().any(|m| m.as_str() == value)
    };
    match indicator {
        IndicatorId::Ind01 => match EventType::parse(series) {
            Some(_) => value == NO_MEASURE,
            None => one_of(series),
        },
        IndicatorId::Ind02 => one_of(series.split('|').next().unwrap_or_default()),
        IndicatorId::Ind03 => one_of(series.split('|').nth(1).unwrap_or_default()),
        IndicatorId::Ind05 if series == "RVDK->GI" => value == "-" || one_of("JB"),
        IndicatorId::Ind05 => value == "-",
        IndicatorId::Ind14 => one_of("JB"),
        IndicatorId::Ind10 => one_of("PJB"),
        IndicatorId::Ind11 => one_of("VOTS"),
        IndicatorId::Ind13 if series == "VT_HERMELDING_12M" => value == NO_MEASURE,
        IndicatorId::Ind13 => one_of("JB"),
        // A trajectory has the measure of its start, which always has one: and a start is where these begin.
        IndicatorId::Ind08P => value != NO_MEASURE,
        IndicatorId::Ind06 if series == "GI_PLAN" => value != NO_MEASURE,
        _ => true,
    }
}
