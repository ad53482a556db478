//! The step machines of a run, without log or network: `(state, message) -> state or refusal`. The caller logs before it says
//! anything.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::document::RunBody;
use crate::crypto::Secret32;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::indicator::shares::{GateShare, GateSum, MaskSum};

/// How far a run is at the gate.
enum State {
    /// Parts come in.
    Collecting(BTreeSet<Oin>, GateSum),
    /// The sum was put together, or could not be: nothing more is taken.
    Closed,
}

/// A run as the gate sees it: whose parts came, and their sum. Of a single part nothing is kept.
pub struct GateRun {
    body: RunBody,
    check: Secret32,
    numbers: usize,
    state: State,
}

impl GateRun {
    /// A run whose list is signed; the vector has `numbers` numbers.
    #[must_use]
    pub fn new(body: RunBody, check: Secret32, numbers: usize) -> Self {
        let state = State::Collecting(BTreeSet::new(), GateSum::new(numbers));
        Self { body, check, numbers, state }
    }

    /// What is summed over whom.
    #[must_use]
    pub fn body(&self) -> &RunBody {
        &self.body
    }

    /// Whether a part of this party may come now.
    ///
    /// # Errors
    /// [`ReasonCode::SumNotContributor`], [`ReasonCode::SumRunClosed`], [`ReasonCode::SumShareRepeated`].
    pub fn expects(&self, from: &Oin) -> Result<(), ReasonCode> {
        if !self.body.contributors.contains(from) {
            return Err(ReasonCode::SumNotContributor);
        }
        match &self.state {
            State::Closed => Err(ReasonCode::SumRunClosed),
            State::Collecting(came, _) if came.contains(from) => Err(ReasonCode::SumShareRepeated),
            State::Collecting(..) => Ok(()),
        }
    }

    /// Reads the opened part of a contributor; it counts only once it is [`GateRun::take`]n.
    ///
    /// # Errors
    /// [`ReasonCode::SumShareLength`].
    pub fn read(&self, part: &[u8]) -> Result<GateShare, ReasonCode> {
        GateShare::from_bytes(part, self.numbers).map_err(|_| ReasonCode::SumShareLength)
    }

    /// Takes the part of a contributor.
    ///
    /// # Errors
    /// As [`GateRun::expects`].
    pub fn take(&mut self, from: Oin, share: &GateShare) -> Result<(), ReasonCode> {
        self.expects(&from)?;
        if let State::Collecting(came, sum) = &mut self.state {
            came.insert(from);
            sum.add(share);
        }
        Ok(())
    }

    /// Reads the monitor's summed share, once every part has come.
    ///
    /// # Errors
    /// [`ReasonCode::SumRunClosed`], [`ReasonCode::SumIncomplete`], [`ReasonCode::SumShareLength`].
    pub fn read_total(&self, total: &[u8]) -> Result<MaskSum, ReasonCode> {
        match &self.state {
            State::Closed => Err(ReasonCode::SumRunClosed),
            State::Collecting(came, _) if came.len() < self.body.contributors.len() => Err(ReasonCode::SumIncomplete),
            State::Collecting(..) => MaskSum::from_bytes(total, self.numbers).map_err(|_| ReasonCode::SumShareLength),
        }
    }

    /// Whether the total is that of the list; when it is not the run is closed, and nothing was put together.
    ///
    /// # Errors
    /// [`ReasonCode::SumRunClosed`], [`ReasonCode::SumMismatch`].
    pub fn proves(&mut self, total: &MaskSum) -> Result<(), ReasonCode> {
        let proven = match &self.state {
            State::Closed => return Err(ReasonCode::SumRunClosed),
            State::Collecting(_, sum) => sum.proves(total, &self.check),
        };
        proven.map_err(|_| {
            self.state = State::Closed;
            ReasonCode::SumMismatch
        })
    }

    /// Whether parts or a total are still taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Collecting(..))
    }

    /// Puts the sum together. Whatever comes of it, the run is closed: nobody tries a second total on the same parts.
    ///
    /// # Errors
    /// [`ReasonCode::SumRunClosed`]; [`ReasonCode::SumMismatch`] when the total is not that of the list.
    pub fn close(&mut self, total: &MaskSum) -> Result<Zeroizing<Vec<u64>>, ReasonCode> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Closed => Err(ReasonCode::SumRunClosed),
            State::Collecting(_, sum) => sum.join(total, &self.check).map_err(|_| ReasonCode::SumMismatch),
        }
    }
}

/// A run as the monitor sees it: whose seeds came, and the sum of their masks.
pub struct MonitorRun {
    left: BTreeSet<Oin>,
    masks: MaskSum,
}

impl MonitorRun {
    /// A run over these contributors, with vectors of `numbers` numbers.
    #[must_use]
    pub fn new(contributors: &[Oin], numbers: usize) -> Self {
        Self { left: contributors.iter().copied().collect(), masks: MaskSum::new(numbers) }
    }

    /// Takes the seed of a contributor.
    ///
    /// # Errors
    /// [`ReasonCode::SumNotContributor`], also for a second one.
    pub fn take(&mut self, from: &Oin, seed: &Secret32) -> Result<(), ReasonCode> {
        if !self.left.remove(from) {
            return Err(ReasonCode::SumNotContributor);
        }
        self.masks.add(seed);
        Ok(())
    }

    /// The summed share, once every seed has come.
    ///
    /// # Errors
    /// [`ReasonCode::SumIncomplete`].
    pub fn total(self) -> Result<Zeroizing<Vec<u8>>, ReasonCode> {
        if self.left.is_empty() { Ok(self.masks.to_bytes()) } else { Err(ReasonCode::SumIncomplete) }
    }
}
