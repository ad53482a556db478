//! One accepted event, normalised: what a node keeps, sealed, of a row.

use super::codes::{EventType, Geslacht, Kader, Maatregel, Reden, Uitkomst};
use super::day::{Day, PartialDate};
use super::oin::Oin;
use crate::crypto::Tag;

/// A 4-digit CBS municipality code as a number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Gemeente(pub u16);

impl std::fmt::Display for Gemeente {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

/// An accepted event after normalisation (definitions 1.2 and 1.3). The BSN is gone: `subject` is the local pseudonym S.
/// `Debug` is not derived, so that no event reaches a log by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// The organisation's own key; kept because its byte order breaks ties. Never printed where it could be a BSN.
    pub event_id: Box<str>,
    /// Local pseudonym S, or none for an empty BSN or a sentinel.
    pub subject: Option<Tag>,
    /// What happened.
    pub event_type: EventType,
    /// When it happened.
    pub datum: PartialDate,
    /// Calendar day of registration, as written in the timestamp.
    pub registered: Day,
    /// Municipality.
    pub gemeente: Gemeente,
    /// Measure, empty for types without.
    pub maatregel: Option<Maatregel>,
    /// Reason of ending.
    pub reden: Option<Reden>,
    /// Frame.
    pub kader: Option<Kader>,
    /// Outcome.
    pub uitkomst: Option<Uitkomst>,
    /// Capacity of the reporter (a code of [`super::codes::is_melder`]).
    pub melder: Option<u8>,
    /// Counterpart organisation.
    pub partij: Option<Oin>,
    /// Keyed fingerprint of the case number; 0 is the empty case number, a value like another.
    pub zaak: u128,
    /// Keyed fingerprint of the family number; 0 when not registered.
    pub gezin: u128,
    /// Sex.
    pub geslacht: Option<Geslacht>,
    /// Whether parents separate; `None` is not registered.
    pub scheiding: Option<bool>,
    /// Birth date when it is known to the day.
    pub born: Option<Day>,
}
