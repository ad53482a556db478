//! The gate: says what is due, signs the list, takes the parts, and alone puts the sum together and releases it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::document::{AskOf, RunBody, SumList, SumPlan, sign_list};
use super::memory::SumMemory;
use super::messages::{Delivery, SumAsked, SumReply};
use super::run::GateRun;
use super::share::MOST_NUMBERS;
use super::{Asked, Core, KEY, MOST, PART, asked_fault, context, lock, region_of};
use crate::crypto::{Digest, Secret32, hex, open_with, seal_to};
use crate::disclosure::certificate::MOST_BYTES;
use crate::disclosure::component::{Component, Job, components};
use crate::disclosure::ledger::{Ledger, name, settled_until};
use crate::disclosure::release::{Made, Released, Terms, answer_sums};
use crate::disclosure::rules::publishable_sum;
use crate::disclosure::sums::{Taking, layout_of, question_of, release_sums};
use crate::domain::codes::Owner;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::query::TableQuery;
use crate::domain::reason::ReasonCode;
use crate::indicator::sums::Layout;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::convenant::{Role, Route};
use crate::policy::permit::{Permit, decide_sum, declared_sums};
use crate::service::api::{Peer, ProvenBy, Refusal};
use crate::service::core::CoreError;
use crate::service::document::Pending;
use crate::service::entries;
use crate::service::release::{core_reason, fault_reason, same_definition};
use crate::storage::state::StateKind;
use crate::translog::entry::TransferId;

/// A run whose list is signed.
pub(super) struct OpenRun {
    run: GateRun,
    convenant: ConvenantInForce,
    layout: Layout,
    /// The list and our signature, said again to who asks again.
    said: (Vec<u8>, [u8; 64]),
    /// Our questions to the contributors and the monitor.
    asked: BTreeMap<Oin, Asked>,
    monitor: Oin,
}

impl Core {
    /// Answers a question about a run, or refuses it in the log.
    pub(in crate::service) fn answer_sum(&self, peer: &Peer, asked: SumAsked) -> Result<SumReply, Refusal> {
        let run = match &asked {
            SumAsked::Part(delivery) | SumAsked::Total(delivery) => Some(delivery.run),
            SumAsked::Agree(body) => serde_json::from_slice(body).ok().and_then(|body: RunBody| body.run_id()),
            SumAsked::Due { .. } | SumAsked::Able { .. } => None,
        };
        let done = match asked {
            SumAsked::Due { convenant, owner, year } => self.due_sums(peer, (convenant, owner, year)),
            SumAsked::Able { convenant, plan } => self.able(peer, convenant, &plan).map(SumReply::Able),
            SumAsked::Agree(body) => self.agree(peer, &body),
            SumAsked::Part(delivery) => self.take_part(peer, &delivery),
            SumAsked::Total(delivery) => self.take_total(peer, &delivery),
        };
        done.map_err(|reason| self.deny(peer, run, reason))
    }

    /// The convenant of which we are the gate and the peer is the monitor.
    fn as_gate(&self, peer: &Peer, convenant: Digest) -> Result<ConvenantInForce, ReasonCode> {
        let convenant = self.named(convenant)?;
        let terms = convenant.convenant();
        let monitor = terms.party(&peer.oin).is_some_and(|party| party.has(Role::Monitor));
        if monitor && self.is_gate_of(terms) { Ok(convenant) } else { Err(ReasonCode::RoleNotAllowed) }
    }

    fn due_sums(&self, peer: &Peer, (hash, owner, year): (Digest, Owner, i16)) -> Result<SumReply, ReasonCode> {
        let convenant = self.as_gate(peer, hash)?;
        let (_, parts) = self.plans(&convenant, owner, year)?;
        Ok(SumReply::Due(parts.into_iter().map(|(plan, _)| plan).collect()))
    }

