//! Wrong, late and repeated messages in a run of regional sums: each is refused with its own code, in the log, and nothing is
//! released. The calls reach the nodes as transport hands them on.

use ketenpoort::crypto::Digest;
use ketenpoort::domain::codes::Owner;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{IndicatorId, Query, TableQuery};
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::monitor::sums::Summing;
use ketenpoort::service::api::{NodeService, Peers};
use ketenpoort::service::sums::document::{RunBody, SumList, SumPlan};
use ketenpoort::service::sums::messages::{Delivery, ShareRequest, SumAsked, SumCall, SumReply};
use ketenpoort::service::sums::monitor::OurRun;
use ketenpoort::translog::entry::{Phase, TransferId, payload_commitment};
use ketenpoort::translog::receipt::{Receipt, SignedReceipt};

use crate::region::fixture;
use crate::sums::region::{Region, asked, delivery, hash, keys, oin};

const WAIT: std::time::Duration = std::time::Duration::ZERO;

/// A region of four municipalities and the plan of one year.
pub struct Siege {
    pub region: Region,
    plan: SumPlan,
}

impl Siege {
    pub fn begin() -> Self {
        let region = Region::new(&fixture("clean"), 4);
        let due = SumCall::Due { convenant: hash(&region), owner: Owner::Lt, year: 2023 };
        let SumReply::Due(mut plans) = region.sum(&region.gate, &due, WAIT).expect("due") else { panic!("plans") };
        let mut plan = plans.remove(0);
        plan.tables.retain(|job| job.table.period == Period::year_of(2023));
        Self { region, plan }
    }

    /// A body over the first towns.
    pub fn body(&self, towns: usize) -> RunBody {
        let core = self.region.core(self.region.monitor);
        core.new_run(&self.region.convenant(), &self.plan, self.region.towns[..towns].to_vec())
    }

    fn agreed(&self, body: &RunBody) -> (Vec<u8>, [u8; 64]) {
        let said = self.region.sum(&self.region.gate, &SumCall::Agree(body.to_bytes()), WAIT);
        let Ok(SumReply::List(list, signature)) = said else { panic!("a list: {said:?}") };
        (list, *signature)
    }

    /// A run whose list everybody signed.
    pub fn run(&self, towns: usize) -> OurRun {
        let body = self.body(towns);
        let list = self.agreed(&body);
        self.region.core(self.region.monitor).cosign_list(&self.region.convenant(), &body, list).expect("cosigned")
    }

    fn request(&self, run: &OurRun, town: Oin) -> ShareRequest {
        run.request(&self.region.core(self.region.monitor).ask_contributor(run, town).expect("logged"))
    }

    /// The part of a town that is for the gate.
    pub fn part(&self, run: &OurRun, town: Oin) -> Delivery {
        let core = self.region.core(self.region.monitor);
        let question = core.ask_contributor(run, town).expect("logged");
        let share = self.region.share(&town, &run.request(&question), WAIT).expect("shared");
        let (part, _) = core.take_contribution(run, &question, &share).expect("taken");
        let SumAsked::Part(part) = asked(&SumCall::Part(part)) else { panic!("a part") };
        part
    }

    /// What the gate says to a call of this partner.
    pub fn gate_says(&self, from: Oin, call: SumAsked) -> Result<SumReply, ReasonCode> {
        let said = self.region.core(self.region.gate).sum(&Region::peer(from), call);
        said.map_err(|refusal| refusal.reason)
    }

    /// The gate refuses this call of the monitor, in its log.
    pub fn refused(&self, call: SumAsked, reason: ReasonCode) {
        assert_eq!(self.gate_says(self.region.monitor, call), Err(reason));
        self.logged(self.region.gate, reason);
    }

    fn logged(&self, at: Oin, reason: ReasonCode) {
        let last = self.region.log(at).pop().expect("an entry");
        assert_eq!((last.phase, last.reason_codes.as_slice()), (Phase::Deny, &[reason.code().to_owned()][..]));
    }

    /// A node refuses this request for its share, in its log.
    fn share_refused(&self, town: Oin, request: &ShareRequest, reason: ReasonCode) {
        let said = self.region.core(town).share(&Region::peer(self.region.monitor), request);
        assert_eq!(said.err().map(|refusal| refusal.reason), Some(reason));
        self.logged(town, reason);
    }

    pub fn nothing_is_released(&self) {
        let (core, convenant) = (self.region.core(self.region.monitor), self.region.convenant());
        let question = Query::new(vec![table()]);
        let asked = core.log_question(self.region.gate, &convenant, question).expect("logged");
        let said = self.region.aggregate(&self.region.gate, &asked.request(), WAIT);
        let reason = said.expect_err("nothing").error.reason();
        assert_eq!(reason, ReasonCode::SumNotMade);
    }
}

