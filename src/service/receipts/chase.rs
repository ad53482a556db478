//! Asking again for receipts that did not come: after one minute, five minutes, an hour, a day and each day until the seventh;
//! at start at once. What the partner answers is logged; what it does not answer stays one-sided.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::serve::MOST_WANTED;
use super::{Core, lock};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::answer::log_reason;
use crate::service::api::{Peers, WantedReceipts};
use crate::service::entries;
use crate::storage::log::{LogError, OneSided};
use crate::translog::entry::{Direction, Outcome, Phase, TransferId};
use crate::translog::merkle::leaf_hash;
use crate::translog::receipt::{Kind, Receipt, SignedReceipt};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Ages at which a missing receipt is asked for, besides at start; then each day until [`LAST`].
const AGES: [u64; 3] = [MINUTE_MS, 5 * MINUTE_MS, HOUR_MS];
/// Older than this nothing is asked for any more.
const LAST: u64 = 7 * DAY_MS;
/// Calls for receipts that a partner may make in a minute.
const CALLS_A_MINUTE: u32 = 60;
/// How long a partner may take to answer.
const DEADLINE: Duration = Duration::from_secs(30);

/// When what is asked for again, and how often partners ask us.
#[derive(Default)]
pub(super) struct Chase {
    /// Age of the transfer when its receipt was asked for last, by transfer and direction.
    asked: HashMap<(Oin, TransferId, Direction), u64>,
    /// Begin of the minute and calls in it, per partner.
    calls: BTreeMap<Oin, (u64, u32)>,
}

impl Chase {
    /// Whether a partner may ask once more; counts the call.
    pub(super) fn admits(&mut self, partner: Oin, now_ms: u64) -> bool {
        let (since, calls) = self.calls.entry(partner).or_insert((now_ms, 0));
        if now_ms.abs_diff(*since) >= MINUTE_MS {
            (*since, *calls) = (now_ms, 0);
        }
        *calls += 1;
        *calls <= CALLS_A_MINUTE
    }

    /// Whether the receipt of this transfer is due; then it counts as asked for.
    fn due(&mut self, one: &OneSided, now_ms: u64) -> bool {
        let age = now_ms.saturating_sub(one.since_ms);
        let last = self.asked.get(&(one.partner, one.transfer, one.direction)).copied();
        let due = age <= LAST && last.is_none_or(|last| next_age(last) <= age);
        if due {
            self.asked.insert((one.partner, one.transfer, one.direction), age);
        }
        due
    }
}

/// The age at which is asked again after it was asked at this age.
fn next_age(last: u64) -> u64 {
    AGES.into_iter().find(|age| *age > last).unwrap_or(last.saturating_add(DAY_MS))
}

