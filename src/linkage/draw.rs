//! Uniform draws and random orders.

use crate::crypto::random;

/// A uniform number under `bound`, which is not 0; the bias is under `bound` in 2^64.
pub(super) fn below(bound: usize) -> usize {
    scaled(random(), bound)
}

/// The number under `bound`, which is not 0, that eight uniformly random bytes stand for.
pub(super) fn scaled(bytes: [u8; 8], bound: usize) -> usize {
    let wide = u128::from(u64::from_be_bytes(bytes)) * bound as u128;
    usize::try_from(wide >> 64).unwrap_or_default()
}

/// Puts the items in a uniformly random order.
pub(super) fn shuffle<T>(items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last + 1));
    }
}
