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

/// What a node's release is made within.
#[derive(Clone, Debug)]
pub struct Release {
    /// Horizon and organisation.
    pub settings: Settings,
    /// Owner types whose events the organisation delivers.
    pub owners: Vec<Owner>,
    /// Full domain of each dimension, as the convenant declares it.
    pub domains: Domains,
    /// Bins of days, as the convenant declares them; the defaults where it says nothing.
    pub bin_cuts: Vec<BinCut>,
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
        definition(indicator).series.iter().filter(|series| series.released && self.owners.contains(&series.owner))
    }

    /// The measures of a series that are computed for a released table, and whether each is printed at all.
    #[must_use]
    pub fn measures(&self, table: &TableQuery, series: &str) -> Vec<(String, Visibility)> {
        let indicator = table.indicator;
        let mut names = Vec::new();
        for measure in definition(indicator).measures.iter().filter(|m| m.visibility != Visibility::Own) {
            match measure.kind {
                MeasureKind::Bins => {
                    let bins = days_of(indicator, series).map(|days| self.bin_cut(indicator, days).bins());
                    names.extend(bins.into_iter().flatten().map(|bin| (bin_measure(&bin), measure.visibility)));
                }
                MeasureKind::Count if measure.name == YEAR_ONLY && table.period.kind() != PeriodKind::Year => {}
                MeasureKind::Count if measure.name == "binnen_norm" && !has_norm(indicator, series) => {}
                MeasureKind::Count => names.push((measure.name.to_owned(), measure.visibility)),
                MeasureKind::Derived => {}
            }
        }
        names
    }

    /// The municipalities that have a cell of their own.
    pub(super) fn gemeenten(&self) -> Vec<Gemeente> {
        self.domains.gemeente.iter().filter_map(|code| Gemeente::parse(code)).collect()
    }

    pub(super) fn has_series(&self, indicator: IndicatorId, series: &str) -> bool {
        self.series(indicator).any(|s| s.name == series)
    }
}

/// The measure name of a bin.
pub(super) fn bin_measure(bin: &str) -> String {
    format!("bin:{bin}")
}

/// Whether a release needs the measure: to print it, or to tie printed ones together.
pub(super) fn leaves_compute(indicator: IndicatorId, measure: &str) -> bool {
    definition(indicator).measure(measure).is_some_and(|m| m.visibility != Visibility::Own)
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

/// Whether a cell can be anything but 0 by definition: the measure of a breakdown must agree with the series.
#[must_use]
pub fn possible(table: &TableQuery, series: &str, key: &[String]) -> bool {
    let of_measure = table.by.iter().zip(key).find(|(d, _)| **d == Dimension::Maatregel);
    of_measure.is_none_or(|(_, value)| possible_measure(table.indicator, series, value))
}

fn possible_measure(indicator: IndicatorId, series: &str, value: &str) -> bool {
    let one_of = |name: &str| {
        let measures = MEASURE_SERIES.iter().find(|(n, _)| *n == name).map_or(&[][..], |(_, measures)| *measures);
        measures.iter().any(|m| m.as_str() == value)
    };
    match indicator {
        IndicatorId::Ind01 => match EventType::parse(series) {
            Some(_) => value == "-",
            None => one_of(series),
        },
        IndicatorId::Ind02 => one_of(series.split('|').next().unwrap_or_default()),
        IndicatorId::Ind03 => one_of(series.split('|').nth(1).unwrap_or_default()),
        IndicatorId::Ind10 => one_of("PJB"),
        IndicatorId::Ind11 => one_of("VOTS"),
        IndicatorId::Ind13 if series == "VT_HERMELDING_12M" => value == "-",
        IndicatorId::Ind13 => one_of("JB"),
        _ => true,
    }
}
