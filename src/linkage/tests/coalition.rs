//! What a coalition recognises: one accomplice with everything that it received and opened, and the files of all organisations but
//! one. Two worlds differ in which of two children that one organisation knows; the accomplice must not tell them apart, unless
//! design 7 says that it does. The same search is run where it must win, so that it is known to find what is there.

use std::collections::{BTreeMap, BTreeSet};

use super::region::{Brings, Played, few, play, question, row};
use crate::domain::linked::Question;
use crate::linkage::rows::{SEALED_TAG, TAG, open_tag, tag_of};
use crate::linkage::voids::Voids;

/// The two children, alike in every file: the organisation that is not known has one of them.
const PAIR: [usize; 2] = [7, 8];
/// The organisation whose file nobody has.
const UNKNOWN: usize = 3;
/// An organisation that helps.
const HELPER: usize = 2;

fn questions() -> [Question; 2] {
    [question("A", 2023), question("A", 2024)]
}

/// Four organisations. The first two know everybody, the helper whom it is given, the last one of the pair and two that all know.
fn world(known: usize, helper: &[usize]) -> Vec<Brings> {
    let brings = |node: usize, children: Vec<usize>| {
        // One row of each child, the same for both of the pair: who counts days must not tell them apart either.
        let told = |place: usize| (place, vec![row(node, 100, 1 + place as u64)]);
        Brings { told: vec![(0..children.len()).map(told).collect(); 2], children }
    };
    vec![
        brings(0, (0..10).collect()),
        brings(1, (0..10).collect()),
        brings(HELPER, helper.to_vec()),
        brings(UNKNOWN, vec![known, 1, 2]),
    ]
}

fn played(known: usize, helper: &[usize]) -> Played {
    play(&world(known, helper), &questions(), &Voids::under(&[1])).expect("a run")
}

/// The tags that the monitor opened, and how often each occurs.
fn sizes(played: &Played) -> BTreeMap<[u8; TAG], usize> {
    let (sealed, _) = played.tags.as_chunks::<SEALED_TAG>();
    let mut sizes = BTreeMap::new();
    for tag in sealed {
        *sizes.entry(open_tag(&played.run, &played.monitor_key, tag).expect("opens")).or_default() += 1;
    }
    sizes
}

/// Which of the pair the monitor, helped by an organisation that had these children blinded, takes the unknown organisation to know: the one
/// at more organisations. None when it cannot say.
fn monitor_guesses(played: &Played, helper: &[usize]) -> Option<usize> {
    let sizes = sizes(played);
    let at = |child: usize| {
        let place = helper.iter().position(|of| *of == child)?;
        sizes.get(&tag_of(&played.run, &played.outputs[HELPER][place], 1)).copied()
    };
    match PAIR.map(at) {
        [Some(a), Some(b)] => Some(PAIR[usize::from(b > a)]),
        _ => None,
    }
}

/// What the gate has of a run when names, shifts and order are taken away: of each question its groups, by node and day difference.
fn gate_sees(played: &Played) -> Vec<Vec<Vec<(u16, u32)>>> {
    let of = |linked: &crate::linkage::gate::Linked| {
        let mut groups: Vec<Vec<(u16, u32)>> = linked
            .groups
            .iter()
            .map(|group| {
                let zero = group.0.iter().map(|row| row.day).min().unwrap_or_default();
                let mut rows: Vec<_> = group.0.iter().map(|row| (row.organisation, row.day - zero)).collect();
                rows.sort_unstable();
                rows
            })
            .collect();
        groups.sort_unstable();
        groups
    };
    played.linked.iter().map(of).collect()
}

#[test]
fn the_monitor_with_an_organisation_and_all_files_but_one_knows_no_child_beyond_that_organisations_quota() {
    let others = [0, 1, 2, 3];
    for known in PAIR {
        let played = played(known, &others);
        // It has the token of everybody, the keys of the helper and every tag of the run in the open.
        assert_eq!(monitor_guesses(&played, &others), None);
        // Of the helper's own children it learns at how many organisations they are, as is admitted, and of nobody else a tag.
        let sizes = sizes(&played);
        let tags = |question| played.outputs[HELPER].iter().map(move |output| (question, output));
        let found: Vec<usize> =
            tags(0).chain(tags(1)).map(|(question, output)| sizes[&tag_of(&played.run, output, question)]).collect();
        assert_eq!(found, [3, 4, 4, 3, 3, 4, 4, 3]);
        // What is left is alike in both worlds: sizes without a name.
        let mut left: Vec<usize> = sizes.into_values().collect();
        left.sort_unstable();
        assert_eq!(left, [vec![2; 10], vec![3; 6], vec![4; 4]].concat());
    }
    // With the pair among the helper's children the same search tells them apart: that is what the quota bounds.
    let with_pair = [0, 7, 8];
    for known in PAIR {
        assert_eq!(monitor_guesses(&played(known, &with_pair), &with_pair), Some(known));
    }
}

#[test]
fn the_gate_with_all_files_but_one_cannot_tell_two_children_apart_that_the_files_do_not() {
    let others = [0, 1, 2, 3];
    let [first, second] = PAIR.map(|known| gate_sees(&played(known, &others)));
    assert_eq!(first, second);
    // A child that differs in a file is told by it: day differences single out, as is admitted.
    let mut rare = world(PAIR[0], &others);
    rare[1].told[1][PAIR[0]].1[0].day += 11;
    let rare = gate_sees(&play(&rare, &questions(), &few()).expect("a run"));
    assert_ne!(rare, first);
    // No bundle carries its child into another question or beyond this run: days are moved anew each time.
    let [one, other] = [played(PAIR[0], &others), played(PAIR[0], &others)];
    let days = |played: &Played, question: usize| -> BTreeSet<u32> {
        played.linked[question].groups.iter().map(|group| group.0[0].day).collect()
    };
    assert!(days(&one, 0).is_disjoint(&days(&one, 1)) && days(&one, 0).is_disjoint(&days(&other, 0)));
}

#[test]
fn a_blinder_with_all_files_but_one_finds_no_child_by_its_own_key() {
    let others = [0, 1, 2, 3];
    let [first, second] = PAIR.map(|known| played(known, &others));
    for played in [&first, &second] {
        // The points of all tokens, bare and under the key of each blinder and both, which is what it can compute of them.
        let candidates: BTreeSet<[u8; 32]> = played.guesses.iter().copied().collect();
        assert_eq!(candidates.len(), 40);
        let carried = played.seen.carried.iter().flat_map(|message| message.as_chunks::<32>().0);
        let mut seen: BTreeSet<[u8; 32]> = carried.copied().collect();
        assert!(seen.len() > 4 * 4 * 64 && seen.is_disjoint(&candidates));
        // The same search finds a node that does not blind, or a blinder that answers to what it was not asked.
        seen.insert(played.guesses[11]);
        assert!(!seen.is_disjoint(&candidates));
    }
    let lengths = |played: &Played| played.seen.carried.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lengths(&first), lengths(&second));
}