impl Core {
    /// Asks partners for the receipts that are due and logs what they answer; the number of receipts that came. Called every
    /// few seconds, from a thread that may block.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn chase_receipts(&self, peers: &dyn Peers) -> Result<usize, ReasonCode> {
        let mut due: BTreeMap<Oin, Vec<OneSided>> = BTreeMap::new();
        let now = self.clock.now_ms();
        let one_sided = self.log.one_sided(now.saturating_sub(LAST));
        {
            let mut chase = lock(&self.receipts.chase);
            let still: std::collections::HashSet<_> =
                one_sided.iter().map(|one| (one.partner, one.transfer, one.direction)).collect();
            chase.asked.retain(|which, _| still.contains(which));
            for one in one_sided {
                if chase.due(&one, now) {
                    due.entry(one.partner).or_default().push(one);
                }
            }
        }
        let mut came = 0;
        for (partner, transfers) in due {
            for some in transfers.chunks(MOST_WANTED) {
                let of =
                    |direction| some.iter().filter(move |o| o.direction == direction).map(|o| o.transfer).collect();
                let wanted = WantedReceipts { answers: of(Direction::Incoming), received: of(Direction::Outgoing) };
                // A partner that is away is asked again later.
                let Ok(receipts) = peers.receipts(&partner, &wanted, DEADLINE) else { break };
                let mut open = some.to_vec();
                for bytes in &receipts {
                    match self.take_late(partner, &mut open, bytes) {
                        Ok(()) => came += 1,
                        Err(reason @ (ReasonCode::DiskFull | ReasonCode::LogUnavailable)) => return Err(reason),
                        Err(_) => {}
                    }
                }
            }
        }
        Ok(came)
    }

    /// Takes a receipt that we asked for. What it is about is no longer open: one reply has one receipt for it.
    fn take_late(&self, partner: Oin, open: &mut Vec<OneSided>, bytes: &[u8]) -> Result<(), ReasonCode> {
        let signed = self.receipt_from(partner, bytes)?;
        let receipt = signed.receipt();
        let side = |one: &OneSided| {
            let fits = match receipt.kind {
                Kind::Answer => one.direction == Direction::Incoming,
                Kind::Received => one.direction == Direction::Outgoing,
                Kind::NotReceived => true,
            };
            one.transfer == receipt.transfer && fits
        };
        let one = open.remove(open.iter().position(side).ok_or(ReasonCode::ReceiptMismatch)?);
        let taken = match receipt.kind {
            Kind::Received => self.confirm(&signed, true),
            Kind::Answer | Kind::NotReceived => self.settle(&one, &signed),
        };
        taken.inspect_err(|reason| self.name_liar(partner, receipt.transfer, *reason))
    }

    /// Logs what the partner says of a transfer that stays without its payload on one side: UNKNOWN, or FAILED when it
    /// refused, with the hash of its receipt.
    fn settle(&self, one: &OneSided, signed: &SignedReceipt) -> Result<(), ReasonCode> {
        let receipt = signed.receipt();
        let intent = self.log.entry(one.number).map_err(|e| log_reason(&e))?.ok_or(ReasonCode::Internal)?;
        if receipt.kind == Kind::Answer && !self.asked_in(one, receipt).map_err(|e| log_reason(&e))? {
            return Err(ReasonCode::ReceiptMismatch);
        }
        self.keep_receipt(signed, true)?;
        let refused = !receipt.reason_codes.is_empty();
        let ended = if refused { Outcome::Failed } else { Outcome::Unknown };
        let mut entry = entries::outcome(&intent, ended, self.clock.now_ms());
        entry.reason_codes.clone_from(&receipt.reason_codes);
        entries::under_receipt(&mut entry, signed);
        self.note(&entry).map_err(|e| log_reason(&e))
    }

    /// Whether the partner's answer names one of our questions in this transfer.
    fn asked_in(&self, one: &OneSided, receipt: &Receipt) -> Result<bool, LogError> {
        self.index.follow(&self.log);
        for (_, entry) in self.index.of_transfer(&self.log, one.partner, one.transfer)? {
            let asked = entry.direction == one.direction && entry.phase == Phase::Intent;
            if asked && receipt.peer_entry == Some(leaf_hash(&entry.encode()?)) {
                return Ok(receipt.query == entry.query_hash);
            }
        }
        Ok(false)
    }

    /// Transfers without a receipt of the other side, oldest first.
    #[must_use]
    pub fn one_sided(&self) -> Vec<OneSided> {
        self.log.one_sided(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_asked_for_at_growing_pauses_and_in_the_end_no_more() {
        let partner = Oin::parse("00000099000000000001").unwrap();
        let (transfer, direction) = (TransferId::new(1, [1; 10]), Direction::Outgoing);
        let one = OneSided { transfer, partner, direction, number: 0, since_ms: 1000 };
        let mut chase = Chase::default();
        let asked: Vec<u64> = (0..10 * 24 * 60).filter(|minute| chase.due(&one, 1000 + minute * MINUTE_MS)).collect();
        let day = 24 * 60;
        let daily = (1..7).map(|n| 60 + n * day);
        assert_eq!(asked, [0, 1, 5, 60].into_iter().chain(daily).collect::<Vec<_>>());
    }

    #[test]
    fn a_partner_may_ask_often_and_not_endlessly() {
        let oin = |n: u8| Oin::parse(&format!("0000009900000000000{n}")).unwrap();
        let mut chase = Chase::default();
        let admitted = (0..100).filter(|_| chase.admits(oin(1), 5)).count();
        assert_eq!(admitted, 60);
        assert!(
            chase.admits(oin(2), 5) && !chase.admits(oin(1), 5 + MINUTE_MS - 1) && chase.admits(oin(1), 5 + MINUTE_MS)
        );
    }
}
