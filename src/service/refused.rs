//! Refused connections are counted and summed in bounded entries: an attacker cannot fill the log by knocking. Questions
//! that met a full disk are counted with them, because no entry could be written then.

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

    /// Puts back what could not be written, among what was counted meanwhile.
    fn give_back(&self, since_ms: u64, unwritten: BTreeMap<ReasonCode, u64>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.since_ms = since_ms;
        for (reason, count) in unwritten {
            *counts.by_reason.entry(reason).or_default() += count;
        }
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
    /// When the log cannot be written; what was not written stays counted and comes when there is space again.
    pub fn summarise_refused(&self) -> Result<(), CoreError> {
        let (since, mut counts) = self.refused.take();
        while let Some((reason, count)) = counts.pop_first() {
            let span = (since, self.clock.now_ms());
            if let Err(error) = self.note(&entries::refused_connections(self.identity.oin, reason, count, span)) {
                counts.insert(reason, count);
                self.refused.give_back(since, counts);
                return Err(error.into());
            }
        }
        Ok(())
    }
}
