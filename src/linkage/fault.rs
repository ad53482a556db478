//! What can be wrong in a run, and whose doing it is.

use std::fmt;

use thiserror::Error;

use crate::crypto::oprf::InvalidElements;
use crate::domain::oin::Oin;

/// What is wrong.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The run document is not in its one form, or does not hold together.
    #[error("the run document is malformed")]
    Document,
    /// A signature under the run document is missing or wrong.
    #[error("the run document is not signed by all")]
    Unsigned,
    /// The document does not follow on the run that came before it.
    #[error("the run does not follow on the earlier one")]
    Succession,
    /// The elements of a node pass its quota of the year.
    #[error("the quota of elements is used up")]
    OverQuota,
    /// The party has no such role in this run, or no part in it at all.
    #[error("not a role of this party in this run")]
    Role,
    /// Another key than the document names.
    #[error("not the key of the run document")]
    OtherKey,
    /// The node has more children than the elements that it declared.
    #[error("more children than declared elements")]
    TooMany,
    /// A batch or chunk out of order, of another length, or a second one with other content.
    #[error("not the message that is due")]
    OutOfTurn,
    /// An element is refused.
    #[error(transparent)]
    Element(InvalidElements),
    /// The proof of a blinder does not hold.
    #[error("the proof of the blinder does not hold")]
    Proof,
    /// Something sealed does not open: another run, party, place or key.
    #[error("a seal does not open in this run")]
    Seal,
    /// Rows that cannot be read, or that speak for another node.
    #[error("rows that are not of this run")]
    Rows,
    /// A sealed tag that came before.
    #[error("a sealed tag is repeated")]
    Repeated,
    /// The gate asks for a second grouping.
    #[error("a second batch of tags")]
    SecondBatch,
    /// The groups are not a grouping of the tags: the monitor's doing.
    #[error("no grouping of the tags")]
    Groups,
    /// Not everything came in yet; when the time of the run is over, the fault of those who are named.
    #[error("the run is incomplete")]
    Incomplete,
    /// The time of the run is over.
    #[error("the time of the run is over")]
    Over,
}

/// A fault with those whose doing it is; nobody when it cannot be said.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct LinkFault {
    /// What is wrong.
    pub fault: Fault,
    /// Whose doing it is.
    pub culprits: Vec<Oin>,
}

impl Fault {
    /// The fault as the doing of one party.
    #[must_use]
    pub fn of(self, culprit: Oin) -> LinkFault {
        LinkFault { fault: self, culprits: vec![culprit] }
    }

    /// The fault of nobody in particular.
    #[must_use]
    pub fn of_nobody(self) -> LinkFault {
        LinkFault { fault: self, culprits: Vec::new() }
    }
}

impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)?;
        self.culprits.iter().try_for_each(|oin| write!(f, " ({oin})"))
    }
}
