//! A region of open nodes without a network: a monitor, a gate and municipalities with the files of an example region, under a
//! convenant that sums what the local teams own. Calls go straight to the other node, as transport would make them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use ketenpoort::crypto::{Digest, KeyTree, Secret32, digest};
use ketenpoort::domain::activity::ActivityBase;
use ketenpoort::domain::codes::{OrgType, Owner};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::query::IndicatorId;
use ketenpoort::node::gemeenten;
use ketenpoort::policy::bundle::{ConvenantBundle, ConvenantInForce};
use ketenpoort::policy::card::{CARD_VERSION, NodeCard, SignedCard};
use ketenpoort::policy::convenant::{Convenant, GemeenteTerm};
use ketenpoort::policy::draft::DraftTerms;
use ketenpoort::service::api::{
    AggregateRequest, AnswerBytes, NodeService, Peer, PeerError, Peers, Refusal, Reply, StatusView, TlsFacts,
    Unanswered, Verdict, WantedReceipts,
};
use ketenpoort::service::core::{Clock, Core, Identity};
use ketenpoort::service::deliver::IntakeOptions;
use ketenpoort::service::links::messages::{LinkAsked, LinkCall, LinkReply, LinkSaid, LinkStep};
use ketenpoort::service::sums::messages::{Delivery, ShareRequest, SumAsked, SumCall, SumReply};
use ketenpoort::service::sums::share::Share;
use ketenpoort::service::witness::{ShowReply, ShowRequest};
use ketenpoort::translog::entry::Entry;
use ketenpoort::translog::receipt::SignedReceipt;

use crate::region::{Region as Files, json};

/// A region that is large enough to print something.
pub static LARGE: LazyLock<(tempfile::TempDir, Files)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a folder");
    ketenpoort::synthetic::Region::generate(2_500, 5).write(dir.path()).expect("written");
    let files = Files::open(dir.path());
    (dir, files)
});

/// A day after everything has settled.
const TODAY: &str = "2026-06-01";

struct SetClock(Day);

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.0).expect("after 1970") * 86_400_000 + 43_200_000
    }

    fn today(&self) -> Day {
        self.0
    }
}

/// What the gate is made to hear instead of what was sent.
type Change = Box<dyn Fn(SumAsked) -> SumAsked + Send>;

/// What a party of a linked run is made to hear instead of what was sent to it.
pub type Tamper = Box<dyn Fn(Oin, LinkAsked) -> LinkAsked + Send>;

/// Open nodes by their OIN.
pub struct Region {
    home: tempfile::TempDir,
    pub monitor: Oin,
    pub gate: Oin,
    pub towns: Vec<Oin>,
    cores: Mutex<BTreeMap<Oin, Arc<Core>>>,
    /// Who does not answer.
    pub down: Mutex<BTreeSet<Oin>>,
    /// Who does not answer when asked for its share.
    pub silent: Mutex<BTreeSet<Oin>>,
    /// Everything that the monitor was sent.
    pub heard: Mutex<Vec<Vec<u8>>>,
    pub change: Mutex<Option<Change>>,
    /// What a party of a linked run is made to hear.
    pub tamper: Mutex<Option<Tamper>>,
    /// When set: every answer of a linked run is lost the first time. By party and step, what was lost.
    pub lost: Mutex<Option<BTreeSet<(Oin, String)>>>,
}

pub fn oin(n: usize) -> Oin {
    Oin::parse(&format!("00000099000000{n:06}")).expect("an OIN")
}

/// The keys of a party.
pub fn keys(of: Oin) -> KeyTree {
    KeyTree::new(Secret32::new(digest(of.as_str().as_bytes()).0))
}

pub fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

