//! The monitor: opens a run, cosigns its list, gathers seeds and passes sealed parts on, and hands its summed share to the gate.
//! It sees no vector.

use std::sync::Mutex;

use super::document::{RunBody, SumList, SumPlan, sign_list};
use super::messages::{Delivery, ShareRequest};
use super::run::MonitorRun;
use super::share::{Passed, Share, from_document};
use super::{Announced, Core, asked_fault, lock, region_of};
use crate::crypto::{Digest, random};
use crate::disclosure::sums::layout_of;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::permit::decide_sum;
use crate::service::receipts::Question;
use crate::translog::entry::TransferId;
use crate::translog::receipt::SignedReceipt;

/// A run of ours whose list is signed by the gate and by us.
pub struct OurRun {
    convenant: ConvenantInForce,
    list: SumList,
    bytes: Vec<u8>,
    gate: [u8; 64],
    monitor: [u8; 64],
    cells: usize,
    seeds: Mutex<MonitorRun>,
}

impl OurRun {
    /// Id of the run.
    #[must_use]
    pub fn body(&self) -> &RunBody {
        &self.list.body
    }

    /// The message that asks a contributor for its share.
    #[must_use]
    pub fn request(&self, question: &Question) -> ShareRequest {
        ShareRequest {
            run: question.transfer(),
            intent_hash: question.entry_hash(),
            list: self.bytes.clone(),
            gate: self.gate,
            monitor: self.monitor,
            trace: question.trace,
        }
    }
}

impl Core {
    /// The body of a new run of a plan.
    #[must_use]
    pub fn new_run(&self, convenant: &ConvenantInForce, plan: &SumPlan, contributors: Vec<Oin>) -> RunBody {
        RunBody::new(TransferId::new(self.clock.now_ms(), random()), convenant.hash(), plan, contributors)
    }

    /// Cosigns the list of our run, once it is the gate's and says what we asked.
    ///
    /// # Errors
    /// [`ReasonCode::SumListInvalid`].
    pub fn cosign_list(
        &self,
        convenant: &ConvenantInForce,
        body: &RunBody,
        (bytes, gate): (Vec<u8>, [u8; 64]),
    ) -> Result<OurRun, ReasonCode> {
        let terms = convenant.convenant();
        let card = terms.gate().ok_or(ReasonCode::SumListInvalid)?;
        let list = SumList::open(&bytes, &[(&card.signing, &gate)])?;
        if list.body != *body {
            return Err(ReasonCode::SumListInvalid);
        }
        let layout = layout_of(&body.jobs(), &region_of(terms, body.owner, body.until)?);
        let seeds = Mutex::new(MonitorRun::new(&body.contributors, layout.numbers()));
        let monitor = sign_list(&bytes, &self.signing);
        Ok(OurRun { convenant: convenant.clone(), list, bytes, gate, monitor, cells: layout.cells(), seeds })
    }

    /// Logs that we ask a contributor for its share; only then the question may go out.
    ///
    /// # Errors
    /// When the log cannot be written or nothing may leave.
    pub fn ask_contributor(&self, run: &OurRun, from: Oin) -> Result<Question, ReasonCode> {
        self.ask_share(from, &run.convenant, run.body()).map_err(|e| asked_fault(&e))
    }

    /// Takes a contributor's share: logged, then its seed is summed. What it is for the gate comes back, with our receipt.
    ///
    /// # Errors
    /// Why the share is not taken.
    pub fn take_contribution(
        &self,
        run: &OurRun,
        question: &Question,
        delivery: &Delivery,
    ) -> Result<(Passed, SignedReceipt), ReasonCode> {
        let (fields, cells) = (run.body().fields(), run.cells as u64);
        let receipt = self.take_share(question, delivery, (&fields, cells))?;
        let read = from_document(question.transfer(), question.to, &delivery.share);
        let (seed, passed) = read.ok_or(ReasonCode::MessageMalformed)?;
        lock(&run.seeds).take(&question.to, &seed)?;
        Ok((passed, receipt))
    }

    /// Our summed share for the gate, once every seed has come; logged before it may leave.
    ///
    /// # Errors
    /// [`ReasonCode::SumIncomplete`]; why it may not leave.
    pub fn total(&self, run: OurRun) -> Result<Share, ReasonCode> {
        let (body, convenant) = (&run.list.body, &run.convenant);
        let (ours, hash) = (self.identity.oin, convenant.hash());
        let gate = convenant.convenant().gate().ok_or(ReasonCode::SumListInvalid)?.oin;
        let permit = decide_sum(convenant, &ours, &hash, &body.question(), self.clock.today())?;
        let asked_in = Digest::from_hex(&run.list.monitor_entry).ok_or(ReasonCode::SumListInvalid)?;
        let seeds = run.seeds.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let announced = Announced { permit: &permit, body, to: gate, peer: None, asked_in, cells: run.cells };
        self.announce(&announced, seeds.total()?)
    }

    /// How handing over our summed share ended: with the gate's receipt, or broken off.
    pub fn end_total(&self, gate: Oin, share: &Share, receipt: Option<&[u8]>) {
        let confirmed = receipt.map(|receipt| self.take_confirmation(gate, receipt));
        if let Some(Err(reason)) = confirmed {
            tracing::warn!(%gate, code = %reason, "het ontvangstbewijs van de poortwachter klopt niet");
        }
        self.handed_over(gate, share.handed(), receipt.is_some());
    }
}
