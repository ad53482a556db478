//! Two organisations' logs beside each other: every difference between what each says of the transfers between them.

mod linked;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::entry::{Direction, Entry, Phase, TransferId};
use crate::crypto::Digest;
use crate::domain::oin::Oin;

/// Moments that lie further apart than this are a difference: 5 minutes.
const APART_MS: u64 = 5 * 60_000;

/// What one log says of its transfers with one partner.
#[derive(Debug)]
pub struct Side {
    owner: Oin,
    partner: Oin,
    transfers: BTreeMap<(TransferId, Oin), Said>,
}

/// What one log says of one transfer.
#[derive(Debug, Default)]
struct Said {
    /// INTENTs and DENYs with their leaf hashes, in order.
    begun: Vec<(Digest, Entry)>,
    /// RECEIVEDs and OUTCOMEs with their leaf hashes, in order.
    ended: Vec<(Digest, Entry)>,
}

/// One difference, in Dutch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// The transfer.
    pub transfer_id: String,
    /// Who asked in it.
    pub asker: Oin,
    /// What differs.
    pub text: String,
}

impl Side {
    /// The log of `owner`, looked at for its transfers with `partner`.
    #[must_use]
    pub fn new(owner: Oin, partner: Oin) -> Self {
        Self { owner, partner, transfers: BTreeMap::new() }
    }

    /// Adds the next entry of the log, with its leaf hash.
    pub fn add(&mut self, hash: Digest, entry: Entry) {
        if entry.partner() != Some(self.partner) {
            return;
        }
        let asker = match entry.direction {
            Direction::Incoming => self.owner,
            Direction::Outgoing => self.partner,
            Direction::Local => return,
        };
        let said = self.transfers.entry((entry.transfer_id, asker)).or_default();
        match entry.phase {
            Phase::Intent | Phase::Deny => said.begun.push((hash, entry)),
            Phase::Received | Phase::Outcome => said.ended.push((hash, entry)),
            Phase::Connection => {}
        }
    }
}

impl Said {
    fn holds(&self, hash: Digest) -> bool {
        self.begun.iter().chain(&self.ended).any(|(known, _)| *known == hash)
    }

    /// Leaf hashes of the other log that this one names.
    fn names(&self) -> impl Iterator<Item = Digest> {
        self.begun.iter().chain(&self.ended).filter_map(|(_, entry)| entry.peer_entry_hash)
    }

    fn received(&self) -> Option<&Entry> {
        self.ended.iter().rev().map(|(_, entry)| entry).find(|entry| entry.phase == Phase::Received)
    }

    fn is_before_receipts(&self) -> bool {
        self.begun.iter().chain(&self.ended).any(|(_, entry)| entry.is_before_receipts())
    }

    /// Whether it is about a step of a linked run, which has no receipts.
    fn is_linked(&self) -> bool {
        self.begun.iter().chain(&self.ended).any(|(_, entry)| entry.is_linked())
    }

    fn has_receipt(&self) -> bool {
        self.ended.iter().any(|(_, entry)| entry.names_receipt())
    }
}

/// Every difference between two logs about the transfers between their owners, by transfer.
#[must_use]
pub fn differences(one: &Side, other: &Side) -> Vec<Difference> {
    let keys: BTreeSet<_> = one.transfers.keys().chain(other.transfers.keys()).copied().collect();
    let mut found = Vec::new();
    for key @ (transfer, asker) in keys {
        let say = |text: String| Difference { transfer_id: transfer.to_string(), asker, text };
        let (asked, answered) = if asker == one.owner { (one, other) } else { (other, one) };
        let owners = (asked.owner, answered.owner);
        let nothing = Said::default();
        let texts = match (asked.transfers.get(&key), answered.transfers.get(&key)) {
            (mine, theirs) if mine.or(theirs).is_some_and(Said::is_linked) => {
                linked::between(mine.unwrap_or(&nothing), theirs.unwrap_or(&nothing), owners)
            }
            (Some(_), None) => vec![format!("alleen in het log van {}", asked.owner)],
            (None, Some(_)) => vec![format!("alleen in het log van {}", answered.owner)],
            (Some(mine), Some(theirs)) => between(mine, theirs, owners),
            (None, None) => Vec::new(),
        };
        found.extend(texts.into_iter().map(say));
    }
    found
}

