//! The convenant: one versioned document that says who may ask what of whom; TOML to write, canonical JSON to sign.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::card::{NodeCard, SignedCard};
use super::case::terms::CaseTerms;
use super::chain::ChainKeys;
use super::link::LinkTerms;
use super::rules::{BinCut, DayKind, DisclosureRules, Domains};
use super::witness::WitnessTerms;
use crate::crypto::{Digest, digest};
use crate::domain::codes::Owner;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::period::PeriodKind;
use crate::domain::query::{Dimension, IndicatorId};

/// What a party does under the convenant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Delivers records to its own node, which answers questions.
    Delivering,
    /// Asks for released figures.
    Monitor,
    /// Counts regional figures for the routes that need it.
    Gate,
}

/// A party: its signed card and its roles.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// What it does; ascending, no doubles.
    pub roles: Vec<Role>,
    /// Who it is.
    pub card: SignedCard,
}

impl Party {
    /// The party's number.
    #[must_use]
    pub fn oin(&self) -> &Oin {
        &self.card.card().oin
    }

    /// Whether it has this role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// The closed list of purposes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Purpose {
    /// Ketenmonitor: policy and steering.
    P1,
    /// Data quality.
    P2,
    /// Leading to help, jeugdbeschermingstafel.
    P3,
    /// Research by the Raad.
    P4,
    /// Executing a measure.
    P5,
    /// Voluntary help and hand-over.
    P6,
    /// Reporting to Veilig Thuis.
    P7,
    /// Supervision and audit.
    P8,
    /// Access by the data subject.
    P9,
}

/// A purpose and on what law it rests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurposeTerm {
    /// Which purpose.
    pub purpose: Purpose,
    /// The articles, in words.
    pub legal_basis: String,
}

/// How figures of an indicator come about; exactly one per indicator and kind of owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// Every node releases its own figures through its own gate.
    Node,
    /// A regional sum by additive shares.
    Sum,
    /// Blinded linkage.
    Link,
}

/// Which breakdowns are released for a kind of period.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableGrant {
    /// The kind of period.
    pub period: PeriodKind,
    /// The breakdowns; `[]` is the total.
    pub by: Vec<Vec<Dimension>>,
}

/// What the monitor may ask of one indicator; together the declared release plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Which indicator.
    pub indicator: IndicatorId,
    /// Version of its definition.
    pub version: String,
    /// How its figures come about.
    pub route: Route,
    /// With the route `sum`: the kinds of owner whose series are summed over the region; what such a kind owns no node releases
    /// by itself. Empty with the route `node`, which has the series of every other kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// Its tables, one entry per kind of period.
    pub tables: Vec<TableGrant>,
}

/// A municipality code with its validity, for the intake of every node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GemeenteTerm {
    /// CBS code of 4 digits.
    pub code: String,
    /// Name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// First valid day.
    pub van: Day,
    /// Last valid day; none is still valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tot: Option<Day>,
}

/// How long parties keep what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Sealed events at a node, in years.
    pub events_years: u32,
    /// The transfer log, in years.
    pub log_years: u32,
}

/// The document. Everything in it is public among the parties; sealed chain keys open for their recipients only.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convenant {
    /// Name of the convenant, the same for all its versions: lower-case letters, digits and hyphens.
    pub id: String,
    /// Version, from 1.
    pub version: u32,
    /// Title, for people.
    pub title: String,
    /// First day on which it holds (Europe/Amsterdam).
    pub valid_from: Day,
    /// Last day on which it holds.
    pub valid_to: Day,
    /// Days after its end on which a quarter settles.
    pub settlement_days: u32,
    /// Thresholds of release.
    pub disclosure: DisclosureRules,
    /// How long parties keep what.
    pub retention: Retention,
    /// Witnesses of the parties' transfer logs; none is the default of 4 witnesses of which 3 are needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<WitnessTerms>,
    /// Full domain of each dimension.
    pub domains: Domains,
    /// Purposes with their legal basis.
    pub purposes: Vec<PurposeTerm>,
    /// Indicators that may be asked.
    pub indicators: Vec<Grant>,
    /// Bins of the indicators that count days.
    pub bin_cuts: Vec<BinCut>,
    /// Municipality codes with their validity.
    pub gemeenten: Vec<GemeenteTerm>,
    /// The chain base, sealed to each delivering party; none while no route links records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainKeys>,
    /// Who blinds and how much; none while no route links records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkTerms>,
    /// Exchange about one child; none when the parties exchange nothing about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<CaseTerms>,
    /// The parties.
    pub parties: Vec<Party>,
}