    /// The plans of a kind of owner and year with something due, each with its component.
    fn plans(
        &self,
        convenant: &ConvenantInForce,
        owner: Owner,
        year: i16,
    ) -> Result<(Ledger, Vec<(SumPlan, Component)>), ReasonCode> {
        let terms = convenant.convenant();
        if !terms.summed_owners().contains(&owner) {
            return Err(ReasonCode::RouteNotNode);
        }
        let today = self.clock.today();
        let until = settled_until(terms.settlement_days, today, today);
        let (region, sums) = (region_of(terms, owner, until)?, self.memory().sums.clone());
        let ledger = sums.ledger(&terms.id, owner).cloned().unwrap_or_default();
        let mut declared = declared_sums(terms, owner, year);
        declared.retain(|table| same_definition(terms, table.indicator));
        let parts = components(&declared, &ledger, &region);
        // What was released under other terms and is granted no more cannot be asked again: its component is closed.
        let open = parts.into_iter().filter(|part| part.earlier.is_empty() && !part.due(&ledger, until).is_empty());
        let plan = |component: Component| {
            let contributors = sums.contributors(owner, &component.tables).unwrap_or_default().to_vec();
            let mut tables = component.due(&ledger, until);
            tables.extend(earlier(&component.tables, &ledger));
            tables.sort();
            (SumPlan { owner, until, tables, contributors }, component)
        };
        Ok((ledger.clone(), open.map(plan).collect()))
    }

    /// Signs the list of a run, once its body is what the convenant and the ledger allow.
    fn agree(&self, peer: &Peer, bytes: &[u8]) -> Result<SumReply, ReasonCode> {
        let _one_at_a_time = lock(&self.runs.agreeing);
        let body = RunBody::from_bytes(bytes)?;
        let hash = Digest::from_hex(&body.convenant).ok_or(ReasonCode::MessageMalformed)?;
        let convenant = self.as_gate(peer, hash)?;
        decide_sum(&convenant, &peer.oin, &hash, &body.question(), self.clock.today())?;
        let run = body.run_id().ok_or(ReasonCode::MessageMalformed)?;
        let known = lock(&self.runs.open).get(&run).cloned();
        if let Some(open) = known {
            let open = lock(&open);
            let (list, signature) = open.said.clone();
            let same = *open.run.body() == body;
            return if same { Ok(SumReply::List(list, Box::new(signature))) } else { Err(ReasonCode::SumOtherList) };
        }
        let owners = convenant.convenant().owners_of(body.owner);
        if body.contributors.iter().any(|oin| !owners.contains(oin)) {
            return Err(ReasonCode::SumNotContributor);
        }
        self.fits_the_ledger(&convenant, &body)?;
        self.overlaps_no_other(&body)?;
        let layout = layout_of(&body.jobs(), &region_of(convenant.convenant(), body.owner, body.until)?);
        if layout.numbers() > MOST_NUMBERS {
            return Err(ReasonCode::MessageTooLarge);
        }
        let open = self.list(&convenant, (peer.oin, body), layout)?;
        let (list, signature) = open.said.clone();
        self.evict();
        lock(&self.runs.open).insert(run, Arc::new(Mutex::new(open)));
        Ok(SumReply::List(list, Box::new(signature)))
    }

    /// Two open runs that share a table are over the same organisations: the difference of two sums would be one vector.
    fn overlaps_no_other(&self, body: &RunBody) -> Result<(), ReasonCode> {
        let open: Vec<_> = lock(&self.runs.open).values().cloned().collect();
        let other = |open: &Arc<Mutex<OpenRun>>| {
            let open = lock(open);
            let theirs = open.run.body();
            let shares = theirs.tables.iter().any(|job| body.tables.iter().any(|ours| ours.table == job.table));
            open.run.is_open() && theirs.owner == body.owner && shares && theirs.contributors != body.contributors
        };
        if open.iter().any(other) { Err(ReasonCode::SumContributors) } else { Ok(()) }
    }

