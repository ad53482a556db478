//! A node: says in what it can share, and splits its own vector between monitor and gate.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::document::{SumList, SumPlan};
use super::memory::SharedWith;
use super::messages::ShareRequest;
use super::share::{Share, to_document};
use super::{Announced, Core, KEY, MOST, PART, context, lock, region_of};
use crate::crypto::{Digest, Secret32, from_hex, open_with, seal_to};
use crate::disclosure::component::{Job, final_on};
use crate::disclosure::sums::{layout_of, question_of};
use crate::domain::codes::Owner;
use crate::domain::day::Day;
use crate::domain::reason::ReasonCode;
use crate::indicator::compute::{Settings, compute_release};
use crate::indicator::definition::definition;
use crate::indicator::raw::RawTable;
use crate::indicator::release::Release;
use crate::indicator::shares::GateShare;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::convenant::Convenant;
use crate::policy::permit::{Permit, decide_sum, declared_sums};
use crate::service::api::{Peer, Refusal};
use crate::service::core::CoreError;
use crate::service::release::{WITHIN_DAYS, core_reason, same_definition};
use crate::storage::state::StateKind;

impl Core {
    /// The tables of a plan in which this node can share now: its quarters are frozen, and none of its figures left by another
    /// route.
    pub(super) fn able(&self, peer: &Peer, convenant: Digest, plan: &SumPlan) -> Result<Vec<Job>, ReasonCode> {
        let convenant = self.named(convenant)?;
        let question = question_of(&plan.tables);
        decide_sum(&convenant, &peer.oin, &convenant.hash(), &question, self.clock.today())?;
        self.freeze_settled().map_err(|e| core_reason(&e))?;
        let can = |job: &&Job| self.can_share(convenant.convenant(), plan.owner, job).is_ok();
        Ok(plan.tables.iter().filter(can).cloned().collect())
    }

    fn can_share(&self, terms: &Convenant, owner: Owner, job: &Job) -> Result<(), ReasonCode> {
        let (table, year) = (&job.table, job.table.period.year());
        if !self.identity.levert.contains(&owner) || !declared_sums(terms, owner, year).contains(table) {
            return Err(ReasonCode::RouteNotNode);
        }
        if !same_definition(terms, table.indicator) {
            return Err(ReasonCode::OtherDefinition);
        }
        let memory = self.memory();
        let until = memory.frozen.quarters.last().map_or(Day(i32::MIN), |last| last.bounds().1);
        let frozen = table.period.quarters().iter().all(|quarter| memory.frozen.quarters.contains(quarter));
        if !frozen || job.horizon < final_on(table) || job.horizon > until {
            return Err(ReasonCode::OutsideWindow);
        }
        let alone = memory.ledger.tables().any(|stored| {
            // Of any indicator: relations cross them.
            let of_owner = |table: crate::domain::table::Table| {
                let defined = definition(stored.query().indicator);
                table.rows.iter().any(|row| defined.series(&row.series).is_some_and(|s| s.owner == owner))
            };
            stored.query().period.year() == year && stored.table().is_ok_and(of_owner)
        });
        if alone { Err(ReasonCode::ComponentClosed) } else { Ok(()) }
    }

    /// Our share in a run, or the refusal of it, in the log.
    pub(in crate::service) fn share_in(&self, peer: &Peer, request: &ShareRequest) -> Result<Share, Refusal> {
        let list = serde_json::from_slice(&request.list).map_err(|_| ReasonCode::SumListInvalid);
        let hash = list.as_ref().ok().map(|list: &SumList| list.body.hash());
        list.and_then(|list| self.try_share(peer, request, &list)).map_err(|reason| {
            let now = self.clock.now_ms();
            let mut entry =
                crate::service::entries::sum_denied(self.identity.oin, peer, Some(request.run), reason, now);
            entry.trace_id = Some(request.trace.trace_id);
            entry.parent_span_id = Some(request.trace.span_id);
            entry.peer_entry_hash = Some(request.intent_hash);
            entry.query_hash = hash;
            self.denied(peer, entry, reason)
        })
    }

    fn try_share(&self, peer: &Peer, request: &ShareRequest, unread: &SumList) -> Result<Share, ReasonCode> {
        let hash = Digest::from_hex(&unread.body.convenant).ok_or(ReasonCode::SumListInvalid)?;
        let convenant = self.named(hash)?;
        let list = self.believed(&convenant, peer, request)?;
        let permit = decide_sum(&convenant, &peer.oin, &hash, &list.body.question(), self.clock.today())?;
        self.claim((peer.oin, request.run), (list.body.hash(), hash)).map_err(|reason| match reason {
            ReasonCode::RequestIdReused => ReasonCode::SumOtherList,
            other => other,
        })?;
        self.freeze_settled().map_err(|e| core_reason(&e))?;
        // Releases of our own wait until it is on disk that these figures left as shares.
        let _one_at_a_time = self.releasing();
        let with = with_of(convenant.convenant(), &list)?;
        for job in &list.body.tables {
            self.can_share(convenant.convenant(), list.body.owner, job)?;
            let memory = self.memory();
            let before = memory.sums.shared_with(list.body.owner, job.table.indicator, job.table.period.year());
            if before.is_some_and(|before| *before != with) {
                return Err(ReasonCode::SumContributors);
            }
        }
        self.split(peer, request, &permit, &list)
    }

