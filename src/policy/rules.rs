//! The terms of release that a convenant fixes: thresholds, bin cuts and the full domains of the dimensions.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::query::{Dimension, IndicatorId};

/// Thresholds of disclosure control; the defaults are the least strict ones that a convenant may choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisclosureRules {
    /// Least count that may be printed.
    pub threshold: u32,
    /// Printed counts are multiples of this.
    pub rounding: u32,
    /// Least number of families in a printed count.
    pub min_families: u32,
    /// Most that one family may contribute, in percent.
    pub dominance_percent: u32,
    /// Least printed denominator of a printed share.
    pub share_noemer: u32,
}

impl Default for DisclosureRules {
    fn default() -> Self {
        Self { threshold: 10, rounding: 5, min_families: 3, dominance_percent: 80, share_noemer: 30 }
    }
}

/// Which days a duration counts (definitions 2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DayKind {
    /// Dutch working days.
    Working,
    /// Calendar days.
    Calendar,
}

/// Into which bins the durations of an indicator are released; fixed in the convenant, never chosen from the data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinCut {
    /// Of which indicator.
    pub indicator: IndicatorId,
    /// Of its series that count these days.
    pub days: DayKind,
    /// The last day of every closed bin, ascending; `[5, 10, 42]` is `0-5`, `6-10`, `11-42` and `43+`.
    pub edges: Vec<u32>,
}

impl BinCut {
    /// The names of the bins, in order: `0-5`, `6-10`, `11-42`, `43+`. They cover 0 to infinity.
    #[must_use]
    pub fn bins(&self) -> Vec<String> {
        let mut from = 0;
        let mut names = Vec::with_capacity(self.edges.len() + 1);
        for edge in &self.edges {
            names.push(format!("{from}-{edge}"));
            from = edge.saturating_add(1);
        }
        names.push(format!("{from}+"));
        names
    }

    /// The place in [`BinCut::bins`] of a duration of `days`.
    #[must_use]
    pub fn bin_of(&self, days: u32) -> usize {
        self.edges.partition_point(|edge| *edge < days)
    }
}

/// The edges of the bins in which the definitions count durations; a bin cut takes unions of these bins.
#[must_use]
pub fn definition_edges(indicator: IndicatorId) -> &'static [u32] {
    match indicator {
        IndicatorId::Ind17 => &[10, 30, 90],
        _ => &[5, 10, 20, 42, 70, 91, 182, 365],
    }
}

/// The kinds of days that the series of an indicator count; empty for an indicator without durations.
#[must_use]
pub fn day_kinds(indicator: IndicatorId) -> &'static [DayKind] {
    use IndicatorId as I;
    match indicator {
        I::Ind06 => &[DayKind::Working, DayKind::Calendar],
        I::Ind07 | I::Ind08 => &[DayKind::Working],
        I::Ind05 | I::Ind08P | I::Ind09 | I::Ind10 | I::Ind13 | I::Ind17 => &[DayKind::Calendar],
        I::Ind01 | I::Ind02 | I::Ind03 | I::Ind11 | I::Ind12 | I::Ind14 | I::Ind24 => &[],
    }
}

/// The norms, in days, that a bin cut must have as an edge, so that `binnen_norm` is a sum of bins (definitions 3).
#[must_use]
pub fn norms(indicator: IndicatorId, days: DayKind) -> &'static [u32] {
    use IndicatorId as I;
    match (indicator, days) {
        (I::Ind06 | I::Ind07 | I::Ind08, DayKind::Working) => &[5],
        (I::Ind06, DayKind::Calendar) => &[10, 42, 70],
        (I::Ind08P, _) => &[42],
        (I::Ind17, _) => &[10],
        _ => &[],
    }
}

/// The default cut of an indicator's durations in these days.
#[must_use]
pub fn default_cut(indicator: IndicatorId, days: DayKind) -> BinCut {
    let edges = match (indicator, days) {
        (IndicatorId::Ind17, _) => vec![10, 30, 90],
        (_, DayKind::Working) => vec![5, 10, 42],
        (_, DayKind::Calendar) => vec![10, 42, 70, 91, 365],
    };
    BinCut { indicator, days, edges }
}

/// The age bands of the definitions; `ONB` is unknown.
pub const AGE_BANDS: &[&str] = &["0-3", "4-11", "12-15", "16-17", "18-22", "ONB"];

/// The measures of the definitions; `-` is none.
pub const MEASURES: &[&str] = &["11", "12", "21", "22", "23", "31", "-"];

/// The value that stands for every municipality outside the declared ones.
pub const OTHER: &str = "overig";

/// A group of municipalities, between one municipality and the whole region: the larger cities, and the others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// Its name: lower-case letters, digits and hyphens.
    pub name: String,
    /// Its values of `gemeente`, ascending; [`OTHER`] lies in an area too.
    pub gemeenten: Vec<String>,
}

