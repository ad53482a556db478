//! Proof of content: with a payload and the salt that our log keeps sealed, what was sent or received can be proved or refuted.

use super::Core;
use crate::service::subjects::SubjectError;
use crate::storage::log::Filter;
use crate::translog::entry::{TransferId, payload_commitment};

/// What the log says of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// This entry announces or receives exactly these bytes.
    Same(u64),
    /// Entries of the transfer that could be checked are about other bytes; the last of them.
    Other(u64),
    /// No entry of the transfer has a commitment whose salt can be opened.
    Nothing,
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
                return Ok(Proof::Same(number));
            }
            proof = Proof::Other(number);
        }
        Ok(proof)
    }
}
