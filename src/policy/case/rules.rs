//! The rules as the reviewed file says them: purposes, ages, fields, grounds, exchange types and refusals, each with article and validity.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::situation::{Capacity, CustodyKind};
use crate::crypto::Digest;
use crate::domain::day::Day;
use crate::domain::reason::ReasonCode;

/// First and last day on which a rule holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// First day.
    pub from: Day,
    /// Last day; none is "no end known".
    pub to: Option<Day>,
}

/// A rule with a first and a last day.
pub trait Dated {
    /// Those days.
    fn validity(&self) -> Validity;
}

macro_rules! dated {
    ($($kind:ty),+) => {
        $(impl Dated for $kind {
            fn validity(&self) -> Validity {
                Validity { from: self.from, to: self.to }
            }
        })+
    };
}

dated!(Named, Age, CustodyRule, UnbornRule, OverrideRule, Ground, Exchange);

impl Validity {
    /// Whether it holds on a day; first and last day count.
    #[must_use]
    pub fn holds(&self, day: Day) -> bool {
        self.from <= day && self.to.is_none_or(|to| day <= to)
    }

    /// Whether the two share a day.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |a: &Self, b: &Self| a.to.is_some_and(|to| to < b.from);
        !before(self, other) && !before(other, self)
    }

    fn distance(&self, day: Day) -> i64 {
        let (from, to, day) =
            (i64::from(self.from.0), self.to.map_or(i64::MAX, |to| i64::from(to.0)), i64::from(day.0));
        (from - day).max(day - to).max(0)
    }
}

/// How sure the file is of an article.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub enum Source {
    /// Read in a source.
    V,
    /// Uncertain, or no article found.
    U,
    /// From memory.
    M,
    /// A choice of this file.
    D,
}

/// A named rule with its article: a purpose, a forbidden purpose, a field class that never leaves.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// In Dutch, for people.
    pub title: String,
    /// Article.
    pub article: String,
    /// First day.
    pub from: Day,
    /// Last day; none is "no end known".
    #[serde(default)]
    pub to: Option<Day>,
    /// How sure the article is.
    pub source: Source,
}

/// A field of the dictionary.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name in requests, consents and convenants.
    pub name: String,
    /// In Dutch, for people.
    pub title: String,
}

/// An age from which something is otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Age {
    /// Which limit.
    pub name: AgeLimit,
    /// Completed years.
    pub years: i16,
    /// Article.
    pub article: String,
    /// First day.
    pub from: Day,
    /// Last day; none is "no end known".
    #[serde(default)]
    pub to: Option<Day>,
    /// How sure the article is.
    pub source: Source,
}

/// The limits of age that decisions know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgeLimit {
    /// The child must consent too.
    ChildConsents,
    /// The child consents alone.
    ChildAlone,
    /// No minor any more.
    Majority,
    /// No youth any more.
    NoYouth,
}

/// In what capacity the holder of a kind of custody consents.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyRule {
    /// Kind of custody.
    pub kind: CustodyKind,
    /// The capacity that fits.
    pub capacity: Capacity,
    /// Article.
    pub article: String,
    /// First day.
    pub from: Day,
    /// Last day; none is "no end known".
    #[serde(default)]
    pub to: Option<Day>,
    /// How sure the article is.
    pub source: Source,
}

/// What is true of an unborn child.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnbornRule {
    /// Who alone decides for it.
    pub holder: String,
    /// Days after the expected day that it may still be unborn.
    pub days_late: i32,
    /// Days before the expected day that it may be known at the earliest.
    pub days_ahead: i32,
    /// Article.
    pub article: String,
    /// First day.
    pub from: Day,
    /// Last day; none is "no end known".
    #[serde(default)]
    pub to: Option<Day>,
    /// How sure the article is.
    pub source: Source,
}

/// What stands in for the consent of custody holders.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideRule {
    /// Name of the allowing rule.
    pub name: String,
    /// How many different people approve.
    pub people: usize,
    /// Article.
    pub article: String,
    /// First day.
    pub from: Day,
    /// Last day; none is "no end known".
    #[serde(default)]
    pub to: Option<Day>,
    /// How sure the article is.
    pub source: Source,
    /// Dutch sentence.
    pub zin: String,
}

/// What a ground asks of the child.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChildTest {
    /// Nothing.
    Any,
    /// A youth: the birth date is known and the age below that limit.
    Youth,
    /// A minor.
    Minor,
}