pub fn table() -> TableQuery {
    TableQuery { indicator: IndicatorId::Ind01, period: Period::year_of(2023), by: vec![] }
}

#[test]
fn parts_and_totals_that_do_not_belong_are_refused_with_their_own_codes() {
    let siege = Siege::begin();
    let towns = siege.region.towns.clone();
    let (run, other) = (siege.run(3), siege.run(3));
    // The difference of two sums that overlap would be one vector.
    siege.refused(SumAsked::Agree(siege.body(4).to_bytes()), ReasonCode::SumContributors);
    let part = siege.part(&run, towns[0]);
    let part_of = |part: &Delivery, change: &dyn Fn(&mut Delivery)| {
        let mut part = part.clone();
        change(&mut part);
        SumAsked::Part(part)
    };
    // A run that nobody opened; a share of another run; one that the list does not have.
    let nowhere = TransferId::new(1, [3; 10]);
    siege.refused(part_of(&part, &|p| p.run = nowhere), ReasonCode::SumRunUnknown);
    let of_other = siege.part(&other, towns[0]);
    siege.refused(part_of(&of_other, &|p| p.run = part.run), ReasonCode::ReceiptMismatch);
    siege.refused(part_of(&part, &|p| p.share[40] ^= 1), ReasonCode::ReceiptMismatch);
    siege.refused(part_of(&part, &|p| p.from = towns[3]), ReasonCode::SumNotContributor);
    // Under the name of another contributor, or with the receipt of another share, the receipt does not hold.
    siege.refused(part_of(&part, &|p| p.from = towns[1]), ReasonCode::ReceiptInvalid);
    siege.refused(part_of(&part, &|p| p.salt[0] ^= 1), ReasonCode::ReceiptMismatch);
    siege.refused(part_of(&part, &|p| p.receipt.clone_from(&of_other.receipt)), ReasonCode::ReceiptMismatch);
    // A node that signs for what is no part: it is named in the gate's log, whatever the monitor says.
    let gate_key = siege.region.convenant().convenant().gate().expect("a gate").agreement;
    let context = [b"ketenpoort/v1/sum-part\0".as_slice(), &run.body().hash().0, towns[0].as_str().as_bytes()].concat();
    let short = ketenpoort::crypto::seal_to(&gate_key, &context, &[], &[0; 80]);
    for (n, (share, reason)) in
        [(short, ReasonCode::SumShareLength), (vec![7; 200], ReasonCode::SumShareUnreadable)].into_iter().enumerate()
    {
        siege.refused(SumAsked::Part(lied(&part, share, 10 + n as u64)), reason);
        let log = siege.region.log(siege.region.gate);
        let named = |e: &&ketenpoort::translog::entry::Entry| {
            e.phase == Phase::Deny && e.sender_oin == Some(towns[0]) && e.reason_codes == [reason.code()]
        };
        assert_eq!(log.iter().filter(named).count(), 1, "{reason}");
    }
    // Somebody else than the monitor.
    let by_town = siege.gate_says(towns[0], SumAsked::Part(part.clone()));
    assert_eq!(by_town, Err(ReasonCode::RoleNotAllowed));
    assert_eq!(siege.gate_says(siege.region.monitor, SumAsked::Part(part.clone())), Ok(SumReply::Taken));
    siege.refused(SumAsked::Part(part.clone()), ReasonCode::SumShareRepeated);
    siege.nothing_is_released();
    totals_that_do_not_belong(&siege, run, &part);
}

/// A share that its maker signed for, and that is none.
fn lied(part: &Delivery, share: Vec<u8>, counter: u64) -> Delivery {
    let signed = SignedReceipt::decode(&part.receipt).expect("a receipt");
    let commitment = Some(payload_commitment(&part.salt, &share));
    let entry = Some(Digest([u8::try_from(counter).expect("small"); 32]));
    let receipt = Receipt { commitment, counter: Some(counter), entry, ..signed.receipt().clone() };
    let signed = receipt.sign(&keys(part.from).signing_key()).expect("a form");
    Delivery { receipt: signed.bytes().to_vec(), share: share.into(), ..part.clone() }
}

