//! Three organisations and a monitor as open nodes without a network, under a convenant: a municipality with its local team, a GI and
//! the Raad. Calls go straight to the other node, as transport would make them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ketenpoort::crypto::{Digest, KeyTree, Secret32, Tag, digest};
use ketenpoort::domain::activity::ActivityBase;
use ketenpoort::domain::bsn::{Bsn, BsnReading, read_bsn};
use ketenpoort::domain::codes::{OrgType, Owner};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::gemeente::GemeenteList;
use ketenpoort::domain::oin::Oin;
use ketenpoort::intake::case::CaseReport;
use ketenpoort::policy::bundle::{ConvenantBundle, ConvenantInForce};
use ketenpoort::policy::card::{CARD_VERSION, NodeCard, SignedCard};
use ketenpoort::policy::case::Rules;
use ketenpoort::policy::convenant::{Convenant, GemeenteTerm};
use ketenpoort::policy::draft::DraftTerms;
use ketenpoort::service::api::{
    AggregateRequest, AnswerBytes, NodeService, Peer, PeerError, Peers, Refusal, StatusView, TlsFacts, Unanswered,
    WantedReceipts,
};
use ketenpoort::service::cases::ask::CaseChild;
use ketenpoort::service::cases::exits::{CaseAsk, CaseContent};
use ketenpoort::service::cases::messages::{CaseAsked, CaseDelivery};
use ketenpoort::service::cases::offer::CaseOffer;
use ketenpoort::service::core::{Clock, Core, Identity};
use ketenpoort::service::links::messages::{LinkCall, LinkSaid};
use ketenpoort::service::sums::messages::{Delivery, ShareRequest, SumCall, SumReply};
use ketenpoort::service::witness::{ShowReply, ShowRequest};
use ketenpoort::translog::entry::{Entry, TransferId};
use ketenpoort::translog::receipt::SignedReceipt;
use ketenpoort::transport::client::Client;

/// Header of a file with case fields.
pub const HEADER: &str = "record_id;status;bsn;veld;onderdeel;waarde;van;tot;geregistreerd_op\n";
pub const REGISTERED: &str = "2026-05-01T12:00:00+02:00";
/// Noon on 1 June 2026, UTC.
const NOW_MS: u64 = 1_780_315_200_000;

/// A clock that stands still until it is set on.
pub struct SetClock(pub AtomicU64);

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn today(&self) -> Day {
        Day(i32::try_from(self.now_ms() / 86_400_000).expect("a day"))
    }
}

/// The parties: a municipality with its local team, a GI, the Raad, and the monitor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Who {
    Gem = 11,
    Gi = 12,
    Rvdk = 13,
    Monitor = 1,
}

pub const ALL: [Who; 4] = [Who::Gem, Who::Gi, Who::Rvdk, Who::Monitor];

impl Who {
    pub fn oin(self) -> Oin {
        Oin::parse(&format!("00000099000000{:06}", self as u32)).expect("an OIN")
    }

    fn kind(self) -> (OrgType, Vec<Owner>) {
        match self {
            Self::Gem => (OrgType::Gem, vec![Owner::Lt, Owner::Gem]),
            Self::Gi => (OrgType::Gi, vec![Owner::Gi]),
            Self::Rvdk => (OrgType::Rvdk, vec![Owner::Rvdk]),
            Self::Monitor => (OrgType::Monitor, vec![]),
        }
    }

    pub fn keys(self) -> KeyTree {
        KeyTree::new(Secret32::new(digest(self.oin().as_str().as_bytes()).0))
    }

    /// Its card, with the pin of its TLS key.
    fn card(self, tls_pin: Digest) -> SignedCard {
        let keys = self.keys();
        let (org_type, levert) = self.kind();
        let card = NodeCard {
            version: CARD_VERSION,
            oin: self.oin(),
            name: format!("{self:?}"),
            org_type,
            levert,
            gemeente: (self == Self::Gem).then(|| "0153".to_owned()),
            endpoint: format!("127.0.0.1:{}", 20_000 + self as u32),
            signing: keys.signing_key().verifying_key(),
            checkpoint: keys.checkpoint_key().verifying_key(),
            // Without witnesses the clock may run.
            witness: None,
            agreement: keys.agreement_key(0).public(),
            tls_pin,
            next_tls_pin: None,
            issued: day("2026-01-01"),
        };
        card.sign(&keys.signing_key()).expect("a sound card")
    }
}

