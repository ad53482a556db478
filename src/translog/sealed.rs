//! `SealedPart`: what an entry says under seal, and its bytes. Which key seals it is the caller's choice: the key of the
//! data subject when there is one, so that erasure makes it unreadable, else the node's own (docs/formats/subjects.md).

use std::fmt;

use super::entry::Entry;
use crate::crypto::{InvalidSeal, SealKey, Tag};

/// Version of the bytes.
const VERSION: u8 = 1;
/// The bytes are a multiple of this, so that their length does not tell what is in them.
const BLOCK: usize = 64;
/// Longest case or free reference, in bytes.
pub const MAX_REFERENCE_BYTES: usize = 256;

/// Subject, case reference, free reference and commitment salt of one entry. `Debug` says only what is there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SealedPart {
    /// Local pseudonym S of the data subject.
    pub subject: Option<Tag>,
    /// The organisation's own case number; empty when there is none.
    pub case: String,
    /// Any other reference of the organisation; empty when there is none.
    pub reference: String,
    /// Salt of the payload commitment ([`super::entry::payload_commitment`]).
    pub salt: Option<[u8; 16]>,
}

/// A reference that cannot be sealed: longer than [`MAX_REFERENCE_BYTES`], or with control characters.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("een zaaknummer of kenmerk heeft hoogstens {MAX_REFERENCE_BYTES} bytes en geen stuurtekens")]
pub struct InvalidReference;

impl SealedPart {
    /// The bytes: version, subject (length 0 or 32), case and reference (length in two bytes), salt (length 0 or 16),
    /// then zeros up to a multiple of 64.
    ///
    /// # Errors
    /// [`InvalidReference`].
    pub fn encode(&self) -> Result<Vec<u8>, InvalidReference> {
        let mut out = vec![VERSION];
        put(&mut out, self.subject.as_ref().map_or(&[], |subject| subject.expose().as_slice()));
        for text in [&self.case, &self.reference] {
            if text.len() > MAX_REFERENCE_BYTES || text.chars().any(char::is_control) {
                return Err(InvalidReference);
            }
            let length = u16::try_from(text.len()).map_err(|_| InvalidReference)?;
            out.extend(length.to_be_bytes());
            out.extend(text.as_bytes());
        }
        put(&mut out, self.salt.as_ref().map_or(&[], |salt| salt.as_slice()));
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        Ok(out)
    }

    /// Reads exactly what [`SealedPart::encode`] writes; `None` for anything else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, mut rest) = bytes.split_first()?;
        let rest = &mut rest;
        let subject = match take_short(rest)? {
            [] => None,
            subject => Some(Tag::from_bytes(subject.try_into().ok()?)),
        };
        let case = take_text(rest)?;
        let reference = take_text(rest)?;
        let salt = match take_short(rest)? {
            [] => None,
            salt => Some(salt.try_into().ok()?),
        };
        let part = Self { subject, case, reference, salt };
        (*version == VERSION && part.encode().ok()?.as_slice() == bytes).then_some(part)
    }

    /// Seals the part into an entry; the seal is bound to the entry's transfer, phase and label, so it cannot be moved.
    ///
    /// # Errors
    /// [`InvalidReference`].
    pub fn seal_into(&self, entry: &mut Entry, key: &SealKey) -> Result<(), InvalidReference> {
        entry.subject_sealed = key.seal(&context(entry), &self.encode()?);
        Ok(())
    }

    /// Opens the part of an entry.
    ///
    /// # Errors
    /// [`InvalidSeal`] when the key is another, or the bytes belong to another entry.
    pub fn open(entry: &Entry, key: &SealKey) -> Result<Self, InvalidSeal> {
        let plain = key.open(&context(entry), &entry.subject_sealed)?;
        Self::decode(&plain).ok_or(InvalidSeal)
    }
}

impl fmt::Debug for SealedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |there: bool| if there { "<redacted>" } else { "-" };
        f.debug_struct("SealedPart")
            .field("subject", &shown(self.subject.is_some()))
            .field("case", &shown(!self.case.is_empty()))
            .field("reference", &shown(!self.reference.is_empty()))
            .field("salt", &shown(self.salt.is_some()))
            .finish()
    }
}

