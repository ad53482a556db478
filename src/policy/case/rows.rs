//! The rows of a rule file: purposes, ages, fields, grounds, exchange types and refusals, each with article and validity.

use serde::{Deserialize, Serialize};

use super::situation::{Capacity, CustodyKind, Trigger};
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

dated!(Named, Age, CustodyRule, UnbornRule, GuardianRule, DurationRule, OverrideRule, Ground, Exchange);

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

    pub(super) fn distance(&self, day: Day) -> i64 {
        let (from, to, day) =
            (i64::from(self.from.0), self.to.map_or(i64::MAX, |to| i64::from(to.0)), i64::from(day.0));
        (from - day).max(day - to).max(0)
    }
}

/// How sure the file is of an article.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
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

/// When an organisation is the guardian that consents: it executes such a measure.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardianRule {
    /// Codes of guardianship.
    pub codes: Vec<String>,
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

/// How long a measure lasts that nobody extended.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DurationRule {
    /// Code of the measure.
    pub code: String,
    /// Months from its first day.
    pub months: i32,
    /// Whether it can last longer; then its last day must be known.
    pub extendable: bool,
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

/// A reason for an override.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideReason {
    /// Its code in requests and in the log.
    pub code: String,
    /// In Dutch, for people.
    pub title: String,
    /// Whether it counts only after the holders that are passed over refused.
    pub after_refusal: bool,
}

/// What stands in for the consent of custody holders.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideRule {
    /// Name of the allowing rule.
    pub name: String,
    /// How many different people approve.
    pub people: usize,
    /// The closed list of reasons.
    pub reasons: Vec<OverrideReason>,
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
    /// For a push, an answer to a pull, or both: a ground that leaves the choice to who holds the data answers no pull.
    pub trigger: Vec<Trigger>,
    /// Whether it is about nobody: then no fact about a child may be there.
    #[serde(default)]
    pub anonymous: bool,
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
    /// How sure that article is, in place of what the ground says.
    #[serde(default)]
    pub source: Option<Source>,
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
