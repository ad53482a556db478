//! From exact counts to released figures: thresholds, rounding, complementary suppression with an audit, the ledger.
//!
//! Pure: no clock, no IO. The one room that mints [`Released`](release::Released) and
//! [`OwnFigures`](own::OwnFigures); nothing else that is made of counts may leave a node.

pub mod bound;
pub mod certificate;
pub mod component;
mod editions;
pub mod ledger;
pub mod linked;
mod mend;
mod network;
pub mod own;
mod plan;
mod print;
pub mod protect;
pub mod release;
pub mod rules;
mod solve;
pub mod sums;
pub mod system;
mod witness;

use thiserror::Error;

/// Why a release stops. Nothing has left when one of these is returned.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum DisclosureFault {
    /// The exact figures break a relation that the definitions promise: a fault of the definition, never of the data.
    #[error("de definitie klopt niet: {0}; er is niets vrijgegeven, meld dit bij de beheerder van de definities")]
    Definition(String),
    /// Figures released earlier no longer agree with the records.
    #[error(
        "eerder vrijgegeven cijfers passen niet bij de gegevens: {0}; alleen een formele herziening kan dit oplossen"
    )]
    Earlier(String),
    /// No pattern of suppressed cells protects every small group, whatever is left out.
    #[error("geen veilige vrijgave mogelijk: {0}")]
    Unsafe(String),
    /// The audit needed more solver runs than it is given.
    #[error("de toets van de vrijgave is te groot: meer dan {0} oplossingen nodig")]
    Budget(usize),
    /// The proof is larger than a record of the journal.
    #[error("het bewijs van de vrijgave is te groot: {0} bytes")]
    TooLarge(usize),
    /// An earlier release stands in the way.
    #[error("een eerdere vrijgave staat in de weg: {0}")]
    Closed(String),
    /// A stored answer cannot be read back.
    #[error("een bewaard antwoord is niet leesbaar: {0}")]
    Stored(String),
}

impl DisclosureFault {
    /// Whether less may come out where this much cannot.
    fn is_for_the_ladder(&self) -> bool {
        matches!(self, Self::Unsafe(_) | Self::Budget(_) | Self::TooLarge(_))
    }
}
