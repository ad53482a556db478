//! Cosignatures of witnesses (c2sp.org/tlog-cosignature, `cosignature/v1` with Ed25519): the statement of another party that
//! at some second this was the largest consistent tree it had seen of the log.

use std::collections::BTreeMap;

use super::note::{COSIGNATURE, InvalidNote, Note, NoteSignature, key_id_of};
use crate::crypto::{SigningKey, VerifyingKey};
use crate::domain::oin::Oin;

/// Start of the name under which an organisation cosigns, followed by its OIN.
pub const WITNESS_PREFIX: &str = "ketenpoort.nl/witness/";

/// The largest time of a cosignature, in seconds since 1970: 2^63 - 1.
const LATEST: u64 = i64::MAX as u64;
/// Bytes of a cosignature after its key id: the time and an Ed25519 signature.
const LENGTH: usize = 8 + 64;

/// The name of an organisation as witness.
#[must_use]
pub fn witness_name(oin: Oin) -> String {
    format!("{WITNESS_PREFIX}{oin}")
}

/// The organisation that cosigns under this name.
#[must_use]
pub fn witness_oin(name: &str) -> Option<Oin> {
    Oin::parse(name.strip_prefix(WITNESS_PREFIX)?).ok()
}

/// The bytes that are signed: two lines and the whole text of the note.
fn message(text: &str, time_s: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time_s}\n{text}").into_bytes()
}

/// Cosigns the text of a checkpoint at a time in seconds since 1970 (at most 2^63 - 1; a later one is written as that).
#[must_use]
pub fn cosign(text: &str, name: &str, key: &SigningKey, time_s: u64) -> NoteSignature {
    let time_s = time_s.min(LATEST);
    let mut bytes = time_s.to_be_bytes().to_vec();
    bytes.extend_from_slice(&key.sign(&message(text, time_s)));
    NoteSignature { name: name.to_owned(), key_id: key_id_of(COSIGNATURE, name, &key.verifying_key()), bytes }
}

/// The time of one cosignature under this name and key, in seconds since 1970.
///
/// # Errors
/// [`InvalidNote::OtherSigner`] when the line is of another name or key, [`InvalidNote::Form`] when it is no cosignature,
/// [`InvalidNote::Signature`] when it does not verify.
pub fn verify(text: &str, line: &NoteSignature, name: &str, key: &VerifyingKey) -> Result<u64, InvalidNote> {
    if line.name != name || line.key_id != key_id_of(COSIGNATURE, name, key) {
        return Err(InvalidNote::OtherSigner);
    }
    let bytes: &[u8; LENGTH] = line.bytes.as_slice().try_into().map_err(|_| InvalidNote::Form)?;
    let (time, signature) = bytes.split_first_chunk::<8>().ok_or(InvalidNote::Form)?;
    let time_s = u64::from_be_bytes(*time);
    if time_s > LATEST {
        return Err(InvalidNote::Form);
    }
    key.verify(&message(text, time_s), signature).map_err(|_| InvalidNote::Signature)?;
    Ok(time_s)
}

/// Which of these witnesses cosigned a note, each once however many lines it has, with the latest time in seconds since
/// 1970. Lines of others, and lines that do not verify, count for nothing.
#[must_use]
pub fn cosigners(note: &Note, witnesses: &[(Oin, VerifyingKey)]) -> BTreeMap<Oin, u64> {
    let mut found = BTreeMap::new();
    for (oin, key) in witnesses {
        let name = witness_name(*oin);
        let times = note.signatures.iter().filter_map(|line| verify(&note.text, line, &name, key).ok());
        if let Some(latest) = times.max() {
            found.insert(*oin, latest);
        }
    }
    found
}

#[cfg(test)]
mod tests;
