//! Asking again for receipts that did not come: after one minute, five minutes, an hour, a day and each day until the seventh;
//! at start at once. What the partner answers is logged; what it does not answer stays one-sided.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::serve::MOST_WANTED;
use super::{Core, lock};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::answer::log_reason;
use crate::service::api::{Peers, WantedReceipts};
use crate::service::entries;
use crate::service::pace::Pace;
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
pub(super) struct Chase {
    /// Age of the transfer when its receipt was asked for last, by transfer and direction.
    asked: HashMap<(Oin, TransferId, Direction), u64>,
    /// The calls of partners that ask us.
    calls: Pace,
    /// The last look.
    looked: Option<Looked>,
}

/// A look at the one-sided transfers: until there are others nothing of them is due before `next_ms`.
struct Looked {
    list: Arc<[OneSided]>,
    at_ms: u64,
    next_ms: u64,
}

impl Default for Chase {
    fn default() -> Self {
        Self { asked: HashMap::new(), calls: Pace::of(CALLS_A_MINUTE), looked: None }
    }
}

impl Chase {
    /// Whether a partner may ask once more; counts the call.
    pub(super) fn admits(&mut self, partner: Oin, now_ms: u64) -> bool {
        self.calls.admits(partner, now_ms)
    }

    /// The transfers whose receipt is due, per partner as many as fit in one call; they count as asked for.
    fn due_of(&mut self, list: Arc<[OneSided]>, now_ms: u64) -> BTreeMap<Oin, Vec<OneSided>> {
        let same = self.looked.as_ref().filter(|looked| Arc::ptr_eq(&looked.list, &list));
        if same.is_some_and(|looked| (looked.at_ms..looked.next_ms).contains(&now_ms)) {
            return BTreeMap::new();
        }
        if same.is_none() {
            let still: HashSet<_> = list.iter().map(side_of).collect();
            self.asked.retain(|which, _| still.contains(which));
        }
        let mut next_ms = u64::MAX;
        let mut due: BTreeMap<Oin, Vec<OneSided>> = BTreeMap::new();
        for one in list.iter().filter(|one| !one.before) {
            let age = now_ms.saturating_sub(one.since_ms);
            let mut at = self.asked.get(&side_of(one)).map_or(0, |last| next_age(*last));
            let fits = due.get(&one.partner).is_none_or(|of_partner| of_partner.len() < MOST_WANTED);
            if age <= LAST && at <= age && fits {
                self.asked.insert(side_of(one), age);
                due.entry(one.partner).or_default().push(*one);
                at = next_age(age);
            }
            if age <= LAST {
                next_ms = next_ms.min(one.since_ms.saturating_add(at));
            }
        }
        self.looked = Some(Looked { list, at_ms: now_ms, next_ms });
        due
    }
}

fn side_of(one: &OneSided) -> (Oin, TransferId, Direction) {
    (one.partner, one.transfer, one.direction)
}

/// The age at which is asked again after it was asked at this age.
fn next_age(last: u64) -> u64 {
    AGES.into_iter().find(|age| *age > last).unwrap_or(last.saturating_add(DAY_MS))
}

impl Core {
    /// Asks partners for the receipts that are due and logs what they answer; the number of receipts that came. Called every
    /// few seconds, from a thread that may block: each partner gets one call, and none waits for another.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn chase_receipts(&self, peers: &dyn Peers) -> Result<usize, ReasonCode> {
        let now = self.clock.now_ms();
        let due = lock(&self.receipts.chase).due_of(self.log.one_sided(), now);
        let came: Vec<_> = std::thread::scope(|scope| {
            let ask = |(partner, some)| scope.spawn(move || self.chase_partner(peers, partner, some));
            let calls: Vec<_> = due.into_iter().map(ask).collect();
            calls.into_iter().filter_map(|call| call.join().ok()).collect()
        });
        came.into_iter().sum()
    }

    /// Asks one partner for these receipts; how many came.
    fn chase_partner(&self, peers: &dyn Peers, partner: Oin, mut open: Vec<OneSided>) -> Result<usize, ReasonCode> {
        let of = |direction| open.iter().filter(move |o| o.direction == direction).map(|o| o.transfer).collect();
        let wanted = WantedReceipts { answers: of(Direction::Incoming), received: of(Direction::Outgoing) };
        // A partner that is away is asked again later.
        let Ok(receipts) = peers.receipts(&partner, &wanted, DEADLINE) else { return Ok(0) };
        let mut came = 0;
        for bytes in &receipts {
            match self.take_late(partner, &mut open, bytes) {
                Ok(()) => came += 1,
                Err(reason @ (ReasonCode::DiskFull | ReasonCode::LogUnavailable)) => return Err(reason),
                Err(_) => {}
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
        taken.map(|()| self.hear(&signed)).inspect_err(|reason| self.name_liar(partner, receipt.transfer, *reason))
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
    pub fn one_sided(&self) -> Arc<[OneSided]> {
        self.log.one_sided()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_asked_for_at_growing_pauses_and_in_the_end_no_more() {
        let partner = Oin::parse("00000099000000000001").unwrap();
        let (transfer, direction) = (TransferId::new(1, [1; 10]), Direction::Outgoing);
        let one = OneSided { transfer, partner, direction, number: 0, since_ms: 1000, before: false };
        let old = OneSided { transfer: TransferId::new(2, [1; 10]), before: true, ..one };
        let (mut chase, list) = (Chase::default(), Arc::from([one, old]));
        let mut due = |minute: u64| chase.due_of(Arc::clone(&list), 1000 + minute * MINUTE_MS);
        let asked: Vec<u64> =
            (0..10 * 24 * 60).filter(|minute| due(*minute) == [(partner, vec![one])].into()).collect();
        let day = 24 * 60;
        let daily = (1..7).map(|n| 60 + n * day);
        assert_eq!(asked, [0, 1, 5, 60].into_iter().chain(daily).collect::<Vec<_>>());
    }

    #[test]
    fn a_long_list_of_one_partner_is_asked_for_call_by_call() {
        let partner = |n: u8| Oin::parse(&format!("0000009900000000000{n}")).unwrap();
        let most = MOST_WANTED as u64;
        let one = |n: u64, of: u8| OneSided {
            transfer: TransferId::new(n, [1; 10]),
            partner: partner(of),
            direction: Direction::Outgoing,
            number: n,
            since_ms: 0,
            before: false,
        };
        let list: Arc<[_]> = (0..2 * most + 3).map(|n| one(n, 1)).chain([one(9000, 2)]).collect();
        let mut chase = Chase::default();
        let mut due = |now_ms| {
            let due = chase.due_of(Arc::clone(&list), now_ms);
            due.into_iter().map(|(of, some)| (of, some[0].number, some.len() as u64)).collect::<Vec<_>>()
        };
        assert_eq!(due(5), [(partner(1), 0, most), (partner(2), 9000, 1)]);
        assert_eq!(due(5000), [(partner(1), most, most)], "the rest is still due");
        assert_eq!((due(10_000), due(15_000)), (vec![(partner(1), 2 * most, 3)], vec![]));
    }
}
