//! The side that is asked: answers that wait for the asker's receipt, and receipts that we are asked for again.

use std::collections::HashMap;

use super::{Core, lock};
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::answer::log_reason;
use crate::service::api::{HandedOver, Peer, WantedReceipts};
use crate::service::core::CoreError;
use crate::service::entries;
use crate::storage::log::LogError;
use crate::translog::entry::{Direction, Outcome, Phase, TransferId};
use crate::translog::merkle::leaf_hash;
use crate::translog::receipt::{Receipt, SignedReceipt};

/// How long the asker's receipt is waited for before the answer counts as sent: 60 seconds.
const PATIENCE_MS: u64 = 60_000;
/// Answers that are waited for at a time; more are logged as sent at once, and their receipts are asked for.
const MOST: usize = 50_000;
/// Most receipts in one call.
pub const MOST_WANTED: usize = 256;
/// Bytes of receipts in one answer; what does not fit is asked for again.
const MOST_BYTES: usize = 900_000;

/// Which answer: partner, transfer, and leaf hash of our INTENT.
type Which = (Oin, TransferId, Digest);

/// The answers whose asker has not confirmed them yet.
#[derive(Default)]
pub(super) struct Waiting(HashMap<Which, Wait>);

/// An answer that is on its way or there.
struct Wait {
    /// What we said of it.
    answer: Receipt,
    stage: Stage,
}

/// What the log says of an answer.
enum InLog {
    /// There is no such entry.
    Unknown,
    /// It was confirmed.
    Confirmed,
    /// It was not.
    Open(Box<Receipt>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Being handed over.
    Leaving,
    /// Handed over completely at this moment.
    Sent(u64),
    /// Its receipt is being logged, or was at this moment.
    Confirmed(u64),
}

impl Core {
    /// Notes that an answer leaves, so that its receipt may come at any moment.
    pub(in crate::service) fn await_receipt(&self, answer: &SignedReceipt) {
        let receipt = answer.receipt();
        let mut waiting = lock(&self.receipts.waiting);
        if let (Some(entry), true) = (receipt.entry, waiting.0.len() < MOST) {
            let which = (receipt.counterparty, receipt.transfer, entry);
            waiting.0.insert(which, Wait { answer: receipt.clone(), stage: Stage::Leaving });
        }
    }

    /// An answer was handed over completely, or broken off.
    pub(in crate::service) fn handed_over(&self, peer: &Peer, answer: HandedOver, complete: bool) {
        let (now, which) = (self.clock.now_ms(), (peer.oin, answer.transfer, answer.entry));
        let mut waiting = lock(&self.receipts.waiting);
        let ended = match waiting.0.get_mut(&which) {
            Some(wait) if wait.stage != Stage::Leaving => None,
            Some(wait) if complete => {
                wait.stage = Stage::Sent(now);
                None
            }
            found => {
                let sent = found.is_none() && complete;
                waiting.0.remove(&which);
                Some(if sent { Outcome::Sent } else { Outcome::Failed })
            }
        };
        drop(waiting);
        if let Some(ended) = ended {
            let entry = entries::answered(answer.transfer, self.identity.oin, peer.oin, ended, now);
            if let Err(e) = self.note(&entry) {
                tracing::error!("transferlog: {e}");
            }
        }
    }