/// What the seal is bound to.
fn context(entry: &Entry) -> Vec<u8> {
    let mut context = b"ketenpoort/v1/entry-sealed\0".to_vec();
    context.extend(entry.transfer_id.as_bytes());
    context.push(entry.phase.number());
    context.extend(&entry.subject_label);
    context
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.extend(bytes);
}

fn take_short<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, tail) = rest.split_first()?;
    let (bytes, tail) = tail.split_at_checked(usize::from(*length))?;
    *rest = tail;
    Some(bytes)
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let (length, tail) = rest.split_first_chunk::<2>()?;
    let (bytes, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = tail;
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::{KeyTree, SealUse, Secret32, hex};
    use crate::translog::entry::{Direction, Phase, TransferId};

    fn parts() -> impl Strategy<Value = SealedPart> {
        let tag = prop::option::of(any::<[u8; 32]>().prop_map(Tag::from_bytes));
        let salt = prop::option::of(any::<[u8; 16]>());
        (tag, "[a-zA-Zé0-9/-]{0,80}", "[ -~]{0,80}", salt).prop_map(|(subject, case, reference, salt)| SealedPart {
            subject,
            case,
            reference,
            salt,
        })
    }

    fn entry(label: &[u8]) -> Entry {
        let id = TransferId::new(1_700_000_000_000, [7; 10]);
        Entry { subject_label: label.to_vec(), ..Entry::new(id, Direction::Outgoing, Phase::Intent, 1) }
    }

    fn key(byte: u8) -> SealKey {
        KeyTree::new(Secret32::new([byte; 32])).seal_key(SealUse::Translog)
    }

    proptest! {
        #[test]
        fn a_part_comes_back_and_has_one_encoding(part in parts(), at in any::<prop::sample::Index>(), flip in 1_u8..) {
            let mut bytes = part.encode().expect("valid part");
            prop_assert!(bytes.len().is_multiple_of(BLOCK));
            prop_assert_eq!(SealedPart::decode(&bytes), Some(part.clone()));
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            if let Some(other) = SealedPart::decode(&bytes) {
                prop_assert_eq!(other.encode().expect("valid part"), bytes);
            }
        }

        #[test]
        fn a_seal_opens_in_its_own_entry_alone(part in parts()) {
            let mut sealed = entry(&[1; 16]);
            part.seal_into(&mut sealed, &key(1)).expect("valid part");
            prop_assert_eq!(SealedPart::open(&sealed, &key(1)), Ok(part));
            prop_assert_eq!(SealedPart::open(&sealed, &key(2)), Err(InvalidSeal));
            let moved = Entry { subject_label: vec![2; 16], ..sealed.clone() };
            prop_assert_eq!(SealedPart::open(&moved, &key(1)), Err(InvalidSeal));
            let moved = Entry { phase: Phase::Received, ..sealed.clone() };
            prop_assert_eq!(SealedPart::open(&moved, &key(1)), Err(InvalidSeal));
            let moved = Entry { transfer_id: TransferId::new(2, [7; 10]), ..sealed };
            prop_assert_eq!(SealedPart::open(&moved, &key(1)), Err(InvalidSeal));
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = SealedPart::decode(&bytes);
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_published_vector() {
        let part = SealedPart {
            subject: Some(Tag::from_bytes([0x11; 32])),
            case: "Z-1".to_owned(),
            reference: "é".to_owned(),
            salt: Some([0x22; 16]),
        };
        let written = format!("0120{}00035a2d310002c3a910{}{}", "11".repeat(32), "22".repeat(16), "00".repeat(4));
        assert_eq!(hex(&part.encode().expect("valid part")), written);
        let nothing = format!("01{}", "00".repeat(63));
        assert_eq!(hex(&SealedPart::default().encode().expect("valid part")), nothing);
    }

    #[test]
    fn a_reference_is_bounded_and_nothing_of_a_part_is_shown() {
        for text in ["x".repeat(257), "a\nb".to_owned()] {
            assert_eq!(SealedPart { case: text.clone(), ..SealedPart::default() }.encode(), Err(InvalidReference));
            assert_eq!(SealedPart { reference: text, ..SealedPart::default() }.encode(), Err(InvalidReference));
        }
        let part = SealedPart { case: "Z-12345".to_owned(), salt: Some([9; 16]), ..SealedPart::default() };
        assert!(!format!("{part:?}").contains("12345"));
    }
}