fn totals_that_do_not_belong(siege: &Siege, run: OurRun, first: &Delivery) {
    let (region, towns) = (&siege.region, siege.region.towns.clone());
    let core = region.core(region.monitor);
    let early = Delivery { from: region.monitor, ..first.clone() };
    siege.refused(SumAsked::Total(early), ReasonCode::SumIncomplete);
    for town in &towns[1..3] {
        let part = siege.part(&run, *town);
        assert_eq!(siege.gate_says(region.monitor, SumAsked::Part(part)), Ok(SumReply::Taken));
    }
    let total = core.total(run).expect("every seed came");
    let good = delivery(&total);
    let with = |change: &dyn Fn(&mut Delivery)| {
        let mut total = good.clone();
        change(&mut total);
        SumAsked::Total(total)
    };
    let shorter = with(&|t| {
        let length = t.share.len() - 8;
        t.share.truncate(length);
    });
    siege.refused(shorter, ReasonCode::SumShareLength);
    siege.refused(with(&|t| t.from = towns[0]), ReasonCode::SumNotContributor);
    // Other numbers than the monitor's receipt stands for.
    siege.refused(with(&|t| t.share[0] ^= 1), ReasonCode::ReceiptMismatch);
    siege.nothing_is_released();
    assert!(matches!(siege.gate_says(region.monitor, SumAsked::Total(good.clone())), Ok(SumReply::Released(_))));
    // Late: the sum was put together.
    siege.refused(SumAsked::Total(good), ReasonCode::SumRunClosed);
    siege.refused(SumAsked::Part(first.clone()), ReasonCode::SumRunClosed);
}

#[test]
fn a_total_that_does_not_cover_the_list_releases_nothing() {
    let siege = Siege::begin();
    let (region, towns) = (&siege.region, siege.region.towns.clone());
    let core = region.core(region.monitor);
    let run = siege.run(3);
    for town in &towns[..3] {
        let part = siege.part(&run, *town);
        assert_eq!(siege.gate_says(region.monitor, SumAsked::Part(part)), Ok(SumReply::Taken));
    }
    // One town shares once more, with a fresh seed: the monitor's sum is then of another seed than the gate's part.
    let question = core.ask_contributor(&run, towns[0]).expect("logged");
    let share = region.share(&towns[0], &run.request(&question), WAIT).expect("shared");
    let twice = core.take_contribution(&run, &question, &share).map(drop);
    assert_eq!(twice, Err(ReasonCode::SumNotContributor), "the monitor takes one seed of each");
    // A second run over the same towns: its total does not fit the parts of the first one, and it is not of the first run.
    let second = siege.run(3);
    for town in &towns[..3] {
        let _part_is_not_handed_on = siege.part(&second, *town);
    }
    let (first, second) = (core.total(run).expect("all"), core.total(second).expect("all"));
    let mut mixed = delivery(&second);
    mixed.run = first.handed().transfer;
    siege.refused(SumAsked::Total(mixed), ReasonCode::ReceiptMismatch);
    siege.nothing_is_released();
}

#[test]
fn a_monitor_that_signs_a_moved_total_is_noticed_and_gets_no_second_try() {
    let siege = Siege::begin();
    let (region, towns) = (&siege.region, siege.region.towns.clone());
    let core = region.core(region.monitor);
    // The parts of one run and seeds of another: whatever the monitor signs, the gate's tags do not fit.
    let run = siege.run(3);
    for (n, town) in towns[..3].iter().enumerate() {
        let part = siege.part(&run, *town);
        let part = if n == 0 {
            // The part of a second share of the same town in the same run: the monitor sums the seed of the first.
            let question = core.ask_contributor(&run, *town).expect("logged");
            let again = region.share(town, &run.request(&question), WAIT).expect("shared");
            part_in(&again)
        } else {
            part
        };
        assert_eq!(siege.gate_says(region.monitor, SumAsked::Part(part)), Ok(SumReply::Taken));
    }
    let total = delivery(&core.total(run).expect("all"));
    siege.refused(SumAsked::Total(total.clone()), ReasonCode::SumMismatch);
    siege.nothing_is_released();
    siege.refused(SumAsked::Total(total), ReasonCode::SumRunClosed);
}

/// The part for the gate inside a share (docs/formats/sum.md section 3).
fn part_in(share: &Delivery) -> Delivery {
    let bytes = &share.share;
    let salt: [u8; 16] = bytes[38..54].try_into().expect("a salt");
    let length = usize::from(u16::from_be_bytes([bytes[54], bytes[55]]));
    let (receipt, sealed) = bytes[56..].split_at(length);
    Delivery {
        run: share.run,
        from: share.from,
        receipt: receipt.to_vec(),
        salt,
        share: sealed.to_vec().into(),
        proven: None,
    }
}