    /// Forgets the oldest run when there are too many, and logs what was asked in it and never came.
    fn evict(&self) {
        let oldest = {
            let mut runs = lock(&self.runs.open);
            let oldest = runs.keys().min().copied().filter(|_| runs.len() >= MOST);
            oldest.and_then(|oldest| runs.remove(&oldest))
        };
        let Some(oldest) = oldest else { return };
        let open = lock(&oldest);
        for (oin, asked) in open.asked.iter().filter(|(oin, _)| open.run.expects(oin).is_ok()) {
            let _logged = self.take_refusal(&asked.question, ReasonCode::SumRunUnknown, None);
            tracing::info!(%oin, run = %asked.question.transfer(), "een ronde die niet is afgemaakt is vergeten");
        }
    }

    /// Whether a run can come out beside what was released before: the tables of one component, something due, everything earlier
    /// summed again, over the same organisations.
    fn fits_the_ledger(&self, convenant: &ConvenantInForce, body: &RunBody) -> Result<(), ReasonCode> {
        let year = body.tables.first().map_or(0, |job| job.table.period.year());
        let (ledger, plans) = self.plans(convenant, body.owner, year)?;
        let tables: Vec<TableQuery> = body.tables.iter().map(|job| job.table.clone()).collect();
        let sums = self.memory().sums.clone();
        let before = sums.contributors(body.owner, &tables);
        if before.is_some_and(|before| before != body.contributors) {
            let stored = tables.iter().find_map(|table| ledger.find(table));
            let (name, day) = stored.map_or((String::new(), Day(0)), |s| (name(s.query()), s.released()));
            let (contributors, asked) =
                (format!("{:?}", before.unwrap_or_default()), format!("{:?}", body.contributors));
            tracing::warn!(eerder = name, vrijgegeven = %day, contributors, asked, "som over andere organisaties geweigerd");
            return Err(ReasonCode::SumContributors);
        }
        let of = |job: &Job| plans.iter().find(|(plan, _)| plan.tables.contains(job)).map(|(plan, _)| plan);
        let plan = body.tables.first().and_then(of).ok_or(ReasonCode::ComponentClosed)?;
        let whole = body.until == plan.until
            && body.tables.iter().all(|job| plan.tables.contains(job))
            && earlier(&plan.tables.iter().map(|j| j.table.clone()).collect::<Vec<_>>(), &ledger)
                .all(|job| body.tables.contains(&job))
            && body.tables.iter().any(|job| ledger.find(&job.table).is_none());
        match whole {
            true if plan.contributors.is_empty() || plan.contributors == body.contributors => Ok(()),
            true => Err(ReasonCode::SumContributors),
            false => Err(ReasonCode::ComponentClosed),
        }
    }

    /// Logs what we ask of everybody, draws the check key, and signs the list.
    fn list(
        &self,
        convenant: &ConvenantInForce,
        (monitor, body): (Oin, RunBody),
        layout: Layout,
    ) -> Result<OpenRun, ReasonCode> {
        let (check, mut asked, mut asks) = (Secret32::random(), BTreeMap::new(), Vec::new());
        let ask = |oin: Oin| -> Result<Asked, ReasonCode> {
            let question = self.ask_share(oin, convenant, &body).map_err(|e| asked_fault(&e))?;
            Ok(Asked { question, fields: body.fields(), cells: layout.cells() as u64 })
        };
        for oin in &body.contributors {
            let card = convenant.convenant().party(oin).ok_or(ReasonCode::SumNotContributor)?.card.card();
            let key = seal_to(&card.agreement, &context(KEY, &body, oin), &[], check.expose());
            let one = ask(*oin)?;
            asks.push(AskOf { oin: *oin, entry: one.question.entry_hash().to_hex(), key: hex(&key) });
            asked.insert(*oin, one);
        }
        let of_monitor = ask(monitor)?;
        let monitor_entry = of_monitor.question.entry_hash().to_hex();
        asked.insert(monitor, of_monitor);
        let list = SumList { body: body.clone(), monitor_entry, asks }.to_bytes();
        let signature = sign_list(&list, &self.signing);
        let run = GateRun::new(body, check, layout.numbers());
        Ok(OpenRun { run, convenant: convenant.clone(), layout, said: (list, signature), asked, monitor })
    }

