//! What a log keeps in memory: the tree over durable entries in order, and the transfers that are open.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::one_sided::OneSidedSet;
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::translog::audit::AuditHead;
use crate::translog::entry::{Direction, Entry, Phase, TransferId};
use crate::translog::merkle::CompactTree;

/// One side of a transfer: what we ask of a partner and what it asks of us never meet, nor do two partners' transfers,
/// whatever ids they choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Side {
    pub(super) transfer: TransferId,
    pub(super) partner: Option<Oin>,
    pub(super) direction: Direction,
}

/// What of an entry the state follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) side: Side,
    pub(super) phase: Phase,
    /// Whether the entry names a receipt of the partner.
    receipt: bool,
    counter: Option<u64>,
    /// Whether it is of a log of before there were receipts.
    before: bool,
    /// Whether it is a step of a linked run, which has no receipts.
    linked: bool,
    /// Records of the audit log that the entry speaks of.
    audit: Option<u64>,
    start_ms: u64,
}

impl From<&Entry> for Step {
    fn from(entry: &Entry) -> Self {
        let (transfer, partner, direction) = (entry.transfer_id, entry.partner(), entry.direction);
        Self {
            side: Side { transfer, partner, direction },
            phase: entry.phase,
            receipt: entry.names_receipt(),
            counter: entry.counter,
            before: entry.is_before_receipts(),
            linked: entry.is_linked(),
            audit: AuditHead::of(entry).map(|head| head.size),
            start_ms: entry.start_ms,
        }
    }
}

/// A transfer that was announced and has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Announced {
    /// Number of the INTENT's entry.
    pub(super) number: u64,
    /// Whether it is from before there were receipts.
    pub(super) before: bool,
}

/// A transfer that ended without a receipt of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) intent: Announced,
    /// When, milliseconds since 1970 UTC.
    pub(super) since_ms: u64,
}

/// The tree and the open transfers after some number of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) tree: CompactTree,
    pub(super) open: BTreeMap<Side, Announced>,
    /// Transfers that ended without a receipt of the other side.
    pub(super) one_sided: OneSidedSet,
    /// The highest receipt counter towards each partner.
    pub(super) counters: BTreeMap<Oin, u64>,
    /// Numbers of the newest entries that record the head of the audit log, and that it was begun.
    pub(super) audit: AuditEntries,
}

/// Where the transfer log speaks of the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditEntries {
    /// The newest entry with a head.
    pub newest: Option<u64>,
    /// The newest entry that says that an empty one was begun.
    pub begun: Option<u64>,
}

impl Snapshot {
    /// Adds the next entry; whether `one_sided` is another now.
    pub(super) fn add(&mut self, hash: Digest, step: &Step) -> bool {
        let number = self.tree.size();
        self.tree.append(hash);
        let changed = match step.phase {
            Phase::Intent => {
                self.open.entry(step.side).or_insert(Announced { number, before: step.before });
                false
            }
            Phase::Outcome | Phase::Received => {
                let open = self.open.remove(&step.side);
                self.ended(step, open)
            }
            Phase::Deny | Phase::Connection => false,
        };
        if let (Some(counter), Some(partner)) = (step.counter, step.side.partner) {
            let highest = self.counters.entry(partner).or_default();
            *highest = counter.max(*highest);
        }
        if let Some(size) = step.audit {
            self.audit.newest = Some(number);
            self.audit.begun = if size == 0 { Some(number) } else { self.audit.begun };
        }
        changed
    }

    /// A transfer ended that was announced by `open`. What had its receipt is not missing one afterwards.
    fn ended(&mut self, step: &Step, open: Option<Announced>) -> bool {
        if step.receipt {
            return self.one_sided.remove(&step.side);
        }
        let has_receipts = step.side.direction != Direction::Local && !step.linked;
        let Some(intent) = open.filter(|_| has_receipts) else { return false };
        let intent = Announced { before: intent.before || step.before, ..intent };
        self.one_sided.insert(step.side, Ended { intent, since_ms: step.start_ms });
        true
    }
}

/// A transfer that ended without a receipt of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneSided {
    /// Its id.
    pub transfer: TransferId,
    /// The other side.
    pub partner: Oin,
    /// Which way the data goes.
    pub direction: Direction,
    /// Number of the INTENT's entry.
    pub number: u64,
    /// When it ended here, milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// Whether it is from before there were receipts: there is none, and there will be none.
    pub before: bool,
}

#[derive(Debug)]
pub(super) struct State(Mutex<Queue>);

/// Threads learn in any order that their entries are durable; the tree takes them in the order of the journal.
#[derive(Debug)]
struct Queue {
    now: Snapshot,
    early: HashMap<u64, (Digest, Step)>,
    /// The one-sided transfers as they were last listed, until they are others.
    listed: Option<Arc<[OneSided]>>,
}

