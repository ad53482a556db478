//! Additive shares modulo 2^64: a vector is split into a seed and a difference, and only the sum over all nodes is ever put
//! together. Pure arithmetic; what the numbers mean is in `sums`.
//!
//! A share of a vector `x` of `n` numbers: a fresh seed gives a mask of `n + 1` numbers, the monitor gets the seed and the gate
//! `x - mask`. So that a monitor cannot move the sum, the gate also gets a tag `r * mask + mask[n]`, where `r` is a secret of
//! gate and nodes: the monitor's summed mask must give the sum of the tags. The last number of the mask hides what the tag says.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::{Secret32, fill_mask};

/// Label of the mask of a seed.
const MASK: &str = "ketenpoort/v1/sum-mask/0";
/// Label of the weights of a check key.
const CHECK: &str = "ketenpoort/v1/sum-check/0";
/// Bytes of a number.
const WIDTH: usize = 8;

/// Numbers that are wiped when they are dropped.
type Numbers = Zeroizing<Vec<u64>>;

/// A share has another length than the run's vector.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("een aandeel heeft niet de lengte van deze ronde")]
pub struct WrongLength;

/// The summed shares do not belong together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("de gesommeerde aandelen horen niet bij elkaar")]
pub struct Mismatch;

fn numbers_of(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.as_chunks::<WIDTH>().0.iter().map(|chunk| u64::from_le_bytes(*chunk))
}

fn bytes_of(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

fn expanded(secret: &Secret32, label: &str, len: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; len * WIDTH]);
    fill_mask(secret, label, &mut bytes);
    bytes
}

fn weighted(check: &Secret32, numbers: &[u64]) -> u64 {
    let weights = expanded(check, CHECK, numbers.len());
    let products = numbers_of(&weights).zip(numbers).map(|(weight, number)| weight.wrapping_mul(*number));
    products.fold(0, u64::wrapping_add)
}

/// The gate's part of one node's vector: the difference and its tag. Uniform for whoever does not know the seed.
pub struct GateShare {
    numbers: Numbers,
    tag: u64,
}

impl GateShare {
    /// Splits a vector under a seed that is drawn for it alone.
    #[must_use]
    pub fn split(vector: &[u64], seed: &Secret32, check: &Secret32) -> Self {
        let bytes = expanded(seed, MASK, vector.len() + 1);
        let mask: Numbers = Zeroizing::new(numbers_of(&bytes).collect());
        let (pad, mask) = mask.split_last().map_or((0, &[][..]), |(pad, mask)| (*pad, mask));
        let numbers = vector.iter().zip(mask).map(|(x, m)| x.wrapping_sub(*m)).collect();
        Self { numbers: Zeroizing::new(numbers), tag: weighted(check, mask).wrapping_add(pad) }
    }

    /// The bytes that are sealed to the gate: every number in 8 bytes, little-endian, then the tag.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = bytes_of(&self.numbers);
        bytes.extend(self.tag.to_le_bytes());
        Zeroizing::new(bytes)
    }

    /// Reads the part of a vector of `len` numbers.
    ///
    /// # Errors
    /// [`WrongLength`].
    pub fn from_bytes(bytes: &[u8], len: usize) -> Result<Self, WrongLength> {
        if bytes.len() != (len + 1) * WIDTH {
            return Err(WrongLength);
        }
        let mut numbers: Vec<u64> = numbers_of(bytes).collect();
        let tag = numbers.pop().ok_or(WrongLength)?;
        Ok(Self { numbers: Zeroizing::new(numbers), tag })
    }
}

impl fmt::Debug for GateShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GateShare(<redacted>)")
    }
}

/// The sum of the masks of the seeds that the monitor got.
pub struct MaskSum {
    sum: Numbers,
    /// Where a mask is expanded; one for all seeds, so that it is wiped once.
    mask: Zeroizing<Vec<u8>>,
}