    fn run(&self, peer: &Peer, run: TransferId) -> Result<Arc<Mutex<OpenRun>>, ReasonCode> {
        let open = lock(&self.runs.open).get(&run).cloned().ok_or(ReasonCode::SumRunUnknown)?;
        let (convenant, monitor) = {
            let open = lock(&open);
            (open.convenant.hash(), open.monitor)
        };
        // A withdrawal stops what is under way.
        self.as_gate(peer, convenant)?;
        if peer.oin == monitor { Ok(open) } else { Err(ReasonCode::RoleNotAllowed) }
    }

    /// Takes the part of one node, which came through the monitor. Its receipt comes first: who signed for a part that is none is
    /// named in the log.
    fn take_part(&self, peer: &Peer, delivery: &Delivery) -> Result<SumReply, ReasonCode> {
        let open = self.run(peer, delivery.run)?;
        let mut open = lock(&open);
        open.run.expects(&delivery.from)?;
        self.fits_the_ledger(&open.convenant, open.run.body())?;
        self.take_delivery(&open.asked, delivery)?;
        let info = context(PART, open.run.body(), &delivery.from);
        let part = open_with(&self.keys.agreement_key(0), &info, &[], &delivery.share);
        let read = part
            .map_err(|_| ReasonCode::SumShareUnreadable)
            .and_then(|part| open.run.read(&zeroize::Zeroizing::new(part)));
        let share = read.inspect_err(|reason| {
            let now = self.clock.now_ms();
            let entry = entries::sum_part_refused(self.identity.oin, delivery.from, delivery.run, *reason, now);
            if let Err(error) = self.note(&entry) {
                tracing::error!("transferlog: {error}");
            }
            tracing::warn!(oin = %delivery.from, code = %reason, "deze partij tekende voor een aandeel dat er geen is");
        })?;
        open.run.take(delivery.from, &share)?;
        Ok(SumReply::Taken)
    }

    /// Checks the receipt of a delivery and logs that it came; our receipt of it.
    fn take_delivery(&self, asked: &BTreeMap<Oin, Asked>, delivery: &Delivery) -> Result<Vec<u8>, ReasonCode> {
        let asked = asked.get(&delivery.from).ok_or(ReasonCode::SumNotContributor)?;
        let ours = self.take_share(&asked.question, delivery, (&asked.fields, asked.cells))?;
        Ok(ours.bytes().to_vec())
    }

    /// Takes the monitor's summed share, puts the sum together, and releases it before it answers.
    fn take_total(&self, peer: &Peer, delivery: &Delivery) -> Result<SumReply, ReasonCode> {
        let open = self.run(peer, delivery.run)?;
        let mut open = lock(&open);
        if delivery.from != peer.oin {
            return Err(ReasonCode::SumNotContributor);
        }
        // From here to the end one sum at a time: nothing is put together that an earlier sum does not go with.
        let _one_at_a_time = self.releasing();
        let total = open.run.read_total(&delivery.share)?;
        self.fits_the_ledger(&open.convenant, open.run.body())?;
        // The connection is the monitor's own.
        let proven = Some(ProvenBy { certificate: peer.certificate, pin: peer.pin });
        let sent = Delivery {
            run: delivery.run,
            from: delivery.from,
            receipt: delivery.receipt.clone(),
            salt: delivery.salt,
            share: delivery.share.clone(),
            proven,
        };
        let receipt = self.take_delivery(&open.asked, &sent)?;
        open.run.proves(&total)?;
        self.fix_contributors(open.run.body())?;
        let sum = open.run.close(&total)?;
        self.release_sum(&open, &sum)?;
        Ok(SumReply::Released(receipt))
    }

