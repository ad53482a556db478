//! The head of the audit log of employees in the transfer log: how many records there were and the hash over them. Witnesses
//! keep the transfer log, so a smaller or another audit log that is put back later is found.

use serde::{Deserialize, Serialize};

use super::entry::{Direction, Entry, Phase};
use crate::crypto::Digest;

/// Name in the transfer log of what concerns the audit log.
pub const SERVICE: &str = "auditlog";

/// How far an audit log was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditHead {
    /// Number of records.
    pub size: u64,
    /// Hash over all of them; zeros when there is none.
    pub root: Digest,
}

impl AuditHead {
    /// The head of an audit log without a record.
    pub const EMPTY: Self = Self { size: 0, root: Digest([0; 32]) };

    /// The head that an entry records, if it records one.
    #[must_use]
    pub fn of(entry: &Entry) -> Option<Self> {
        let ours = entry.direction == Direction::Local && entry.phase == Phase::Intent && entry.service == SERVICE;
        let (size, root) = entry.row_count.zip(entry.query_hash).filter(|_| ours)?;
        Some(Self { size, root })
    }

    /// `entry` with this head: the number as its rows, the hash in the place of a question's.
    #[must_use]
    pub fn in_entry(self, entry: Entry) -> Entry {
        Entry { row_count: Some(self.size), query_hash: Some(self.root), ..entry }
    }
}