/// The text is no convenant.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("het convenant is niet leesbaar: {0}")]
pub struct UnreadableConvenant(pub String);

impl Convenant {
    /// Reads the TOML that people write. Says nothing yet about its sense: see [`super::check::check`].
    ///
    /// # Errors
    /// [`UnreadableConvenant`] with the line, for unknown fields too.
    pub fn from_toml(text: &str) -> Result<Self, UnreadableConvenant> {
        toml::from_str(text).map_err(|e| UnreadableConvenant(e.to_string()))
    }

    /// The TOML that people write.
    ///
    /// # Errors
    /// [`UnreadableConvenant`] when a value has no TOML form (never for a checked convenant).
    pub fn to_toml(&self) -> Result<String, UnreadableConvenant> {
        toml::to_string(self).map_err(|e| UnreadableConvenant(e.to_string()))
    }

    /// The canonical bytes that parties sign: JSON without spaces, fields in the order of the structs, absent options
    /// left out, strings and whole numbers only.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads canonical bytes; any other spelling of the same content is refused.
    ///
    /// # Errors
    /// [`UnreadableConvenant`] for unreadable or not canonical bytes.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, UnreadableConvenant> {
        let read: Self = serde_json::from_slice(bytes).map_err(|e| UnreadableConvenant(e.to_string()))?;
        if read.canonical() == bytes {
            Ok(read)
        } else {
            Err(UnreadableConvenant("de bytes zijn niet in de vaste vorm geschreven".to_owned()))
        }
    }

    /// SHA-256 of the canonical bytes: the version that partners name to each other.
    #[must_use]
    pub fn hash(&self) -> Digest {
        digest(&self.canonical())
    }

    /// The party with this number.
    #[must_use]
    pub fn party(&self, oin: &Oin) -> Option<&Party> {
        self.parties.iter().find(|party| party.oin() == oin)
    }

    /// The cards of the parties with this role, in the order of the document.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &NodeCard> {
        self.parties.iter().filter(move |party| party.has(role)).map(|party| party.card.card())
    }

    /// The monitor; a checked convenant has exactly one.
    #[must_use]
    pub fn monitor(&self) -> Option<&NodeCard> {
        self.with_role(Role::Monitor).next()
    }

    /// The gate, when a route needs one.
    #[must_use]
    pub fn gate(&self) -> Option<&NodeCard> {
        self.with_role(Role::Gate).next()
    }

    /// What is granted of an indicator by a route; a checked convenant has at most one grant of each.
    #[must_use]
    pub fn grant(&self, indicator: IndicatorId, route: Route) -> Option<&Grant> {
        self.indicators.iter().find(|grant| grant.indicator == indicator && grant.route == route)
    }

    /// The kinds of owner whose series come as regional sums, and never from a node alone; sorted.
    #[must_use]
    pub fn summed_owners(&self) -> Vec<Owner> {
        let sums = self.indicators.iter().filter(|grant| grant.route == Route::Sum);
        let owners: BTreeSet<Owner> = sums.flat_map(|grant| grant.owners.iter().copied()).collect();
        owners.into_iter().collect()
    }

    /// The kinds of owner that some party delivers: linkage counts their series over all of them.
    #[must_use]
    pub fn linked_owners(&self) -> Vec<Owner> {
        Owner::ALL.iter().copied().filter(|owner| !self.owners_of(*owner).is_empty()).collect()
    }

    /// The delivering parties that own series of this kind, ascending by OIN.
    #[must_use]
    pub fn owners_of(&self, owner: Owner) -> Vec<Oin> {
        let owning = self.with_role(Role::Delivering).filter(|card| card.levert.contains(&owner));
        owning.map(|card| card.oin).collect::<BTreeSet<Oin>>().into_iter().collect()
    }

    /// The kinds of events among the records of those parties, whatever of them is summed.
    #[must_use]
    pub fn delivered_with(&self, owner: Owner) -> Vec<Owner> {
        let owning = self.with_role(Role::Delivering).filter(|card| card.levert.contains(&owner));
        owning.flat_map(|card| card.levert.iter().copied()).collect::<BTreeSet<Owner>>().into_iter().collect()
    }

    /// The bins of an indicator's durations in these days.
    #[must_use]
    pub fn bin_cut(&self, indicator: IndicatorId, days: DayKind) -> Option<&BinCut> {
        self.bin_cuts.iter().find(|cut| cut.indicator == indicator && cut.days == days)
    }

    /// Whether today lies in its validity.
    #[must_use]
    pub fn valid_on(&self, today: Day) -> bool {
        self.valid_from <= today && today <= self.valid_to
    }
}
