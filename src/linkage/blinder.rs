//! A blinder: multiplies the elements of every node by its key of this run and proves it. Its key is in memory only; a blinder that
//! starts again has lost it, and the run with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::document::Run;
use super::fault::{Fault, LinkFault};
use crate::crypto::oprf::{BATCH, BlinderKey, Elements, InvalidElements};
use crate::crypto::{Digest, digest};
use crate::domain::oin::Oin;

/// How many batches so many elements take.
#[must_use]
pub fn batches(elements: u32) -> u32 {
    u32::try_from((elements as usize).div_ceil(BATCH)).unwrap_or(u32::MAX)
}

/// How many elements a batch has.
#[must_use]
pub fn batch_size(elements: u32, batch: u32) -> usize {
    (elements as usize).saturating_sub(batch as usize * BATCH).min(BATCH)
}

/// A run as a blinder sees it.
pub struct BlinderRun {
    run: Arc<Run>,
    key: BlinderKey,
    /// Of each batch its digest, and the answer for who asks again.
    taken: BTreeMap<(Oin, u32), (Digest, Vec<u8>)>,
    /// Every element, and who sent it.
    seen: HashMap<[u8; 32], Oin>,
}

impl BlinderRun {
    /// A run in which this party is P or Q.
    ///
    /// # Errors
    /// [`Fault::Role`]; [`Fault::OtherKey`] when the document names another key than ours.
    pub fn new(run: Arc<Run>, own: Oin, key: BlinderKey) -> Result<Self, LinkFault> {
        let place = run.document.blinders.iter().position(|blinder| blinder.oin == own);
        let place = place.ok_or_else(|| Fault::Role.of(own))?;
        if run.keys[place] != key.public() {
            return Err(Fault::OtherKey.of(run.document.monitor.oin));
        }
        Ok(Self { run, key, taken: BTreeMap::new(), seen: HashMap::new() })
    }

    /// Multiplies a batch of a node: its elements of 32 bytes, exactly as many as the document allows at that place. The same batch
    /// again gets the same answer. Back come the elements in the same order, then the proof of 64 bytes.
    ///
    /// # Errors
    /// What is wrong with the batch, as the doing of the node; [`InvalidElements::Repeated`] of an element that another node sent, as
    /// the doing of both: whose it was cannot be said.
    pub fn multiply(&mut self, from: Oin, batch: u32, bytes: &[u8]) -> Result<Vec<u8>, LinkFault> {
        let (_, declared) = self.run.node(&from)?;
        let size = batch_size(declared, batch);
        if size == 0 || bytes.len() != 32 * size {
            return Err(Fault::OutOfTurn.of(from));
        }
        let hash = digest(bytes);
        match self.taken.get(&(from, batch)) {
            Some((before, reply)) if *before == hash => return Ok(reply.clone()),
            Some(_) => return Err(Fault::OutOfTurn.of(from)),
            None => {}
        }
        let elements = Elements::from_bytes(bytes).map_err(|e| Fault::Element(e).of(from))?;
        self.remember(from, &elements)?;
        let (after, proof) = self.key.evaluate(&elements);
        let mut reply = after.to_bytes();
        reply.extend(proof.to_bytes());
        self.taken.insert((from, batch), (hash, reply.clone()));
        Ok(reply)
    }

    /// An element is multiplied once in a run, whoever sends it.
    fn remember(&mut self, from: Oin, elements: &Elements) -> Result<(), LinkFault> {
        for (at, element) in elements.bytes().iter().enumerate() {
            if let Some(before) = self.seen.get(element) {
                let culprits = BTreeSet::from([*before, from]).into_iter().collect();
                return Err(LinkFault { fault: Fault::Element(InvalidElements::Repeated(at)), culprits });
            }
        }
        self.seen.extend(elements.bytes().iter().map(|element| (*element, from)));
        Ok(())
    }

    /// How many elements of each node were multiplied: what the closing of the run states.
    #[must_use]
    pub fn multiplied(&self) -> BTreeMap<Oin, u64> {
        let mut sums = BTreeMap::new();
        for (from, batch) in self.taken.keys() {
            let declared = self.run.node(from).map_or(0, |(_, declared)| declared);
            *sums.entry(*from).or_default() += batch_size(declared, *batch) as u64;
        }
        sums
    }

    /// The nodes from which elements are still to come.
    #[must_use]
    pub fn awaited(&self) -> Vec<Oin> {
        let done = self.multiplied();
        let open = |node: &&super::line::NodeLine| done.get(&node.oin).copied() != Some(u64::from(node.elements));
        self.run.document.nodes.iter().filter(open).map(|node| node.oin).collect()
    }
}
