//! A described situation: one request about one child with every fact that a decision can hang on. The JSON of `policy explain`.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::day::Day;
use crate::domain::oin::Oin;

/// A request and the facts about it. What is absent is not known; a fact that a rule needs and that is absent is refused, never assumed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Situation {
    /// Exchange type, such as `SCN-07`.
    #[serde(default)]
    pub exchange: Option<String>,
    /// Purpose, `P1` to `P9`.
    #[serde(default)]
    pub purpose: Option<String>,
    /// Who gives the data, also when the receiver asks.
    pub sender: Actor,
    /// Who receives the data.
    pub receiver: Actor,
    /// Requested fields, in the order of the request.
    #[serde(default)]
    pub fields: Vec<String>,
    /// The day in Europe/Amsterdam on which it is decided.
    #[serde(default)]
    pub date: Option<Day>,
    /// The child.
    #[serde(default)]
    pub child: Child,
    /// Those who have custody on `date`, and nobody else.
    #[serde(default)]
    pub custody: Vec<Custody>,
    /// The measure that the requester states.
    #[serde(default)]
    pub measure: Option<Measure>,
    /// Consents that were given; a refusal is one that is not there.
    #[serde(default)]
    pub consents: Vec<Consent>,
    /// Whether an answer is asked of the sender's node, or somebody at the sender decides to give.
    #[serde(default)]
    pub trigger: Option<Trigger>,
    /// Leave of two people to go on without a consent.
    #[serde(default, rename = "override")]
    pub overridden: Option<Override>,
    /// From whom the facts are. No document says this: it is set where the facts are gathered.
    #[serde(skip)]
    pub origins: Origins,
}

/// From whom a fact is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Only described, as `policy explain` does.
    #[default]
    Described,
    /// From the records of the organisation that decides.
    Known,
    /// Typed by who gave the order there.
    Told,
    /// Stated by the other organisation.
    Stated,
}

/// From whom each group of facts is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Origins {
    /// The birth date.
    pub child: Origin,
    /// Who has custody.
    pub custody: Origin,
    /// The measure.
    pub measure: Origin,
    /// The consents.
    pub consents: Origin,
}

impl Origins {
    /// All facts from one.
    #[must_use]
    pub fn of(origin: Origin) -> Self {
        Self { child: origin, custody: origin, measure: origin, consents: origin }
    }
}

/// An organisation in the role in which its node acts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Its number.
    pub oin: Oin,
    /// Its role: `LT`, `GEM`, `GI` and so on.
    #[serde(default, rename = "type")]
    pub role: Option<String>,
}

/// What is known of the child.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    /// Birth date; of an unborn child the expected date.
    #[serde(default)]
    pub born: Option<Day>,
    /// Whether the child is still to be born.
    #[serde(default)]
    pub unborn: bool,
    /// Whether the request says who the child is, by a number or a pseudonym; an exchange between nodes always does.
    #[serde(default)]
    pub named: bool,
}

/// Somebody who has custody.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custody {
    /// Who, by the name that consents use too; a guardian organisation by its OIN, the mother of an unborn child as `moeder`.
    pub who: String,
    /// What kind of custody.
    pub kind: CustodyKind,
}

/// Kinds of custody.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CustodyKind {
    /// Parental authority.
    Gezag,
    /// Guardianship.
    Voogdij,
}

/// A child-protection measure.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Code of the CBS list, such as `11`.
    #[serde(default)]
    pub code: Option<String>,
    /// First day.
    #[serde(default)]
    pub from: Option<Day>,
    /// Last day; none is open.
    #[serde(default)]
    pub to: Option<Day>,
    /// Who executes it.
    #[serde(default)]
    pub executor: Option<Oin>,
}

/// A consent that somebody gave. The day on which it was given is `from`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// What kind; absent is to break professional secrecy.
    #[serde(default)]
    pub kind: ConsentKind,
    /// Who gave it: a `who` of the custody list, `kind` for the child, or another name.
    pub by: String,
    /// In what capacity, on the day it was given.
    pub capacity: Capacity,
    /// Who may receive.
    #[serde(default)]
    pub receivers: Vec<Oin>,
    /// For which purposes.
    #[serde(default)]
    pub purposes: Vec<String>,
    /// Which fields.
    #[serde(default)]
    pub fields: Vec<String>,
    /// First day; the day on which it was given.
    #[serde(default)]
    pub from: Option<Day>,
    /// Last day.
    #[serde(default)]
    pub to: Option<Day>,
    /// Day of withdrawal; it counts from that day.
    #[serde(default)]
    pub withdrawn: Option<Day>,
}

/// Kinds of consent; they are never mixed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub enum ConsentKind {
    /// To break professional secrecy (Jeugdwet 7.3.11).
    #[default]
    #[serde(rename = "geheim")]
    Geheim,
    /// To process personal data (AVG 6(1)a); never a ground for a public task.
    #[serde(rename = "avg6_1a")]
    Avg,
}

/// In what capacity somebody consents.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    /// Parent with custody.
    Gezag,
    /// Guardian.
    Voogd,
    /// The child itself.
    Kind,
    /// A parent without custody, or anybody else.
    GeenGezag,
}

/// What makes the data go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A request of the receiver, which the sender's node answers by itself.
    Desgevraagd,
    /// Somebody at the sender, asked or not, decides to give.
    EigenBeweging,
}

/// Leave to go on without the consent of a custody holder.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Why: a code of the rules.
    #[serde(default)]
    pub reason: String,
    /// Why, in words, for the log.
    #[serde(default)]
    pub explanation: String,
    /// Who approved: the accounts of two different people.
    #[serde(default)]
    pub approved_by: Vec<String>,
    /// The custody holders that refused.
    #[serde(default)]
    pub refused: Vec<String>,
}

/// The text describes no situation.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("de beschreven situatie is niet leesbaar: {0}")]
pub struct Unreadable(pub String);

/// The name by which consents and custody call the child.
pub const CHILD: &str = "kind";

impl Situation {
    /// Reads the JSON of `policy explain`; a member that is not in the format is refused, since a misspelt `withdrawn` must not pass.
    ///
    /// # Errors
    /// [`Unreadable`] with line and column.
    pub fn from_json(text: &str) -> Result<Self, Unreadable> {
        serde_json::from_str(text).map_err(|e| Unreadable(e.to_string()))
    }
}
