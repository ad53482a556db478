//! Void groups: tags of nobody that the gate mixes in, so that the sizes of the groups that the monitor sees do not tell how many
//! children are known at two organisations, three, and so on. They also test the monitor, which does not know which they are.

use super::draw::below;

/// Sizes of which void groups are made: 1 to this.
pub const SIZES: usize = 6;

/// How many void groups are drawn of each size: uniformly under these bounds, the first for single tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voids([usize; SIZES]);

impl Voids {
    /// The bounds of a real run. A uniform draw under a bound hides a difference of d but for d / bound: 9 pairs that are 18 single
    /// tags in another region are told apart with an advantage of at most 9/512 + 18/1024, under 4 percent (docs/adr/0012).
    #[cfg(not(feature = "defect-no-voids"))]
    pub const STANDARD: Self = Self([1024, 512, 512, 512, 512, 512]);
    /// A build without void groups, for the test that must notice.
    #[cfg(feature = "defect-no-voids")]
    pub const STANDARD: Self = Self([1; SIZES]);

    /// Other bounds, each at least 1, for runs in tests and measurements.
    #[must_use]
    pub fn under(bounds: [usize; SIZES]) -> Self {
        Self(bounds.map(|bound| bound.max(1)))
    }

    /// Draws the sizes of the void groups of one run.
    #[must_use]
    pub fn draw(&self) -> Vec<usize> {
        let of = |(at, bound): (usize, &usize)| std::iter::repeat_n(at + 1, below(*bound));
        self.0.iter().enumerate().flat_map(of).collect()
    }
}