#[test]
fn lists_that_are_not_what_was_agreed_are_refused() {
    let siege = Siege::begin();
    let (region, towns) = (&siege.region, siege.region.towns.clone());
    let core = region.core(region.monitor);
    let run = siege.run(3);
    let good = siege.request(&run, towns[0]);
    siege.share_refused(towns[3], &good, ReasonCode::SumNotContributor);
    let mut forged = good.clone();
    forged.gate[0] ^= 1;
    siege.share_refused(towns[0], &forged, ReasonCode::SumListInvalid);
    let mut changed = good.clone();
    let text = String::from_utf8(changed.list.clone()).expect("JSON").replace(towns[1].as_str(), towns[3].as_str());
    changed.list = text.into_bytes();
    siege.share_refused(towns[0], &changed, ReasonCode::SumListInvalid);
    let elsewhere = ShareRequest { run: TransferId::new(5, [5; 10]), ..good.clone() };
    siege.share_refused(towns[0], &elsewhere, ReasonCode::SumRunUnknown);
    assert!(region.share(&towns[0], &good, WAIT).is_ok());
    // A second list for the same run: the gate signs none, and the node remembers the first, also after it was killed.
    let mut second = run.body().clone();
    second.contributors = towns[1..4].to_vec();
    siege.refused(SumAsked::Agree(second.to_bytes()), ReasonCode::SumOtherList);
    region.reopen(region.gate, &fixture("clean"));
    second.contributors = vec![towns[0], towns[1], towns[3]];
    let list = siege.agreed(&second);
    let other = core.cosign_list(&region.convenant(), &second, list).expect("a gate that forgot signs it");
    let request = siege.request(&other, towns[0]);
    siege.share_refused(towns[0], &request, ReasonCode::SumOtherList);
    region.reopen(towns[0], &fixture("clean"));
    siege.share_refused(towns[0], &request, ReasonCode::SumOtherList);
    // Another run over other organisations: a gate that forgot would sum it, and the node remembers with whom it shared.
    region.reopen(region.gate, &fixture("clean"));
    let fourth = siege.run(4);
    siege.share_refused(towns[0], &siege.request(&fourth, towns[0]), ReasonCode::SumContributors);
    // The monitor signs no list that says something else than it asked.
    region.reopen(region.gate, &fixture("clean"));
    let asked = siege.body(3);
    let (list, signature) = siege.agreed(&siege.body(4));
    let cosigned = core.cosign_list(&region.convenant(), &asked, (list.clone(), signature)).map(drop);
    assert_eq!(cosigned, Err(ReasonCode::SumListInvalid));
    assert!(SumList::open(&list, &[]).is_ok(), "the list itself is sound");
}

#[test]
fn bodies_that_the_convenant_or_the_ledger_does_not_allow_are_refused() {
    let siege = Siege::begin();
    let (region, towns) = (&siege.region, siege.region.towns.clone());
    let agree = |change: &dyn Fn(&mut RunBody)| {
        let mut body = siege.body(3);
        change(&mut body);
        SumAsked::Agree(body.to_bytes())
    };
    siege.refused(agree(&|b| b.contributors.truncate(2)), ReasonCode::SumTooFew);
    siege.refused(agree(&|b| b.contributors.reverse()), ReasonCode::MessageMalformed);
    siege.refused(agree(&|b| b.contributors[2] = oin(60)), ReasonCode::SumNotContributor);
    siege.refused(agree(&|b| b.convenant = Digest([7; 32]).to_hex()), ReasonCode::OtherConvenant);
    siege.refused(agree(&|b| b.owner = Owner::Gem), ReasonCode::RouteNotNode);
    let other_route = |b: &mut RunBody| b.tables.last_mut().expect("a table").table.indicator = IndicatorId::Ind06;
    siege.refused(agree(&other_route), ReasonCode::RouteNotNode);
    siege.refused(agree(&|b| b.tables[0].horizon.0 += 1), ReasonCode::ComponentClosed);
    siege.refused(agree(&|b| b.until.0 -= 91), ReasonCode::ComponentClosed);
    siege.refused(SumAsked::Agree(b"{}".to_vec()), ReasonCode::MessageMalformed);
    let due = |owner| SumAsked::Due { convenant: hash(region), owner, year: 2023 };
    siege.refused(due(Owner::Gi), ReasonCode::RouteNotNode);
    assert_eq!(siege.gate_says(towns[0], due(Owner::Lt)), Err(ReasonCode::RoleNotAllowed));
    // A node is no gate.
    let at_node = region.core(towns[0]).sum(&Region::peer(region.monitor), due(Owner::Lt)).map_err(|r| r.reason);
    assert_eq!(at_node, Err(ReasonCode::RoleNotAllowed));
    // Released over three: never again over four, and the operator of the gate is told of the first.
    let (core, convenant) = (region.core(region.monitor), region.convenant());
    let without = [towns[3]];
    let summing = Summing { core: &core, peers: region, convenant: &convenant, gate: region.gate, without: &without };
    assert!(!summing.pull(&Query::new(vec![table()]), &[Owner::Lt]).tables.is_empty());
    let mut body = siege.body(4);
    body.tables = vec![body.tables[0].clone()];
    siege.refused(SumAsked::Agree(body.to_bytes()), ReasonCode::SumContributors);
    body.contributors.truncate(3);
    siege.refused(SumAsked::Agree(body.to_bytes()), ReasonCode::ComponentClosed);
}
