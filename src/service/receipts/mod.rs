//! Receipts between us and our partners. A transfer is complete when each side's log names the hash of what the other signed;
//! the receipts themselves are in a journal of their own, durable before the entry that names them. What is missing is asked
//! for again ([`chase`]), also after a restart.

mod ask;
pub mod chase;
mod counters;
mod prove;
mod serve;

use std::path::Path;
use std::sync::Mutex;

pub use ask::{Question, Taken};
pub use prove::{Proof, prove_with};
pub use serve::MOST_WANTED;

use self::chase::Chase;
use self::counters::{Counters, Heard};
use self::serve::Waiting;
use super::core::{Core, CoreError};
use super::lock;
use crate::crypto::{Digest, SealUse};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::storage::journal::{Journal, JournalError, Options};
use crate::storage::log::LogError;
use crate::translog::checkpoint::{Checkpoint, origin};
use crate::translog::entry::{Entry, TransferId};
use crate::translog::receipt::{Receipt, SignedReceipt};
use crate::translog::sealed::SealedPart;

/// Receipts from partners that are read at start, so that a counter that is used twice is noticed.
const READ_AT_START: u64 = 4096;
/// Bytes of a segment of the journal: about 8,000 receipts. A start reads the last one or two.
const SEGMENT_BYTES: u64 = 8 << 20;

/// Everything that a node keeps of receipts while it runs.
pub(in crate::service) struct Receipts {
    journal: Journal,
    counters: Counters,
    heard: Mutex<Heard>,
    waiting: Mutex<Waiting>,
    chase: Mutex<Chase>,
}

impl Receipts {
    /// Makes the empty journal of a new node.
    pub(in crate::service) fn create(dir: &Path) -> Result<(), LogError> {
        drop(Journal::create_with(dir, options())?);
        Ok(())
    }

    /// Opens the journal; `own` are the counters that the log ends with. A node of before there were receipts gets its
    /// journal here; one whose log counts receipts and has lost them does not start.
    pub(in crate::service) fn open(dir: &Path, own: Vec<(Oin, u64)>) -> Result<Self, LogError> {
        let journal = match Journal::open_with(dir, options()) {
            Err(JournalError::Missing { .. }) if own.is_empty() => Journal::create_with(dir, options())?,
            opened => opened?.0,
        };
        let mut heard = Heard::default();
        for record in journal.iter_from(journal.len().saturating_sub(READ_AT_START)) {
            let (_, bytes) = record.map_err(LogError::from)?;
            if let Ok(signed) = SignedReceipt::decode(&bytes) {
                let _known = heard.take(signed.receipt(), true);
            }
        }
        Ok(Self {
            journal,
            counters: Counters::new(own),
            heard: Mutex::new(heard),
            waiting: Mutex::default(),
            chase: Mutex::default(),
        })
    }

    /// The receipts of partners in the order in which they came.
    pub(in crate::service) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(in crate::service) fn failed(&self) -> bool {
        self.journal.failed()
    }
}

impl Core {
    /// Our receipt of an entry of ours.
    pub(in crate::service) fn receipt_of(&self, entry: &Entry, hash: Digest) -> Result<SignedReceipt, ReasonCode> {
        let said = Receipt::of(entry, hash, self.identity.oin, &self.log.last_checkpoint());
        let signed = said.map(|receipt| receipt.sign(&self.signing));
        signed.transpose().ok().flatten().ok_or(ReasonCode::Internal)
    }

    /// Reads a receipt of a partner for us: its form, who signs, the signature under the key of the partner's card in a
    /// convenant in force, and the checkpoint in it; who believes the receipt [hears](Self::hear) that.
    pub(in crate::service) fn receipt_from(&self, partner: Oin, bytes: &[u8]) -> Result<SignedReceipt, ReasonCode> {
        let signed = SignedReceipt::decode(bytes).map_err(|_| ReasonCode::ReceiptInvalid)?;
        let standing = self.standing();
        let convenants = standing.in_force.as_ref().map_err(|reason| *reason)?;
        let receipt = signed.receipt();
        let name = origin(partner);
        let by_card = convenants.iter().filter_map(|c| c.convenant().party(&partner)).any(|party| {
            let card = party.card.card();
            signed.verify(&card.signing).is_ok()
                && Checkpoint::open(receipt.checkpoint.as_bytes(), &name, &card.checkpoint).is_ok()
        });
        match by_card && receipt.signer == partner {
            true if receipt.counterparty == self.identity.oin => Ok(signed),
            true => Err(ReasonCode::ReceiptMismatch),
            false => Err(ReasonCode::ReceiptInvalid),
        }
    }

    /// Puts the checkpoint of a receipt by that was believed.
    pub(in crate::service) fn hear(&self, signed: &SignedReceipt) {
        let receipt = signed.receipt();
        self.hear_checkpoint(receipt.signer, receipt.checkpoint.clone());
    }

    /// Keeps a receipt of a partner; durable when this returns. Its counter was not used for another entry before.
    pub(in crate::service) fn keep_receipt(&self, signed: &SignedReceipt, late: bool) -> Result<(), ReasonCode> {
        if !lock(&self.receipts.heard).take(signed.receipt(), late) {
            return Err(ReasonCode::ReceiptCounter);
        }
        let kept = self.receipts.journal.append(signed.bytes().to_vec());
        kept.map(drop).map_err(|error| super::answer::log_reason(&error.into()))
    }

    /// Warns of a partner whose receipt does not hold.
    fn name_liar(&self, partner: Oin, transfer: TransferId, reason: ReasonCode) {
        tracing::warn!(oin = %partner, %transfer, code = %reason, "een ontvangstbewijs van deze partij klopt niet");
    }

    /// The journal of receipts of partners, for exports.
    #[must_use]
    pub fn receipt_journal(&self) -> &Journal {
        self.receipts.journal()
    }

    /// The next receipt counter towards a partner.
    pub(in crate::service) fn next_counter(&self, partner: Oin) -> u64 {
        self.receipts.counters.next(partner)
    }

    /// Seals a commitment salt into an entry about no subject, under the node's own key.
    pub(in crate::service) fn seal_salt(&self, entry: &mut Entry, salt: &[u8; 16]) {
        let part = SealedPart { salt: Some(*salt), ..SealedPart::default() };
        // Only a reference can be too long, and there is none.
        let _fits = part.seal_into(entry, &self.keys.seal_key(SealUse::Translog));
    }
}

fn options() -> Options {
    Options { segment_bytes: SEGMENT_BYTES, last_only: true, ..Options::default() }
}

/// For opening a node: the counters that its log ends with.
pub(in crate::service) fn open(dir: &Path, own: Vec<(Oin, u64)>) -> Result<Receipts, CoreError> {
    Ok(Receipts::open(dir, own)?)
}
