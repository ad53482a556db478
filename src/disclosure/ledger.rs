//! What has been released: the tables, byte for byte, and what may be released next. Pure; storage keeps the bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::DisclosureFault;
use super::certificate::parse_certificate;
use super::release::Terms;
use crate::crypto::Digest;
use crate::domain::day::Day;
use crate::domain::period::Period;
use crate::domain::query::TableQuery;
use crate::domain::table::Table;
use crate::policy::permit::settles_on;
use crate::policy::rules::DisclosureRules;

/// A released table: the first answer, which every later question gets too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredTable {
    query: TableQuery,
    horizon: Day,
    released: Day,
    terms: String,
    /// Absent in tables from before certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rules: Option<DisclosureRules>,
    /// Absent in the first edition.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    edition: u32,
    table: String,
}

fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first(edition: &u32) -> bool {
    *edition == 1
}

impl StoredTable {
    pub(super) fn new(table: &Table, query: &TableQuery, terms: &Terms<'_>) -> Self {
        Self {
            query: query.clone(),
            horizon: table.peildatum,
            released: terms.today,
            terms: terms.convenant.to_hex(),
            rules: Some(*terms.rules),
            edition: table.revision.map_or(1, |revision| revision.edition),
            table: serde_json::to_string(table).unwrap_or_default(),
        }
    }

    /// The same release with its table in other words.
    pub(super) fn with_table(&self, table: &Table) -> Self {
        Self { table: serde_json::to_string(table).unwrap_or_default(), ..self.clone() }
    }

    /// Whether its printed numbers mean under these rules what they meant when they left: the same counts behind each.
    #[must_use]
    pub fn reads_the_same(&self, rules: &DisclosureRules) -> bool {
        self.rules.is_none_or(|r| (r.threshold, r.rounding) == (rules.threshold, rules.rounding))
    }

    /// Which table.
    #[must_use]
    pub fn query(&self) -> &TableQuery {
        &self.query
    }

    /// Last day of the events that it was made of.
    #[must_use]
    pub fn horizon(&self) -> Day {
        self.horizon
    }

    /// Day of its release.
    #[must_use]
    pub fn released(&self) -> Day {
        self.released
    }

    /// From 1; higher when formal revisions replaced the table.
    #[must_use]
    pub fn edition(&self) -> u32 {
        self.edition
    }

    /// Hash of the convenant under which it was released, hexadecimal.
    #[must_use]
    pub fn terms(&self) -> &str {
        &self.terms
    }

    /// Rules under which it was released; none for tables from before certificates.
    #[must_use]
    pub fn rules(&self) -> Option<&DisclosureRules> {
        self.rules.as_ref()
    }

    /// The certificate that it bears. A table of before certificates has none; any other must have one.
    ///
    /// # Errors
    /// [`DisclosureFault::Stored`] when the text is no table, or lacks a certificate that it should have.
    pub fn certificate(&self) -> Result<Option<Digest>, DisclosureFault> {
        let table = self.table()?;
        let read = table.certificate.as_deref().map(parse_certificate);
        match (read, &self.rules) {
            (None, None) => Ok(None),
            (Some(Some(certificate)), _) => Ok(Some(certificate)),
            _ => Err(DisclosureFault::Stored(format!("{}: geen leesbaar certificaat", name(&self.query)))),
        }
    }

    /// The table as it left: JSON text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.table
    }

    /// The table.
    ///
    /// # Errors
    /// [`DisclosureFault::Stored`] when the text is no table.
    pub fn table(&self) -> Result<Table, DisclosureFault> {
        serde_json::from_str(&self.table).map_err(|e| DisclosureFault::Stored(format!("{}: {e}", name(&self.query))))
    }

    /// The bytes to keep.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads kept bytes.
    ///
    /// # Errors
    /// [`DisclosureFault::Stored`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DisclosureFault> {
        serde_json::from_slice(bytes).map_err(|e| DisclosureFault::Stored(e.to_string()))
    }
}

/// Every table that a node has released, by question; what a formal revision replaced is kept and never served again.
#[derive(Clone, Default, Debug)]
pub struct Ledger {
    current: BTreeMap<TableQuery, StoredTable>,
    /// In the order of their editions.
    replaced: BTreeMap<TableQuery, Vec<StoredTable>>,
}

impl Ledger {
    /// Adds a released table. It takes the place of an earlier edition; otherwise the first one stays.
    pub fn add(&mut self, stored: StoredTable) {
        let anew = cfg!(feature = "defect-no-ledger");
        match self.current.get_mut(&stored.query) {
            Some(earlier) if stored.edition > earlier.edition || anew => {
                let query = stored.query.clone();
                let earlier = std::mem::replace(earlier, stored);
                self.replaced.entry(query).or_default().push(earlier);
            }
            Some(_) => {}
            None => {
                self.current.insert(stored.query.clone(), stored);
            }
        }
    }

    /// The release of a table as it is served.
    #[must_use]
    pub fn find(&self, query: &TableQuery) -> Option<&StoredTable> {
        self.current.get(query)
    }

