//! One row of a delivery of case fields, after its BSN has ended as keyed hashes, and what became of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::field::CaseValue;
use crate::crypto::Tag;
use crate::domain::codes::closed_list;

closed_list! {
    /// A column of the file with case fields.
    CaseColumn {
        /// Key of the row within the organisation.
        RecordId = "record_id",
        /// 1 new or replacing, 3 delete.
        Status = "status",
        /// Citizen service number; never kept.
        Bsn = "bsn",
        /// Which field.
        Veld = "veld",
        /// Which part of the field.
        Onderdeel = "onderdeel",
        /// The value.
        Waarde = "waarde",
        /// First day on which it holds.
        Van = "van",
        /// Last day on which it holds.
        Tot = "tot",
        /// Timestamp of registration.
        GeregistreerdOp = "geregistreerd_op",
    }
}

closed_list! {
    /// Why nothing of a row is kept, in the order in which the rules are tested.
    CaseRule {
        /// Empty or too long.
        RecordIdOngeldig = "record_id_ongeldig",
        /// Neither 1 nor 3.
        StatusOnbekend = "status_onbekend",
        /// Not in the dictionary.
        VeldOnbekend = "veld_onbekend",
        /// A field that may never be stored.
        VeldNooit = "veld_nooit",
        /// The field has no such part.
        OnderdeelOnbekend = "onderdeel_onbekend",
        /// No BSN.
        BsnOngeldig = "bsn_ongeldig",
        /// Empty or a sentinel: without a number nothing can be exchanged about a child.
        BsnOntbreekt = "bsn_ontbreekt",
        /// Not in the form of the dictionary.
        WaardeOngeldig = "waarde_ongeldig",
        /// A number that may be a BSN stands in the value.
        WaardeBevatBsn = "waarde_bevat_bsn",
        /// No day, or the last before the first.
        DatumOngeldig = "datum_ongeldig",
        /// No RFC 3339 timestamp.
        RegistratieOngeldig = "registratie_ongeldig",
        /// A deletion of a row that is not there.
        VerwijderingZonderOrigineel = "verwijdering_zonder_origineel",
    }
}

/// A row that was read.
#[derive(Debug)]
pub struct CaseRow {
    /// Line on which it begins; the header is line 1.
    pub line: u32,
    /// Its key, as a report may print it.
    pub shown: String,
    /// Keyed fingerprint of its key.
    pub key: u128,
    /// What it is.
    pub kind: CaseRowKind,
}

/// What a row is.
#[derive(Debug)]
pub enum CaseRowKind {
    /// A value of a child.
    Value(Box<CaseEntry>),
    /// Takes the row with this key away.
    Deletion,
    /// Breaks a rule: nothing of its content is kept, not even sealed.
    Quarantined(CaseRule, CaseColumn),
}

/// A value with the child that it is about.
pub struct CaseEntry {
    /// Local pseudonym S.
    pub subject: Tag,
    /// Chain token of each base in force.
    pub tokens: Vec<([u8; 16], Tag)>,
    /// The value.
    pub value: CaseValue,
    /// Keyed fingerprint of child and value.
    pub content: u128,
    /// Whether the leading zero of the BSN was put back.
    pub repaired: bool,
}

impl fmt::Debug for CaseEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseEntry({:?})", self.value)
    }
}

/// What became of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CaseOutcome {
    /// Stored.
    Stored,
    /// Stored after the leading zero of the BSN was put back.
    Repaired,
    /// The same key with the same content.
    Unchanged,
    /// Superseded by a later row.
    Superseded,
    /// Took another row away.
    Deletion,
    /// Taken away by a deletion.
    Deleted,
    /// Nothing of it is kept.
    Quarantined(CaseRule),
}

impl CaseOutcome {
    /// The class of the outcome, as reports write it.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Stored => "opgeslagen",
            Self::Repaired => "hersteld",
            Self::Unchanged => "ongewijzigd",
            Self::Superseded => "vervangen",
            Self::Deletion => "verwijdering",
            Self::Deleted => "verwijderd",
            Self::Quarantined(_) => "quarantaine",
        }
    }

    /// The rule of a repair or quarantine.
    #[must_use]
    pub fn rule(self) -> Option<&'static str> {
        match self {
            Self::Repaired => Some("bsn_voorloopnul"),
            Self::Quarantined(rule) => Some(rule.as_str()),
            _ => None,
        }
    }
}
