//! Void groups: tags of nobody that the gate mixes in, so that the sizes of the groups that the monitor sees do not tell how many
//! children are known at two organisations, three, and so on. They also test the monitor, which does not know which they are.

use super::document::RunDocument;
use super::draw::{below, scaled};
use crate::crypto::MacKey;

/// Sizes of which void groups are made, at most: 1 to this, and no more than there are nodes.
const MOST_SIZES: usize = 12;
/// How many questions about the same children are hidden together, at most.
const MOST_QUESTIONS: usize = 8;

/// How many void groups are drawn of each size, from 1 on: uniformly under these bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voids(Vec<usize>);

impl Voids {
    /// The bounds of a real run, for each question up to eight: 1,024 for single tags, 512 for each size from 2 to 6, 64 for each
    /// larger one that the number of nodes allows. A uniform draw under a bound hides a difference of d but for d / bound: 9 pairs
    /// that are 18 single tags in another region are told apart with an advantage of at most 9/512 + 18/1024, under 4 percent
    /// (docs/adr/0012).
    #[must_use]
    pub fn of(document: &RunDocument) -> Self {
        let questions = document.questions.len().clamp(1, MOST_QUESTIONS);
        let sizes = document.nodes.len().clamp(6, MOST_SIZES);
        let bound = |size: usize| match size {
            _ if cfg!(feature = "defect-no-voids") => 1,
            1 => 1024 * questions,
            2..=6 => 512 * questions,
            _ => 64 * questions,
        };
        Self((1..=sizes).map(bound).collect())
    }

    /// Other bounds, each at least 1, for runs in tests and measurements.
    #[must_use]
    pub fn under(bounds: &[usize]) -> Self {
        Self(bounds.iter().map(|bound| (*bound).max(1)).collect())
    }

    /// The bound of each size, from 1 on.
    #[must_use]
    pub fn bounds(&self) -> &[usize] {
        &self.0
    }

    /// Void tags of one run, at most.
    #[must_use]
    pub fn most(&self) -> usize {
        self.0.iter().zip(1..).map(|(bound, size)| (bound - 1) * size).sum()
    }

    /// Draws the sizes of the void groups of one run.
    #[must_use]
    pub fn draw(&self) -> Vec<usize> {
        self.sizes(|_, bound| below(bound))
    }

    /// Draws the sizes for the plan of a document under a secret of the gate: one plan that is asked again gets the same numbers, so that
    /// who asks it often learns no more than who asks it once.
    #[must_use]
    pub fn draw_for(&self, document: &RunDocument, key: &MacKey) -> Vec<usize> {
        let plan = document.plan();
        self.sizes(|size, bound| {
            let drawn = key.tag(&[&size.to_be_bytes(), &plan]);
            scaled(drawn.expose().first_chunk().copied().unwrap_or_default(), bound)
        })
    }

    fn sizes(&self, draw: impl Fn(u32, usize) -> usize) -> Vec<usize> {
        let of = |(size, bound): (u32, &usize)| std::iter::repeat_n(size as usize, draw(size, *bound));
        (1..).zip(&self.0).flat_map(of).collect()
    }
}
