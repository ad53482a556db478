//! A small seeded generator of pseudo-random numbers (SplitMix64): the same seed gives the same region, on every machine
//! and in every version. For invented data only; keys come from `crypto::random`.

use std::ops::Range;

/// SplitMix64 (Steele, Lea and Flood 2014).
#[derive(Clone)]
pub(super) struct Rng(u64);

impl Rng {
    /// A stream of its own for each seed and label.
    pub(super) fn new(seed: u64, label: &str) -> Self {
        // FNV-1a over the label, so that streams of one seed differ.
        let label = label
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
        let mut rng = Self(seed ^ label);
        rng.0 = rng.next() ^ label.rotate_left(32);
        rng
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in a share `p` of the draws.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A whole number of the half-open range; its start when the range is empty.
    pub(super) fn within(&mut self, range: Range<i32>) -> i32 {
        let width = u64::try_from(i64::from(range.end) - i64::from(range.start)).unwrap_or(0);
        let drawn = (u128::from(self.next()) * u128::from(width)) >> 64;
        range.start + i32::try_from(drawn).unwrap_or(0)
    }

    /// One of the choices, by their weights (which need not add up to 1).
    pub(super) fn weighted<T: Copy>(&mut self, choices: &[(f64, T)]) -> T {
        let total: f64 = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.unit() * total;
        for (weight, choice) in choices {
            if left < *weight {
                return *choice;
            }
            left -= weight;
        }
        choices[choices.len() - 1].1
    }

    /// A log-normal number of days with this median, rounded, not below `least`.
    pub(super) fn days(&mut self, median: f64, sigma: f64, least: i32) -> i32 {
        // Box and Muller; 1 - u keeps the logarithm away from 0.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        whole(median * (normal * sigma).exp()).max(least)
    }

    /// An exponentially distributed number of whole days.
    pub(super) fn lag(&mut self, mean: f64) -> i32 {
        whole((-mean * (1.0 - self.unit()).ln()).floor())
    }
}

/// The nearest whole number, at the bounds of `i32` for what lies beyond them.
#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, and these numbers are days")]
pub(super) fn whole(x: f64) -> i32 {
    x.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_numbers_of_splitmix64_are_the_published_ones() {
        // Seed 1234567, as listed with Vigna's reference implementation.
        let mut rng = Rng(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| rng.next()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn draws_follow_their_distribution() {
        let mut rng = Rng::new(7, "test");
        let n = 20_000;
        let below = (0..n).filter(|_| rng.days(30.0, 0.7, 0) <= 30).count();
        assert!((9_700..10_700).contains(&below), "median of the log-normal: {below}");
        let heads = (0..n).filter(|_| rng.weighted(&[(3.0, true), (1.0, false)])).count();
        assert!((14_600..15_400).contains(&heads), "{heads}");
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[usize::try_from(rng.within(0..5)).expect("not negative")] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(rng.within(3..3), 3);
    }
}
