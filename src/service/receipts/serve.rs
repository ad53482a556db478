//! The side that is asked: answers that wait for the asker's receipt, and receipts that we are asked for again.

use std::collections::{HashMap, HashSet};

use super::{Core, lock};
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::answer::log_reason;
use crate::service::api::{HandedOver, Peer, WantedReceipts};
use crate::service::core::CoreError;
use crate::service::entries;
use crate::storage::log::{LogError, MOST_OF_TRANSFER};
use crate::translog::entry::{Direction, Entry, Outcome, Phase, TransferId};
use crate::translog::merkle::leaf_hash;
use crate::translog::receipt::{Receipt, SignedReceipt};

/// How long the asker's receipt is waited for before the answer counts as sent: 60 seconds.
const PATIENCE_MS: u64 = 60_000;
/// How long a confirmed answer is remembered, so that a receipt that is said twice is known: 5 seconds. Later the log says it.
const REMEMBERED_MS: u64 = 5_000;
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
    /// What we said of it, without the checkpoint.
    answer: Box<Receipt>,
    left: Left,
    /// When its receipt came that is being logged, or was.
    confirmed: Option<u64>,
}

/// How far an answer got.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Being handed over.
    Leaving,
    /// Handed over completely at this moment.
    Sent(u64),
    /// Broken off.
    Broken,
    /// Known from the log only.
    Logged,
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

/// Whether a receipt is to be logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Begun {
    /// Yes; from now on the answer counts as confirmed.
    Now,
    /// No: it was confirmed already.
    Before,
    /// This answer is not waited for.
    NotWaiting,
}

impl Waiting {
    /// Begins to confirm an answer; one that `receipt` does not confirm stays as it was.
    fn begin(&mut self, which: &Which, receipt: &Receipt, now: u64) -> Result<Begun, ReasonCode> {
        let Some(wait) = self.0.get_mut(which) else { return Ok(Begun::NotWaiting) };
        receipt.confirms(&wait.answer).map_err(|_| ReasonCode::ReceiptMismatch)?;
        if wait.confirmed.is_some() {
            return Ok(Begun::Before);
        }
        wait.confirmed = Some(now);
        Ok(Begun::Now)
    }

    /// The receipt could not be logged; what the log must say of the answer instead, when it has ended.
    fn unconfirm(&mut self, which: &Which) -> Option<Outcome> {
        let wait = self.0.get_mut(which)?;
        wait.confirmed = None;
        let left = wait.left;
        if matches!(left, Left::Broken | Left::Logged) {
            self.0.remove(which);
        }
        (left == Left::Broken).then_some(Outcome::Failed)
    }

    /// An answer was handed over completely, or broken off; what the log must say of it at once.
    fn handed_over(&mut self, which: &Which, complete: bool, now: u64) -> Option<Outcome> {
        let Some(wait) = self.0.get_mut(which) else {
            return Some(if complete { Outcome::Sent } else { Outcome::Failed });
        };
        wait.left = if complete { Left::Sent(now) } else { Left::Broken };
        if complete || wait.confirmed.is_some() {
            return None;
        }
        self.0.remove(which);
        Some(Outcome::Failed)
    }

    /// Takes out what was confirmed, and returns what was handed over and not confirmed, as far as it is `late`: since a
    /// moment, after a patience in milliseconds.
    fn take_late(&mut self, late: impl Fn(u64, u64) -> bool) -> Vec<(Which, Box<Receipt>)> {
        let mut unconfirmed = Vec::new();
        self.0.retain(|which, wait| match (wait.confirmed, wait.left) {
            (Some(since), Left::Leaving) => !late(since, PATIENCE_MS),
            (Some(since), _) => !late(since, REMEMBERED_MS),
            (None, Left::Sent(since)) if late(since, PATIENCE_MS) => {
                unconfirmed.push((*which, wait.answer.clone()));
                false
            }
            _ => true,
        });
        // What a busy minute took is given back.
        if self.0.capacity() > 4 * self.0.len().max(1024) {
            self.0.shrink_to(2 * self.0.len());
        }
        unconfirmed
    }
}