impl State {
    pub(super) fn new(now: Snapshot) -> Self {
        Self(Mutex::new(Queue { now, early: HashMap::new(), listed: None }))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in an entry that is durable.
    pub(super) fn durable(&self, index: u64, hash: Digest, entry: &Entry) {
        let mut queue = self.lock();
        queue.early.insert(index, (hash, Step::from(entry)));
        loop {
            let next = queue.now.tree.size();
            let Some((hash, step)) = queue.early.remove(&next) else { return };
            if queue.now.add(hash, &step) {
                queue.listed = None;
            }
        }
    }

    /// Size and root now.
    pub(super) fn size_and_root(&self) -> (u64, Digest) {
        let queue = self.lock();
        (queue.now.tree.size(), queue.now.tree.root())
    }

    pub(super) fn size(&self) -> u64 {
        self.lock().now.tree.size()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.lock().now.clone()
    }

    /// The same list until it changes, so that to look costs nothing.
    pub(super) fn one_sided(&self) -> Arc<[OneSided]> {
        let mut queue = self.lock();
        if let Some(listed) = &queue.listed {
            return Arc::clone(listed);
        }
        let one_sided = |(side, ended): (&Side, &Ended)| {
            let Side { transfer, partner, direction } = *side;
            let Ended { intent: Announced { number, before }, since_ms } = *ended;
            Some(OneSided { transfer, partner: partner?, direction, number, since_ms, before })
        };
        let mut all: Vec<_> = queue.now.one_sided.iter().filter_map(one_sided).collect();
        all.sort_unstable_by_key(|one| one.number);
        Arc::clone(queue.listed.insert(all.into()))
    }

    pub(super) fn audit(&self) -> AuditEntries {
        self.lock().now.audit
    }

    pub(super) fn counters(&self) -> Vec<(Oin, u64)> {
        self.lock().now.counters.iter().map(|(partner, counter)| (*partner, *counter)).collect()
    }

    pub(super) fn open_intents(&self) -> Vec<(u64, TransferId)> {
        let mut open: Vec<_> = self.lock().now.open.iter().map(|(side, open)| (open.number, side.transfer)).collect();
        open.sort_unstable();
        open
    }
}

#[cfg(test)]
mod tests {
    use super::super::one_sided::MOST_OF_PARTNER;
    use super::super::resume;
    use super::*;
    use crate::crypto::digest;

    fn partner() -> Option<Oin> {
        Oin::parse("00000099000000000001").ok()
    }

    fn entry(n: u64, direction: Direction, phase: Phase) -> Entry {
        let (sender_oin, receiver_oin, counter) = (partner(), partner(), Some(1));
        let span_id = Some([1; 8]);
        Entry {
            sender_oin,
            receiver_oin,
            counter,
            span_id,
            ..Entry::new(TransferId::new(n, [1; 10]), direction, phase, n)
        }
    }

    #[test]
    fn a_look_at_the_one_sided_transfers_copies_nothing_until_they_change() {
        let state = State::new(Snapshot::default());
        let mut number = 0;
        let mut add = |entry: Entry| {
            state.durable(number, digest(b"entry"), &entry);
            number += 1;
        };
        for n in 0..9 {
            add(entry(n, Direction::Outgoing, Phase::Intent));
        }
        add(entry(0, Direction::Outgoing, Phase::Outcome));
        let one = state.one_sided();
        assert_eq!(one.len(), 1);
        // What goes well, or is announced, makes no other list.
        let (peer_entry_hash, peer_receipt_hash) = (Some(digest(b"entry")), Some(digest(b"receipt")));
        let confirmed =
            |n| Entry { peer_entry_hash, peer_receipt_hash, ..entry(n, Direction::Outgoing, Phase::Outcome) };
        add(confirmed(1));
        add(entry(20, Direction::Outgoing, Phase::Intent));
        assert!(Arc::ptr_eq(&one, &state.one_sided()));
        add(entry(2, Direction::Outgoing, Phase::Outcome));
        assert_eq!(state.one_sided().iter().map(|one| one.number).collect::<Vec<_>>(), [0, 2]);
        add(confirmed(0));
        assert_eq!(state.one_sided().iter().map(|one| one.number).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn what_is_from_before_receipts_says_so() {
        let old = |entry: Entry| Entry { counter: None, span_id: None, ..entry };
        let cases = [
            (Direction::Outgoing, Phase::Outcome, [false, true, false, true]),
            (Direction::Incoming, Phase::Received, [false, true, true, true]),
            (Direction::Incoming, Phase::Outcome, [false, true, false, true]),
        ];
        for (direction, ends, wanted) in cases {
            let mut now = Snapshot::default();
            for (n, (intent_is_old, end_is_old)) in
                (0..).zip([(false, false), (true, false), (false, true), (true, true)])
            {
                for (phase, is_old) in [(Phase::Intent, intent_is_old), (ends, end_is_old)] {
                    let entry = entry(n, direction, phase);
                    now.add(digest(b"entry"), &Step::from(&if is_old { old(entry) } else { entry }));
                }
            }
            let before: Vec<bool> = State::new(now).one_sided().iter().map(|one| one.before).collect();
            assert_eq!(before, wanted, "{direction:?} {ends:?}");
        }
    }

    /// A partner that is asked nothing and answers nothing chooses its ids itself, of the year 9999 if it likes.
    #[test]
    fn one_partner_pushes_out_no_transfers_of_another() {
        let other = Oin::parse("00000099000000000002").ok();
        let mut now = Snapshot::default();
        let mut ends = |transfer: Entry| {
            for phase in [Phase::Intent, Phase::Outcome] {
                now.add(digest(b"entry"), &Step::from(&Entry { phase, ..transfer.clone() }));
            }
        };
        let (sender_oin, receiver_oin) = (other, other);
        ends(Entry { sender_oin, receiver_oin, ..entry(1, Direction::Outgoing, Phase::Intent) });
        let year_9999 = 253_370_764_800_000;
        let count = MOST_OF_PARTNER as u64 + 2;
        for n in 0..count {
            ends(entry(year_9999 + count - n, Direction::Outgoing, Phase::Intent));
        }
        let all = State::new(now.clone()).one_sided();
        let of = |partner: Option<Oin>| all.iter().filter(move |one| Some(one.partner) == partner);
        assert_eq!(of(other).map(|one| one.number).collect::<Vec<_>>(), [0], "that of the other stays");
        assert_eq!(of(partner()).count(), MOST_OF_PARTNER);
        assert_eq!(of(partner()).map(|one| one.number).min(), Some(6), "its first two went, by their place in the log");
        assert_eq!(resume::decode(&resume::encode(&now)), Some(now), "and so it comes back from its file");
    }
}