fn card(of: Oin, org_type: OrgType, levert: Vec<Owner>, gemeente: Option<String>) -> SignedCard {
    let keys = keys(of);
    let card = NodeCard {
        version: CARD_VERSION,
        oin: of,
        name: format!("Partij {of}"),
        org_type,
        levert,
        gemeente,
        endpoint: format!("127.0.0.1:{}", 20_000 + of.as_str()[14..].parse::<u16>().expect("small")),
        signing: keys.signing_key().verifying_key(),
        checkpoint: keys.checkpoint_key().verifying_key(),
        witness: Some(keys.witness_key().verifying_key()),
        agreement: keys.agreement_key(0).public(),
        tls_pin: digest(of.as_str().as_bytes()),
        next_tls_pin: None,
        issued: day("2026-01-01"),
    };
    card.sign(&keys.signing_key()).expect("a sound card")
}

/// The terms of a region of these municipalities, with `sums`; the gate and the monitor are parties.
pub fn terms(files: &Files, towns: usize, sums: Vec<(Owner, Vec<IndicatorId>)>) -> Convenant {
    terms_of(files, 0..towns, sums)
}

fn terms_of(files: &Files, parties: Range<usize>, sums: Vec<(Owner, Vec<IndicatorId>)>) -> Convenant {
    let doc = json(&files.dir.join("organisations.json"));
    let of_party = |n: usize| {
        let code = doc["organisations"][n]["gemeente"].as_str().map(str::to_owned);
        card(oin(10 + n), org_type(files, n), files.organisations[n].levert.clone(), code)
    };
    let mut cards = vec![card(oin(1), OrgType::Monitor, vec![], None), card(oin(2), OrgType::Gate, vec![], None)];
    cards.extend(parties.clone().map(of_party));
    let spans = files.gemeenten.spans().iter();
    let always = day("1900-01-01");
    let term = |s: &ketenpoort::domain::gemeente::GemeenteSpan| GemeenteTerm {
        code: s.code.to_string(),
        name: None,
        van: s.from.unwrap_or(always),
        tot: s.to,
    };
    let region = cards.iter().filter_map(|card| card.card().gemeente.clone()).collect();
    let (id, title) = ("sommen".to_owned(), "Convenant sommen".to_owned());
    let validity = (day("2020-01-01"), day("2035-12-31"));
    let draft = DraftTerms { id, title, region, gemeenten: spans.map(term).collect(), validity, sums };
    let maker = oin(10 + parties.start);
    Convenant::draft(draft, cards).with_chain(&maker, &keys(maker).signing_key())
}

/// Inflow of the local teams, in quarters and years.
pub fn inflow() -> Vec<(Owner, Vec<IndicatorId>)> {
    vec![(Owner::Lt, vec![IndicatorId::Ind01])]
}

impl Region {
    /// The first `towns` municipalities of the region in `files`, their files taken in, the convenant in force.
    pub fn new(files: &Files, towns: usize) -> Self {
        Self::of(files, 0..towns, terms(files, towns, inflow()))
    }

    /// These organisations of the region, under a convenant that links these indicators and nothing else of them.
    pub fn linked(files: &Files, parties: Range<usize>, indicators: &[IndicatorId]) -> Self {
        let convenant = terms_of(files, parties.clone(), Vec::new()).with_links(indicators);
        Self::of(files, parties, convenant)
    }

