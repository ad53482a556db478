//! The inbox: what came about children, until somebody took it over and for 24 hours at most.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::messages::CaseDocument;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::core::Core;
use crate::storage::files::FileError;
use crate::translog::entry::TransferId;

/// How long content is kept that nobody takes over: 24 hours.
pub const KEPT_MS: u64 = 86_400_000;

/// Something in the inbox.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrived {
    /// From whom.
    pub from: Oin,
    /// When it came, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// What came.
    pub document: CaseDocument,
}

impl fmt::Debug for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arrived({}, {:?})", self.from, self.document)
    }
}

fn reason(error: &FileError) -> ReasonCode {
    tracing::error!("postvak: {error}");
    ReasonCode::LogUnavailable
}

impl Core {
    /// Keeps what came, pending until it is in the log.
    pub(super) fn put_in_inbox(
        &self,
        from: Oin,
        transfer: TransferId,
        document: &CaseDocument,
    ) -> Result<(), ReasonCode> {
        let arrived = Arrived { from, at_ms: self.clock.now_ms(), document: document.clone() };
        let bytes = zeroize::Zeroizing::new(serde_json::to_vec(&arrived).unwrap_or_default());
        self.inbox.put(transfer, &bytes).map_err(|e| reason(&e))
    }

    /// What is in the inbox, oldest first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn inbox(&self) -> Result<Vec<(TransferId, Arrived)>, ReasonCode> {
        let mut found = Vec::new();
        for transfer in self.inbox.list().map_err(|e| reason(&e))? {
            found.extend(self.in_inbox(transfer)?.map(|arrived| (transfer, arrived)));
        }
        Ok(found)
    }

    /// One thing in the inbox.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn in_inbox(&self, transfer: TransferId) -> Result<Option<Arrived>, ReasonCode> {
        let bytes = self.inbox.read(transfer).map_err(|e| reason(&e))?;
        let bytes = bytes.map(zeroize::Zeroizing::new);
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Somebody took it over in the organisation's own system: destroyed here. Whether it was there.
    ///
    /// # Errors
    /// When it cannot be destroyed or the log cannot be written.
    pub fn confirm_case(&self, transfer: TransferId) -> Result<bool, ReasonCode> {
        let there = self.inbox.destroy(transfer).map_err(|e| reason(&e))?;
        if there {
            self.note_destroyed(transfer, true)?;
        }
        Ok(there)
    }

    /// Destroys what nobody took over in time; called every second.
    ///
    /// # Errors
    /// When it cannot be destroyed or the log cannot be written.
    pub fn tend_inbox(&self) -> Result<(), ReasonCode> {
        let now = self.clock.now_ms();
        for transfer in self.inbox.list().map_err(|e| reason(&e))? {
            let late = match self.in_inbox(transfer)? {
                Some(arrived) => arrived.at_ms.saturating_add(KEPT_MS) <= now,
                None => true,
            };
            if late && self.inbox.destroy(transfer).map_err(|e| reason(&e))? {
                self.note_destroyed(transfer, false)?;
            }
        }
        Ok(())
    }
}
