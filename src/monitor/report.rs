//! The report document (`report.json`) and what its readable forms need besides the figures.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::merge::{NodeOutcome, NodeResult};
use super::rates::Denominator;
use crate::domain::codes::OrgType;
use crate::domain::oin::Oin;
use crate::domain::period::Period;
use crate::domain::query::Dimension;
use crate::domain::table::Table;

/// Under which convenant the figures were released.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvenantRef {
    /// Name of the convenant, the same for all its versions.
    pub id: String,
    /// Version, from 1.
    pub version: u32,
    /// Hash of the version, `sha256:` and 64 hexadecimal characters.
    pub hash: String,
}

/// The report: every table of one pull, for one peildatum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Periods asked for.
    pub period: Vec<Period>,
    /// The tables.
    pub tables: Vec<Table>,
    /// The convenant in force.
    pub convenant: ConvenantRef,
    /// Whether the figures are about invented children.
    pub example: bool,
    /// What the analyst wants the figures to be laid against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denominator: Option<Denominator>,
    /// What the sums over organisations were added up of: each organisation's tables with the certificate that proves them.
    /// The tables themselves are in `organisaties.json`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// A table of one organisation that was added up, by the witness that proves it (`docs/formats/disclosure.md`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Indicator id.
    pub indicator: String,
    /// Period; none for IND-24.
    pub period: Option<Period>,
    /// Dimensions of the keys.
    pub by: Vec<Dimension>,
    /// Whose table.
    pub oin: Oin,
    /// Hash of the witness; none for what needs no protection, and in releases from before certificates.
    pub certificate: Option<String>,
}

/// The tables that the nodes released, in the order of the nodes.
pub(super) fn released(outcomes: &[NodeOutcome]) -> impl Iterator<Item = &Table> {
    outcomes.iter().flat_map(|outcome| match &outcome.result {
        NodeResult::Answered(tables) => tables.as_slice(),
        NodeResult::Missing(_) => &[],
    })
}

/// The parts of a report: what each node released, by indicator.
pub(super) fn parts(outcomes: &[NodeOutcome]) -> Vec<Part> {
    let of = |table: &Table| {
        let oin = *table.sources.first()?;
        let (period, by, certificate) = (table.period, table.by.clone(), table.certificate.clone());
        Some(Part { indicator: table.indicator.clone(), period, by, oin, certificate })
    };
    let mut parts: Vec<Part> = released(outcomes).filter_map(of).collect();
    parts.sort();
    parts
}

impl Report {
    /// The document as `report.json`: indented, one line end at its end; every row with `low` and `high`, `null` when
    /// there is no such bound.
    ///
    /// # Errors
    /// The error of the JSON writer.
    pub fn to_json(&self) -> io::Result<String> {
        let mut document = serde_json::to_value(self)?;
        let tables = document.get_mut("tables").and_then(Value::as_array_mut).into_iter().flatten();
        let rows = tables.filter_map(|table| table.get_mut("rows").and_then(Value::as_array_mut)).flatten();
        for row in rows.filter_map(Value::as_object_mut) {
            for bound in ["low", "high"] {
                row.entry(bound).or_insert(Value::Null);
            }
        }
        Ok(serde_json::to_string_pretty(&document)? + "\n")
    }

    /// Reads `report.json`.
    ///
    /// # Errors
    /// The error of the JSON reader, with line and column.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
}

/// An organisation that was asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Party {
    /// Who.
    pub oin: Oin,
    /// Name for people.
    pub name: String,
    /// What kind of organisation.
    pub org_type: OrgType,
    /// Why it did not answer; none when it did.
    pub missing: Option<String>,
}

impl From<&NodeOutcome> for Party {
    fn from(outcome: &NodeOutcome) -> Self {
        let missing = match &outcome.result {
            NodeResult::Answered(_) => None,
            NodeResult::Missing(reason) => Some(reason.clone()),
        };
        Self { oin: outcome.oin, name: outcome.name.clone(), org_type: outcome.org_type, missing }
    }
}

/// What a readable report needs besides the figures.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Setting {
    /// Name of the region.
    pub region: String,
    /// Title of the convenant.
    pub convenant: String,
    /// The organisations that were asked, in the order in which they are listed.
    pub parties: Vec<Party>,
    /// Names of municipalities by their code.
    pub gemeenten: BTreeMap<String, String>,
    /// What was asked and is not released yet, in sentences.
    pub later: Vec<String>,
}
