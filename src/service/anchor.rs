//! The audit log in the transfer log: at start and stop and once a day its head is logged there, where witnesses keep it. An
//! audit log that is older or other than the newest head says was put back; one that was begun anew leaves an entry.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::core::{Core, CoreError};
use super::entries;
use crate::storage::audit::AuditError;
use crate::storage::log::LogError;
use crate::translog::audit::{AuditHead, SERVICE};
use crate::translog::entry::Outcome;

/// A head of the audit log that the transfer log holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Anchor {
    /// Number of the entry.
    pub entry: u64,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The head.
    pub head: AuditHead,
}

/// How the audit log stands beside what the transfer log says of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditView {
    /// Records.
    pub records: u64,
    /// The newest head in the transfer log.
    pub newest: Option<Anchor>,
    /// When an empty audit log was begun beside a transfer log that was not empty.
    pub begun: Option<Anchor>,
    /// The head that the audit log does not contain: it was put back, shortened or replaced.
    pub missing: Option<Anchor>,
}

/// Every head in the transfer log beside the audit log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AuditCheck {
    /// Records.
    pub records: u64,
    /// Heads since the audit log was begun.
    pub anchors: u64,
    /// Each time that one was begun anew.
    pub begun: Vec<Anchor>,
    /// Heads that the audit log does not contain.
    pub missing: Vec<Anchor>,
}

/// What the node knows of it.
#[derive(Default)]
pub(in crate::service) struct Anchors(Mutex<Known>);

#[derive(Clone, Copy, Default)]
struct Known {
    newest: Option<Anchor>,
    missing: Option<Anchor>,
    /// An audit log was begun and the transfer log does not say so yet.
    untold: bool,
}

impl Core {
    fn anchors(&self) -> MutexGuard<'_, Known> {
        self.anchors.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At the opening: compares the audit log with the newest head. An empty one that was made just now, or that stands beside
    /// entries, was begun anew, whoever made it and whenever; that is logged. A full disk puts it off to the first record.
    pub(in crate::service) fn look_at_audit(&self, made: bool) -> Result<(), CoreError> {
        let newest = self.log.audit_entries().newest.map(|number| self.anchor(number)).transpose()?.flatten();
        // One that was told of and still is empty is not told of again, unless it was made once more.
        let told = newest.is_some_and(|anchor| anchor.head.size == 0);
        let untold = self.audit.is_empty() && (made || !told && !self.log.is_empty());
        let heads: Vec<AuditHead> = newest.iter().map(|anchor| anchor.head).collect();
        let contained = untold || self.audit.begins_with(&heads)?.into_iter().all(|contained| contained);
        *self.anchors() = Known { newest, missing: newest.filter(|_| !contained), untold };
        match self.tell_begun() {
            Err(AuditError::Untold(reason)) => tracing::error!("auditlog: {reason}"),
            told => told?,
        }
        Ok(())
    }

    /// Logs that an empty audit log was begun, when that is still to be logged: no record comes before it.
    pub(in crate::service) fn tell_begun(&self) -> Result<(), AuditError> {
        if !self.anchors().untold {
            return Ok(());
        }
        let told = self.log_head("Een leeg auditlog beginnen, omdat er geen was", AuditHead::EMPTY);
        told.map_err(|e| AuditError::Untold(e.to_string()))?;
        self.anchors().untold = false;
        Ok(())
    }

    /// Logs the head of the audit log when the newest one in the transfer log is another and at least `every_ms` away, also
    /// after a clock that was ahead. While
    /// the audit log does not contain the newest head nothing is logged, so that the alarm stays until it is put right.
    ///
    /// # Errors
    /// [`LogError`], but for a full disk: the next time does it.
    pub fn anchor_audit(&self, every_ms: u64) -> Result<(), LogError> {
        let (head, known) = (self.audit.now(), *self.anchors());
        let now = self.clock.now_ms();
        let fresh = known.newest.is_some_and(|last| last.head == head || now.abs_diff(last.at_ms) < every_ms);
        if fresh || head.size == 0 || known.missing.is_some() || known.untold {
            return Ok(());
        }
        match self.log_head("De stand van het auditlog vastleggen", head) {
            Err(LogError::Full) => Ok(()),
            logged => logged,
        }
    }

    fn log_head(&self, action: &str, head: AuditHead) -> Result<(), LogError> {
        let intent = head.in_entry(self.local_entry(SERVICE, action));
        let entry = self.append(&intent)?.index();
        self.anchors().newest = Some(Anchor { entry, at_ms: intent.start_ms, head });
        match self.note(&entries::outcome(&intent, Outcome::Confirmed, self.clock.now_ms())) {
            // The head is durable; the next start closes it.
            Err(LogError::Full) => Ok(()),
            noted => noted,
        }
    }

    fn anchor(&self, number: u64) -> Result<Option<Anchor>, LogError> {
        let entry = self.log.entry(number)?;
        Ok(entry.and_then(|entry| Some(Anchor { entry: number, at_ms: entry.start_ms, head: AuditHead::of(&entry)? })))
    }

    /// How the audit log stood at the opening, and what the transfer log says of it now.
    #[must_use]
    pub fn audit_view(&self) -> AuditView {
        let begun = self.log.audit_entries().begun.and_then(|number| self.anchor(number).ok().flatten());
        let Known { newest, missing, .. } = *self.anchors();
        AuditView { records: self.audit.len(), newest, begun, missing }
    }

    /// Reads the whole transfer log and compares every head since the audit log was begun with the audit log.
    ///
    /// # Errors
    /// [`CoreError`] when one of both cannot be read.
    pub fn check_audit(&self) -> Result<AuditCheck, CoreError> {
        let mut check = AuditCheck::default();
        let mut anchors = Vec::new();
        for entry in self.log.entries(0..self.log.len()) {
            let (number, entry) = entry?;
            let Some(head) = AuditHead::of(&entry) else { continue };
            let anchor = Anchor { entry: number, at_ms: entry.start_ms, head };
            if head.size == 0 {
                anchors.clear();
                check.begun.push(anchor);
            } else {
                anchors.push(anchor);
            }
        }
        let heads: Vec<AuditHead> = anchors.iter().map(|anchor| anchor.head).collect();
        let contained = self.audit.begins_with(&heads)?;
        check.records = self.audit.len();
        check.anchors = anchors.len() as u64;
        let missing = anchors.into_iter().zip(contained).filter(|(_, contained)| !contained);
        check.missing = missing.map(|(anchor, _)| anchor).collect();
        Ok(check)
    }
}