impl MaskSum {
    /// Nothing summed yet, for vectors of `len` numbers.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { sum: Zeroizing::new(vec![0; len + 1]), mask: Zeroizing::new(vec![0; (len + 1) * WIDTH]) }
    }

    /// Adds the mask of one seed.
    pub fn add(&mut self, seed: &Secret32) {
        fill_mask(seed, MASK, &mut self.mask);
        self.sum.iter_mut().zip(numbers_of(&self.mask)).for_each(|(sum, n)| *sum = sum.wrapping_add(n));
    }

    /// The bytes that go to the gate: every number in 8 bytes, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(bytes_of(&self.sum))
    }

    /// Reads the sum for vectors of `len` numbers.
    ///
    /// # Errors
    /// [`WrongLength`].
    pub fn from_bytes(bytes: &[u8], len: usize) -> Result<Self, WrongLength> {
        let fits = bytes.len() == (len + 1) * WIDTH;
        let sum = || Zeroizing::new(numbers_of(bytes).collect());
        if fits { Ok(Self { sum: sum(), mask: Zeroizing::default() }) } else { Err(WrongLength) }
    }
}

impl fmt::Debug for MaskSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskSum(<redacted>)")
    }
}

/// The sum of the gate's parts.
pub struct GateSum {
    numbers: Numbers,
    tags: u64,
}

impl GateSum {
    /// Nothing summed yet, for vectors of `len` numbers.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { numbers: Zeroizing::new(vec![0; len]), tags: 0 }
    }

    /// Adds the part of one node.
    pub fn add(&mut self, share: &GateShare) {
        self.numbers.iter_mut().zip(&*share.numbers).for_each(|(sum, n)| *sum = sum.wrapping_add(*n));
        self.tags = self.tags.wrapping_add(share.tag);
    }

    /// Whether the monitor's sum is that of the same nodes; nothing is put together.
    ///
    /// # Errors
    /// [`Mismatch`] when it is not.
    pub fn proves(&self, masks: &MaskSum, check: &Secret32) -> Result<(), Mismatch> {
        let (pad, masks) = masks.sum.split_last().ok_or(Mismatch)?;
        let fits = masks.len() == self.numbers.len() && weighted(check, masks).wrapping_add(*pad) == self.tags;
        if fits { Ok(()) } else { Err(Mismatch) }
    }

    /// The sum of the vectors, once the monitor's sum is there.
    ///
    /// # Errors
    /// As [`GateSum::proves`].
    pub fn join(&self, masks: &MaskSum, check: &Secret32) -> Result<Zeroizing<Vec<u64>>, Mismatch> {
        self.proves(masks, check)?;
        let (_, masks) = masks.sum.split_last().ok_or(Mismatch)?;
        let sums = self.numbers.iter().zip(masks).map(|(n, m)| n.wrapping_add(*m));
        Ok(Zeroizing::new(sums.collect()))
    }
}

