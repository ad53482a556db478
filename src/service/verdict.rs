//! Who says something on a question: the node, or the call that gave up on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// The one verdict on a question. The node claims it right before it logs what it says; the call overrules it when its
/// deadline has passed or the asker has gone. Who comes first logs, and the other logs and sends nothing.
#[derive(Clone, Default, Debug)]
pub struct Verdict(Arc<AtomicU8>);

impl Verdict {
    const OPEN: u8 = 0;
    const CLAIMED: u8 = 1;
    const OVERRULED: u8 = 2;

    /// Whether the node may log what it says; stays so once it may.
    #[must_use]
    pub fn claim(&self) -> bool {
        self.settle(Self::CLAIMED) != Self::OVERRULED
    }

    /// Whether nothing was claimed before, and now nothing can be; true once.
    #[must_use]
    pub fn overrule(&self) -> bool {
        self.settle(Self::OVERRULED) == Self::OPEN
    }

    /// Settles what is open; what it was before.
    fn settle(&self, to: u8) -> u8 {
        let settled = self.0.compare_exchange(Self::OPEN, to, Ordering::AcqRel, Ordering::Acquire);
        settled.unwrap_or_else(|earlier| earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_side_alone_has_the_verdict() {
        let claimed = Verdict::default();
        assert!(claimed.clone().claim() && claimed.claim() && !claimed.overrule());
        let overruled = Verdict::default();
        assert!(overruled.clone().overrule() && !overruled.overrule() && !overruled.claim());
    }
}
