//! What becomes of the groups at the gate: they are counted, released as everything is, and forgotten.

use std::collections::BTreeSet;

use super::Core;
use super::memory::LinkMemory;
use crate::disclosure::certificate::MOST_BYTES;
use crate::disclosure::component::{Component, components};
use crate::disclosure::ledger::{Ledger, settled_until};
use crate::disclosure::linked::release_linked;
use crate::disclosure::release::{Made, Released, Terms, answer_sums};
use crate::disclosure::sums::Taking;
use crate::domain::codes::Owner;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::query::TableQuery;
use crate::domain::reason::ReasonCode;
use crate::indicator::compute::Settings;
use crate::indicator::linked::count::{Counter, Counting};
use crate::indicator::release::Release;
use crate::linkage::document::{Run, RunDocument};
use crate::linkage::gate::Linked;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::convenant::{Convenant, Role};
use crate::policy::permit::{Permit, declared_links};
use crate::service::core::CoreError;
use crate::service::document::Pending;
use crate::service::release::{WITHIN_DAYS, core_reason, fault_reason, same_definition, tell_audit};
use crate::storage::state::StateKind;

/// The frame of a linked release; the same at every party but for the organisation.
pub(super) fn frame(terms: &Convenant, organisation: Oin, (data_from, horizon): (Day, Day)) -> Release {
    let settings = Settings { horizon, data_from, within: WITHIN_DAYS, organisation };
    let (domains, bin_cuts) = (terms.domains.clone(), terms.bin_cuts.clone());
    let (owners, delivers) = (terms.linked_owners(), Owner::ALL.to_vec());
    Release { settings, owners, delivers, domains, bin_cuts, linked: true }
}

/// The calendar years of which a run makes tables.
pub(super) fn years_of(document: &RunDocument) -> BTreeSet<i16> {
    document.tables.iter().map(|table| table.period.year()).collect()
}

impl Core {
    fn link_parts(
        &self,
        terms: &Convenant,
        years: impl IntoIterator<Item = i16>,
        until: Day,
    ) -> (Ledger, Vec<Component>) {
        let ledger = self.memory().links.ledger(&terms.id).cloned().unwrap_or_default();
        let mut declared: Vec<TableQuery> = years.into_iter().flat_map(|year| declared_links(terms, year)).collect();
        declared.retain(|table| same_definition(terms, table.indicator));
        let region = frame(terms, self.identity.oin, (until, until));
        let parts = components(&declared, &ledger, &region);
        let mut open = parts;
        open.retain(|part| part.earlier.is_empty() && !part.due(&ledger, until).is_empty());
        (ledger, open)
    }

    /// The tables of these years that are due, with those that their audit needs.
    pub(super) fn due_links(&self, convenant: &ConvenantInForce, years: &[i16]) -> Result<Vec<TableQuery>, ReasonCode> {
        let terms = convenant.convenant();
        let today = self.clock.today();
        let until = settled_until(terms.settlement_days, today, today);
        let (ledger, parts) = self.link_parts(terms, years.iter().copied(), until);
        let mut tables: Vec<TableQuery> =
            parts.iter().flat_map(|part| part.due(&ledger, until)).map(|job| job.table).collect();
        // What was released before is counted again, as a constant of the audit.
        let stored = parts.iter().flat_map(|part| part.tables.iter().filter(|table| ledger.find(table).is_some()));
        tables.extend(stored.cloned());
        tables.sort();
        tables.dedup();
        Ok(tables)
    }

    /// Inside the release gate: the exact regional tables live here and nowhere else.
    pub(super) fn release_linked(&self, (permit, run): (&Permit, &Run), linked: &[Linked]) -> Result<(), ReasonCode> {
        let _one_at_a_time = self.releasing();
        let terms = permit.convenant().convenant();
        let document = &run.document;
        let (ledger, parts) = self.link_parts(terms, years_of(document), document.horizon);
        let organisations: Vec<Oin> = document.nodes.iter().map(|node| node.oin).collect();
        let region = frame(terms, self.identity.oin, (document.data_from, document.horizon));
        let expected: Vec<Oin> = terms.with_role(Role::Delivering).map(|card| card.oin).collect();
        for part in parts {
            let question = part.question(&ledger, document.horizon);
            let counting = Counting {
                organisations: &organisations,
                domains: &terms.domains,
                within: WITHIN_DAYS,
                release: Some(&region),
            };
            let mut counter = Counter::new(counting, &question);
            for (asked, linked) in document.questions.iter().zip(linked) {
                counter.add(asked, &linked.groups, &[linked.left_out]);
            }
            let raws = counter.finish();
            let released = Terms {
                release: &region,
                rules: &terms.disclosure,
                convenant: permit.convenant().hash(),
                tie_key: &self.keys.tiebreak_key(),
                until: document.horizon,
                today: self.clock.today(),
                salt: crate::crypto::random(),
                most_bytes: MOST_BYTES,
            };
            let taking = Taking { expected: &expected, contributors: &organisations };
            let made =
                release_linked(&part, &ledger, &raws, &released, taking).map_err(|fault| fault_reason(&fault))?;
            tell_audit(&part, made.tables.len(), &made.summary);
            let Made { tables, witness, .. } = made;
            let record = |table| (StateKind::LinkRelease, LinkMemory::release_record(&terms.id, table));
            let records = std::iter::once((StateKind::Witness, witness)).chain(tables.iter().map(record)).collect();
            self.state.append_batch(records).map_err(|e| core_reason(&CoreError::State(e)))?;
            self.change(|memory| tables.into_iter().for_each(|table| memory.links.add(&terms.id, table)));
        }
        Ok(())
    }

    /// The released linked tables of a question, from what is stored: the same bytes each time.
    pub(in crate::service) fn released_links(&self, permit: &Permit) -> Result<(Released, Vec<Pending>), ReasonCode> {
        let memory = self.memory();
        let terms = permit.convenant().convenant();
        let of = |_: &TableQuery| -> Vec<&Ledger> { memory.links.ledger(&terms.id).into_iter().collect() };
        let released = answer_sums(permit.query(), &of).map_err(|fault| fault_reason(&fault))?;
        let reason = ReasonCode::LinkNotMade;
        let pending: Vec<Pending> =
            released.pending().iter().map(|table| Pending { table: table.clone(), reason, from: None }).collect();
        if released.tables().is_empty() { Err(reason) } else { Ok((released, pending)) }
    }
}
