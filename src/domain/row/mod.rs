//! What becomes of one row of a delivery: the record that intake makes and the journal keeps, and its outcome.
//! A record holds everything that versions, deletions and duplicates need, so that replay gives the same state.

mod codec;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use codec::InvalidRow;

use super::codes::{EventType, closed_list};
use super::day::Day;
use super::event::Event;
use crate::crypto::Tag;

closed_list! {
    /// A column of the canonical event file (input contract 1).
    Column {
        /// Key of the event within the organisation.
        EventId = "event_id",
        /// 1 new or replacing, 3 delete.
        Status = "status",
        /// Citizen service number; never kept.
        Bsn = "bsn",
        /// Birth date.
        Geboortedatum = "geboortedatum",
        /// Sex.
        Geslacht = "geslacht",
        /// Municipality code.
        Gemeente = "gemeente",
        /// Event type.
        Type = "type",
        /// Date on which it happened.
        Datum = "datum",
        /// Timestamp of registration.
        GeregistreerdOp = "geregistreerd_op",
        /// Measure.
        Maatregel = "maatregel",
        /// Reason of ending.
        Reden = "reden",
        /// Frame.
        Kader = "kader",
        /// Outcome code.
        Uitkomst = "uitkomst",
        /// Capacity of the reporter.
        Melder = "melder",
        /// OIN of the counterpart.
        Partij = "partij",
        /// Case number.
        Zaak = "zaak",
        /// Family number.
        Gezin = "gezin",
        /// Whether parents separate.
        Scheiding = "scheiding",
    }
}

closed_list! {
    /// Why a row is in quarantine (definitions 1.2, in the order in which the rules are tested, and 1.3.4).
    Rule {
        /// Empty or too long.
        EventIdOngeldig = "event_id_ongeldig",
        /// Neither 1 nor 3.
        StatusOnbekend = "status_onbekend",
        /// No BSN and no sentinel.
        BsnOngeldig = "bsn_ongeldig",
        /// Not in the contract.
        TypeOnbekend = "type_onbekend",
        /// Owned by another kind of organisation.
        TypeNietEigen = "type_niet_eigen",
        /// A code that the type does not allow, or a required one missing.
        CodeOnbekend = "code_onbekend",
        /// No RFC 3339 timestamp.
        RegistratieOngeldig = "registratie_ongeldig",
        /// No date, or out of bounds.
        DatumOngeldig = "datum_ongeldig",
        /// Not valid on the date.
        GemeenteOngeldig = "gemeente_ongeldig",
        /// A deletion of an event that is not there.
        VerwijderingZonderOrigineel = "verwijdering_zonder_origineel",
    }
}

/// Repairs of a stored row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Repairs {
    /// A lost leading zero of the BSN was put back.
    pub bsn_voorloopnul: bool,
    /// The birth date was no date and is left out.
    pub geboortedatum_onbruikbaar: bool,
}

impl Repairs {
    /// The two flags as a number under 4.
    #[must_use]
    pub fn bits(self) -> u8 {
        u8::from(self.bsn_voorloopnul) | (u8::from(self.geboortedatum_onbruikbaar) << 1)
    }

    /// The flags of a number; higher bits are ignored.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        Self { bsn_voorloopnul: bits & 1 != 0, geboortedatum_onbruikbaar: bits & 2 != 0 }
    }

    /// The rule names joined by `+`, as outcomes write them; empty without repairs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self.bits() {
            0 => "",
            1 => "bsn_voorloopnul",
            2 => "geboortedatum_onbruikbaar",
            _ => "bsn_voorloopnul+geboortedatum_onbruikbaar",
        }
    }
}

/// One row of a delivery after checking. No `Debug`, like the event in it.
#[derive(Clone, PartialEq, Eq)]
pub struct RowRecord {
    /// Line on which the row begins; the header is line 1.
    pub line: u32,
    /// Keyed fingerprint of the `event_id`.
    pub event_id_fp: u128,
    /// Calendar day of registration as written, when it can be read (rows in quarantine and deletions too).
    pub registered: Option<Day>,
    /// What the row is.
    pub kind: RowKind,
}

/// What a row is after checking.
#[derive(Clone, PartialEq, Eq)]
pub enum RowKind {
    /// Passes every rule.
    Accepted(Box<Accepted>),
    /// Takes away the event with this `event_id`.
    Deletion {
        /// The key as delivered.
        event_id: Box<str>,
    },
    /// Breaks a rule; kept sealed, never counted.
    Quarantined {
        /// The first rule that it breaks.
        rule: Rule,
        /// The column that breaks it.
        column: Column,
        /// The row as delivered, without the BSN.
        fields: OriginalFields,
    },
}

/// An accepted row.
#[derive(Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The event.
    pub event: Event,
    /// Keyed fingerprint of the normal form: all columns but `event_id` and `status` (definitions 1.3.2).
    pub content_fp: u128,
    /// Keyed fingerprint of (subject, type, datum, maatregel, zaak); none without a subject (definitions 1.3.5).
    pub dup_fp: Option<u128>,
    /// What was repaired.
    pub repairs: Repairs,
    /// Chain token T0 of the subject per base id; empty without a subject or without a base.
    pub tokens: Vec<([u8; 16], Tag)>,
}

impl RowRecord {
    /// The `event_id` as delivered; empty when the row has none. Print it only through [`printable`].
    #[must_use]
    pub fn event_id(&self) -> &str {
        match &self.kind {
            RowKind::Accepted(accepted) => &accepted.event.event_id,
            RowKind::Deletion { event_id } => event_id,
            RowKind::Quarantined { fields, .. } => fields.field(Column::EventId),
        }
    }