    /// Makes durable over whom these tables are summed, before they are: whatever becomes of it, never again over others.
    fn fix_contributors(&self, body: &RunBody) -> Result<(), ReasonCode> {
        let record = SumMemory::begun_record(body.owner, &body.jobs(), &body.contributors);
        self.state.append(StateKind::SumBegun, record.clone()).map_err(|e| core_reason(&CoreError::State(e)))?;
        self.change(|memory| memory.sums.take_begun(&record)).map_err(|_| ReasonCode::Internal)
    }

    /// Inside the release gate: the exact regional tables live here and nowhere else.
    fn release_sum(&self, open: &OpenRun, sum: &[u64]) -> Result<(), ReasonCode> {
        let (body, terms) = (open.run.body(), open.convenant.convenant());
        let region = region_of(terms, body.owner, body.until)?;
        let ledger = self.memory().sums.ledger(&terms.id, body.owner).cloned().unwrap_or_default();
        let question = question_of(&body.jobs()).hash();
        let publishable = |cell| publishable_sum(cell, &terms.disclosure);
        let raws = open.layout.tables(sum, body.contributors.len(), question, &publishable);
        let raws = raws.map_err(|_| ReasonCode::SumMismatch)?;
        let year = body.tables.first().map_or(0, |job| job.table.period.year());
        let tables = body.tables.iter().map(|job| job.table.clone()).collect();
        let component = Component { year, tables, earlier: Vec::new() };
        let released = Terms {
            release: &region,
            rules: &terms.disclosure,
            convenant: open.convenant.hash(),
            tie_key: &self.keys.tiebreak_key(),
            until: body.until,
            today: self.clock.today(),
            salt: crate::crypto::random(),
            most_bytes: MOST_BYTES,
        };
        let taking = Taking { expected: &terms.owners_of(body.owner), contributors: &body.contributors };
        let made = release_sums(&component, &ledger, &raws, &released, taking).map_err(|fault| fault_reason(&fault))?;
        crate::service::release::tell_audit(&component, made.tables.len(), &made.summary);
        let Made { tables, witness, .. } = made;
        let record = |table| (StateKind::SumRelease, SumMemory::release_record(&terms.id, body.owner, table));
        // Witness and tables become durable together.
        let records = std::iter::once((StateKind::Witness, witness)).chain(tables.iter().map(record)).collect();
        self.state.append_batch(records).map_err(|e| core_reason(&CoreError::State(e)))?;
        self.change(|memory| tables.into_iter().for_each(|table| memory.sums.add(&terms.id, body.owner, table)));
        Ok(())
    }

    /// The released sums of a question, from what is stored: the same bytes each time.
    pub(in crate::service) fn released_sums(&self, permit: &Permit) -> Result<(Released, Vec<Pending>), ReasonCode> {
        let memory = self.memory();
        // Of the convenant that the question goes by, and of the kinds of owner that it grants as sums.
        let terms = permit.convenant().convenant();
        let of = |table: &TableQuery| -> Vec<&Ledger> {
            let owners = terms.grant(table.indicator, Route::Sum).map_or(&[][..], |grant| &grant.owners);
            owners.iter().filter_map(|owner| memory.sums.ledger(&terms.id, *owner)).collect()
        };
        let released = answer_sums(permit.query(), &of).map_err(|fault| fault_reason(&fault))?;
        let reason = ReasonCode::SumNotMade;
        let pending: Vec<Pending> =
            released.pending().iter().map(|table| Pending { table: table.clone(), reason, from: None }).collect();
        if released.tables().is_empty() { Err(reason) } else { Ok((released, pending)) }
    }
}

/// The tables that were released before, with their horizons.
fn earlier<'a>(tables: &'a [TableQuery], ledger: &'a Ledger) -> impl Iterator<Item = Job> + 'a {
    let stored = tables.iter().filter_map(|table| ledger.find(table));
    stored.map(|stored| Job { table: stored.query().clone(), horizon: stored.horizon() })
}
