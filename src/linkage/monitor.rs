//! The monitor: opens the sealed tags of one batch, which is the whole run, says which are equal, and forgets them. It learns how
//! many tags are equal; never whose they are, of which node, question or period.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::document::Run;
use super::draw::shuffle;
use super::fault::{Fault, LinkFault};
use super::rows::{AgreementKey, SEALED_TAG, TAG, open_tag};
use super::voids::Voids;
use crate::crypto::{Digest, digest, on_all_cores};
use crate::domain::oin::Oin;

/// Sealed tags in a chunk at most.
pub const TAGS_PER_CHUNK: usize = 8_192;

/// Sealed tags of a run at most, so that memory is bounded: a bundle for each declared element and question, and the void ones.
#[must_use]
pub fn most_tags(run: &Run) -> usize {
    let document = &run.document;
    let elements = document.nodes.iter().fold(0_usize, |sum, node| sum.saturating_add(node.elements as usize));
    elements.saturating_mul(document.questions.len()).saturating_add(Voids::of(document).most()).min(1 << 26)
}

/// What the monitor tells the gate: handles are places in the batch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Grouping {
    /// Handles with equal tags, two or more together, in random order; a handle in none of them is alone.
    pub groups: Vec<Vec<u32>>,
    /// Handles whose seal does not open.
    pub unopened: Vec<u32>,
}

impl Grouping {
    /// As bytes: number of groups, of each its size and handles, number of unopened and these; 4 bytes each, big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let mut numbers = vec![count(self.groups.len())];
        for group in self.groups.iter().chain([&self.unopened]) {
            numbers.push(count(group.len()));
            numbers.extend(group);
        }
        numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
    }

    /// Reads what [`Grouping::to_bytes`] made.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (whole, rest) = bytes.as_chunks::<4>();
        let mut numbers = whole.iter().map(|four| u32::from_be_bytes(*four)).filter(|_| rest.is_empty());
        let groups = numbers.next()?;
        let mut list = || {
            let count = numbers.next()? as usize;
            let list: Vec<u32> = numbers.by_ref().take(count).collect();
            (list.len() == count).then_some(list)
        };
        let groups = (0..groups).map(|_| list()).collect::<Option<Vec<_>>>()?;
        let unopened = list()?;
        numbers.next().is_none().then_some(Self { groups, unopened })
    }
}

/// How far the monitor is.
enum State {
    Collecting {
        /// Opens the tags, and nothing more once they are grouped.
        key: AgreementKey,
        /// Of each chunk that came.
        chunks: Vec<Digest>,
        opened: Vec<Option<Zeroizing<[u8; TAG]>>>,
        encapsulations: HashSet<[u8; 32]>,
    },
    /// The one batch was grouped; nothing of it is left.
    Grouped,
}

/// A run as the monitor sees it.
pub struct MonitorRun {
    run: Arc<Run>,
    state: State,
}

impl MonitorRun {
    /// A run in which this party is the monitor.
    ///
    /// # Errors
    /// [`Fault::Role`]; [`Fault::OtherKey`].
    pub fn new(run: Arc<Run>, own: Oin, key: AgreementKey) -> Result<Self, LinkFault> {
        if run.document.monitor.oin != own {
            return Err(Fault::Role.of(own));
        }
        if run.document.monitor.key != key.public() {
            return Err(Fault::OtherKey.of(run.document.gate.oin));
        }
        let state = State::Collecting { key, chunks: Vec::new(), opened: Vec::new(), encapsulations: HashSet::new() };
        Ok(Self { run, state })
    }

    /// Takes a chunk of sealed tags, the next of the one batch; the same one again changes nothing, and neither does one that is
    /// refused.
    ///
    /// # Errors
    /// [`Fault::SecondBatch`], [`Fault::OutOfTurn`], [`Fault::Repeated`], all the doing of the gate.
    pub fn take(&mut self, number: u32, chunk: &[u8]) -> Result<(), LinkFault> {
        let gate = self.run.document.gate.oin;
        let State::Collecting { key, chunks, opened, encapsulations } = &mut self.state else {
            return Err(Fault::SecondBatch.of(gate));
        };
        let hash = digest(chunk);
        if let Some(before) = chunks.get(number as usize) {
            return if *before == hash { Ok(()) } else { Err(Fault::OutOfTurn.of(gate)) };
        }
        let (tags, rest) = chunk.as_chunks::<SEALED_TAG>();
        if number as usize != chunks.len()
            || !rest.is_empty()
            || tags.len() > TAGS_PER_CHUNK
            || opened.len() + tags.len() > most_tags(&self.run)
        {
            return Err(Fault::OutOfTurn.of(gate));
        }
        let fresh: HashSet<[u8; 32]> =
            tags.iter().map(|tag| tag.first_chunk::<32>().copied().unwrap_or_default()).collect();
        if fresh.len() < tags.len() || !fresh.is_disjoint(encapsulations) {
            return Err(Fault::Repeated.of(gate));
        }
        encapsulations.extend(fresh);
        chunks.push(hash);
        let (run, key) = (&self.run, &*key);
        let open = |tag: &[u8; SEALED_TAG]| open_tag(run, key, tag).map(Zeroizing::new);
        opened.extend(on_all_cores(tags, |tags| tags.iter().map(open).collect()));
        Ok(())
    }

    /// Groups what came, once, and forgets it; `chunks` is how many the gate said there are.
    ///
    /// # Errors
    /// [`Fault::SecondBatch`]; [`Fault::Incomplete`] when chunks are still to come, and then they may.
    pub fn group(&mut self, chunks: u32) -> Result<Grouping, LinkFault> {
        if matches!(&self.state, State::Collecting { chunks: came, .. } if came.len() != chunks as usize) {
            return Err(Fault::Incomplete.of(self.run.document.gate.oin));
        }
        match std::mem::replace(&mut self.state, State::Grouped) {
            State::Grouped => Err(Fault::SecondBatch.of(self.run.document.gate.oin)),
            State::Collecting { opened, .. } => Ok(group(&opened)),
        }
    }
}

fn group(opened: &[Option<Zeroizing<[u8; TAG]>>]) -> Grouping {
    let mut by_tag: BTreeMap<&[u8; TAG], Vec<u32>> = BTreeMap::new();
    let mut grouping = Grouping::default();
    for (handle, tag) in (0_u32..).zip(opened) {
        match tag {
            Some(tag) => by_tag.entry(tag).or_default().push(handle),
            None => grouping.unopened.push(handle),
        }
    }
    grouping.groups = by_tag.into_values().filter(|handles| handles.len() > 1).collect();
    shuffle(&mut grouping.groups);
    grouping
}
