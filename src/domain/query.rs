//! A question: which tables a requester wants, as one plan with one hash.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::period::Period;
use crate::crypto::{Digest, digest};

/// A dimension of a table (definitions 2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// Municipality of the anchor.
    Gemeente,
    /// Measure of the anchor or its trajectory.
    Maatregel,
    /// Age band on the anchor's date.
    Leeftijd,
    /// Organisation of the anchor.
    Organisatie,
    /// Area of the anchor's municipality: a group of municipalities that the convenant names.
    Gebied,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: &'static [Self] =
        &[Self::Gemeente, Self::Maatregel, Self::Leeftijd, Self::Organisatie, Self::Gebied];

    /// The name in keys and questions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gemeente => "gemeente",
            Self::Maatregel => "maatregel",
            Self::Leeftijd => "leeftijd",
            Self::Organisatie => "organisatie",
            Self::Gebied => "gebied",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|d| d.as_str() == text)
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An indicator of `definitions.md` 3, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum IndicatorId {
    /// Inflow.
    #[serde(rename = "IND-01")]
    Ind01,
    /// Outflow.
    #[serde(rename = "IND-02")]
    Ind02,
    /// Stock.
    #[serde(rename = "IND-03")]
    Ind03,
    /// From one organisation to the next.
    #[serde(rename = "IND-05")]
    Ind05,
    /// Lead times of stages ended.
    #[serde(rename = "IND-06")]
    Ind06,
    /// Timeliness of assigning a worker.
    #[serde(rename = "IND-07")]
    Ind07,
    /// Timeliness of first contact.
    #[serde(rename = "IND-08")]
    Ind08,
    /// Timeliness of the plan.
    #[serde(rename = "IND-08P")]
    Ind08P,
    /// Timely help.
    #[serde(rename = "IND-09")]
    Ind09,
    /// From preventive youth protection to OTS.
    #[serde(rename = "IND-10")]
    Ind10,
    /// From VOTS to OTS.
    #[serde(rename = "IND-11")]
    Ind11,
    /// Known earlier.
    #[serde(rename = "IND-12")]
    Ind12,
    /// Re-entry.
    #[serde(rename = "IND-13")]
    Ind13,
    /// Gap at a hand-over between institutions.
    #[serde(rename = "IND-14")]
    Ind14,
    /// Waiting.
    #[serde(rename = "IND-17")]
    Ind17,
    /// Data quality.
    #[serde(rename = "IND-24")]
    Ind24,
}

impl IndicatorId {
    /// Every indicator that this version computes, in order.
    pub const ALL: &'static [Self] = &[
        Self::Ind01,
        Self::Ind02,
        Self::Ind03,
        Self::Ind05,
        Self::Ind06,
        Self::Ind07,
        Self::Ind08,
        Self::Ind08P,
        Self::Ind09,
        Self::Ind10,
        Self::Ind11,
        Self::Ind12,
        Self::Ind13,
        Self::Ind14,
        Self::Ind17,
        Self::Ind24,
    ];

    /// The id as written in the definitions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ind01 => "IND-01",
            Self::Ind02 => "IND-02",
            Self::Ind03 => "IND-03",
            Self::Ind05 => "IND-05",
            Self::Ind06 => "IND-06",
            Self::Ind07 => "IND-07",
            Self::Ind08 => "IND-08",
            Self::Ind08P => "IND-08P",
            Self::Ind09 => "IND-09",
            Self::Ind10 => "IND-10",
            Self::Ind11 => "IND-11",
            Self::Ind12 => "IND-12",
            Self::Ind13 => "IND-13",
            Self::Ind14 => "IND-14",
            Self::Ind17 => "IND-17",
            Self::Ind24 => "IND-24",
        }
    }

    /// Whether only the chain as a whole can count it: its events lie at different organisations.
    #[must_use]
    pub const fn only_linked(self) -> bool {
        matches!(self, Self::Ind05 | Self::Ind09 | Self::Ind12 | Self::Ind14)
    }

    /// Reads an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|i| i.as_str() == text)
    }
}

impl fmt::Display for IndicatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for IndicatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Most dimensions of a released table.
pub const MOST_DIMENSIONS: usize = 3;

/// One table: an indicator over a period, by at most [`MOST_DIMENSIONS`] dimensions (none is the total).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableQuery {
    /// Which indicator.
    pub indicator: IndicatorId,
    /// Over which period; the stock and waiting indicators look at its last day.
    pub period: Period,
    /// Broken down by these dimensions.
    pub by: Vec<Dimension>,
}

/// A question: the tables of one pull, sorted and without doubles. Audited, logged and answered as one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Query(Vec<TableQuery>);

impl Query {
    /// Sorts the tables and drops doubles.
    #[must_use]
    pub fn new(mut tables: Vec<TableQuery>) -> Self {
        tables.sort();
        tables.dedup();
        Self(tables)
    }

    /// The tables, sorted.
    #[must_use]
    pub fn tables(&self) -> &[TableQuery] {
        &self.0
    }

    /// SHA-256 over the canonical JSON text; every gate type carries it.
    #[must_use]
    pub fn hash(&self) -> Digest {
        digest(&serde_json::to_vec(&self.0).unwrap_or_default())
    }
}
