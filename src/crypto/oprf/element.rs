//! Lists of group elements, as bytes of the wire and as points.

use std::collections::HashSet;

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::traits::IsIdentity;
use thiserror::Error;

use crate::crypto::cores::on_all_cores;

/// Why a list of elements is refused; the number is the place in the list, from 0.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
pub enum InvalidElements {
    /// Not a whole number of 32 bytes.
    #[error("no whole number of elements")]
    Length,
    /// The bytes are not the one encoding of a point.
    #[error("element {0} is not canonical")]
    Encoding(usize),
    /// The identity, which hides nothing.
    #[error("element {0} is the identity")]
    Identity(usize),
    /// An element that stood in the list before.
    #[error("element {0} is repeated")]
    Repeated(usize),
}

/// Group elements that are canonical and not the identity.
#[derive(Clone)]
pub struct Elements {
    bytes: Vec<[u8; 32]>,
    points: Vec<RistrettoPoint>,
}

impl Elements {
    /// Reads elements of another party, 32 bytes each.
    ///
    /// # Errors
    /// [`InvalidElements`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidElements> {
        let (whole, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(InvalidElements::Length);
        }
        let mut seen = HashSet::with_capacity(whole.len());
        if let Some(at) = whole.iter().position(|bytes| !seen.insert(bytes)) {
            return Err(InvalidElements::Repeated(at));
        }
        let opened = on_all_cores(whole, |some| some.iter().map(|b| CompressedRistretto(*b).decompress()).collect());
        let checked = opened.into_iter().enumerate().map(|(at, point)| {
            let point = point.ok_or(InvalidElements::Encoding(at))?;
            if point.is_identity() { Err(InvalidElements::Identity(at)) } else { Ok(point) }
        });
        Ok(Self { points: checked.collect::<Result<_, _>>()?, bytes: whole.to_vec() })
    }

    /// Random elements of which nobody knows the logarithm: padding that looks like anything blinded.
    #[must_use]
    pub fn random(count: usize) -> Self {
        let halves: Vec<_> =
            (0..count).map(|_| RistrettoPoint::from_uniform_bytes(&crate::crypto::random::<64>())).collect();
        Self::of_halves(&halves)
    }

    /// The points of inputs themselves, which nobody may ever send: what a test looks for.
    #[cfg(test)]
    pub(crate) fn hashed(inputs: &[Vec<u8>]) -> Self {
        let points: Vec<_> = inputs.iter().map(|input| super::suite::hash_to_group(input)).collect();
        Self { bytes: points.iter().map(|point| point.compress().0).collect(), points }
    }

    /// The doubles of these points: one inversion writes them all.
    pub(super) fn of_halves(halves: &[RistrettoPoint]) -> Self {
        let bytes = RistrettoPoint::double_and_compress_batch(halves).into_iter().map(|c| c.0).collect();
        Self { bytes, points: halves.iter().map(|half| half + half).collect() }
    }

    /// The elements at these places, in this order; places outside the list are left out.
    #[must_use]
    pub fn pick(&self, order: &[usize]) -> Self {
        let inside = || order.iter().filter(|at| **at < self.len());
        let bytes = inside().map(|at| self.bytes[*at]).collect();
        Self { bytes, points: inside().map(|at| self.points[*at]).collect() }
    }

    /// Adds the elements of another list behind these.
    pub fn append(&mut self, mut other: Self) {
        self.bytes.append(&mut other.bytes);
        self.points.append(&mut other.points);
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Each as 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[[u8; 32]] {
        &self.bytes
    }

    /// All as one text of the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.concat()
    }

    pub(super) fn points(&self) -> &[RistrettoPoint] {
        &self.points
    }
}

impl std::fmt::Debug for Elements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Elements(<{}>)", self.len())
    }
}
