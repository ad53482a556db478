//! A node: blinds its children's tokens, has P and Q multiply them, verifies both, and unblinds. One batch after the other, so that
//! what is under way stays small; the outputs are secret and die with the run.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::blinder::{batch_size, batches};
use super::document::Run;
use super::draw::shuffle;
use super::fault::{Fault, LinkFault};
use crate::crypto::Tag;
use crate::crypto::oprf::{BATCH, Blinding, Elements, OprfOutput, Proof, blind};
use crate::domain::oin::Oin;

/// Length of a proof behind the elements.
const PROOF: usize = 64;

/// Token of the epoch, then the hash of the run: nothing of one run says anything about another.
type Input = Zeroizing<[u8; 64]>;

/// How far a batch is.
enum Step {
    Waiting,
    AtP(Blinding, Elements),
    AtQ(Blinding, Elements),
    Done,
}

/// A run as a node sees it.
pub struct NodeRun {
    run: Arc<Run>,
    inputs: Vec<Input>,
    /// For each element which child it is; none for padding.
    places: Vec<Option<usize>>,
    steps: Vec<Step>,
    outputs: Vec<Option<OprfOutput>>,
}

impl NodeRun {
    /// A run over these children, one token each.
    ///
    /// # Errors
    /// [`Fault::Role`]; [`Fault::TooMany`] when the document holds fewer elements than there are children.
    pub fn new(run: Arc<Run>, own: Oin, tokens: &[Tag]) -> Result<Self, LinkFault> {
        let (_, declared) = run.node(&own)?;
        let pads = (declared as usize).checked_sub(tokens.len()).ok_or_else(|| Fault::TooMany.of(own))?;
        let mut places: Vec<Option<usize>> = (0..tokens.len()).map(Some).collect();
        places.extend(std::iter::repeat_n(None, pads));
        shuffle(&mut places);
        let input = |token: &Tag| {
            let mut input = Zeroizing::new([0; 64]);
            input[..32].copy_from_slice(token.expose());
            input[32..].copy_from_slice(&run.hash.0);
            input
        };
        let inputs: Vec<Input> = tokens.iter().map(input).collect();
        let steps = (0..batches(declared)).map(|_| Step::Waiting).collect();
        let outputs = tokens.iter().map(|_| None).collect();
        Ok(Self { run, inputs, places, steps, outputs })
    }

    /// How many batches there are.
    #[must_use]
    pub fn batches(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }

