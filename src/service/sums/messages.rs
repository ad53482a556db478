//! What the parties of a run say to each other.

use std::fmt;

use zeroize::Zeroizing;

use super::document::SumPlan;
use super::share::{Passed, Share};
use crate::crypto::Digest;
use crate::disclosure::component::Job;
use crate::domain::codes::Owner;
use crate::domain::oin::Oin;
use crate::service::api::{ProvenBy, TraceContext};
use crate::translog::entry::TransferId;

/// A question about a run. Only [`SumCall::Part`] and [`SumCall::Total`] carry something about children.
#[derive(Debug)]
pub enum SumCall {
    /// Monitor to gate: what of a kind of owner is due in a calendar year?
    Due {
        /// The version of the convenant that the asker goes by.
        convenant: Digest,
        /// Whose series.
        owner: Owner,
        /// Calendar year.
        year: i16,
    },
    /// Monitor to node: which of these tables can you share in now?
    Able {
        /// The version of the convenant that the asker goes by.
        convenant: Digest,
        /// The tables; its contributors have no meaning here.
        plan: SumPlan,
    },
    /// Monitor to gate: the bytes of the body of a run to list and sign.
    Agree(Vec<u8>),
    /// Monitor to gate: the sealed part of one node.
    Part(Passed),
    /// Monitor to gate: its summed share, with which the gate puts the sum together.
    Total(Share),
}

/// What a partner sent for [`SumCall::Part`] or [`SumCall::Total`], still to be verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Id of the run.
    pub run: TransferId,
    /// Who made the share.
    pub from: Oin,
    /// The maker's receipt of its entry.
    pub receipt: Vec<u8>,
    /// Salt of the commitment in the receipt.
    pub salt: [u8; 16],
    /// The share: sealed to the gate, or the monitor's summed one. Overwritten when it is dropped.
    pub share: Zeroizing<Vec<u8>>,
    /// By what the maker proved who it is, when the connection is its own.
    pub proven: Option<ProvenBy>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delivery({}, <{} bytes>)", self.from, self.share.len())
    }
}

/// A question as it came in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SumAsked {
    /// As [`SumCall::Due`].
    Due {
        /// The version of the convenant that the asker goes by.
        convenant: Digest,
        /// Whose series.
        owner: Owner,
        /// Calendar year.
        year: i16,
    },
    /// As [`SumCall::Able`].
    Able {
        /// The version of the convenant that the asker goes by.
        convenant: Digest,
        /// The tables.
        plan: SumPlan,
    },
    /// As [`SumCall::Agree`].
    Agree(Vec<u8>),
    /// As [`SumCall::Part`].
    Part(Delivery),
    /// As [`SumCall::Total`].
    Total(Delivery),
}

/// What the asked party says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SumReply {
    /// One plan for each component with something due.
    Due(Vec<SumPlan>),
    /// The tables in which the node can share.
    Able(Vec<Job>),
    /// The bytes of the list and the gate's signature of them.
    List(Vec<u8>, Box<[u8; 64]>),
    /// The part was taken and is in the log.
    Taken,
    /// The sum was put together and released; the gate's receipt of the summed share.
    Released(Vec<u8>),
}

/// A request for a node's share in a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareRequest {
    /// Id of the run.
    pub run: TransferId,
    /// Leaf hash of the monitor's entry.
    pub intent_hash: Digest,
    /// The bytes of the list.
    pub list: Vec<u8>,
    /// The gate's signature of them.
    pub gate: [u8; 64],
    /// The monitor's signature of them.
    pub monitor: [u8; 64],
    /// Names the call in both logs.
    pub trace: TraceContext,
}
