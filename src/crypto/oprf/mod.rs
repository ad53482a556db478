//! The verifiable oblivious pseudorandom function of RFC 9497 (mode VOPRF, suite ristretto255-SHA512): one party blinds, another
//! multiplies by its key and proves it, the first verifies, unblinds and hashes. Two keys in a row are the function at their
//! product. Scalars are wiped when dropped; secret scalars meet points only in constant time.

mod dleq;
mod element;
mod suite;
#[cfg(test)]
mod tests;

use std::fmt;

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use dleq::{InvalidProof, Proof};
pub use element::{Elements, InvalidElements};

use super::cores::on_all_cores;
use super::mac::{Secret32, expand_parts};

/// Elements under one proof at most: RFC 9497 counts them in two bytes, and a message of them stays under 1 MiB.
pub const BATCH: usize = 8_192;

/// A public key that is no canonical point, or the identity.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("no usable public key of a blinder")]
pub struct InvalidBlinder;

/// A blinder's public key, as 32 bytes on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BlinderPublic {
    bytes: [u8; 32],
    point: RistrettoPoint,
}

impl BlinderPublic {
    /// Reads a key of another party.
    ///
    /// # Errors
    /// [`InvalidBlinder`] when the bytes are not canonical or are the identity.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, InvalidBlinder> {
        let point = CompressedRistretto(bytes).decompress().ok_or(InvalidBlinder)?;
        if point.is_identity() { Err(InvalidBlinder) } else { Ok(Self { bytes, point }) }
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Debug for BlinderPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::hex(&self.bytes))
    }
}

/// A blinder's secret key; one per run, in memory only.
pub struct BlinderKey(Zeroizing<Scalar>);

impl BlinderKey {
    /// Draws a key.
    #[must_use]
    pub fn random() -> Self {
        Self(Zeroizing::new(random_scalar()))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> BlinderPublic {
        let point = RistrettoPoint::mul_base(&self.0);
        BlinderPublic { bytes: point.compress().0, point }
    }

    /// Multiplies every element by the key and proves it with one proof for all (`BlindEvaluate`). At most [`BATCH`] elements.
    #[must_use]
    pub fn evaluate(&self, elements: &Elements) -> (Elements, Proof) {
        self.evaluate_with(elements, &Zeroizing::new(random_scalar()))
    }

    fn evaluate_with(&self, elements: &Elements, r: &Zeroizing<Scalar>) -> (Elements, Proof) {
        let half = Zeroizing::new(self.0.div_by_2());
        let halves = on_all_cores(elements.points(), |points| points.iter().map(|point| point * *half).collect());
        let evaluated = Elements::of_halves(&halves);
        let proof = Proof::make(&self.0, &self.public(), (elements, &evaluated), r);
        (evaluated, proof)
    }
}

impl fmt::Debug for BlinderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlinderKey(<redacted>)")
    }
}

/// What undoes the blinding of a list of inputs: a scalar of its own for each.
pub struct Blinding(Zeroizing<Vec<Scalar>>);

/// Blinds every input with a fresh scalar (`Blind`). An input that hashes to the identity is not to be found.
#[must_use]
pub fn blind<I: AsRef<[u8]> + Sync>(inputs: &[I]) -> (Blinding, Elements) {
    blind_with(inputs, Zeroizing::new(inputs.iter().map(|_| random_scalar()).collect()))
}

fn blind_with<I: AsRef<[u8]> + Sync>(inputs: &[I], scalars: Zeroizing<Vec<Scalar>>) -> (Blinding, Elements) {
    let pairs: Vec<(&I, &Scalar)> = inputs.iter().zip(scalars.iter()).collect();
    let halves = on_all_cores(&pairs, |pairs| {
        let half = |(input, scalar): &(&I, &Scalar)| suite::hash_to_group(input.as_ref()) * scalar.div_by_2();
        pairs.iter().map(half).collect()
    });
    (Blinding(scalars), Elements::of_halves(&halves))
}

/// The elements of another list do not belong to this blinding.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("other elements than were blinded")]
pub struct OtherElements;

impl Blinding {
    /// Takes the blinding off and hashes (`Finalize`). `evaluated` are the elements in the order of the inputs; verify their proofs
    /// first.
    ///
    /// # Errors
    /// [`OtherElements`] when the counts differ.
    pub fn finalize<I: AsRef<[u8]> + Sync>(
        mut self,
        inputs: &[I],
        evaluated: &Elements,
    ) -> Result<Vec<OprfOutput>, OtherElements> {
        if inputs.len() != self.0.len() || evaluated.len() != self.0.len() {
            return Err(OtherElements);
        }
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        Scalar::invert_batch_alloc(&mut self.0);
        let pairs: Vec<_> = inputs.iter().zip(self.0.iter()).zip(evaluated.points()).collect();
        Ok(on_all_cores(&pairs, |pairs| {
            let halves: Vec<RistrettoPoint> = pairs.iter().map(|((_, inverse), p)| *p * inverse.div_by_2()).collect();
            let unblinded = Elements::of_halves(&halves);
            let output = |(pair, element): (&((&I, &Scalar), &RistrettoPoint), &[u8; 32])| {
                OprfOutput(suite::output(pair.0.0.as_ref(), element))
            };
            pairs.iter().zip(unblinded.bytes()).map(output).collect()
        }))
    }
}

impl fmt::Debug for Blinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blinding(<{} redacted>)", self.0.len())
    }
}

/// Output of the function for one input: 64 secret bytes.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct OprfOutput([u8; 64]);

impl OprfOutput {
    /// 32 bytes for one use: HKDF-SHA-256 (RFC 5869) with an empty salt over the concatenation of `info`; the caller makes the
    /// boundaries unambiguous.
    #[must_use]
    pub fn derive(&self, info: &[&[u8]]) -> Secret32 {
        expand_parts(&[], &self.0, info)
    }

    /// The bytes, to compare them with published ones and peers.
    #[must_use]
    pub fn expose(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for OprfOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// A uniform scalar that is not zero.
fn random_scalar() -> Scalar {
    loop {
        let wide = Zeroizing::new(super::random::<64>());
        let scalar = Scalar::from_bytes_mod_order_wide(&wide);
        if scalar != Scalar::ZERO {
            return scalar;
        }
    }
}