    fn of(files: &Files, parties: Range<usize>, convenant: Convenant) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let region = Self {
            home,
            monitor: oin(1),
            gate: oin(2),
            towns: parties.clone().map(|n| oin(10 + n)).collect(),
            cores: Mutex::default(),
            down: Mutex::default(),
            silent: Mutex::default(),
            heard: Mutex::default(),
            change: Mutex::default(),
            tamper: Mutex::default(),
            lost: Mutex::default(),
        };
        let all: Vec<Oin> = [region.monitor, region.gate].into_iter().chain(region.towns.clone()).collect();
        for of in &all {
            Core::create(&region.dir(*of), *of, &keys(*of)).expect("journals");
            region.reopen(*of, files);
        }
        region.agree(convenant);
        for (n, of) in parties.zip(&region.towns) {
            let paths = delivered(files, n);
            let options = IntakeOptions { window: Some((day("2021-01-01"), day("2025-12-31"))), ..Default::default() };
            region.core(*of).intake(&paths, options, &|_, _| ()).expect("taken in");
        }
        region
    }

    /// A convenant signed by all and in force.
    fn agree(&self, convenant: Convenant) {
        let (maker, date) = (self.towns[0], day("2026-01-05"));
        let parties: Vec<Oin> = convenant.parties.iter().map(|party| *party.oin()).collect();
        let mut bundle = ConvenantBundle::propose(convenant, &maker, &keys(maker).signing_key(), date).expect("sound");
        for of in parties.iter().filter(|of| **of != maker) {
            bundle.accept(of, &keys(*of).signing_key(), date).expect("signs");
        }
        for of in parties {
            self.core(of).convenant_accept(&bundle.to_text()).expect("in force");
        }
    }

    /// Its folder.
    pub fn dir(&self, of: Oin) -> PathBuf {
        self.home.path().join(of.as_str())
    }

    /// Closes a node, as a kill does.
    pub fn close(&self, of: Oin) {
        self.cores.lock().expect("lock").remove(&of);
    }

    /// Opens a node from what is on its disk; the one that was open before is gone, as after a kill.
    pub fn reopen(&self, of: Oin, files: &Files) {
        self.cores.lock().expect("lock").remove(&of);
        let n = of.as_str()[14..].parse::<usize>().expect("a number");
        let (org_type, levert) = match n {
            1 => (OrgType::Monitor, vec![]),
            2 => (OrgType::Gate, vec![]),
            n => (org_type(files, n - 10), files.organisations[n - 10].levert.clone()),
        };
        let identity =
            Identity { oin: of, name: format!("Partij {of}"), org_type, levert, activities: ActivityBase::of_oin(of) };
        let (list, _) = gemeenten::read(&files.dir.join("organisations.json")).expect("a list");
        let clock = Arc::new(SetClock(day(TODAY)));
        let core = Core::open(&self.dir(of), identity, keys(of), list, clock).expect("opens");
        self.cores.lock().expect("lock").insert(of, Arc::new(core));
    }

    pub fn core(&self, of: Oin) -> Arc<Core> {
        Arc::clone(&self.cores.lock().expect("lock")[&of])
    }

    pub fn convenant(&self) -> ConvenantInForce {
        let standing = self.core(self.monitor).standing();
        standing.in_force.as_ref().expect("in force")[0].clone()
    }

    /// Every entry of the log of a node.
    pub fn log(&self, of: Oin) -> Vec<Entry> {
        let core = self.core(of);
        let log = core.transfer_log();
        let entries = log.raw_entries(0..log.len()).map(|read| read.expect("read").1);
        entries.map(|bytes| Entry::decode(&bytes).expect("an entry")).collect()
    }

    /// How a partner is seen.
    pub fn peer(of: Oin) -> Peer {
        let tls =
            TlsFacts { version: "TLS1.3".into(), suite: "TLS13_AES_256_GCM_SHA384".into(), group: "X25519".into() };
        Peer { oin: of, pin: digest(of.as_str().as_bytes()), certificate: digest(b"certificate"), tls }
    }

    fn reached(&self, to: &Oin) -> Result<Arc<Core>, PeerError> {
        if self.down.lock().expect("lock").contains(to) { Err(PeerError::Unreachable) } else { Ok(self.core(*to)) }
    }

    fn hear(&self, bytes: &[u8]) {
        self.heard.lock().expect("lock").push(bytes.to_vec());
    }
}

/// The files of the `n`th organisation.
fn delivered(files: &Files, n: usize) -> Vec<PathBuf> {
    let of = &files.organisations[n];
    of.names.iter().map(|name| files.dir.join(name)).collect()
}