pub fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

pub fn bsn(text: &str) -> Bsn {
    match read_bsn(text) {
        BsnReading::Subject { bsn, .. } => bsn,
        _ => panic!("{text} is no BSN"),
    }
}

/// Open nodes by who they are of.
pub struct World {
    home: tempfile::TempDir,
    pub clock: Arc<SetClock>,
    cores: Mutex<BTreeMap<Who, Arc<Core>>>,
}

impl World {
    /// Four nodes with a convenant in force.
    pub fn new() -> Self {
        Self::with(&|who| digest(who.oin().as_str().as_bytes()))
    }

    /// As [`World::new`], with these pins of TLS keys.
    pub fn with(pin: &dyn Fn(Who) -> Digest) -> Self {
        Self::at(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder"), pin)
    }

    /// As [`World::with`], in this folder.
    pub fn at(home: tempfile::TempDir, pin: &dyn Fn(Who) -> Digest) -> Self {
        let clock = Arc::new(SetClock(AtomicU64::new(NOW_MS)));
        let world = Self { home, clock, cores: Mutex::default() };
        for who in ALL {
            Core::create(&world.dir(who), who.oin(), &who.keys()).expect("journals");
            world.reopen(who);
        }
        world.agree(terms(pin));
        world
    }

    fn agree(&self, convenant: Convenant) {
        let date = day("2026-01-05");
        let maker = Who::Gem;
        let key = |who: Who| who.keys().signing_key();
        let mut bundle = ConvenantBundle::propose(convenant, &maker.oin(), &key(maker), date).expect("sound");
        for who in ALL.into_iter().filter(|who| *who != maker) {
            bundle.accept(&who.oin(), &key(who), date).expect("signs");
        }
        for who in ALL {
            self.core(who).convenant_accept(&bundle.to_text()).expect("in force");
        }
    }

    pub fn dir(&self, who: Who) -> PathBuf {
        self.home.path().join(format!("{who:?}"))
    }

    /// Opens a node from what is on its disk, as after a kill.
    pub fn reopen(&self, who: Who) {
        self.cores.lock().expect("lock").remove(&who);
        let (org_type, levert) = who.kind();
        let oin = who.oin();
        let activities = ActivityBase::of_oin(oin);
        let identity = Identity { oin, name: format!("{who:?}"), org_type, levert, activities };
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        let core = Core::open(&self.dir(who), identity, who.keys(), GemeenteList::default(), clock).expect("opens");
        self.cores.lock().expect("lock").insert(who, Arc::new(core));
    }

    pub fn core(&self, who: Who) -> Arc<Core> {
        Arc::clone(&self.cores.lock().expect("lock")[&who])
    }

    pub fn convenant(&self) -> ConvenantInForce {
        let standing = self.core(Who::Gem).standing();
        standing.in_force.as_ref().expect("in force")[0].clone()
    }

    /// The child with this BSN, as a command at a node names it.
    pub fn child(&self, who: Who, number: &str) -> CaseChild {
        let (keys, convenant) = (who.keys(), self.convenant());
        let terms = convenant.convenant();
        let chain = terms.chain.as_ref().expect("a chain");
        let maker = terms.party(&chain.made_by).expect("a party").card.card().signing;
        let own = (&who.oin(), &keys.agreement_key(0));
        let base = chain.open(&terms.id, own, &maker).expect("the base");
        let mut id = [0; 16];
        id.copy_from_slice(&chain.check.0[..16]);
        let tokens = vec![(id, bsn(number).chain_token(&base.token_key()))];
        CaseChild { subject: self.subject(who, number), tokens }
    }

    /// Every entry of the log of a node.
    pub fn log(&self, who: Who) -> Vec<Entry> {
        let core = self.core(who);
        let log = core.transfer_log();
        let entries = log.raw_entries(0..log.len()).map(|read| read.expect("read").1);
        entries.map(|bytes| Entry::decode(&bytes).expect("an entry")).collect()
    }

    /// The entries of one transfer, as phase, outcome and reason codes.
    pub fn told(&self, who: Who, transfer: TransferId) -> Vec<String> {
        let of = |entry: &Entry| {
            let outcome = entry.outcome.map_or_else(String::new, |outcome| format!(" {outcome:?}"));
            let codes = entry.reason_codes.iter().map(|code| format!(" {code}")).collect::<String>();
            format!("{:?}{outcome}{codes}", entry.phase)
        };
        self.log(who).iter().filter(|entry| entry.transfer_id == transfer).map(of).collect()
    }

    /// Sets the clock on.
    pub fn later(&self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// What a node calls the person with this BSN.
    pub fn subject(&self, who: Who, number: &str) -> Tag {
        bsn(number).local_pseudonym(&who.keys().local_key())
    }

    /// Delivers rows of case fields (without their header) to a node.
    pub fn deliver(&self, who: Who, rows: &str) -> CaseReport {
        self.try_deliver(who, rows, false)
    }

    pub fn try_deliver(&self, who: Who, rows: &str, dry_run: bool) -> CaseReport {
        let path = self.home.path().join("casus.csv");
        std::fs::write(&path, format!("{HEADER}{rows}")).expect("written");
        self.core(who).intake_cases(&[path], dry_run, &|_, _| ()).expect("taken in").remove(0)
    }
}

/// How a partner is seen.
pub fn peer(of: Oin) -> Peer {
    let tls = TlsFacts { version: "TLS1.3".into(), suite: "TLS13_AES_256_GCM_SHA384".into(), group: "X25519".into() };
    Peer { oin: of, pin: digest(of.as_str().as_bytes()), certificate: digest(b"certificate"), tls }
}

/// The wire as one organisation sees it: its calls go straight to the others.
pub struct Wire<'a> {
    world: &'a World,
    from: Oin,
    /// Changes content on its way.
    pub bend: Option<fn(&mut CaseDelivery)>,
    /// The next calls that fail before they arrive.
    pub lost: AtomicU64,
    /// Who crashes at the next request that it answers, or whose answer it gets: the answer is in the log of who gives it, and nobody has it.
    pub crash: Mutex<Option<Who>>,
    /// Every byte of a message about a child.
    pub seen: Mutex<Vec<u8>>,
    /// Calls go over this instead, and how each ended is noted.
    pub over: Option<&'a Client>,
    pub ended: Mutex<Vec<Ended>>,
}

/// How a request over the network ended.
pub struct Ended {
    pub transfer: TransferId,
    pub took: Duration,
    pub error: Option<PeerError>,
    pub receipt: Option<Vec<u8>>,
}

impl<'a> Wire<'a> {
    pub fn of(world: &'a World, who: Who) -> Self {
        Self {
            world,
            from: who.oin(),
            bend: None,
            lost: AtomicU64::new(0),
            crash: Mutex::default(),
            seen: Mutex::default(),
            over: None,
            ended: Mutex::default(),
        }
    }

