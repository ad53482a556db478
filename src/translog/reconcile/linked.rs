//! Two logs about the steps of a linked run, which have no receipts: what one announced the other must have received.

use super::Said;
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::translog::entry::{Entry, Outcome, Phase, SEALED_ROWS};

/// What differs in the steps of one run that go one way: what `to` received and what `from` announced.
///
/// A refusal is the finding of whoever writes it; the other side has nothing to say of it. How many rows a node told of is
/// not compared: the padding hides it from the gate.
pub(super) fn between(received: &Said, sent: &Said, (to, from): (Oin, Oin)) -> Vec<String> {
    let mut missing: Vec<&Entry> =
        received.ended.iter().map(|(_, entry)| entry).filter(|e| is(e, Phase::Received)).collect();
    let mut found = Vec::new();
    for (_, announced) in sent.begun.iter().filter(|(_, entry)| is(entry, Phase::Intent)) {
        let what = named(announced);
        match missing.iter().position(|entry| entry.data_categories == announced.data_categories) {
            Some(at) => {
                let entry = missing.remove(at);
                if facts(entry) != facts(announced) {
                    found.push(format!("{what}: wat {from} aankondigde verschilt van wat {to} ontving"));
                }
            }
            None if has_left(sent, announced) => found.push(format!("{what}: {from} gaf het, {to} ontving het niet")),
            None => {}
        }
    }
    found.extend(
        missing.into_iter().map(|entry| format!("{}: {to} ontving het, {from} kondigde het niet aan", named(entry))),
    );
    found
}

fn is(entry: &Entry, phase: Phase) -> bool {
    entry.is_linked() && entry.phase == phase
}

fn named(entry: &Entry) -> String {
    format!("gekoppelde ronde, {}", entry.data_categories.join(", "))
}

/// The document of the run, its questions and, where both know it, how many.
fn facts(entry: &Entry) -> (Option<Digest>, &[String], Option<u64>) {
    let counted = !entry.data_categories.iter().any(|category| category == SEALED_ROWS);
    (entry.query_hash, &entry.field_names, entry.row_count.filter(|_| counted))
}

/// Whether the log says that all of what was announced went out.
fn has_left(sent: &Said, announced: &Entry) -> bool {
    let ended = sent.ended.iter().map(|(_, entry)| entry);
    ended.filter(|entry| entry.data_categories == announced.data_categories).any(|e| e.outcome == Some(Outcome::Sent))
}

#[cfg(test)]
mod tests {
    use super::super::{Side, differences};
    use super::*;
    use crate::crypto::digest;
    use crate::translog::entry::{Decision, Direction, LINKED_SERVICE, TransferId};
    use crate::translog::merkle::leaf_hash;

    fn oin(n: u8) -> Oin {
        Oin::parse(&format!("000000990000000000{n:02}")).unwrap()
    }

    /// A step of the run from 1 to 2: as 1 announces and ends it, and as 2 receives it.
    fn step(category: &str, count: u64) -> [Entry; 3] {
        let new = |direction, phase| Entry {
            sender_oin: Some(oin(1)),
            receiver_oin: Some(oin(2)),
            service: LINKED_SERVICE.to_owned(),
            data_categories: vec![category.to_owned()],
            field_names: vec!["IND-05".to_owned()],
            query_hash: Some(digest(b"document")),
            row_count: Some(count),
            ..Entry::new(TransferId::new(7, [1; 10]), direction, phase, 7)
        };
        let outcome = Entry { outcome: Some(Outcome::Sent), ..new(Direction::Outgoing, Phase::Outcome) };
        [new(Direction::Outgoing, Phase::Intent), outcome, new(Direction::Incoming, Phase::Received)]
    }

    fn compared(entries: &[Entry]) -> Vec<String> {
        let (mut one, mut two) = (Side::new(oin(1), oin(2)), Side::new(oin(2), oin(1)));
        for entry in entries {
            let side = if entry.direction == Direction::Incoming { &mut two } else { &mut one };
            side.add(leaf_hash(&entry.encode().unwrap()), entry.clone());
        }
        assert_eq!(differences(&one, &two), differences(&two, &one), "either way round");
        differences(&one, &two).into_iter().map(|difference| difference.text).collect()
    }

    #[test]
    fn two_honest_logs_of_a_run_are_equal_and_whatever_one_leaves_out_or_changes_is_named() {
        let rows = step(SEALED_ROWS, 12).map(|entry| match entry.phase {
            Phase::Received => Entry { row_count: Some(1), ..entry },
            _ => entry,
        });
        let all: Vec<Entry> = [step("elementen", 40), rows].concat();
        assert_eq!(compared(&all), Vec::<String>::new());
        for at in [0, 2, 3, 5] {
            let mut less = all.clone();
            let gone = less.remove(at);
            let found = compared(&less);
            assert!(found.len() == 1 && found[0].contains(&gone.data_categories[0]), "{at}: {found:?}");
        }
        for change in [
            |entry: &mut Entry| entry.row_count = Some(41),
            |entry: &mut Entry| entry.query_hash = Some(digest(b"other")),
            |entry: &mut Entry| entry.field_names.push("IND-13".to_owned()),
            |entry: &mut Entry| entry.data_categories = vec!["iets anders".to_owned()],
        ] {
            for at in [0, 2] {
                let mut other = all.clone();
                change(&mut other[at]);
                assert!(!compared(&other).is_empty(), "{at}");
            }
        }
    }

    #[test]
    fn what_was_announced_and_failed_need_not_have_come_and_a_refusal_is_no_difference() {
        let [intent, outcome, _] = step("elementen", 40);
        let failed = Entry { outcome: Some(Outcome::Failed), ..outcome };
        let (decision, reason_codes) = (Some(Decision::Deny), vec!["KP-LINK-DOCUMENT".to_owned()]);
        let refused = Entry { phase: Phase::Deny, decision, reason_codes, ..intent.clone() };
        assert_eq!(compared(&[intent, failed, refused]), Vec::<String>::new());
    }
}