impl fmt::Debug for GateSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GateSum(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secret(n: u64) -> Secret32 {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        Secret32::new(bytes)
    }

    fn vectors() -> impl Strategy<Value = Vec<(u64, Vec<u64>)>> {
        (1_usize..40)
            .prop_flat_map(|len| prop::collection::vec((any::<u64>(), prop::collection::vec(any::<u64>(), len)), 1..8))
    }

    fn plain_sum(nodes: &[(u64, Vec<u64>)]) -> Vec<u64> {
        let len = nodes[0].1.len();
        (0..len).map(|i| nodes.iter().fold(0, |sum: u64, (_, v)| sum.wrapping_add(v[i]))).collect()
    }

    proptest! {
        #[test]
        fn the_parts_together_are_the_plain_sum(nodes in vectors(), check in any::<u64>()) {
            let len = nodes[0].1.len();
            let (mut gate, mut monitor) = (GateSum::new(len), MaskSum::new(len));
            for (seed, vector) in &nodes {
                let share = GateShare::split(vector, &secret(*seed), &secret(check)).to_bytes();
                gate.add(&GateShare::from_bytes(&share, len).expect("its length"));
                monitor.add(&secret(*seed));
            }
            let masks = MaskSum::from_bytes(&monitor.to_bytes(), len).expect("its length");
            prop_assert_eq!(&*gate.join(&masks, &secret(check)).expect("they belong together"), &plain_sum(&nodes));
        }

        #[test]
        fn a_moved_or_incomplete_mask_is_noticed(
            nodes in vectors(), check in any::<u64>(), by in 1_u64..1 << 32, place in any::<prop::sample::Index>(),
        ) {
            let len = nodes[0].1.len();
            let (mut gate, mut monitor, mut without) = (GateSum::new(len), MaskSum::new(len), MaskSum::new(len));
            for (i, (seed, vector)) in nodes.iter().enumerate() {
                gate.add(&GateShare::split(vector, &secret(*seed), &secret(check)));
                monitor.add(&secret(*seed));
                if i > 0 {
                    without.add(&secret(*seed));
                }
            }
            let place = place.index(len);
            monitor.sum[place] = monitor.sum[place].wrapping_add(by);
            prop_assert_eq!(gate.join(&monitor, &secret(check)).map(drop), Err(Mismatch));
            prop_assert_eq!(gate.join(&without, &secret(check)).map(drop), Err(Mismatch));
        }

        #[test]
        fn a_single_share_says_nothing_of_the_vector(seed in any::<u64>(), a in any::<u64>(), b in any::<u64>()) {
            // The monitor's part is the seed, whatever the vector. The gate's part differs by the difference of the vectors, under
            // the same mask; the tag does not depend on the vector at all.
            let share = |x: u64| GateShare::split(&[x, 3], &secret(seed), &secret(9));
            let (one, other) = (share(a), share(b));
            prop_assert_eq!(one.numbers[0].wrapping_sub(other.numbers[0]), a.wrapping_sub(b));
            prop_assert_eq!((one.numbers[1], one.tag), (other.numbers[1], other.tag));
            // The mask that takes the part of `a` to that of `b` exists, so that the part alone fits every vector.
            let mask = a.wrapping_sub(one.numbers[0]);
            prop_assert_eq!(b.wrapping_sub(other.numbers[0]), mask);
        }
    }

    #[test]
    fn the_gate_part_of_one_vector_is_uniform_over_seeds() {
        // 4,000 seeds, the top 4 bits of the part of a constant: chi-squared with 15 degrees of freedom stays under 45 (p < 1e-4).
        let mut seen = [0_u32; 16];
        for seed in 0..4000 {
            let share = GateShare::split(&[12], &secret(seed), &secret(1));
            seen[usize::try_from(share.numbers[0] >> 60).expect("small")] += 1;
        }
        let chi: f64 = seen.iter().map(|n| (f64::from(*n) - 250.0).powi(2) / 250.0).sum();
        assert!(chi < 45.0, "{chi}");
    }

    #[test]
    fn another_length_is_refused_and_nothing_is_printed() {
        let share = GateShare::split(&[1, 2, 3], &secret(1), &secret(2));
        let bytes = share.to_bytes();
        for wrong in [&bytes[..bytes.len() - 1], &bytes[..bytes.len() - 8], &[bytes.as_slice(), &[0; 8]].concat()] {
            assert_eq!(GateShare::from_bytes(wrong, 3).map(drop), Err(WrongLength));
        }
        assert_eq!(MaskSum::from_bytes(&[0; 24], 3).map(drop), Err(WrongLength));
        assert_eq!(GateSum::new(3).join(&MaskSum::new(2), &secret(1)).map(drop), Err(Mismatch));
        let shown = format!("{share:?} {:?} {:?}", MaskSum::new(1), GateSum::new(1));
        assert_eq!(shown, "GateShare(<redacted>) MaskSum(<redacted>) GateSum(<redacted>)");
    }
}
