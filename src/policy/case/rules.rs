//! A checked rule file: which rows there are, and which of them counts on a day.

use std::collections::{BTreeMap, BTreeSet};

pub use super::rows::{
    Age, AgeLimit, ChildTest, CustodyRule, Dated, DurationRule, Exchange, Field, Ground, GuardianRule, MeasureTest,
    Named, OverrideReason, OverrideRule, Pair, Refusal, Side, Source, UnbornRule, Validity,
};
use super::situation::CustodyKind;
use crate::crypto::Digest;
use crate::domain::day::Day;

/// A checked rule file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    pub(super) version: String,
    pub(super) title: String,
    pub(super) hash: Digest,
    pub(super) purposes: Vec<Named>,
    pub(super) forbidden: Vec<Named>,
    pub(super) never: Vec<Named>,
    pub(super) ages: Vec<Age>,
    pub(super) custody: Vec<CustodyRule>,
    pub(super) unborn: Vec<UnbornRule>,
    pub(super) guardian: Vec<GuardianRule>,
    pub(super) durations: Vec<DurationRule>,
    pub(super) overrides: Vec<OverrideRule>,
    pub(super) fields: Vec<Field>,
    pub(super) grounds: Vec<Ground>,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) refusals: BTreeMap<String, Refusal>,
}

/// The row that holds on a day, else the one nearest in time (its own dates then refuse); without a day the last.
pub(super) fn nearest<'a, T: Dated + 'a>(rows: impl Iterator<Item = &'a T>, day: Option<Day>) -> Option<&'a T> {
    match day {
        Some(day) => rows.min_by_key(|row| row.validity().distance(day)),
        None => rows.max_by_key(|row| row.validity().from),
    }
}

impl Rules {
    /// Version of the file.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Title of the file.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// SHA-256 of the bytes of the file: what a convenant names.
    #[must_use]
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The exchange type of this name on a day, or its row nearest in time.
    #[must_use]
    pub fn exchange(&self, name: &str, day: Option<Day>) -> Option<&Exchange> {
        nearest(self.exchanges.iter().filter(|row| row.name == name), day)
    }

    /// Names of the exchange types, ascending.
    #[must_use]
    pub fn exchange_names(&self) -> BTreeSet<&str> {
        self.exchanges.iter().map(|row| row.name.as_str()).collect()
    }

    /// Every row of exchange types, in the order of the file.
    #[must_use]
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Every ground, in the order of the file.
    #[must_use]
    pub fn grounds(&self) -> &[Ground] {
        &self.grounds
    }

    /// The field dictionary.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether a field may never leave, whoever sends.
    #[must_use]
    pub fn never_leaves(&self, field: &str) -> bool {
        self.never.iter().any(|row| row.name == field)
    }

    /// The limit of age on a day.
    #[must_use]
    pub fn age(&self, limit: AgeLimit, day: Day) -> i16 {
        // A checked file has a row for each limit on every day.
        self.age_rule(limit, day).map_or(0, |row| row.years)
    }

    /// The articles by which an override allows.
    pub fn override_articles(&self) -> impl Iterator<Item = &str> {
        self.overrides.iter().map(|row| row.article.as_str())
    }

    /// The row of an age limit on a day.
    pub(super) fn age_rule(&self, limit: AgeLimit, day: Day) -> Option<&Age> {
        nearest(self.ages.iter().filter(|row| row.name == limit), Some(day))
    }

    /// Every rule that ends, with its last day: after it nothing rests on the rule until a new version of the file is there.
    pub fn endings(&self) -> impl Iterator<Item = (&str, Day)> {
        let grounds = self.grounds.iter().map(|row| (row.name.as_str(), row.validity()));
        let overrides = self.overrides.iter().map(|row| (row.name.as_str(), row.validity()));
        let exchanges = self.exchanges.iter().map(|row| (row.name.as_str(), row.validity()));
        let named: Vec<(&str, Validity)> = grounds.chain(overrides).chain(exchanges).collect();
        let follows = |name: &str, end: Day| named.iter().any(|(other, row)| *other == name && row.from > end);
        let ends =
            named.iter().filter_map(|(name, row)| Some((*name, row.to?))).filter(|(name, end)| !follows(name, *end));
        ends.collect::<Vec<_>>().into_iter()
    }

    pub(super) fn ground(&self, name: &str, day: Option<Day>) -> Option<&Ground> {
        nearest(self.grounds.iter().filter(|row| row.name == name), day)
    }

    pub(super) fn unborn(&self, day: Day) -> Option<&UnbornRule> {
        nearest(self.unborn.iter(), Some(day))
    }

    pub(super) fn custody_rule(&self, kind: CustodyKind, day: Day) -> Option<&CustodyRule> {
        nearest(self.custody.iter().filter(|row| row.kind == kind), Some(day))
    }

    pub(super) fn guardian(&self, day: Day) -> Option<&GuardianRule> {
        nearest(self.guardian.iter(), Some(day))
    }

    pub(super) fn duration(&self, code: &str, day: Day) -> Option<&DurationRule> {
        nearest(self.durations.iter().filter(|row| row.code == code), Some(day))
    }
}
