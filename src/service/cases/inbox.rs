//! The inbox: what came about children, until somebody took it over and for 24 hours at most.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::messages::CaseDocument;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::core::{Core, CoreError};
use crate::storage::files::FileError;
use crate::storage::log::Filter;
use crate::translog::entry::{Phase, TransferId};

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

    /// After a crash: what is in the log as received is there; what is not, never came, and is asked for or offered again.
    ///
    /// # Errors
    /// When log or inbox cannot be read or written.
    pub(in crate::service) fn recover_inbox(&self) -> Result<(), CoreError> {
        self.inbox.sweep()?;
        for transfer in self.inbox.pending()? {
            let received = Filter { transfer: Some(transfer), phase: Some(Phase::Received), ..Filter::default() };
            if self.log_entries(&received, (None, 1))?.is_empty() {
                self.inbox.destroy(transfer)?;
            } else {
                self.inbox.settle(transfer)?;
            }
        }
        Ok(())
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
        let _turn = self.inbox.turn();
        let there = self.inbox.list().map_err(|e| reason(&e))?.contains(&transfer);
        if there {
            self.destroy_in_log(transfer, true)?;
        }
        Ok(there)
    }

    /// Announces it, does it, and says that it was done.
    fn destroy_in_log(&self, transfer: TransferId, confirmed: bool) -> Result<(), ReasonCode> {
        let intent = self.announce_destroyed(transfer)?;
        self.inbox.destroy(transfer).map_err(|e| reason(&e))?;
        self.note_destroyed(&intent, confirmed)
    }

    /// Destroys what nobody took over in time; called every second.
    ///
    /// # Errors
    /// When it cannot be destroyed or the log cannot be written.
    pub fn tend_inbox(&self) -> Result<(), ReasonCode> {
        let now = self.clock.now_ms();
        let _turn = self.inbox.turn();
        for transfer in self.inbox.list().map_err(|e| reason(&e))? {
            let late = match self.in_inbox(transfer)? {
                Some(arrived) => arrived.at_ms.saturating_add(KEPT_MS) <= now,
                None => true,
            };
            if late {
                self.destroy_in_log(transfer, false)?;
            }
        }
        Ok(())
    }
}
