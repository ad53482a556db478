//! What linked runs leave behind: the newest run document of each convenant that this party signed, and at the gate what was released.
//! Records of the state journal; nothing of a child.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::disclosure::ledger::{Ledger, StoredTable};
use crate::linkage::document::RunDocument;

#[derive(Serialize, Deserialize)]
struct RunRecord {
    convenant: String,
    document: RunDocument,
}

#[derive(Serialize, Deserialize)]
struct ReleaseRecord {
    convenant: String,
    stored: StoredTable,
}

/// The memory of linked runs, by the id of their convenant.
#[derive(Clone, Default)]
pub struct LinkMemory {
    latest: BTreeMap<String, RunDocument>,
    released: BTreeMap<String, Ledger>,
}

impl LinkMemory {
    /// The newest run that this party signed.
    #[must_use]
    pub fn latest(&self, convenant: &str) -> Option<&RunDocument> {
        self.latest.get(convenant)
    }

    /// The newest run of each convenant, by its id.
    #[must_use]
    pub fn runs(&self) -> Vec<(String, RunDocument)> {
        self.latest.iter().map(|(id, run)| (id.clone(), run.clone())).collect()
    }

    /// What the gate released.
    #[must_use]
    pub fn ledger(&self, convenant: &str) -> Option<&Ledger> {
        self.released.get(convenant)
    }

    /// The record of a run that is about to be signed.
    #[must_use]
    pub fn run_record(convenant: &str, document: &RunDocument) -> Vec<u8> {
        let record = RunRecord { convenant: convenant.to_owned(), document: document.clone() };
        serde_json::to_vec(&record).unwrap_or_default()
    }

    /// The record of a released table.
    #[must_use]
    pub fn release_record(convenant: &str, stored: &StoredTable) -> Vec<u8> {
        let record = ReleaseRecord { convenant: convenant.to_owned(), stored: stored.clone() };
        serde_json::to_vec(&record).unwrap_or_default()
    }

    /// Takes a record of a run; it is the newest one.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn take_run(&mut self, body: &[u8]) -> Result<(), &'static str> {
        let RunRecord { convenant, document } = serde_json::from_slice(body).map_err(|_| "gekoppelde ronde")?;
        self.latest.insert(convenant, document);
        Ok(())
    }

    /// Takes a record of a released table.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn take_release(&mut self, body: &[u8]) -> Result<(), &'static str> {
        let ReleaseRecord { convenant, stored } = serde_json::from_slice(body).map_err(|_| "gekoppelde tabel")?;
        self.add(&convenant, stored);
        Ok(())
    }

    /// Adds a released table; the first one stays.
    pub fn add(&mut self, convenant: &str, stored: StoredTable) {
        self.released.entry(convenant.to_owned()).or_default().add(stored);
    }
}
