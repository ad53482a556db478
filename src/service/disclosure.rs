//! Checking again what was released, from the witnesses that the node keeps, and handing one to a statistician.

use std::collections::{BTreeMap, BTreeSet};

use super::core::{Core, CoreError};
use crate::crypto::{Digest, digest};
use crate::disclosure::certificate::{
    CellName, Checked, Flaw, Witness, Witnessed, as_defined, as_kept, check, printed_as, version_of,
};
use crate::disclosure::ledger::{Ledger, StoredTable};
use crate::domain::codes::Owner;
use crate::domain::oin::Oin;
use crate::domain::query::TableQuery;
use crate::domain::table::Table;
use crate::indicator::compute::Settings;
use crate::indicator::definition::definition;
use crate::indicator::release::Release;
use crate::policy::bundle::ConvenantBundle;
use crate::policy::convenant::Convenant;
use crate::policy::convenant::{Role, Route};
use crate::storage::state::StateKind;

/// Tables that were released with one certificate, and what checking them anew found.
#[derive(Clone, Debug)]
pub struct Rechecked {
    /// The certificate; none for tables from before certificates.
    pub certificate: Option<Digest>,
    /// The tables.
    pub tables: Vec<TableQuery>,
    /// What was checked, or what is wrong; nothing can be checked without a certificate.
    pub result: Result<Checked, Flaw>,
    /// With which version of the definitions the relations were compared; none when this version computes by others.
    pub compared: Option<u32>,
}

/// What a statistician needs to check a release: the bytes of its witness and the tables that bear its hash.
pub struct Handover {
    /// Bytes of the witness: exact counts.
    pub witness: Vec<u8>,
    /// The released tables.
    pub tables: Vec<Table>,
}

impl Core {
    /// Checks released tables again from their witnesses: the hash, the proof, the print of every table, and the relations
    /// against the definitions. `wanted` chooses tables; whatever bears the same certificate is checked with them.
    ///
    /// # Errors
    /// [`CoreError`] when the state journal cannot be read.
    pub fn recheck(&self, wanted: &dyn Fn(&TableQuery) -> bool) -> Result<Vec<Rechecked>, CoreError> {
        let mut groups: BTreeMap<Option<Digest>, Vec<StoredTable>> = BTreeMap::new();
        for stored in self.released_tables() {
            groups.entry(stored.certificate().ok().flatten()).or_default().push(stored);
        }
        groups.retain(|_, tables| tables.iter().any(|stored| wanted(stored.query())));
        // Also those of other releases: they must know of these.
        let all = self.released_tables().iter().filter_map(|stored| stored.certificate().ok().flatten()).collect();
        let mut witnesses = self.witnesses(&all)?;
        let read = |(hash, bytes): (&Digest, &Vec<u8>)| Some((*hash, Witness::from_bytes(bytes).ok()?.tables));
        let witnessed: Witnessed = witnesses.iter().filter_map(read).collect();
        let line = |(certificate, stored): (Option<Digest>, Vec<StoredTable>)| {
            let tables = stored.iter().map(|s| s.query().clone()).collect();
            let bytes = certificate.and_then(|hash| witnesses.remove(&hash));
            let (result, compared) = match (certificate, bytes) {
                (None, _) => {
                    let fault = stored.iter().find_map(|s| s.certificate().err());
                    (fault.map_or_else(|| Ok(Checked::default()), |fault| Err(Flaw(fault.to_string()))), None)
                }
                (Some(_), None) => (Err(Flaw("het bewijsbestand ontbreekt".into())), None),
                (Some(_), Some(bytes)) => match self.recheck_one(&bytes, &stored, &witnessed) {
                    Ok((checked, compared)) => (Ok(checked), compared),
                    Err(flaw) => (Err(flaw), None),
                },
            };
            Rechecked { certificate, tables, result, compared }
        };
        Ok(groups.into_iter().map(line).collect())
    }

    /// Everything that was released here: this organisation's own tables, or at a gate the regional sums.
    #[must_use]
    pub fn released_tables(&self) -> Vec<StoredTable> {
        let memory = self.memory();
        let sums = memory.sums.ledgers().flat_map(|ledger| ledger.tables());
        memory.ledger.all().chain(sums).cloned().collect()
    }