    fn note(&self, parts: &[&[u8]]) {
        self.seen.lock().expect("lock").extend(parts.concat());
    }

    fn to(&self, to: &Oin) -> Result<Arc<Core>, PeerError> {
        if self.lost.load(Ordering::Relaxed) > 0 {
            self.lost.fetch_sub(1, Ordering::Relaxed);
            return Err(PeerError::Unreachable);
        }
        let who = ALL.into_iter().find(|who| who.oin() == *to).ok_or(PeerError::UnknownParty)?;
        Ok(self.world.core(who))
    }
}

/// A request as it comes out of the wire.
pub fn asked(ask: &CaseAsk) -> CaseAsked {
    CaseAsked {
        transfer: ask.transfer(),
        intent: Some(ask.intent()),
        convenant: ask.convenant(),
        sealed: ask.sealed().to_vec(),
        trace: ask.trace(),
    }
}

/// A refusal as it comes out of the wire.
fn refused(refusal: Refusal) -> Unanswered {
    let receipt = refusal.receipt.map(|receipt| receipt.bytes().to_vec());
    Unanswered { error: PeerError::Refused(refusal.reason), receipt }
}

fn delivered(content: &CaseContent) -> CaseDelivery {
    CaseDelivery {
        transfer: content.handed().transfer,
        receipt: content.receipt().bytes().to_vec(),
        salt: content.salt(),
        sealed: content.sealed().to_vec(),
        proven: None,
    }
}

impl Peers for Wire<'_> {
    fn case_ask(&self, to: &Oin, ask: &CaseAsk, deadline: Duration) -> Result<CaseDelivery, Unanswered> {
        if let Some(client) = self.over {
            let begun = Instant::now();
            let answered = client.case_ask(to, ask, deadline);
            let (error, receipt) = match &answered {
                Ok(_) => (None, None),
                Err(unanswered) => (Some(unanswered.error), unanswered.receipt.clone()),
            };
            let ended = Ended { transfer: ask.transfer(), took: begun.elapsed(), error, receipt };
            self.ended.lock().expect("lock").push(ended);
            return answered;
        }
        let core = self.to(to)?;
        let content = core.case_ask(&peer(self.from), &asked(ask)).map_err(|denied| refused(denied.refusal))?;
        let mut delivery = delivered(&content);
        self.note(&[ask.sealed(), &delivery.receipt, &delivery.salt, &delivery.sealed]);
        if let Some(who) = self.crash.lock().expect("lock").take() {
            assert_ne!(who.oin(), self.from, "who asked is gone");
            drop(core);
            self.world.reopen(who);
            return Err(PeerError::Unreachable.into());
        }
        core.answered(&peer(self.from), content.handed(), true);
        if let Some(bend) = self.bend {
            bend(&mut delivery);
        }
        Ok(delivery)
    }

