//! What runs leave behind: at the gate over whom sums were put together and what was released of them, at a node what it shared, with
//! which gate and over whom. Records of the state journal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::disclosure::component::Job;
use crate::disclosure::ledger::{Ledger, StoredTable};
use crate::domain::codes::Owner;
use crate::domain::oin::Oin;
use crate::domain::query::{IndicatorId, TableQuery};

/// A released sum, as the journal keeps it.
#[derive(Serialize, Deserialize)]
struct ReleaseRecord {
    convenant: String,
    owner: Owner,
    stored: StoredTable,
}

/// A sum that the gate is about to put together: from now on these tables have these contributors, whatever becomes of it.
#[derive(Clone, Serialize, Deserialize)]
struct BegunRecord {
    owner: Owner,
    tables: BTreeSet<TableQuery>,
    contributors: Vec<Oin>,
}

/// What was shared: series of a kind of owner, by indicator and calendar year, with which gate and over whom.
#[derive(Serialize, Deserialize)]
struct ShareRecord {
    owner: Owner,
    of: BTreeSet<(IndicatorId, i16)>,
    with: SharedWith,
}

/// The one gate and the one set of organisations with which figures were shared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SharedWith {
    /// The gate.
    pub gate: Oin,
    /// The contributors, ascending.
    pub contributors: Vec<Oin>,
}

/// The memory of runs that ended.
#[derive(Clone, Default)]
pub struct SumMemory {
    /// By convenant id and kind of owner.
    released: BTreeMap<(String, Owner), Ledger>,
    begun: Vec<BegunRecord>,
    shared: BTreeMap<(Owner, i16, IndicatorId), SharedWith>,
}

impl SumMemory {
    /// What was released of a kind of owner under a convenant, by its id.
    #[must_use]
    pub fn ledger(&self, convenant: &str, owner: Owner) -> Option<&Ledger> {
        self.released.get(&(convenant.to_owned(), owner))
    }

    /// Everything that was released.
    pub fn ledgers(&self) -> impl Iterator<Item = &Ledger> {
        self.released.values()
    }

    /// Over whom a sum of one of these tables was put together before, under any convenant.
    #[must_use]
    pub fn contributors(&self, owner: Owner, tables: &[TableQuery]) -> Option<&[Oin]> {
        let same =
            |begun: &&BegunRecord| begun.owner == owner && tables.iter().any(|table| begun.tables.contains(table));
        self.begun.iter().find(same).map(|begun| begun.contributors.as_slice())
    }

    /// Whether this node shared series of a kind of owner in a calendar year.
    #[must_use]
    pub fn has_shared(&self, owner: Owner, year: i16) -> bool {
        self.shared.keys().any(|(of, in_year, _)| (*of, *in_year) == (owner, year))
    }

    /// Whether a sum of this calendar year was released here or shared from here, of one of these indicators or of any when none is named.
    #[must_use]
    pub fn touches(&self, year: i16, indicators: &[IndicatorId]) -> bool {
        let wanted = |id: IndicatorId| indicators.is_empty() || indicators.contains(&id);
        let mut tables = self.ledgers().flat_map(Ledger::tables).map(StoredTable::query);
        let mut shared = self.shared.keys();
        tables.any(|table| table.period.year() == year && wanted(table.indicator))
            || shared.any(|(_, in_year, indicator)| *in_year == year && wanted(*indicator))
    }

    /// With whom this node shared an indicator of a calendar year.
    #[must_use]
    pub fn shared_with(&self, owner: Owner, indicator: IndicatorId, year: i16) -> Option<&SharedWith> {
        self.shared.get(&(owner, year, indicator))
    }

    /// The record of a released table.
    #[must_use]
    pub fn release_record(convenant: &str, owner: Owner, stored: &StoredTable) -> Vec<u8> {
        let record = ReleaseRecord { convenant: convenant.to_owned(), owner, stored: stored.clone() };
        serde_json::to_vec(&record).unwrap_or_default()
    }

    /// The record of a sum that is about to be put together.
    #[must_use]
    pub fn begun_record(owner: Owner, jobs: &[Job], contributors: &[Oin]) -> Vec<u8> {
        let tables = jobs.iter().map(|job| job.table.clone()).collect();
        serde_json::to_vec(&BegunRecord { owner, tables, contributors: contributors.to_vec() }).unwrap_or_default()
    }

    /// The record of what a run shares; none when it is known already.
    #[must_use]
    pub fn share_record(&self, owner: Owner, jobs: &[Job], with: SharedWith) -> Option<Vec<u8>> {
        let of: BTreeSet<_> = jobs.iter().map(|job| (job.table.indicator, job.table.period.year())).collect();
        let new = of.iter().any(|(indicator, year)| self.shared_with(owner, *indicator, *year).is_none());
        new.then(|| serde_json::to_vec(&ShareRecord { owner, of, with }).unwrap_or_default())
    }

    /// Adds a released table; the first one stays.
    pub fn add(&mut self, convenant: &str, owner: Owner, stored: StoredTable) {
        self.released.entry((convenant.to_owned(), owner)).or_default().add(stored);
    }

    /// Takes a record of a released table.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn take_release(&mut self, body: &[u8]) -> Result<(), &'static str> {
        let record: ReleaseRecord = serde_json::from_slice(body).map_err(|_| "regionale som")?;
        self.add(&record.convenant, record.owner, record.stored);
        Ok(())
    }

    /// Takes a record of a sum that was put together.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn take_begun(&mut self, body: &[u8]) -> Result<(), &'static str> {
        self.begun.push(serde_json::from_slice(body).map_err(|_| "begonnen som")?);
        Ok(())
    }

    /// Takes a record of what was shared; with whom it was shared first stays.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn take_share(&mut self, body: &[u8]) -> Result<(), &'static str> {
        let ShareRecord { owner, of, with } = serde_json::from_slice(body).map_err(|_| "aandeel")?;
        for (indicator, year) in of {
            self.shared.entry((owner, year, indicator)).or_insert_with(|| with.clone());
        }
        Ok(())
    }
}
