//! The monitor of a linked run: makes the document of what everybody brings, signs it, groups the tags, and carries messages. It sees no
//! row and no child.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::exits::Groups;
use super::log::{Announced, Within};
use super::messages::{Joined, LinkCall, Offer, SignRequest, SignedRun};
use super::{Core, Leave};
use crate::crypto::{AgreementKey, Secret32, hex, random};
use crate::domain::oin::Oin;
use crate::domain::query::Query;
use crate::domain::reason::ReasonCode;
use crate::indicator::linked::questions;
use crate::linkage::document::{BlinderOf, ReceiverOf, Run, RunDocument};
use crate::linkage::frame::{Frame, unsigned_line};
use crate::linkage::line::NodeLine;
use crate::linkage::monitor::MonitorRun;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::permit::Permit;
use crate::service::lock;
use crate::translog::entry::{Outcome, TransferId};

/// What the monitor hands over, in the words of the log.
pub(super) const GROUPS: &str = "groepen van merken";
/// Bytes of groups in one message.
const PART: usize = 512 << 10;

/// What the monitor gathers before a run: who brings what.
pub struct Gathered<'a> {
    /// The convenant.
    pub convenant: &'a ConvenantInForce,
    /// The tables that are made.
    pub tables: Query,
    /// What each party brings.
    pub joined: BTreeMap<Oin, Joined>,
    /// Delivering parties that are left out.
    pub without: Vec<Oin>,
    /// When everything must be done, in milliseconds since 1970.
    pub until: u64,
}

/// A run of ours.
pub struct OurLink {
    run: Arc<Run>,
    permit: Permit,
    signed: SignedRun,
    machine: Mutex<MonitorRun>,
    /// Whether groups were announced to the gate.
    announced: AtomicBool,
}

impl OurLink {
    fn within(&self) -> Within<'_> {
        Within { permit: &self.permit, run: &self.run, carrier: None }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// What everybody gets once all have signed.
    #[must_use]
    pub fn signed(&self) -> &SignedRun {
        &self.signed
    }
}

/// The document of a run that is being made, with our key.
pub struct DraftLink {
    document: RunDocument,
    previous: Option<SignedRun>,
    key: AgreementKey,
}

impl DraftLink {
    /// The call that asks a signature: of the gate, and then with that of the gate of P and Q.
    #[must_use]
    pub fn to_sign(&self, by_gate: Option<[u8; 64]>) -> LinkCall {
        let (document, previous) = (self.document.to_bytes(), self.previous.clone());
        LinkCall::Sign(Box::new(SignRequest { document, previous, by_gate }))
    }

    /// The first node whose offer is not signed as it should be.
    #[must_use]
    pub fn unsigned(&self, convenant: &ConvenantInForce) -> Option<Oin> {
        unsigned_line(&self.document, convenant.convenant())
    }

    /// P, then Q.
    #[must_use]
    pub fn blinders(&self) -> [Oin; 2] {
        self.document.blinders.each_ref().map(|blinder| blinder.oin)
    }
}

/// The newest run that the gate signed, by its own word.
///
/// # Errors
/// [`ReasonCode::LinkDocument`] when it cannot be read.
pub fn latest_of(of_gate: &Joined) -> Result<Option<RunDocument>, ReasonCode> {
    let read = |signed: &SignedRun| RunDocument::from_bytes(&signed.document).map_err(|_| ReasonCode::LinkDocument);
    of_gate.latest.as_deref().map(read).transpose()
}

impl Core {
    /// A fresh id of a run.
    #[must_use]
    pub fn link_id(&self) -> TransferId {
        TransferId::new(self.clock.now_ms(), random())
    }

    /// The document of a run of what everybody brings.
    ///
    /// # Errors
    /// [`ReasonCode::LinkDocument`] when a blinder or the gate brings no key, or the newest run is not the gate's.
    pub fn draft_link(&self, id: TransferId, from: &Gathered<'_>) -> Result<DraftLink, ReasonCode> {
        let terms = from.convenant.convenant();
        let gate = terms.gate().ok_or(ReasonCode::LinkDocument)?;
        let of_gate = from.joined.get(&gate.oin).ok_or(ReasonCode::LinkDocument)?;
        let latest = latest_of(of_gate)?;
        let year = self.clock.today().ymd().0;
        let blinder = |oin: Oin| {
            let key = from.joined.get(&oin).and_then(|joined| joined.blinder).ok_or(ReasonCode::LinkDocument)?;
            Ok(BlinderOf { oin, key: hex(&key) })
        };
        let nodes: Vec<(Oin, Offer)> =
            from.joined.iter().filter_map(|(oin, joined)| Some((*oin, joined.node?))).collect();
        let key = AgreementKey::from_seed(Secret32::random());
        let number = latest.as_ref().map_or(0, |latest| latest.number.saturating_add(1));
        let turn = terms.link.as_ref().and_then(|link| link.turn(u64::from(number), &from.without));
        let [p, q] = turn.ok_or(ReasonCode::LinkDocument)?;
        let document = RunDocument {
            version: RunDocument::VERSION,
            run: hex(id.as_bytes()),
            convenant: from.convenant.hash(),
            epoch: super::cohort::EPOCH,
            number,
            previous: latest.as_ref().map(RunDocument::hash),
            year,
            spent: latest
                .as_ref()
                .filter(|latest| latest.year == year)
                .map(RunDocument::spent_after)
                .unwrap_or_default(),
            until: i64::try_from(from.until).unwrap_or(i64::MAX),
            data_from: nodes.iter().map(|(_, offer)| offer.window.0).max().ok_or(ReasonCode::LinkDocument)?,
            horizon: nodes.iter().map(|(_, offer)| offer.window.1).min().ok_or(ReasonCode::LinkDocument)?,
            tables: from.tables.tables().to_vec(),
            questions: questions(from.tables.tables(), &terms.linked_owners()),
            blinders: [blinder(p)?, blinder(q)?],
            monitor: ReceiverOf { oin: self.identity.oin, key: key.public() },
            gate: ReceiverOf { oin: gate.oin, key: of_gate.gate.ok_or(ReasonCode::LinkDocument)? },
            nodes: nodes.iter().map(|(oin, of)| NodeLine::new(*oin, of.elements, &of.signature)).collect(),
            without: from.without.clone(),
        };
        Ok(DraftLink { document, previous: of_gate.latest.as_deref().cloned(), key })
    }

