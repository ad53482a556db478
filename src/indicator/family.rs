//! Which events belong to one family: children that share a family number, joined (union-find).

use std::collections::HashMap;

use super::columns::{at, index};

/// Families while the columns are built. Node numbers are handed out to subjects, family numbers and lone events.
#[derive(Default)]
pub(super) struct Families {
    parent: Vec<u32>,
    of_subject: HashMap<u32, u32>,
    of_number: HashMap<u128, u32>,
    of_row: Vec<u32>,
}

impl Families {
    /// Takes the next event: its subject and its family number, 0 when not registered.
    pub fn push(&mut self, subject: Option<u32>, gezin: u128) {
        let parent = &mut self.parent;
        let child = subject.map(|s| *self.of_subject.entry(s).or_insert_with(|| fresh(parent)));
        let family = (gezin != 0).then(|| *self.of_number.entry(gezin).or_insert_with(|| fresh(parent)));
        let node = match (child, family) {
            (Some(a), Some(b)) => {
                let (a, b) = (root(parent, a), root(parent, b));
                parent[at(a.max(b))] = a.min(b);
                a.min(b)
            }
            (Some(a), None) | (None, Some(a)) => a,
            (None, None) => fresh(parent),
        };
        self.of_row.push(node);
    }

    /// The family of each event, as the number of its root.
    pub fn number(mut self) -> Vec<u32> {
        let parent = &mut self.parent;
        self.of_row.into_iter().map(|node| root(parent, node)).collect()
    }
}

fn fresh(parent: &mut Vec<u32>) -> u32 {
    let node = index(parent.len());
    parent.push(node);
    node
}

fn root(parent: &mut [u32], mut node: u32) -> u32 {
    while parent[at(node)] != node {
        let up = parent[at(parent[at(node)])];
        parent[at(node)] = up;
        node = up;
    }
    node
}
