//! What leaves about children in a linked run: `Blinded`, `LinkRows`, `TagBatch` and `Groups`. Minted here alone, from a permit for the
//! tables of the run and a durable entry of the run.

use std::fmt;

use crate::domain::oin::Oin;
use crate::linkage::document::Run;
use crate::linkage::passage::{Leg, Passage};
use crate::policy::permit::Permit;
use crate::storage::log::Logged;
use crate::translog::entry::Phase;

/// Leave and entry under which something of a run goes out to one party.
pub(super) struct Leave {
    logged: Logged,
}

impl Leave {
    /// The entry, when it announces something of this run and the permit is for the tables of the run.
    pub(super) fn new(permit: &Permit, run: &Run, logged: Logged) -> Option<Self> {
        let belongs = permit.query_hash() == run.document.query().hash()
            && logged.query_hash() == Some(run.hash)
            && logged.phase() == Phase::Intent
            && crate::crypto::hex(logged.transfer_id().as_bytes()) == run.document.run;
        belongs.then_some(Self { logged })
    }

    /// Whether the entry commits to exactly these bytes.
    pub(super) fn covers(&self, salt: &[u8; 16], bytes: &[u8]) -> bool {
        self.logged.covers(salt, bytes)
    }
}

macro_rules! exit {
    ($(#[$doc:meta])* $name:ident($content:ty)) => {
        $(#[$doc])*
        pub struct $name($content);

        impl $name {
            /// What travels.
            #[must_use]
            pub fn content(&self) -> &$content {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

exit! {
    /// Blinded elements of a node on their way to a blinder: the entry of the run fixes their number.
    Blinded(Passage)
}

exit! {
    /// A chunk of a node's rows, sealed to the gate.
    LinkRows(Passage)
}

exit! {
    /// A chunk of the sealed tags that the gate mixed.
    TagBatch(Vec<u8>)
}

exit! {
    /// The monitor's groups of handles.
    Groups(Vec<u8>)
}

impl Blinded {
    /// A batch that may leave.
    pub(super) fn new(_leave: &Leave, passage: Passage) -> Option<Self> {
        matches!(passage.leg, Leg::ToP | Leg::ToQ).then_some(Self(passage))
    }
}

impl LinkRows {
    /// A chunk that may leave.
    pub(super) fn new(_leave: &Leave, passage: Passage) -> Option<Self> {
        (passage.leg == Leg::ToGate).then_some(Self(passage))
    }

    /// Who made it.
    #[must_use]
    pub fn maker(&self) -> Oin {
        self.0.from
    }
}

impl TagBatch {
    /// Tags that may leave.
    pub(super) fn new(_leave: &Leave, tags: Vec<u8>) -> Self {
        Self(tags)
    }
}

impl Groups {
    /// The parts of groups that may leave: the entry commits to all of them together.
    pub(super) fn parts(leave: &Leave, salt: &[u8; 16], groups: &[u8], size: usize) -> Option<Vec<Self>> {
        let parts = || groups.chunks(size).map(|part| Self(part.to_vec())).collect();
        leave.covers(salt, groups).then(parts)
    }
}
