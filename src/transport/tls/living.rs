//! The living connections, so that a revocation or an expired certificate also ends those that were let in before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::{CertificateDer, UnixTime};
use tokio::sync::oneshot;

use super::trust::{Role, Trust};
use crate::domain::reason::ReasonCode;

/// Every connection that was let in and has not ended.
#[derive(Debug, Default)]
pub(super) struct Living {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    next: u64,
    open: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    chain: Vec<CertificateDer<'static>>,
    close: oneshot::Sender<ReasonCode>,
}

/// A place in the list, given back when the connection ends; learns it when the connection must end.
#[derive(Debug)]
pub(in crate::transport) struct Place {
    living: Arc<Living>,
    number: u64,
    /// Yields the reason when the connection must be closed.
    pub must_close: oneshot::Receiver<ReasonCode>,
}

impl Living {
    pub(super) fn enter(self: &Arc<Self>, chain: Vec<CertificateDer<'static>>) -> Place {
        let (close, must_close) = oneshot::channel();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let number = entries.next;
        entries.next += 1;
        entries.open.insert(number, Entry { chain, close });
        Place { living: Arc::clone(self), number, must_close }
    }

    /// Checks the certificate of every connection again and closes those that fail; says how many.
    pub(super) fn sweep(&self, trust: &Trust, now: UnixTime) -> usize {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let failed: Vec<(u64, ReasonCode)> = entries
            .open
            .iter()
            .filter_map(|(number, entry)| trust.check(&entry.chain, Role::Client, now).err().map(|why| (*number, why)))
            .collect();
        for (number, reason) in &failed {
            if let Some(entry) = entries.open.remove(number) {
                let _ended_already = entry.close.send(*reason);
            }
        }
        failed.len()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.living.entries.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&self.number);
    }
}