    fn case_offer(&self, to: &Oin, offer: &CaseOffer, _: Duration) -> Result<Digest, Unanswered> {
        self.note(&[&offer.asked().sealed]);
        let taken = self.to(to)?.case_offer(&peer(self.from), offer.asked());
        taken.map_err(refused)
    }

    fn case_deliver(&self, to: &Oin, content: &CaseContent, _: Duration) -> Result<Vec<u8>, PeerError> {
        let mut delivery = delivered(content);
        self.note(&[&delivery.receipt, &delivery.salt, &delivery.sealed]);
        if let Some(bend) = self.bend {
            bend(&mut delivery);
        }
        let taken = self.to(to)?.case_deliver(&peer(self.from), &delivery);
        taken.map(|receipt| receipt.bytes().to_vec()).map_err(|refusal| PeerError::Refused(refusal.reason))
    }

    fn confirm(&self, to: &Oin, receipt: &SignedReceipt, _: Duration) -> Result<(), PeerError> {
        self.to(to)?.confirm(&peer(self.from), receipt.bytes()).map_err(PeerError::Refused)
    }

    fn aggregate(&self, _: &Oin, _: &AggregateRequest, _: Duration) -> Result<AnswerBytes, Unanswered> {
        Err(PeerError::Unreachable.into())
    }

    fn receipts(&self, _: &Oin, _: &WantedReceipts, _: Duration) -> Result<Vec<Vec<u8>>, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn sum(&self, _: &Oin, _: &SumCall, _: Duration) -> Result<SumReply, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn share(&self, _: &Oin, _: &ShareRequest, _: Duration) -> Result<Delivery, Unanswered> {
        Err(PeerError::Unreachable.into())
    }

    fn link(&self, _: &Oin, _: &LinkCall, _: Duration) -> Result<LinkSaid, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn status(&self, _: &Oin, _: Duration) -> Result<StatusView, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn show_checkpoint(&self, _: &Oin, _: &ShowRequest, _: Duration) -> Result<ShowReply, PeerError> {
        Err(PeerError::Unreachable)
    }
}

fn terms(pin: &dyn Fn(Who) -> Digest) -> Convenant {
    let term = |code: &str| GemeenteTerm { code: code.to_owned(), name: None, van: day("1990-01-01"), tot: None };
    let terms = DraftTerms {
        id: "casus".to_owned(),
        title: "Convenant casus".to_owned(),
        region: vec!["0153".to_owned()],
        gemeenten: vec![term("0153")],
        validity: (day("2020-01-01"), day("2035-12-31")),
        sums: Vec::new(),
    };
    let names = ["SCN-04", "SCN-05", "SCN-07", "SCN-08", "SCN-09", "SCN-14"].map(str::to_owned).into();
    let draft = Convenant::draft(terms, ALL.map(|who| who.card(pin(who))).into());
    draft.with_chain(&Who::Gem.oin(), &Who::Gem.keys().signing_key()).with_cases(Rules::national(), &names)
}