    /// What was served of a table before its revisions, oldest first.
    #[must_use]
    pub fn replaced(&self, query: &TableQuery) -> &[StoredTable] {
        self.replaced.get(query).map_or(&[], Vec::as_slice)
    }

    /// Number of released tables, each counted once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.current.len()
    }

    /// Whether nothing was released yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.current.is_empty()
    }

    /// Every release as it is served, sorted by question.
    pub fn tables(&self) -> impl Iterator<Item = &StoredTable> {
        self.current.values()
    }

    /// Every release that ever left, replaced ones too.
    pub fn all(&self) -> impl Iterator<Item = &StoredTable> {
        self.current.values().chain(self.replaced.values().flatten())
    }
}

impl FromIterator<StoredTable> for Ledger {
    fn from_iter<I: IntoIterator<Item = StoredTable>>(stored: I) -> Self {
        let mut ledger = Self::default();
        stored.into_iter().for_each(|table| ledger.add(table));
        ledger
    }
}

/// Whether a quarter (or the last quarter of a longer period) is settled on `today`.
#[must_use]
pub fn settled(period: Period, settlement_days: u32, today: Day) -> bool {
    settles_on(period, settlement_days) <= today
}

/// The last day of the last quarter that is settled on `today` and lies wholly within what has been delivered.
#[must_use]
pub fn settled_until(settlement_days: u32, today: Day, delivered_until: Day) -> Day {
    let quarter_end = |day: Day| Period::quarter_of(day).bounds().1;
    let before = |day: Day| Day(Period::quarter_of(day).bounds().0.0 - 1);
    let mut end = quarter_end(today.min(delivered_until));
    while end > delivered_until || !settled(Period::quarter_of(end), settlement_days, today) {
        end = before(end);
    }
    end
}

/// A table in words, for the operator.
#[must_use]
pub fn name(query: &TableQuery) -> String {
    let by: Vec<&str> = query.by.iter().map(|d| d.as_str()).collect();
    let by = if by.is_empty() { "totaal".to_owned() } else { format!("naar {}", by.join(" en ")) };
    format!("{} {} {by}", query.indicator, query.period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::query::IndicatorId;
    use crate::domain::table::{Coverage, Scope};

    fn day(text: &str) -> Day {
        Day::parse(text).expect("day in the test")
    }

    #[test]
    fn only_tables_from_before_certificates_may_have_none() {
        let period = Period::year_of(2024);
        let query = TableQuery { indicator: IndicatorId::Ind01, period, by: Vec::new() };
        let stored = |certificate: Option<&str>, rules: Option<DisclosureRules>| {
            let table = Table {
                indicator: "IND-01".into(),
                version: "1.0".into(),
                period: Some(period),
                by: Vec::new(),
                peildatum: day("2024-12-31"),
                scope: Scope::Organisatie,
                protected: true,
                rows: Vec::new(),
                coverage: Coverage {
                    expected: 1,
                    delivered: 1,
                    missing: Vec::new(),
                    window: None,
                    in_quarantine: None,
                },
                sources: Vec::new(),
                certificate: certificate.map(str::to_owned),
                revision: None,
            };
            StoredTable {
                query: query.clone(),
                horizon: day("2024-12-31"),
                released: day("2025-02-11"),
                terms: String::new(),
                table: serde_json::to_string(&table).expect("JSON"),
                rules,
                edition: 1,
            }
        };
        let (old, new) = (None, Some(DisclosureRules::default()));
        let hash = Digest([7; 32]);
        let named = format!("sha256:{}", hash.to_hex());
        assert_eq!(stored(None, old).certificate(), Ok(None));
        assert_eq!(stored(Some(&named), new).certificate(), Ok(Some(hash)));
        assert!(stored(None, new).certificate().is_err(), "taken out");
        assert!(stored(Some("sha256:12"), new).certificate().is_err(), "no hash");
        assert!(StoredTable { table: "{".into(), ..stored(Some(&named), new) }.certificate().is_err());
    }

    #[test]
    fn a_quarter_settles_its_days_after_its_end_and_only_when_delivered() {
        let until = |days, today, delivered| settled_until(days, day(today), day(delivered));
        assert_eq!(until(42, "2024-05-12", "2024-12-31"), day("2024-03-31"), "31 March + 42 days");
        assert_eq!(until(42, "2024-05-11", "2024-12-31"), day("2023-12-31"));
        assert_eq!(until(0, "2024-03-31", "2024-12-31"), day("2024-03-31"));
        assert_eq!(until(0, "2026-06-01", "2025-12-31"), day("2025-12-31"));
        assert_eq!(until(0, "2026-06-01", "2025-12-30"), day("2025-09-30"), "the quarter is not whole");
        let quarter = Period::quarter_of(day("2024-03-01"));
        assert!(!settled(quarter, 42, day("2024-05-11")));
        assert!(settled(quarter, 42, day("2024-05-12")));
    }
}
