//! Which events belong to one family: children that share a family number, joined (union-find).

use std::collections::HashMap;

use super::columns::{at, index};

/// Families while the columns are built. Node numbers are handed out to subjects, family numbers and lone events.
#[derive(Default)]
pub(super) struct Families {
    parent: Vec<u32>,
    of_subject: HashMap<u32, u32>,
    of_number: HashMap<u128, u32>,
}

impl Families {
    /// Takes an event, its subject and its family number, 0 when not registered; a node of its family.
    pub fn node(&mut self, subject: Option<u32>, gezin: u128) -> u32 {
        let parent = &mut self.parent;
        let child = subject.map(|s| *self.of_subject.entry(s).or_insert_with(|| fresh(parent)));
        let family = (gezin != 0).then(|| *self.of_number.entry(gezin).or_insert_with(|| fresh(parent)));
        match (child, family) {
            (Some(a), Some(b)) => {
                let (a, b) = (root(parent, a), root(parent, b));
                parent[at(a.max(b))] = a.min(b);
                a.min(b)
            }
            (Some(a), None) | (None, Some(a)) => a,
            (None, None) => fresh(parent),
        }
    }

    /// The family of a node once every event was taken, as the number of its root.
    pub fn root(&mut self, node: u32) -> u32 {
        root(&mut self.parent, node)
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