    /// The event type, for accepted rows and for rows in quarantine with a readable type.
    #[must_use]
    pub fn event_type(&self) -> Option<EventType> {
        match &self.kind {
            RowKind::Accepted(accepted) => Some(accepted.event.event_type),
            RowKind::Deletion { .. } => None,
            RowKind::Quarantined { fields, .. } => EventType::parse(fields.field(Column::Type)),
        }
    }
}

/// An `event_id` for reports and logs: `***` when it holds digits that are a BSN, cut after 64 characters.
#[must_use]
pub fn printable(event_id: &str) -> String {
    if super::bsn::holds_bsn(event_id) {
        return "***".to_owned();
    }
    event_id.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(64).collect()
}

/// Longest text kept of a field in quarantine, in characters; the source system has the rest.
pub const MAX_KEPT_CHARS: usize = 1024;

fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_KEPT_CHARS).map_or(text, |(at, _)| &text[..at])
}

/// The non-empty fields of a row as delivered, in the order of the contract and each cut after [`MAX_KEPT_CHARS`]; the
/// BSN is never among them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct OriginalFields(Vec<(Column, Box<str>)>);

impl OriginalFields {
    /// Keeps what is not empty and not the BSN; of a column given twice the first.
    #[must_use]
    pub fn new<'a>(fields: impl IntoIterator<Item = (Column, &'a str)>) -> Self {
        let mut kept: Vec<(Column, Box<str>)> = fields
            .into_iter()
            .filter(|(column, text)| *column != Column::Bsn && !text.is_empty())
            .map(|(column, text)| (column, cut(text).into()))
            .collect();
        kept.sort_by_key(|(column, _)| *column);
        kept.dedup_by_key(|(column, _)| *column);
        Self(kept)
    }

    /// The field as delivered; empty when it was empty or is the BSN.
    #[must_use]
    pub fn field(&self, column: Column) -> &str {
        self.0.iter().find(|(c, _)| *c == column).map_or("", |(_, text)| text)
    }

    /// All kept fields.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Column, &str)> {
        self.0.iter().map(|(column, text)| (*column, &**text))
    }
}

/// The outcome of one row (input contract 3); every row ends with exactly one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Stored.
    Opgeslagen,
    /// Stored after repairs.
    Hersteld(Repairs),
    /// Stored, without a subject.
    ZonderSubject,
    /// Another `event_id` with the same content was first.
    Dubbel,
    /// The same content again.
    Ongewijzigd,
    /// Superseded by a later row.
    Vervangen,
    /// Taken away by a deletion or a replaced period.
    Verwijderd,
    /// A deletion that took something away.
    Verwijdering,
    /// In quarantine.
    Quarantaine(Rule),
}

impl Outcome {
    /// The class names, in the order of definitions 1.4.
    pub const CLASSES: [&'static str; 9] = [
        "opgeslagen",
        "hersteld",
        "zonder_subject",
        "dubbel",
        "ongewijzigd",
        "vervangen",
        "verwijderd",
        "verwijdering",
        "quarantaine",
    ];

    /// The class, without the rule.
    #[must_use]
    pub fn class(self) -> &'static str {
        Self::CLASSES[self.class_index()]
    }

    /// Position of the class in [`Outcome::CLASSES`].
    #[must_use]
    pub fn class_index(self) -> usize {
        match self {
            Self::Opgeslagen => 0,
            Self::Hersteld(_) => 1,
            Self::ZonderSubject => 2,
            Self::Dubbel => 3,
            Self::Ongewijzigd => 4,
            Self::Vervangen => 5,
            Self::Verwijderd => 6,
            Self::Verwijdering => 7,
            Self::Quarantaine(_) => 8,
        }
    }

    /// The rule of a repair or a quarantine, as IND-24 counts it.
    #[must_use]
    pub fn rule(self) -> Option<&'static str> {
        match self {
            Self::Hersteld(repairs) => Some(repairs.as_str()),
            Self::Quarantaine(rule) => Some(rule.as_str()),
            _ => None,
        }
    }

    /// Whether the row's event is stored and counts.
    #[must_use]
    pub fn is_stored(self) -> bool {
        matches!(self, Self::Opgeslagen | Self::Hersteld(_) | Self::ZonderSubject)
    }

    /// One byte for the register.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Opgeslagen => 0,
            Self::Hersteld(repairs) => repairs.bits(),
            Self::ZonderSubject => 4,
            Self::Dubbel => 5,
            Self::Ongewijzigd => 6,
            Self::Vervangen => 7,
            Self::Verwijderd => 8,
            Self::Verwijdering => 9,
            Self::Quarantaine(rule) => 16 + rule as u8,
        }
    }

    /// Reads the byte back.
    pub(super) fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Opgeslagen,
            1..=3 => Self::Hersteld(Repairs::from_bits(code)),
            4 => Self::ZonderSubject,
            5 => Self::Dubbel,
            6 => Self::Ongewijzigd,
            7 => Self::Vervangen,
            8 => Self::Verwijderd,
            9 => Self::Verwijdering,
            _ => Self::Quarantaine(Rule::from_index(code.checked_sub(16)?)?),
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule() {
            Some(rule) => write!(f, "{}:{rule}", self.class()),
            None => f.write_str(self.class()),
        }
    }
}