    /// Logs what was handed over and not confirmed in time as sent; at the end of the process (`all`) without waiting.
    ///
    /// # Errors
    /// When the log cannot be written; it is tried again at the next call.
    pub fn close_unconfirmed(&self, all: bool) -> Result<(), CoreError> {
        let now = self.clock.now_ms();
        let late = |since: u64| all || since.saturating_add(PATIENCE_MS) <= now || since > now;
        let mut unconfirmed = Vec::new();
        lock(&self.receipts.waiting).0.retain(|which, wait| match wait.stage {
            Stage::Sent(since) if late(since) => {
                unconfirmed.push((*which, wait.answer.clone()));
                false
            }
            Stage::Confirmed(since) => !late(since),
            _ => true,
        });
        while let Some((which, answer)) = unconfirmed.pop() {
            let entry = entries::answered(which.1, self.identity.oin, which.0, Outcome::Sent, now);
            if let Err(error) = self.note(&entry) {
                let mut waiting = lock(&self.receipts.waiting);
                for (which, answer) in unconfirmed.into_iter().chain([(which, answer)]) {
                    waiting.0.insert(which, Wait { answer, stage: Stage::Sent(now) });
                }
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Takes the asker's receipt of an answer: keeps it and logs OUTCOME CONFIRMED. Said twice is said once.
    ///
    /// # Errors
    /// Why the receipt does not hold, or that the log cannot be written.
    pub(in crate::service) fn take_confirmation(&self, peer: &Peer, bytes: &[u8]) -> Result<(), ReasonCode> {
        let signed = self.receipt_from(peer.oin, bytes)?;
        let taken = self.confirm(&signed, false);
        taken.inspect_err(|reason| self.name_liar(peer.oin, signed.receipt().transfer, *reason))
    }

    /// As [`Core::take_confirmation`], for a receipt whose signature was checked.
    pub(super) fn confirm(&self, signed: &SignedReceipt, late: bool) -> Result<(), ReasonCode> {
        let receipt = signed.receipt();
        let entry = receipt.peer_entry.ok_or(ReasonCode::ReceiptMismatch)?;
        let which = (receipt.signer, receipt.transfer, entry);
        let Some((answer, before)) = self.begin_confirming(which)? else { return Ok(()) };
        let confirmed = receipt.confirms(&answer).map_err(|_| ReasonCode::ReceiptMismatch).and_then(|()| {
            self.keep_receipt(signed, late)?;
            let now = self.clock.now_ms();
            let mut entry =
                entries::answered(receipt.transfer, self.identity.oin, receipt.signer, Outcome::Confirmed, now);
            entries::under_receipt(&mut entry, signed);
            self.note(&entry).map_err(|e| log_reason(&e))
        });
        if confirmed.is_err() {
            let mut waiting = lock(&self.receipts.waiting);
            match before {
                Some(stage) => drop(waiting.0.insert(which, Wait { answer, stage })),
                None => drop(waiting.0.remove(&which)),
            }
        }
        confirmed
    }

    /// What we said of the answer that a receipt is about, and its stage before; from then on it counts as confirmed. `None`
    /// when it was confirmed already.
    fn begin_confirming(&self, which: Which) -> Result<Option<(Receipt, Option<Stage>)>, ReasonCode> {
        let stage = Stage::Confirmed(self.clock.now_ms());
        let mut waiting = lock(&self.receipts.waiting);
        if let Some(wait) = waiting.0.get_mut(&which) {
            let before = std::mem::replace(&mut wait.stage, stage);
            return Ok((!matches!(before, Stage::Confirmed(_))).then(|| (wait.answer.clone(), Some(before))));
        }
        let answer = match self.answer_in_log(which).map_err(|e| log_reason(&e))? {
            InLog::Unknown => return Err(ReasonCode::ReceiptMismatch),
            InLog::Confirmed => return Ok(None),
            InLog::Open(answer) => *answer,
        };
        waiting.0.insert(which, Wait { answer: answer.clone(), stage });
        Ok(Some((answer, None)))
    }

    /// Our answer as the log has it.
    fn answer_in_log(&self, (partner, transfer, intent): Which) -> Result<InLog, LogError> {
        self.index.follow(&self.log);
        let entries = self.index.of_transfer(&self.log, partner, transfer)?;
        let mut answer = InLog::Unknown;
        for (_, entry) in entries.iter().filter(|(_, entry)| entry.direction == Direction::Outgoing) {
            let hash = leaf_hash(&entry.encode()?);
            if entry.phase == Phase::Intent && hash == intent {
                let said = Receipt::of(entry, hash, self.identity.oin, "");
                answer = said.map_or(InLog::Unknown, |said| InLog::Open(Box::new(said)));
            } else if entry.outcome == Some(Outcome::Confirmed) && matches!(answer, InLog::Open(_)) {
                answer = InLog::Confirmed;
            }
        }
        Ok(answer)
    }

    /// Our receipts of transfers between us and a partner, made anew from the log: at most 256, and none of anybody else.
    ///
    /// # Errors
    /// [`ReasonCode::TooOften`]; or the log cannot be read.
    pub(in crate::service) fn receipts_for(
        &self,
        peer: &Peer,
        wanted: &WantedReceipts,
    ) -> Result<Vec<SignedReceipt>, ReasonCode> {
        if !lock(&self.receipts.chase).admits(peer.oin, self.clock.now_ms()) {
            return Err(ReasonCode::TooOften);
        }
        self.index.follow(&self.log);
        let mut found = Vec::new();
        let mut bytes = 0;
        let answers = wanted.answers.iter().map(|id| (*id, Direction::Outgoing));
        let received = wanted.received.iter().map(|id| (*id, Direction::Incoming));
        for (id, direction) in answers.chain(received).take(MOST_WANTED) {
            let receipt = self.receipt_again(peer.oin, id, direction)?;
            bytes += receipt.bytes().len();
            if bytes > MOST_BYTES {
                break;
            }
            found.push(receipt);
        }
        Ok(found)
    }

    /// What we say now of one side of a transfer: of its last entry that says more than nothing, else that we have nothing.
    fn receipt_again(&self, partner: Oin, id: TransferId, side: Direction) -> Result<SignedReceipt, ReasonCode> {
        let entries = self.index.of_transfer(&self.log, partner, id).map_err(|e| log_reason(&e))?;
        let newest = || entries.iter().rev().map(|(_, entry)| entry).filter(|entry| entry.direction == side);
        let counted = |phases: &[Phase]| newest().find(|e| phases.contains(&e.phase) && e.counter.is_some());
        let said = match side {
            Direction::Outgoing => counted(&[Phase::Intent, Phase::Deny]),
            _ => counted(&[Phase::Received]).or_else(|| newest().find(|entry| entry.phase != Phase::Received)),
        };
        let note = self.log.last_checkpoint();
        let receipt = match said {
            Some(entry) => {
                let hash = leaf_hash(&entry.encode().map_err(|_| ReasonCode::Internal)?);
                Receipt::of(entry, hash, self.identity.oin, &note).ok_or(ReasonCode::Internal)?
            }
            None => Receipt::nothing(self.identity.oin, partner, id, (self.clock.now_ms(), &note)),
        };
        receipt.sign(&self.signing).map_err(|_| ReasonCode::Internal)
    }
}