/// What kind of organisation the `n`th is.
fn org_type(files: &Files, n: usize) -> OrgType {
    let doc = json(&files.dir.join("organisations.json"));
    OrgType::parse(doc["organisations"][n]["org_type"].as_str().expect("a kind")).expect("a kind")
}

/// A step of a linked run as it comes out of the wire.
fn stepped(call: &LinkCall) -> LinkAsked {
    match call {
        LinkStep::Join(request) => LinkStep::Join(request.clone()),
        LinkStep::Sign(request) => LinkStep::Sign(request.clone()),
        LinkStep::Begin(signed) => LinkStep::Begin(signed.clone()),
        LinkStep::Blind(run, batch) => LinkStep::Blind(*run, *batch),
        LinkStep::Multiply(run, passage) => LinkStep::Multiply(*run, passage.clone()),
        LinkStep::FromP(run, answer) => LinkStep::FromP(*run, answer.clone()),
        LinkStep::FromQ(run, answer) => LinkStep::FromQ(*run, answer.clone()),
        LinkStep::Rows(run, chunk) => LinkStep::Rows(*run, *chunk),
        LinkStep::Chunk(run, passage) => LinkStep::Chunk(*run, passage.clone()),
        LinkStep::Mix(run) => LinkStep::Mix(*run),
        LinkStep::Tags(run, chunk) => LinkStep::Tags(*run, *chunk),
        LinkStep::Group(run, place, part) => LinkStep::Group(*run, *place, part.content().clone()),
        LinkStep::End(run) => LinkStep::End(*run),
    }
}

/// The bytes of a step that derive from children.
fn heard_of(call: &LinkCall) -> Vec<u8> {
    match call {
        LinkStep::Multiply(_, passage)
        | LinkStep::Chunk(_, passage)
        | LinkStep::FromP(_, passage)
        | LinkStep::FromQ(_, passage) => passage.bytes.clone(),
        _ => Vec::new(),
    }
}

/// An answer of a linked run as it comes out of the wire.
fn said_of(reply: LinkReply) -> LinkSaid {
    match reply {
        LinkReply::Joined(joined) => LinkSaid::Joined(joined),
        LinkReply::Signed(signature) => LinkSaid::Signed(signature),
        LinkReply::Blinded(blinded) => LinkSaid::Passage(blinded.content().clone()),
        LinkReply::Multiplied(answer) => LinkSaid::Passage(answer),
        LinkReply::Rows(rows) => LinkSaid::Passage(rows.content().clone()),
        LinkReply::Mixed(chunks) => LinkSaid::Mixed(chunks),
        LinkReply::Tags(tags) => LinkSaid::Tags(tags.content().clone()),
        LinkReply::Done => LinkSaid::Done,
    }
}

/// A share as it goes over the wire.
pub fn delivery(share: &Share) -> Delivery {
    Delivery {
        run: share.handed().transfer,
        from: share.maker(),
        receipt: share.receipt().bytes().to_vec(),
        salt: share.salt(),
        share: share.bytes().to_vec().into(),
        proven: None,
    }
}

/// A call as it comes out of the wire.
pub fn asked(call: &SumCall) -> SumAsked {
    match call {
        SumCall::Due { convenant, owner, year } => SumAsked::Due { convenant: *convenant, owner: *owner, year: *year },
        SumCall::Able { convenant, plan } => SumAsked::Able { convenant: *convenant, plan: plan.clone() },
        SumCall::Agree(body) => SumAsked::Agree(body.clone()),
        SumCall::Part(part) => SumAsked::Part(Delivery {
            run: part.run(),
            from: part.from(),
            receipt: part.receipt().to_vec(),
            salt: part.salt(),
            share: part.sealed().to_vec().into(),
            proven: None,
        }),
        SumCall::Total(share) => SumAsked::Total(delivery(share)),
    }
}