impl Area {
    /// The value of dimension `gebied`: the name and what lies in it, `steden:0141+0153`, so that two figures under one value are
    /// of the same area, whatever convenant they come from.
    #[must_use]
    pub fn value(&self) -> String {
        format!("{}:{}", self.name, self.gemeenten.join("+"))
    }
}

/// The full domain of each dimension: a released table lists every value, filled or not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domains {
    /// Municipality codes of 4 digits of the region, and [`OTHER`] as the last one.
    pub gemeente: Vec<String>,
    /// Age bands: always [`AGE_BANDS`].
    pub leeftijd: Vec<String>,
    /// Measures: always [`MEASURES`].
    pub maatregel: Vec<String>,
    /// Areas: every value of `gemeente` lies in exactly one. None when the convenant knows no level between municipality and region.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gebied: Vec<Area>,
}

impl Domains {
    /// The domains of a region of these municipality codes.
    #[must_use]
    pub fn of_region(codes: &[String]) -> Self {
        let owned = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect();
        let mut gemeente = codes.to_vec();
        gemeente.sort();
        gemeente.dedup();
        gemeente.push(OTHER.to_owned());
        Self { gemeente, leeftijd: owned(AGE_BANDS), maatregel: owned(MEASURES), gebied: Vec::new() }
    }

    /// The domains with a level between municipality and region: the named areas, and `rest` for whatever is in none of them.
    #[must_use]
    pub fn with_areas(mut self, mut named: Vec<Area>, rest: &str) -> Self {
        let free = |code: &&String| named.iter().all(|area| !area.gemeenten.contains(code));
        let gemeenten: Vec<String> = self.gemeente.iter().filter(free).cloned().collect();
        if !gemeenten.is_empty() {
            named.push(Area { name: rest.to_owned(), gemeenten });
        }
        self.gebied = named;
        self
    }

    /// The area of a value of `gemeente`, as its place among the areas.
    #[must_use]
    pub fn area_of(&self, gemeente: &str) -> Option<usize> {
        self.gebied.iter().position(|area| area.gemeenten.iter().any(|code| code == gemeente))
    }

    /// Every value of a dimension, in the order of the convenant; empty for `organisatie`, which a node's own release
    /// never has (it is always the node itself).
    #[must_use]
    pub fn values(&self, dimension: Dimension) -> Cow<'_, [String]> {
        match dimension {
            Dimension::Gemeente => Cow::Borrowed(&self.gemeente),
            Dimension::Leeftijd => Cow::Borrowed(&self.leeftijd),
            Dimension::Maatregel => Cow::Borrowed(&self.maatregel),
            Dimension::Organisatie => Cow::Borrowed(&[]),
            Dimension::Gebied => self.gebied.iter().map(Area::value).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn default_cuts_are_those_of_the_design() {
        let names = |i, d| default_cut(i, d).bins().join(" ");
        assert_eq!(names(IndicatorId::Ind07, DayKind::Working), "0-5 6-10 11-42 43+");
        assert_eq!(names(IndicatorId::Ind06, DayKind::Calendar), "0-10 11-42 43-70 71-91 92-365 366+");
        assert_eq!(names(IndicatorId::Ind17, DayKind::Calendar), "0-10 11-30 31-90 91+");
    }

    proptest! {
        #[test]
        fn every_duration_lies_in_the_bin_that_names_it(
            edges in prop::collection::btree_set(0_u32..400, 1..8), days in 0_u32..500,
        ) {
            let cut = BinCut { indicator: IndicatorId::Ind06, days: DayKind::Calendar, edges: edges.into_iter().collect() };
            let name = cut.bins()[cut.bin_of(days)].clone();
            let inside = match name.split_once('-') {
                Some((a, b)) => (a.parse::<u32>().expect("day")..=b.parse().expect("day")).contains(&days),
                None => days >= name.trim_end_matches('+').parse().expect("day"),
            };
            prop_assert!(inside, "{} in {}", days, name);
        }
    }

    #[test]
    fn what_is_in_no_named_area_is_in_the_rest_of_the_region() {
        let of_region = || Domains::of_region(&["0153", "0141", "0163", "0153"].map(str::to_owned));
        assert_eq!(of_region().gemeente, ["0141", "0153", "0163", "overig"]);
        let steden = Area { name: "steden".to_owned(), gemeenten: ["0141", "0153"].map(str::to_owned).into() };
        let domains = of_region().with_areas(vec![steden], "overige");
        assert_eq!(*domains.values(Dimension::Gebied), ["steden:0141+0153", "overige:0163+overig"]);
        assert_eq!(
            (domains.area_of("0153"), domains.area_of(OTHER), domains.area_of("9999")),
            (Some(0), Some(1), None)
        );
        assert!(of_region().values(Dimension::Gebied).is_empty());
    }
}