    /// Signs our document, once P, Q and the gate have; it is durable here before it counts.
    ///
    /// # Errors
    /// [`ReasonCode::LinkDocument`] of a signature that does not hold, and what the convenant does not allow.
    pub fn cosign_link(
        &self,
        convenant: &ConvenantInForce,
        draft: DraftLink,
        [p, q, gate]: [[u8; 64]; 3],
    ) -> Result<OurLink, ReasonCode> {
        let document = draft.document;
        let signatures = [p, q, document.sign(&self.signing), gate];
        let open = |frame: Frame<'_>| frame.open(&document, &signatures);
        let (permit, run) = self.judged((convenant, self.identity.oin), &document, open)?;
        self.keep_link(&convenant.convenant().id, &document)?;
        let signed = SignedRun { document: document.to_bytes(), signatures };
        let run = Arc::new(run);
        let machine = MonitorRun::new(Arc::clone(&run), self.identity.oin, draft.key);
        let machine = Mutex::new(machine.map_err(|fault| self.blame(&run, &fault))?);
        Ok(OurLink { run, permit, signed, machine, announced: AtomicBool::new(false) })
    }

    /// Takes a chunk of the mixed tags, with its number.
    ///
    /// # Errors
    /// What is wrong with it, as the doing of the gate.
    pub fn take_tags(&self, ours: &OurLink, (number, chunk): (u32, &[u8])) -> Result<(), ReasonCode> {
        lock(&ours.machine).take(number, chunk).map_err(|fault| self.blame(&ours.run, &fault))
    }

    /// Groups the chunks that came, once; the parts for the gate, logged before they may leave.
    ///
    /// # Errors
    /// When it was grouped before, chunks are missing, or the log cannot be written.
    pub fn group_tags(&self, ours: &OurLink, (id, chunks): (TransferId, u32)) -> Result<Vec<LinkCall>, ReasonCode> {
        let run = &*ours.run;
        let grouping = lock(&ours.machine).group(chunks).map_err(|fault| self.blame(run, &fault))?;
        let within = ours.within();
        self.link_received(within, (run.document.gate.oin, super::gate::TAGS, u64::from(chunks)))?;
        let bytes = grouping.to_bytes();
        let count = grouping.groups.len() as u64;
        let about = Announced { to: run.document.gate.oin, category: GROUPS, count, bytes: Some(&bytes) };
        let (leave, salt): (Leave, _) = self.announce_link(within, &about)?;
        ours.announced.store(true, Ordering::Relaxed);
        let parts = Groups::parts(&leave, &salt, &bytes, PART).ok_or(ReasonCode::Internal)?;
        let last = parts.len() - 1;
        let call = |(at, part): (usize, Groups)| {
            LinkCall::Group(id, (u32::try_from(at).unwrap_or(u32::MAX), at == last), part)
        };
        Ok(parts.into_iter().enumerate().map(call).collect())
    }

    /// Logs how the run of ours ended; a run that broke off before anything of it left has announced nothing.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn end_our_link(&self, ours: &OurLink, complete: bool) -> Result<(), ReasonCode> {
        if !ours.announced.load(Ordering::Relaxed) {
            return Ok(());
        }
        let outcome = if complete { Outcome::Sent } else { Outcome::Failed };
        self.link_outcome(ours.within(), (ours.run.document.gate.oin, GROUPS, 0), outcome)
    }

    /// Logs that a run of ours broke off, and who was named for it.
    pub fn break_our_link(&self, ours: &OurLink, culprit: Oin, reason: ReasonCode) {
        let now = self.clock.now_ms();
        let entry = crate::service::entries::link_blamed((self.identity.oin, culprit), &ours.run, reason, now);
        if let Err(error) = self.note(&entry) {
            tracing::error!("transferlog: {error}");
        }
    }
}
