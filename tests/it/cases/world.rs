//! Three organisations and a monitor as open nodes without a network, under a convenant: a municipality with its local team, a GI and
//! the Raad. Calls go straight to the other node, as transport would make them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ketenpoort::crypto::{KeyTree, Secret32, Tag, digest};
use ketenpoort::domain::activity::ActivityBase;
use ketenpoort::domain::bsn::{Bsn, BsnReading, read_bsn};
use ketenpoort::domain::codes::{OrgType, Owner};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::gemeente::GemeenteList;
use ketenpoort::domain::oin::Oin;
use ketenpoort::intake::case::CaseReport;
use ketenpoort::policy::bundle::ConvenantBundle;
use ketenpoort::policy::card::{CARD_VERSION, NodeCard, SignedCard};
use ketenpoort::policy::convenant::{Convenant, GemeenteTerm};
use ketenpoort::policy::draft::DraftTerms;
use ketenpoort::service::core::{Clock, Core, Identity};

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

    fn card(self) -> SignedCard {
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
            witness: Some(keys.witness_key().verifying_key()),
            agreement: keys.agreement_key(0).public(),
            tls_pin: digest(self.oin().as_str().as_bytes()),
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
        let home = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
        let clock = Arc::new(SetClock(AtomicU64::new(NOW_MS)));
        let world = Self { home, clock, cores: Mutex::default() };
        for who in ALL {
            Core::create(&world.dir(who), who.oin(), &who.keys()).expect("journals");
            world.reopen(who);
        }
        world.agree(terms());
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

fn terms() -> Convenant {
    let term = |code: &str| GemeenteTerm { code: code.to_owned(), name: None, van: day("1990-01-01"), tot: None };
    let terms = DraftTerms {
        id: "casus".to_owned(),
        title: "Convenant casus".to_owned(),
        region: vec!["0153".to_owned()],
        gemeenten: vec![term("0153")],
        validity: (day("2020-01-01"), day("2035-12-31")),
        sums: Vec::new(),
    };
    Convenant::draft(terms, ALL.map(Who::card).into()).with_chain(&Who::Gem.oin(), &Who::Gem.keys().signing_key())
}