    /// The list, when monitor and gate of the convenant signed it and we are one of at least three owners on it.
    fn believed(
        &self,
        convenant: &ConvenantInForce,
        peer: &Peer,
        request: &ShareRequest,
    ) -> Result<SumList, ReasonCode> {
        let terms = convenant.convenant();
        let (gate, monitor) = terms.gate().zip(terms.monitor()).ok_or(ReasonCode::SumListInvalid)?;
        if monitor.oin != peer.oin {
            return Err(ReasonCode::RoleNotAllowed);
        }
        let signed = [(&gate.signing, &request.gate), (&monitor.signing, &request.monitor)];
        let list = SumList::open(&request.list, &signed)?;
        let owners: BTreeSet<_> = terms.owners_of(list.body.owner).into_iter().collect();
        if list.body.run_id() != Some(request.run) {
            return Err(ReasonCode::SumRunUnknown);
        }
        if !list.body.contributors.iter().all(|oin| owners.contains(oin)) {
            return Err(ReasonCode::SumListInvalid);
        }
        if list.ask_of(&self.identity.oin).is_none() { Err(ReasonCode::SumNotContributor) } else { Ok(list) }
    }

    /// Splits our vector: everything is in the log before it leaves, the part for the gate sealed to its key.
    fn split(&self, peer: &Peer, request: &ShareRequest, permit: &Permit, list: &SumList) -> Result<Share, ReasonCode> {
        let (body, terms) = (&list.body, permit.convenant().convenant());
        let gate = terms.gate().ok_or(ReasonCode::SumListInvalid)?;
        let ask = list.ask_of(&self.identity.oin).ok_or(ReasonCode::SumNotContributor)?;
        let check = self.check_key(list)?;
        let layout = layout_of(&body.jobs(), &region_of(terms, body.owner, body.until)?);
        let raws = self.own_tables(terms, body.owner, &body.jobs())?;
        let vector = layout.vector(&raws, terms.disclosure.threshold);
        let seed = Secret32::random();
        let part = GateShare::split(&vector, &seed, &check).to_bytes();
        let sealed = seal_to(&gate.agreement, &context(PART, body, &self.identity.oin), &[], &part);
        self.remember_share(body.owner, &body.tables, with_of(terms, list)?)?;
        let asked_in = Digest::from_hex(&ask.entry).ok_or(ReasonCode::SumListInvalid)?;
        let cells = layout.cells();
        let of_gate = Announced { permit, body, to: gate.oin, peer: None, asked_in, cells };
        let of_gate = self.announce(&of_gate, Zeroizing::new(sealed))?;
        let document = to_document(&seed, &of_gate);
        let of_monitor =
            Announced { permit, body, to: peer.oin, peer: Some(peer), asked_in: request.intent_hash, cells };
        let share = self.announce(&of_monitor, document).inspect_err(|_| {
            self.handed_over(gate.oin, of_gate.handed(), false);
        })?;
        let mut along = lock(&self.runs.along);
        if along.len() >= MOST {
            along.clear();
        }
        along.insert((share.handed().transfer, share.handed().entry), (gate.oin, of_gate.handed()));
        Ok(share)
    }

    fn check_key(&self, list: &SumList) -> Result<Secret32, ReasonCode> {
        let ours = self.identity.oin;
        let ask = list.ask_of(&ours).ok_or(ReasonCode::SumNotContributor)?;
        // 32 bytes of the encapsulated key, 32 of the key, 16 of its tag.
        let sealed: [u8; 80] = from_hex(&ask.key).ok_or(ReasonCode::SumListInvalid)?;
        let opened = open_with(&self.keys.agreement_key(0), &context(KEY, &list.body, &ours), &[], &sealed);
        let opened = Zeroizing::new(opened.map_err(|_| ReasonCode::SumListInvalid)?);
        let key: [u8; 32] = opened.as_slice().try_into().map_err(|_| ReasonCode::SumListInvalid)?;
        Ok(Secret32::new(key))
    }

    /// The exact tables of our own series, each up to its own horizon.
    fn own_tables(&self, terms: &Convenant, owner: Owner, jobs: &[Job]) -> Result<Vec<RawTable>, ReasonCode> {
        let (window, frozen) = {
            let memory = self.memory();
            (memory.window.ok_or(ReasonCode::OutsideWindow)?, std::sync::Arc::clone(&memory.frozen))
        };
        let question = question_of(jobs).hash();
        let table = |job: &Job| {
            let settings = Settings {
                horizon: job.horizon,
                data_from: window.from,
                within: WITHIN_DAYS,
                organisation: self.identity.oin,
            };
            let (domains, bin_cuts) = (terms.domains.clone(), terms.bin_cuts.clone());
            let delivers = terms.delivered_with(owner);
            let release = Release { settings, owners: vec![owner], delivers, domains, bin_cuts, linked: false };
            compute_release(&frozen.columns, &release, &self.calendar, &job.table, question)
        };
        Ok(jobs.iter().map(table).collect())
    }

    /// Makes durable that these figures left as shares, so that they never leave as figures of this node alone.
    fn remember_share(&self, owner: Owner, tables: &[Job], with: SharedWith) -> Result<(), ReasonCode> {
        let record = self.memory().sums.share_record(owner, tables, with);
        let Some(record) = record else { return Ok(()) };
        self.state.append(StateKind::SumShare, record.clone()).map_err(|e| core_reason(&CoreError::State(e)))?;
        let taken = self.change(|memory| memory.sums.take_share(&record));
        taken.map_err(|_| ReasonCode::Internal)
    }
}

/// With whom a list shares.
fn with_of(terms: &Convenant, list: &SumList) -> Result<SharedWith, ReasonCode> {
    let gate = terms.gate().ok_or(ReasonCode::SumListInvalid)?.oin;
    Ok(SharedWith { gate, contributors: list.body.contributors.clone() })
}