    fn recheck_one(
        &self,
        bytes: &[u8],
        stored: &[StoredTable],
        witnessed: &Witnessed,
    ) -> Result<(Checked, Option<u32>), Flaw> {
        let witness = Witness::from_bytes(bytes)?;
        let checked = check(&witness)?;
        for stored in stored {
            printed_as(&witness, &stored.table().map_err(|fault| Flaw(fault.to_string()))?)?;
        }
        let memory = self.memory();
        let bundle = memory.convenants.get(&witness.convenant.0);
        let terms = bundle.ok_or_else(|| Flaw("het convenant van de vrijgave is onbekend".into()))?.convenant();
        let first = stored.first();
        // A gate keeps a ledger of its own for each kind of sum.
        let holds = |ledger: &&Ledger| ledger.all().any(|kept| Some(kept) == first);
        let ledger = std::iter::once(&memory.ledger).chain(memory.sums.ledgers()).find(holds);
        as_kept(&witness, ledger.unwrap_or(&memory.ledger), &terms.disclosure, witnessed)?;
        Ok((checked, is_as_defined(&witness, terms, &self.identity.levert)?))
    }

    /// The witness of a certificate with its tables; none when the node has no such release.
    ///
    /// # Errors
    /// [`CoreError`] when the state journal cannot be read.
    pub fn handover(&self, wanted: Digest) -> Result<Option<Handover>, CoreError> {
        let bears = |stored: &&StoredTable| stored.certificate().ok().flatten() == Some(wanted);
        let tables: Vec<Table> =
            self.released_tables().iter().filter(bears).filter_map(|stored| stored.table().ok()).collect();
        let witness = self.witnesses(&BTreeSet::from([wanted]))?.remove(&wanted);
        Ok(witness.map(|witness| Handover { witness, tables }))
    }

    /// The kept witnesses with these hashes.
    fn witnesses(&self, wanted: &BTreeSet<Digest>) -> Result<BTreeMap<Digest, Vec<u8>>, CoreError> {
        let mut found = BTreeMap::new();
        self.state.replay_only::<CoreError>(StateKind::Witness, |body| {
            let hash = digest(&body);
            if wanted.contains(&hash) {
                found.insert(hash, body);
            }
            Ok(())
        })?;
        Ok(found)
    }
}

/// Checks a witness against the convenant of its release without a node: the rules, and cells and relations against the
/// definitions of the version that is returned. None when this version computes by other definitions, so that nothing could be
/// compared with them.
///
/// # Errors
/// The first [`Flaw`] that is found.
pub fn as_agreed(witness: &Witness, bundle: &ConvenantBundle) -> Result<Option<u32>, Flaw> {
    if bundle.hash() != witness.convenant {
        return Err(Flaw("de vrijgave is onder een ander convenant gemaakt".into()));
    }
    let terms = bundle.convenant();
    if witness.rules != terms.disclosure {
        return Err(Flaw("de regels zijn niet die van het convenant".into()));
    }
    let party = terms.parties.iter().find(|party| party.card.card().oin.as_str() == witness.organisation);
    let party = party.ok_or_else(|| Flaw("de organisatie is geen partij bij het convenant".into()))?;
    is_as_defined(witness, terms, &party.card.card().levert)
}

/// Whether this version can tell the definitions of the witness, and then whether it is as they say, and of which version; `levert` is
/// what the organisation delivers.
fn is_as_defined(witness: &Witness, terms: &Convenant, levert: &[Owner]) -> Result<Option<u32>, Flaw> {
    if witness.tables.iter().any(|t| t.version != definition(t.query.indicator).version) {
        return Ok(None);
    }
    let organisation = Oin::parse(&witness.organisation).map_err(|e| Flaw(e.to_string()))?;
    let settings = Settings { horizon: witness.until, data_from: witness.until, within: 0, organisation };
    let (domains, bin_cuts) = (terms.domains.clone(), terms.bin_cuts.clone());
    // A node releases what no sum has; a gate the series of one kind of owner.
    let summed = terms.summed_owners();
    let mut owners: Vec<Owner> = levert.iter().copied().filter(|owner| !summed.contains(owner)).collect();
    let mut delivers = levert.to_vec();
    if terms.party(&organisation).is_some_and(|party| party.has(Role::Gate)) {
        let named = witness.cells.iter().filter_map(|cell| cell.name.as_ref());
        let of = |name: &CellName| {
            let table = witness.tables.get(name.table)?;
            definition(table.query.indicator).series(&name.series).map(|series| series.owner)
        };
        owners = named.filter_map(of).collect::<BTreeSet<Owner>>().into_iter().collect();
        delivers = owners.iter().flat_map(|&owner| terms.delivered_with(owner)).collect();
    }
    let linked = witness.tables.iter().any(|t| terms.grant(t.query.indicator, Route::Link).is_some());
    if linked {
        owners = terms.linked_owners();
        delivers = Owner::ALL.to_vec();
    }
    as_defined(witness, &Release { settings, owners, delivers, domains, bin_cuts, linked })?;
    Ok(Some(version_of(witness)))
}