/// One of the two sides of an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Who gives.
    Sender,
    /// Who receives.
    Receiver,
}

/// What a ground asks of the measure: one of these codes, active on the day, executed by this side.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureTest {
    /// Codes.
    pub codes: Vec<String>,
    /// Whose measure it must be.
    pub executor: Side,
}

/// A legal ground.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ground {
    /// Name of the allowing rule.
    pub name: String,
    /// Article; `-` only with `no_article`.
    pub article: String,
    /// Why there is no article.
    #[serde(default)]
    pub no_article: Option<String>,
    /// First day.
    pub from: Day,
    /// Last day; none is "no end known".
    #[serde(default)]
    pub to: Option<Day>,
    /// How sure the article is.
    pub source: Source,
    /// What it asks of the child.
    pub child: ChildTest,
    /// What it asks of the measure.
    #[serde(default)]
    pub measure: Option<MeasureTest>,
    /// Whether the rules of consent must hold.
    #[serde(default)]
    pub consent: bool,
    /// Dutch sentence.
    pub zin: String,
}

/// Who may send to whom, and on what ground.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Roles of the sender.
    pub senders: Vec<String>,
    /// Roles of the receiver.
    pub receivers: Vec<String>,
    /// Grounds in the order in which they are tried; empty when it is switched off.
    #[serde(default)]
    pub grounds: Vec<String>,
    /// Why no ground is offered.
    #[serde(default)]
    pub off: Option<String>,
    /// Article in place of that of the ground.
    #[serde(default)]
    pub article: Option<String>,
    /// This side must be the (intended) executor of the measure.
    #[serde(default)]
    pub executor: Option<Side>,
    /// Only for requests with this field.
    #[serde(default)]
    pub with_field: Option<String>,
    /// Only for requests without this field.
    #[serde(default)]
    pub without_field: Option<String>,
}

impl Pair {
    /// Whether it is about a sender and a receiver in these roles.
    #[must_use]
    pub fn joins(&self, sender: &str, receiver: &str) -> bool {
        self.senders.iter().any(|role| role == sender) && self.receivers.iter().any(|role| role == receiver)
    }

    /// Whether it is about a request for these fields.
    #[must_use]
    pub fn is_for(&self, fields: &[String]) -> bool {
        self.with_field.as_ref().is_none_or(|field| fields.contains(field))
            && self.without_field.as_ref().is_none_or(|field| !fields.contains(field))
    }
}

/// An exchange type.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Its name, such as `SCN-07`.
    pub name: String,
    /// In Dutch, for people.
    pub title: String,
    /// The purposes for which it is.
    pub purposes: Vec<String>,
    /// Fields that every request has.
    pub minimum: Vec<String>,
    /// Fields that a request may have.
    pub maximum: Vec<String>,
    /// First day.
    pub from: Day,
    /// Last day; none is "no end known".
    #[serde(default)]
    pub to: Option<Day>,
    /// Who may send to whom.
    #[serde(rename = "pair")]
    pub pairs: Vec<Pair>,
}

/// A reason to refuse. It has no dates: without a rule that allows, refusing is the rule.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Its name.
    pub name: String,
    /// Article; none is that of the ground that failed.
    #[serde(default)]
    pub article: Option<String>,
    /// Reason code of the registry.
    pub code: ReasonCode,
    /// Dutch sentence with places in braces.
    pub zin: String,
}

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
        nearest(self.ages.iter().filter(|row| row.name == limit), Some(day)).map_or(0, |row| row.years)
    }

    /// The articles by which an override allows.
    pub fn override_articles(&self) -> impl Iterator<Item = &str> {
        self.overrides.iter().map(|row| row.article.as_str())
    }

    pub(super) fn ground(&self, name: &str, day: Option<Day>) -> Option<&Ground> {
        nearest(self.grounds.iter().filter(|row| row.name == name), day)
    }

    pub(super) fn unborn(&self, day: Day) -> Option<&UnbornRule> {
        nearest(self.unborn.iter(), Some(day))
    }

    pub(super) fn capacity(&self, kind: CustodyKind, day: Option<Day>) -> Option<Capacity> {
        nearest(self.custody.iter().filter(|row| row.kind == kind), day).map(|row| row.capacity)
    }
}
