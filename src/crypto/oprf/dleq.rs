//! The batched proof that two lists have one and the same discrete logarithm to each other as generator and public key (RFC 9497
//! section 2.2): whoever multiplied used the key that it announced, and the same one for everybody.

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use thiserror::Error;
use zeroize::Zeroizing;

use super::element::Elements;
use super::suite::{CONTEXT, hash_to_scalar, sha512, two_bytes};
use super::{BATCH, BlinderPublic};
use crate::crypto::cores::on_all_cores;

/// The proof does not hold for these lists and this key.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the proof of the blinder does not hold")]
pub struct InvalidProof;

/// A proof of 64 bytes: challenge and response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    challenge: Scalar,
    response: Scalar,
}

impl Proof {
    /// `GenerateProof` with `ComputeCompositesFast`, where `r` is a fresh random scalar.
    pub(super) fn make(
        key: &Scalar,
        public: &BlinderPublic,
        lists: (&Elements, &Elements),
        r: &Zeroizing<Scalar>,
    ) -> Self {
        let weights = weights(public, lists);
        let m = RistrettoPoint::vartime_multiscalar_mul(&weights, lists.0.points());
        let z = m * key;
        let t2 = RistrettoPoint::mul_base(r);
        let t3 = m * **r;
        let challenge = challenge(public, [&m, &z, &t2, &t3]);
        Self { challenge, response: **r - challenge * key }
    }

    /// Whether `after` is `before` multiplied by the key of `public` (`VerifyProof`).
    ///
    /// # Errors
    /// [`InvalidProof`], also for lists of other lengths, none or more than [`BATCH`].
    pub fn verify(&self, public: &BlinderPublic, before: &Elements, after: &Elements) -> Result<(), InvalidProof> {
        if before.len() != after.len() || before.is_empty() || before.len() > BATCH {
            return Err(InvalidProof);
        }
        let weights = weights(public, (before, after));
        let lists = [before.points(), after.points()];
        // Everything here is known to both sides: no need for constant time.
        let both = std::thread::scope(|scope| {
            let other = scope.spawn(|| RistrettoPoint::vartime_multiscalar_mul(&weights, lists[1]));
            let m = RistrettoPoint::vartime_multiscalar_mul(&weights, lists[0]);
            other.join().map(|z| (m, z))
        });
        let (m, z) = both.map_err(|_| InvalidProof)?;
        let t2 = RistrettoPoint::vartime_double_scalar_mul_basepoint(&self.challenge, &public.point, &self.response);
        let t3 = RistrettoPoint::vartime_multiscalar_mul([self.response, self.challenge], [m, z]);
        if challenge(public, [&m, &z, &t2, &t3]) == self.challenge { Ok(()) } else { Err(InvalidProof) }
    }

    /// Challenge, then response, 32 bytes each.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut out = [0; 64];
        out[..32].copy_from_slice(self.challenge.as_bytes());
        out[32..].copy_from_slice(self.response.as_bytes());
        out
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// [`InvalidProof`] when a scalar is not canonical.
    pub fn from_bytes(bytes: &[u8; 64]) -> Result<Self, InvalidProof> {
        let (challenge, response) = bytes.split_at(32);
        let read = |part: &[u8]| {
            let part: [u8; 32] = part.try_into().map_err(|_| InvalidProof)?;
            Scalar::from_canonical_bytes(part).into_option().ok_or(InvalidProof)
        };
        Ok(Self { challenge: read(challenge)?, response: read(response)? })
    }
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::crypto::hex(&self.to_bytes()))
    }
}

/// The weight of each pair in the composites.
fn weights(public: &BlinderPublic, (before, after): (&Elements, &Elements)) -> Vec<Scalar> {
    let name = [b"Seed-", CONTEXT].concat();
    let seed = sha512(&[&two_bytes(32), public.as_bytes(), &two_bytes(name.len()), &name]);
    let pairs: Vec<_> = before.bytes().iter().zip(after.bytes()).enumerate().collect();
    let (of_seed, of_element) = (two_bytes(64), two_bytes(32));
    on_all_cores(&pairs, |pairs| {
        let weight = |(at, (c, d)): &(usize, (&[u8; 32], &[u8; 32]))| {
            let (at, c, d): (_, &[u8], &[u8]) = (two_bytes(*at), *c, *d);
            hash_to_scalar(&[&of_seed, &seed, &at, &of_element, c, &of_element, d, b"Composite"])
        };
        pairs.iter().map(weight).collect()
    })
}

fn challenge(public: &BlinderPublic, points: [&RistrettoPoint; 4]) -> Scalar {
    let [m, z, t2, t3] = points.map(|point| point.compress().0);
    let len = two_bytes(32);
    hash_to_scalar(&[&len, public.as_bytes(), &len, &m, &len, &z, &len, &t2, &len, &t3, b"Challenge"])
}