fn refused(refusal: Refusal) -> Unanswered {
    let receipt = refusal.receipt.map(|receipt| receipt.bytes().to_vec());
    Unanswered { error: PeerError::Refused(refusal.reason), receipt }
}

impl Peers for Region {
    fn aggregate(&self, to: &Oin, request: &AggregateRequest, _: Duration) -> Result<AnswerBytes, Unanswered> {
        let (core, monitor) = (self.reached(to)?, Self::peer(self.monitor));
        match core.aggregate(&monitor, request, &Verdict::default()) {
            Reply::Answer(answer) => {
                core.answered(&monitor, answer.handed(), true);
                let payload = answer.into_payload();
                self.hear(&payload.bytes);
                let receipt = payload.receipt.bytes().to_vec();
                Ok(AnswerBytes {
                    document: payload.bytes,
                    signature: payload.signature,
                    receipt,
                    salt: payload.salt,
                    from: None,
                })
            }
            Reply::Refused(refusal) => Err(refused(refusal)),
        }
    }

    fn confirm(&self, to: &Oin, receipt: &SignedReceipt, _: Duration) -> Result<(), PeerError> {
        self.reached(to)?.confirm(&Self::peer(self.monitor), receipt.bytes()).map_err(PeerError::Refused)
    }

    fn receipts(&self, to: &Oin, wanted: &WantedReceipts, _: Duration) -> Result<Vec<Vec<u8>>, PeerError> {
        // Who asks here is whoever has the transfers: the tests ask for a town alone.
        let from = if *to == self.gate { self.towns[0] } else { self.monitor };
        let receipts = self.reached(to)?.receipts(&Self::peer(from), wanted).map_err(PeerError::Refused)?;
        Ok(receipts.iter().map(|receipt| receipt.bytes().to_vec()).collect())
    }

    fn sum(&self, to: &Oin, call: &SumCall, _: Duration) -> Result<SumReply, PeerError> {
        let core = self.reached(to)?;
        let asked = asked(call);
        let asked = match &*self.change.lock().expect("lock") {
            Some(change) => change(asked),
            None => asked,
        };
        let said = core.sum(&Self::peer(self.monitor), asked).map_err(|refusal| PeerError::Refused(refusal.reason));
        self.hear(format!("{said:?}").as_bytes());
        said
    }

    fn share(&self, to: &Oin, request: &ShareRequest, _: Duration) -> Result<Delivery, Unanswered> {
        if self.silent.lock().expect("lock").contains(to) {
            return Err(PeerError::Malformed.into());
        }
        let (core, monitor) = (self.reached(to)?, Self::peer(self.monitor));
        let share = core.share(&monitor, request).map_err(refused)?;
        core.answered(&monitor, share.handed(), true);
        self.hear(share.bytes());
        Ok(delivery(&share))
    }

    fn link(&self, to: &Oin, call: &LinkCall, _: Duration) -> Result<LinkSaid, PeerError> {
        let core = self.reached(to)?;
        let asked = match &*self.tamper.lock().expect("lock") {
            Some(tamper) => tamper(*to, stepped(call)),
            None => stepped(call),
        };
        self.hear(&heard_of(call));
        let step = format!("{call:?}");
        let said = core.link(&Self::peer(self.monitor), asked).map_err(|refusal| PeerError::Refused(refusal.reason))?;
        if let Some(lost) = &mut *self.lost.lock().expect("lock")
            && lost.insert((*to, step))
        {
            return Err(PeerError::Unreachable);
        }
        Ok(said_of(said))
    }

    fn status(&self, _: &Oin, _: Duration) -> Result<StatusView, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn show_checkpoint(&self, _: &Oin, _: &ShowRequest, _: Duration) -> Result<ShowReply, PeerError> {
        Err(PeerError::Unreachable)
    }
}

/// The digest of a convenant, for calls.
pub fn hash(region: &Region) -> Digest {
    region.convenant().hash()
}
