//! A whole run against grouping by child directly, what each party sees, and what is refused with whose doing it is.

mod coalition;
mod passages;
mod refused;
mod region;
mod sees;
mod succession;

use std::collections::BTreeMap;

use proptest::prelude::*;
use region::{Brings, directly, few, play, question, row};

/// For each node which children it knows, and for each question which of these have how many rows.
fn regions() -> impl Strategy<Value = Vec<Vec<(usize, [u8; 2])>>> {
    prop::collection::vec(prop::collection::btree_map(0_usize..12, any::<[u8; 2]>(), 0..9), 2..5)
        .prop_map(|nodes| nodes.into_iter().map(|children| children.into_iter().collect()).collect())
}

fn brings(nodes: &[Vec<(usize, [u8; 2])>]) -> Vec<Brings> {
    let mut name = 0;
    let mut told = |node: usize, rows: u8, child: usize| {
        (0..u32::from(rows % 4))
            .map(|at| {
                name += 1;
                row(node, 1000 * u32::try_from(child).expect("few") + at, name)
            })
            .collect::<Vec<_>>()
    };
    let one = |(node, children): (usize, &Vec<(usize, [u8; 2])>)| {
        let mut brings = Brings { children: children.iter().map(|(child, _)| *child).collect(), told: Vec::new() };
        for question in 0..2 {
            let of =
                children.iter().enumerate().map(|(place, (child, rows))| (place, told(node, rows[question], *child)));
            brings.told.push(of.filter(|(_, rows)| !rows.is_empty()).collect());
        }
        brings
    };
    nodes.iter().enumerate().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_run_groups_as_if_by_child_and_moves_the_days_of_a_child_by_one_number(nodes in regions()) {
        let (nodes, questions) = (brings(&nodes), [question("A", 2024), question("B", 2024)]);
        let played = play(&nodes, &questions, &few()).expect("a run");
        let count = u32::try_from(nodes.len()).expect("few");
        for (linked, expected) in played.linked.iter().zip(directly(&nodes, 2)) {
            prop_assert_eq!((linked.left_out.without_subject, linked.left_out.imprecise), (count, 2 * count));
            let mut groups: Vec<Vec<u64>> = linked.groups.iter().map(|group| {
                let mut names: Vec<u64> = group.0.iter().map(|row| row.family).collect();
                names.sort_unstable();
                names
            }).collect();
            let mut expected: Vec<Vec<u64>> = expected.into_values().collect();
            groups.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(groups, expected);
            let truth: BTreeMap<u64, u32> = nodes.iter().flat_map(|n| n.told.iter().flatten().flat_map(|(_, rows)| rows))
                .map(|row| (row.family, row.day)).collect();
            for group in &linked.groups {
                let shifts: std::collections::BTreeSet<u32> =
                    group.0.iter().map(|row| row.day.wrapping_sub(truth[&row.family])).collect();
                prop_assert_eq!(shifts.len(), 1);
                prop_assert!(group.0.iter().all(|row| row.last == row.day.wrapping_add(2)));
            }
        }
    }
}

#[test]
fn a_cohort_of_several_batches_comes_out_whole() {
    let many: usize = crate::crypto::oprf::BATCH + 10;
    // Few rows, so that the test is about the elements.
    let node = |children: Vec<usize>, told: &[usize], node: usize| {
        let of = |place: &usize| (*place, vec![row(node, 5, (1_000_000 * node + place) as u64)]);
        Brings { told: vec![told.iter().map(of).collect()], children }
    };
    let ends: Vec<usize> = (0..20).chain(many - 20..many).collect();
    let nodes = [node((0..many).collect(), &ends, 0), node((many - 20..many + 20).collect(), &ends[..20], 1)];
    let played = play(&nodes, &[question("A", 2024)], &few()).expect("a run");
    let pairs = played.linked[0].groups.iter().filter(|group| group.0.len() == 2).count();
    assert_eq!((played.linked[0].groups.len(), pairs), (40, 20));
}