/// What differs in one transfer: the side that asked and the side that answered, with their owners.
fn between(asked: &Said, answered: &Said, (asker, answerer): (Oin, Oin)) -> Vec<String> {
    let mut found = Vec::new();
    for (said, by, in_log_of) in [(asked, asker, answered), (answered, answerer, asked)].map(|(s, b, o)| (s, b, o)) {
        let lost = said.names().filter(|hash| !in_log_of.holds(*hash)).count();
        if lost > 0 {
            found.push(format!(
                "{lost} regel(s) die {by} met een bewijs noemt staan niet in het andere log (veranderd of weg)"
            ));
        }
    }
    let last_said = answered.begun.last().map(|(_, entry)| entry);
    let question = asked.begun.last().map(|(_, entry)| entry);
    match (question, last_said) {
        (None, _) => found.push(format!("{asker} heeft geen aankondiging (INTENT) van de vraag")),
        (_, None) => found.push(format!("{answerer} heeft geen aankondiging (INTENT) of weigering (DENY)")),
        (Some(question), Some(said)) => {
            if question.query_hash != said.query_hash {
                found.push("de vraag verschilt".to_owned());
            }
            apart(question, said, &mut found);
        }
    }
    let denied = last_said.is_some_and(|entry| entry.phase == Phase::Deny);
    match asked.received() {
        Some(received) => payload(received, answered, &mut found),
        None if !denied && answered.has_receipt() && confirmed(answered) => {
            found.push(format!("{answerer} heeft een bevestiging, {asker} geen ontvangst (RECEIVED)"));
        }
        None => {}
    }
    // Who refuses an offer is told nothing more.
    let refused = question.is_some_and(|entry| entry.phase == Phase::Deny);
    for (said, owner, needs) in [(asked, asker, !refused), (answered, answerer, !denied)] {
        if needs && !said.has_receipt() {
            let why = if said.is_before_receipts() { "van voor de ontvangstbewijzen" } else { "eenzijdig" };
            found.push(format!("{why}: in het log van {owner} ontbreekt het bewijs van de andere kant"));
        }
    }
    found
}

fn confirmed(said: &Said) -> bool {
    use super::entry::Outcome;
    said.ended.iter().any(|(_, entry)| entry.outcome == Some(Outcome::Confirmed))
}

/// What was received against what was announced under the hash that it names.
fn payload(received: &Entry, answered: &Said, found: &mut Vec<String>) {
    let named = answered.begun.iter().find(|(hash, _)| received.peer_entry_hash == Some(*hash));
    let Some((_, sent)) = named.or(answered.begun.last()) else { return };
    let same = [
        (sent.phase == Phase::Intent, "het besluit verschilt: de een ontving wat de ander weigerde"),
        (sent.payload_commitment == received.payload_commitment, "de vastlegging van de inhoud verschilt"),
        (sent.field_names == received.field_names, "de namen van de gegevens verschillen"),
        (sent.aggregate == received.aggregate && sent.row_count == received.row_count, "de aantallen verschillen"),
        (sent.query_hash == received.query_hash, "de vraag bij de ontvangst verschilt"),
    ];
    found.extend(same.iter().filter(|(holds, _)| !holds).map(|(_, text)| (*text).to_owned()));
    apart(received, sent, found);
}