impl Core {
    /// Notes that an answer leaves, so that its receipt may come at any moment.
    pub(in crate::service) fn await_receipt(&self, answer: &SignedReceipt) {
        let receipt = answer.receipt();
        let mut waiting = lock(&self.receipts.waiting);
        if let (Some(entry), true) = (receipt.entry, waiting.0.len() < MOST) {
            let which = (receipt.counterparty, receipt.transfer, entry);
            let answer = Box::new(Receipt { checkpoint: String::new(), ..receipt.clone() });
            waiting.0.insert(which, Wait { answer, left: Left::Leaving, confirmed: None });
        }
    }

    /// An answer was handed over completely, or broken off.
    pub(in crate::service) fn handed_over(&self, to: Oin, answer: HandedOver, complete: bool) {
        let (now, which) = (self.clock.now_ms(), (to, answer.transfer, answer.entry));
        let ended = lock(&self.receipts.waiting).handed_over(&which, complete, now);
        self.log_ended(&which, ended);
    }

    fn log_ended(&self, (partner, transfer, _): &Which, ended: Option<Outcome>) {
        if let Some(ended) = ended {
            let entry = entries::answered(*transfer, self.identity.oin, *partner, ended, self.clock.now_ms());
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
        let late = |since: u64, patience: u64| all || since.saturating_add(patience) <= now || since > now;
        let mut unconfirmed = lock(&self.receipts.waiting).take_late(late);
        while let Some((which, answer)) = unconfirmed.pop() {
            let entry = entries::answered(which.1, self.identity.oin, which.0, Outcome::Sent, now);
            if let Err(error) = self.note(&entry) {
                let mut waiting = lock(&self.receipts.waiting);
                for (which, answer) in unconfirmed.into_iter().chain([(which, answer)]) {
                    waiting.0.insert(which, Wait { answer, left: Left::Sent(now), confirmed: None });
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
    pub(in crate::service) fn take_confirmation(&self, from: Oin, bytes: &[u8]) -> Result<(), ReasonCode> {
        let signed = self.receipt_from(from, bytes)?;
        let taken = self.confirm(&signed, false).map(|()| self.hear(&signed));
        taken.inspect_err(|reason| self.name_liar(from, signed.receipt().transfer, *reason))
    }

    /// As [`Core::take_confirmation`], for a receipt whose signature was checked.
    pub(super) fn confirm(&self, signed: &SignedReceipt, late: bool) -> Result<(), ReasonCode> {
        let receipt = signed.receipt();
        let entry = receipt.peer_entry.ok_or(ReasonCode::ReceiptMismatch)?;
        let which = (receipt.signer, receipt.transfer, entry);
        if !self.begin_confirming(&which, receipt, late)? {
            return Ok(());
        }
        let confirmed = self.keep_receipt(signed, late).and_then(|()| {
            let now = self.clock.now_ms();
            let mut entry =
                entries::answered(receipt.transfer, self.identity.oin, receipt.signer, Outcome::Confirmed, now);
            entries::under_receipt(&mut entry, signed);
            self.note(&entry).map_err(|e| log_reason(&e))
        });
        if confirmed.is_err() {
            let ended = lock(&self.receipts.waiting).unconfirm(&which);
            self.log_ended(&which, ended);
        }
        confirmed
    }

    /// Whether a receipt is to be logged; from then on its answer counts as confirmed. The log is asked outside the lock, and
    /// for a partner that was not asked (`late`) no oftener than it may ask for receipts.
    fn begin_confirming(&self, which: &Which, receipt: &Receipt, late: bool) -> Result<bool, ReasonCode> {
        let now = self.clock.now_ms();
        let begun = lock(&self.receipts.waiting).begin(which, receipt, now)?;
        if begun != Begun::NotWaiting {
            return Ok(begun == Begun::Now);
        }
        if !late && !lock(&self.receipts.chase).admits(which.0, now) {
            return Err(ReasonCode::TooOften);
        }
        let answer = match self.answer_in_log(*which).map_err(|e| log_reason(&e))? {
            InLog::Unknown => return Err(ReasonCode::ReceiptMismatch),
            InLog::Confirmed => return Ok(false),
            InLog::Open(answer) => answer,
        };
        let mut waiting = lock(&self.receipts.waiting);
        waiting.0.entry(*which).or_insert(Wait { answer, left: Left::Logged, confirmed: None });
        let begun = waiting.begin(which, receipt, now);
        if begun.is_err() && waiting.0.get(which).is_some_and(|wait| wait.left == Left::Logged) {
            waiting.0.remove(which);
        }
        Ok(begun? == Begun::Now)
    }

    /// Our answer as the log has it.
    fn answer_in_log(&self, (partner, transfer, intent): Which) -> Result<InLog, LogError> {
        self.index.follow(&self.log);
        let entries = self.index.of_transfer(&self.log, partner, transfer)?;
        if entries.len() >= MOST_OF_TRANSFER {
            return Ok(InLog::Unknown);
        }
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
        let (mut found, mut asked) = (Vec::new(), HashSet::new());
        let mut bytes = 0;
        let answers = wanted.answers.iter().map(|id| (*id, Direction::Outgoing));
        let received = wanted.received.iter().map(|id| (*id, Direction::Incoming));
        for (id, direction) in answers.chain(received).take(MOST_WANTED) {
            if !asked.insert((id, direction)) {
                continue;
            }
            let Some(receipt) = self.receipt_again(peer.oin, id, direction)? else { continue };
            bytes += receipt.bytes().len();
            if bytes > MOST_BYTES {
                break;
            }
            found.push(receipt);
        }
        Ok(found)
    }

    /// What we say now of one side of a transfer: of its last entry that says more than nothing, else that we have nothing.
    /// `None` when it has too many entries, or entries from before there were receipts: of those nothing can be signed.
    fn receipt_again(
        &self,
        partner: Oin,
        id: TransferId,
        side: Direction,
    ) -> Result<Option<SignedReceipt>, ReasonCode> {
        let entries = self.index.of_transfer(&self.log, partner, id).map_err(|e| log_reason(&e))?;
        if entries.len() >= MOST_OF_TRANSFER {
            return Ok(None);
        }
        let entries: Vec<_> = entries.into_iter().map(|(_, e)| e).filter(|e| e.direction == side).collect();
        let Ok(said) = worth_saying(&entries, side) else { return Ok(None) };
        let note = self.log.last_checkpoint();
        let receipt = match said {
            Some(entry) => {
                let hash = leaf_hash(&entry.encode().map_err(|_| ReasonCode::Internal)?);
                Receipt::of(entry, hash, self.identity.oin, &note).ok_or(ReasonCode::Internal)?
            }
            None => Receipt::nothing(self.identity.oin, partner, id, (self.clock.now_ms(), &note)),
        };
        receipt.sign(&self.signing).map(Some).map_err(|_| ReasonCode::Internal)
    }
}

/// The entry of one side that a receipt is made of, if any; an error when one that had to be counted has no counter.
fn worth_saying(entries: &[Entry], side: Direction) -> Result<Option<&Entry>, ()> {
    let counts = |entry: &Entry| match side {
        Direction::Outgoing => matches!(entry.phase, Phase::Intent | Phase::Deny),
        _ => entry.phase == Phase::Received,
    };
    let newest = || entries.iter().rev();
    if newest().any(|entry| counts(entry) && entry.counter.is_none()) {
        return Err(());
    }
    let last = newest().find(|entry| counts(entry));
    Ok(if side == Direction::Outgoing { last } else { last.or_else(|| newest().next()) })
}

#[cfg(test)]
mod tests;
