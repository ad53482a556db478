//! What passes through the monitor: what a node sends, signed, so that a blinder knows whose quota it uses and the gate whose rows it
//! takes; and what a blinder answers, signed, so that a node knows whose doing a wrong answer is.

use super::document::Run;
use super::fault::{Fault, LinkFault};
use crate::crypto::{Digest, SigningKey, VerifyingKey, digest};
use crate::domain::oin::Oin;

const LABEL: &[u8] = b"ketenpoort/v1/link-pass\0";

/// For whom and what.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Leg {
    /// Blinded elements for P.
    ToP = 1,
    /// P's elements for Q.
    ToQ = 2,
    /// A chunk of rows for the gate.
    ToGate = 3,
    /// P's answer.
    FromP = 4,
    /// Q's answer.
    FromQ = 5,
}

impl Leg {
    /// Reads the number of a leg.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::ToP, Self::ToQ, Self::ToGate, Self::FromP, Self::FromQ].into_iter().find(|leg| *leg as u32 == number)
    }
}

/// Something of a node or a blinder on its way.
#[derive(Clone, PartialEq, Eq)]
pub struct Passage {
    /// Who made it.
    pub from: Oin,
    /// For whom.
    pub leg: Leg,
    /// Number of the batch or chunk, from 0.
    pub number: u32,
    /// Whether it is the last of its leg.
    pub last: bool,
    /// The elements, the answer (elements and proof) or the sealed chunk.
    pub bytes: Vec<u8>,
    /// The maker's signature.
    pub signature: [u8; 64],
}

impl std::fmt::Debug for Passage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Passage({}, {:?} {}, <{} bytes>)", self.from, self.leg, self.number, self.bytes.len())
    }
}

impl Passage {
    /// Signs a batch or chunk of ours: leg, number and whether it is the last.
    #[must_use]
    pub fn sign(
        run: &Run,
        (from, key): (Oin, &SigningKey),
        (leg, number, last): (Leg, u32, bool),
        bytes: Vec<u8>,
    ) -> Self {
        let unsigned = Self { from, leg, number, last, bytes, signature: [0; 64] };
        Self { signature: key.sign(&unsigned.signed_bytes(run, &[])), ..unsigned }
    }

    /// Signs our answer, as P or Q, to exactly this batch of a node.
    #[must_use]
    pub fn answer(run: &Run, (from, key): (Oin, &SigningKey), asked: &Self, bytes: Vec<u8>) -> Self {
        let leg = if asked.leg == Leg::ToP { Leg::FromP } else { Leg::FromQ };
        let (number, last) = (asked.number, asked.last);
        let unsigned = Self { from, leg, number, last, bytes, signature: [0; 64] };
        Self { signature: key.sign(&unsigned.signed_bytes(run, &digest(&asked.bytes).0)), ..unsigned }
    }

    /// `asked` is the digest of the batch that an answer is about, empty for all else.
    fn signed_bytes(&self, run: &Run, asked: &[u8]) -> Vec<u8> {
        let place = [self.leg as u8, u8::from(self.last)];
        let parts: [&[u8]; 7] = [
            LABEL,
            &run.hash.0,
            self.from.as_str().as_bytes(),
            &place,
            &self.number.to_be_bytes(),
            &digest(&self.bytes).0,
            asked,
        ];
        parts.concat()
    }

    /// Whether its maker signed it in this run, for this leg.
    ///
    /// # Errors
    /// [`Fault::Unsigned`], the doing of the monitor that carries it.
    pub fn verify(&self, run: &Run, key: &VerifyingKey, leg: Leg) -> Result<(), LinkFault> {
        let signed = key.verify(&self.signed_bytes(run, &[]), &self.signature).is_ok();
        if signed && self.leg == leg { Ok(()) } else { Err(Fault::Unsigned.of(run.document.monitor.oin)) }
    }

    /// Whether P (of what was for P) or Q signed it as the answer to the batch with this digest.
    ///
    /// # Errors
    /// [`Fault::Unsigned`], the doing of the monitor that carries it.
    pub fn verify_answer(
        &self,
        run: &Run,
        key: &VerifyingKey,
        (leg, number, asked): (Leg, u32, &Digest),
    ) -> Result<(), LinkFault> {
        let [p, q] = &run.document.blinders;
        let answers = match leg {
            Leg::ToP => (Leg::FromP, p.oin),
            _ => (Leg::FromQ, q.oin),
        };
        let signed = key.verify(&self.signed_bytes(run, &asked.0), &self.signature).is_ok();
        let due = (self.leg, self.from) == answers && self.number == number;
        if signed && due { Ok(()) } else { Err(Fault::Unsigned.of(run.document.monitor.oin)) }
    }
}