fn apart(one: &Entry, other: &Entry, found: &mut Vec<String>) {
    let ms = one.start_ms.abs_diff(other.start_ms);
    if ms > APART_MS {
        found.push(format!("{} en {} liggen {} minuten uiteen", one.phase, other.phase, ms / 60_000));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::digest;
    use crate::translog::entry::{Aggregate, Decision, Outcome};
    use crate::translog::merkle::leaf_hash;

    const START: u64 = 1_750_000_000_000;

    fn oin(n: u8) -> Oin {
        Oin::parse(&format!("000000990000000000{n:02}")).unwrap()
    }

    fn hash(entry: &Entry) -> Digest {
        leaf_hash(&entry.encode().unwrap())
    }

    /// The four entries of a transfer that went well: asked, answered, received, confirmed.
    fn transfer(n: u64) -> [Entry; 4] {
        let id = TransferId::new(START + n, [3; 10]);
        let (sender_oin, receiver_oin, query_hash) = (Some(oin(2)), Some(oin(1)), Some(digest(&n.to_be_bytes())));
        let new = |direction, phase, ms| Entry {
            sender_oin,
            receiver_oin,
            query_hash,
            ..Entry::new(id, direction, phase, START + n + ms)
        };
        let asked = Entry { span_id: Some([1; 8]), ..new(Direction::Incoming, Phase::Intent, 0) };
        let answered = Entry {
            decision: Some(Decision::Allow),
            counter: Some(n + 1),
            peer_entry_hash: Some(hash(&asked)),
            payload_commitment: Some(digest(b"payload")),
            field_names: vec!["IND-01".into()],
            aggregate: Some(Aggregate { cells: 9, suppressed: 1, min_n: 10 }),
            ..new(Direction::Outgoing, Phase::Intent, 1)
        };
        let received = Entry {
            peer_entry_hash: Some(hash(&answered)),
            peer_receipt_hash: Some(digest(b"answer")),
            decision: None,
            direction: Direction::Incoming,
            phase: Phase::Received,
            salt: [9; 16],
            ..answered.clone()
        };
        let confirmed = Entry {
            peer_entry_hash: Some(hash(&received)),
            peer_receipt_hash: Some(digest(b"received")),
            outcome: Some(Outcome::Confirmed),
            query_hash: None,
            ..new(Direction::Outgoing, Phase::Outcome, 3)
        };
        [asked, answered, received, confirmed]
    }

    fn compared(transfers: &[Vec<Entry>]) -> Vec<Difference> {
        let (mut one, mut other) = (Side::new(oin(1), oin(2)), Side::new(oin(2), oin(1)));
        for entry in transfers.iter().flatten() {
            let side = if entry.direction == Direction::Incoming { &mut one } else { &mut other };
            side.add(hash(entry), entry.clone());
        }
        assert_eq!(differences(&other, &one), differences(&one, &other), "either way round");
        differences(&one, &other)
    }

    fn change(entry: &mut Entry, how: u8) {
        match how {
            0 => entry.payload_commitment = Some(digest(b"other")),
            1 => entry.query_hash = Some(digest(b"other")),
            2 => entry.start_ms += 10 * 60_000,
            3 => entry.field_names.push("IND-13".into()),
            4 => entry.aggregate = Some(Aggregate { cells: 8, suppressed: 1, min_n: 10 }),
            5 => entry.purpose = "P9".into(),
            6 => entry.salt = [8; 16],
            _ => entry.peer_entry_hash = Some(digest(b"other")),
        }
    }

    proptest! {
        #[test]
        fn two_honest_logs_are_equal(count in 0_u64..9) {
            let whole: Vec<_> = (0..count).map(|n| transfer(n).to_vec()).collect();
            prop_assert_eq!(compared(&whole), []);
        }

        #[test]
        fn an_entry_that_is_dropped_from_one_log_is_named(count in 1_u64..6, at in any::<prop::sample::Index>(), which in 0_usize..4) {
            let mut all: Vec<_> = (0..count).map(|n| transfer(n).to_vec()).collect();
            let at = at.index(all.len());
            let id = all[at].remove(which).transfer_id.to_string();
            let found = compared(&all);
            prop_assert!(!found.is_empty() && found.iter().all(|d| d.transfer_id == id), "{:?}", found);
        }

        // The confirmation is named by nobody: only what it says of the other log can be looked at.
        #[test]
        fn an_entry_that_is_altered_in_one_log_is_named(
            count in 1_u64..6, at in any::<prop::sample::Index>(), which in 0_usize..3, how in 0_u8..8,
        ) {
            let mut all: Vec<_> = (0..count).map(|n| transfer(n).to_vec()).collect();
            let at = at.index(all.len());
            let before = all[at][which].clone();
            change(&mut all[at][which], how);
            prop_assume!(all[at][which] != before);
            let found = compared(&all);
            let id = before.transfer_id.to_string();
            prop_assert!(!found.is_empty() && found.iter().all(|d| d.transfer_id == id), "{} {} {:?}", which, how, found);
        }
    }

    #[test]
    fn what_one_side_alone_says_and_what_one_side_misses_is_named() {
        let [asked, answered, received, confirmed] = transfer(1);
        let said =
            |entries: Vec<Entry>| compared(&[entries]).into_iter().map(|d| d.text).collect::<Vec<_>>().join("; ");
        assert!(said(vec![asked.clone()]).contains("alleen in het log van 00000099000000000001"));
        let one_sided = said(vec![asked.clone(), answered.clone(), received.clone()]);
        assert!(one_sided.contains("eenzijdig: in het log van 00000099000000000002"), "{one_sided}");
        let old = |entry: &Entry| Entry { counter: None, span_id: None, peer_receipt_hash: None, ..entry.clone() };
        let before = said([&asked, &answered, &received].map(old).to_vec());
        assert_eq!(before.matches("van voor de ontvangstbewijzen").count(), 2, "{before}");
        assert!(!before.contains("eenzijdig"), "{before}");
        let forged = Entry { peer_entry_hash: Some(digest(b"none")), ..confirmed };
        assert!(said(vec![asked, answered, received, forged]).contains("veranderd of weg"));
    }
}
