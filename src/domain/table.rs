//! The tidy table: one number a row, the same in JSON and CSV (design 13).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::day::Day;
use super::oin::Oin;
use super::period::Period;
use super::query::Dimension;

/// Why a row has no value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Mark {
    /// Suppressed by disclosure control.
    #[serde(rename = "x")]
    Suppressed,
    /// The definition makes another value than 0 impossible.
    #[serde(rename = "-")]
    Impossible,
    /// Not delivered.
    #[serde(rename = ".")]
    Missing,
    /// The quantile lies in the open last bin.
    #[serde(rename = ">365")]
    Above365,
}

/// What a table's figures stand for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// One organisation's own figures.
    Organisatie,
    /// Node releases added up by the monitor.
    Optelling,
    /// A regional sum by shares.
    Som,
    /// A linked regional figure.
    Regio,
}

/// One number of a table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Series of the definition, such as `OTS` or `GI_WERKER`.
    pub series: String,
    /// Measure of the definition, such as `n_kinderen` or `bin:6-10`.
    pub measure: String,
    /// Dimension values; empty for a total.
    pub key: BTreeMap<Dimension, String>,
    /// The number; none when marked.
    pub value: Option<i64>,
    /// Why there is no value.
    pub mark: Option<Mark>,
    /// Least that the sum of node releases can be (scope `optelling` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<i64>,
    /// Most that it can be; none when a node suppressed its part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<i64>,
}

/// Which organisations were expected and which delivered.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Number of organisations that can own the series.
    pub expected: usize,
    /// Number that delivered.
    pub delivered: usize,
    /// The others.
    pub missing: Vec<Oin>,
    /// `afgeleid` when the data window was derived from the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Rows in quarantine that would have ended what a stock counts, when it was released: rounded up to tens, summed over the
    /// organisations; none when there are none, or when it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_quarantine: Option<u32>,
}

/// A table of one indicator, period and breakdown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Indicator id, such as `IND-01`.
    pub indicator: String,
    /// Version of the definition.
    pub version: String,
    /// Period; none for IND-24, which covers whole deliveries.
    pub period: Option<Period>,
    /// Dimensions of the keys.
    pub by: Vec<Dimension>,
    /// Reference day on which the data was seen.
    pub peildatum: Day,
    /// Whose figures.
    pub scope: Scope,
    /// Whether disclosure control has been applied.
    pub protected: bool,
    /// The numbers.
    pub rows: Vec<Row>,
    /// Organisations expected and delivered.
    pub coverage: Coverage,
    /// Organisations whose records these figures are made of.
    pub sources: Vec<Oin>,
    /// Hash of the witness that proves the release (`docs/formats/disclosure.md`); none for sums over organisations, and in
    /// releases from before certificates.
    pub certificate: Option<String>,
    /// Of a table that a formal revision put in the place of an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

/// Which edition of its figures a table holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// 2 for the first revision; a table without revision is edition 1.
    pub edition: u32,
    /// Day of the revision.
    pub day: Day,
}
