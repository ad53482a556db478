//! Refused connections are counted and summed in bounded entries: an attacker cannot fill the log by knocking.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::core::{Core, CoreError};
use super::entries;
use crate::domain::reason::ReasonCode;

/// Counts per reason since the last summary.
#[derive(Default)]
pub struct RefusedConnections(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    since_ms: u64,
    by_reason: BTreeMap<ReasonCode, u64>,
}

impl RefusedConnections {
    /// Counts one; never touches the disk.
    pub fn count(&self, reason: ReasonCode, now_ms: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.by_reason.is_empty() {
            counts.since_ms = now_ms;
        }
        *counts.by_reason.entry(reason).or_default() += 1;
    }

    fn take(&self) -> (u64, BTreeMap<ReasonCode, u64>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (counts.since_ms, std::mem::take(&mut counts.by_reason))
    }
}

impl Core {
    /// Writes what was counted: one entry per reason. Called every few seconds and at the end.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn summarise_refused(&self) -> Result<(), CoreError> {
        let (since, counts) = self.refused.take();
        for (reason, count) in counts {
            let span = (since, self.clock.now_ms());
            self.note(&entries::refused_connections(self.identity.oin, reason, count, span))?;
        }
        Ok(())
    }
}