    /// Padded elements in all.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.places.len()
    }

    fn places_of(&self, batch: u32) -> &[Option<usize>] {
        let from = (batch as usize * BATCH).min(self.places.len());
        let declared = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        &self.places[from..from + batch_size(declared, batch)]
    }

    fn inputs_of(&self, batch: u32) -> Vec<&[u8]> {
        self.places_of(batch).iter().flatten().map(|child| &self.inputs[*child][..]).collect()
    }

    /// The elements of a batch for P. Asked again before P's answer came, the same ones.
    ///
    /// # Errors
    /// [`Fault::OutOfTurn`].
    pub fn for_p(&mut self, batch: u32) -> Result<Vec<u8>, LinkFault> {
        let blinded = match self.steps.get(batch as usize) {
            Some(Step::Waiting) => {
                let (blinding, real) = blind(&self.inputs_of(batch));
                let blinded = self.padded(batch, real);
                let bytes = blinded.to_bytes();
                self.steps[batch as usize] = Step::AtP(blinding, blinded);
                bytes
            }
            Some(Step::AtP(_, blinded)) => blinded.to_bytes(),
            _ => return Err(Fault::OutOfTurn.of_nobody()),
        };
        Ok(blinded)
    }

    /// Puts random elements where the batch has padding.
    fn padded(&self, batch: u32, real: Elements) -> Elements {
        let places = self.places_of(batch);
        let (mut all, reals) = (real, places.iter().flatten().count());
        all.append(Elements::random(places.len() - reals));
        let (mut next_real, mut next_pad) = (0.., reals..);
        let order: Vec<usize> = places
            .iter()
            .filter_map(|place| if place.is_some() { next_real.next() } else { next_pad.next() })
            .collect();
        all.pick(&order)
    }

    /// Takes P's answer for a batch; back comes what is for Q.
    ///
    /// # Errors
    /// [`Fault::OutOfTurn`]; what is wrong with the answer, as the doing of P.
    pub fn from_p(&mut self, batch: u32, reply: &[u8]) -> Result<Vec<u8>, LinkFault> {
        let step = self.take_step(batch)?;
        match step {
            Step::AtP(blinding, blinded) => match self.verified(0, &blinded, reply) {
                Ok(half) => {
                    let bytes = half.to_bytes();
                    self.steps[batch as usize] = Step::AtQ(blinding, half);
                    Ok(bytes)
                }
                Err(fault) => {
                    self.steps[batch as usize] = Step::AtP(blinding, blinded);
                    Err(fault)
                }
            },
            // P's answer again, after a lost connection.
            Step::AtQ(blinding, half) => {
                let bytes = half.to_bytes();
                self.steps[batch as usize] = Step::AtQ(blinding, half);
                Ok(bytes)
            }
            other => {
                self.steps[batch as usize] = other;
                Err(Fault::OutOfTurn.of_nobody())
            }
        }
    }

    /// Takes Q's answer for a batch, and unblinds.
    ///
    /// # Errors
    /// As [`NodeRun::from_p`], with Q.
    pub fn from_q(&mut self, batch: u32, reply: &[u8]) -> Result<(), LinkFault> {
        let step = self.take_step(batch)?;
        match step {
            Step::AtQ(blinding, half) => match self.verified(1, &half, reply) {
                Ok(whole) => self.unblind(batch, blinding, &whole),
                Err(fault) => {
                    self.steps[batch as usize] = Step::AtQ(blinding, half);
                    Err(fault)
                }
            },
            other => {
                self.steps[batch as usize] = other;
                Err(Fault::OutOfTurn.of_nobody())
            }
        }
    }

    fn take_step(&mut self, batch: u32) -> Result<Step, LinkFault> {
        let step = self.steps.get_mut(batch as usize).ok_or_else(|| Fault::OutOfTurn.of_nobody())?;
        Ok(std::mem::replace(step, Step::Waiting))
    }

    /// The elements of a blinder's answer, once its proof holds.
    fn verified(&self, blinder: usize, before: &Elements, reply: &[u8]) -> Result<Elements, LinkFault> {
        let culprit = self.run.document.blinders[blinder].oin;
        let (elements, proof) = reply.split_last_chunk::<PROOF>().ok_or_else(|| Fault::OutOfTurn.of(culprit))?;
        let after = Elements::from_bytes(elements).map_err(|e| Fault::Element(e).of(culprit))?;
        let proof = Proof::from_bytes(proof).map_err(|_| Fault::Proof.of(culprit))?;
        let held = proof.verify(&self.run.keys[blinder], before, &after);
        held.map(|()| after).map_err(|_| Fault::Proof.of(culprit))
    }

    fn unblind(&mut self, batch: u32, blinding: Blinding, whole: &Elements) -> Result<(), LinkFault> {
        let places = self.places_of(batch);
        let real: Vec<usize> = (0..places.len()).filter(|at| places[*at].is_some()).collect();
        let children: Vec<usize> = places.iter().flatten().copied().collect();
        let outputs = blinding.finalize(&self.inputs_of(batch), &whole.pick(&real));
        let outputs = outputs.map_err(|_| Fault::OutOfTurn.of_nobody())?;
        for (child, output) in children.into_iter().zip(outputs) {
            self.outputs[child] = Some(output);
        }
        self.steps[batch as usize] = Step::Done;
        Ok(())
    }

    /// The output for every child, in the order of the tokens.
    ///
    /// # Errors
    /// [`Fault::Incomplete`] of the blinder whose answer is awaited.
    pub fn finish(self) -> Result<Vec<OprfOutput>, LinkFault> {
        let [p, q] = &self.run.document.blinders;
        for step in &self.steps {
            match step {
                Step::Done => {}
                Step::Waiting | Step::AtP(..) => return Err(Fault::Incomplete.of(p.oin)),
                Step::AtQ(..) => return Err(Fault::Incomplete.of(q.oin)),
            }
        }
        Ok(self.outputs.into_iter().flatten().collect())
    }
}
