//! Proof of content: with a payload and the salt that our log keeps sealed, what was sent or received can be proved or refuted.
//! Who is handed payload and salt can do the same with an export of the log alone.

use super::Core;
use crate::service::subjects::SubjectError;
use crate::storage::log::Filter;
use crate::translog::entry::{Entry, TransferId, payload_commitment};

/// What the log says of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// This entry announces or receives exactly these bytes, under this salt.
    Same(u64, [u8; 16]),
    /// Entries of the transfer that could be checked are about other bytes; the last of them.
    Other(u64),
    /// An entry of the transfer commits to something else than these bytes under this salt; which of the two is wrong is not known.
    Unfit(u64),
    /// No entry of the transfer has a commitment whose salt can be opened.
    Nothing,
}

/// Whether these bytes are the payload of a transfer, as entries of a log say it under a salt that is known.
///
/// # Errors
/// The first fault among the entries.
pub fn prove_with<E>(
    salt: [u8; 16],
    payload: &[u8],
    of: TransferId,
    entries: impl Iterator<Item = Result<(u64, Entry), E>>,
) -> Result<Proof, E> {
    let wanted = payload_commitment(&salt, payload);
    let mut proof = Proof::Nothing;
    for entry in entries {
        let (number, entry) = entry?;
        match entry.payload_commitment.filter(|_| entry.transfer_id == of) {
            Some(there) if there == wanted => return Ok(Proof::Same(number, salt)),
            // A salt that is not the entry's fits no content at all.
            Some(_) => proof = Proof::Unfit(number),
            None => {}
        }
    }
    Ok(proof)
}

impl Core {
    /// Whether these bytes are the payload of a transfer.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn prove_payload(&self, transfer: TransferId, payload: &[u8]) -> Result<Proof, SubjectError> {
        let filter = Filter { transfer: Some(transfer), ..Filter::default() };
        let opener = self.opener()?;
        let mut proof = Proof::Nothing;
        for (number, entry) in self.log_entries(&filter, (None, usize::MAX))? {
            let salt = opener.open(&entry).and_then(|part| part.salt);
            let (Some(salt), Some(_)) = (salt, entry.payload_commitment) else { continue };
            if entry.payload_commitment == Some(payload_commitment(&salt, payload)) {
                return Ok(Proof::Same(number, salt));
            }
            proof = Proof::Other(number);
        }
        Ok(proof)
    }
}
