//! One event of the transfer log in the words of four standards: LDV, FSC logging, GEMMA Verwerkingenlogging and NEN 7513.
//!
//! Everything here is pure. [`join`] makes actions of entries; each other module says an action in one standard. What a
//! standard has no word for is left out, and `docs/formats/standards.md` says so.

pub mod fsc;
pub mod gemma;
pub mod join;
pub mod ldv;
pub mod lezen;
pub mod nen7513;

use crate::crypto::digest_parts;
use crate::domain::activity::ActivityBase;
use crate::domain::oin::Oin;
use crate::translog::entry::{Direction, Entry, LINKED_SERVICE, OFFER_SERVICE};

/// Whose log it is.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The organisation that keeps the log.
    pub ours: Oin,
    /// What stands before the identifiers of its processing activities.
    pub activities: ActivityBase,
    /// Version of the software.
    pub version: String,
}

/// A data subject of an action, by a pseudonym that the caller opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subject {
    /// The pseudonym, at most 40 characters.
    pub id: String,
    /// What kind of identifier it is: an absolute URI.
    pub id_type: String,
}

/// Who moves first in a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// The receiver of the data asks for it.
    Pulled,
    /// The sender of the data brings it.
    Pushed,
}

impl Flow {
    /// The flow of a service: the steps of a linked run and the offers of one child's data are brought, everything else is
    /// asked for.
    #[must_use]
    pub fn of(service: &str) -> Self {
        let brought = service == LINKED_SERVICE || service.starts_with(OFFER_SERVICE);
        if brought { Self::Pushed } else { Self::Pulled }
    }
}

/// Who asked and who was asked; `None` for use on the organisation's own machine and for what has no two parties.
#[must_use]
pub fn parties(entry: &Entry, flow: Flow) -> Option<(Oin, Oin)> {
    if entry.direction == Direction::Local {
        return None;
    }
    let (sender, receiver) = entry.sender_oin.zip(entry.receiver_oin)?;
    Some(match flow {
        Flow::Pulled => (receiver, sender),
        Flow::Pushed => (sender, receiver),
    })
}

/// The first bytes of a hash of these parts, never all zero: identifiers that are the same each time they are made.
fn derived<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let hash = digest_parts(parts);
    let mut out = [0; N];
    let n = N.min(32);
    out[..n].copy_from_slice(&hash.0[..n]);
    if out == [0; N] {
        out[N - 1] = 1;
    }
    out
}

/// A UUID of version 8 (RFC 9562) made of a hash of these parts.
fn uuid(parts: &[&[u8]]) -> String {
    let mut bytes: [u8; 16] = derived(parts);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = crate::crypto::hex(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The OIN register's address of an organisation: an absolute URL that resolves to who it is.
fn organisation_url(oin: Oin) -> String {
    format!("https://oinregister.logius.nl/api/v1/organisaties/{oin}")
}

#[cfg(test)]
mod tests;
