//! A node of an institution that is opened in this process, with a clock that the test sets and convenants that follow
//! one another, and everything that it ever made public.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use ketenpoort::crypto::{KeyTree, Secret32, digest, random};
use ketenpoort::disclosure::ledger::StoredTable;
use ketenpoort::domain::activity::ActivityBase;
use ketenpoort::domain::codes::{OrgType, Owner};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::event::Gemeente;
use ketenpoort::domain::gemeente::{GemeenteList, GemeenteSpan};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::PeriodKind;
use ketenpoort::domain::query::{Dimension, IndicatorId, Query, TableQuery};
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::policy::bundle::ConvenantBundle;
use ketenpoort::policy::card::{CARD_VERSION, NodeCard};
use ketenpoort::policy::convenant::{Convenant, GemeenteTerm, TableGrant};
use ketenpoort::policy::draft::DraftTerms;
use ketenpoort::service::api::{AggregateRequest, NodeService, Peer, Reply, TlsFacts, TraceContext, Verdict};
use ketenpoort::service::core::{Clock, Core, Identity};
use ketenpoort::service::deliver::IntakeOptions;
use ketenpoort::service::document::AnswerDocument;
use ketenpoort::service::release::ReleaseLine;
use ketenpoort::storage::state::{StateError, StateKind};
use ketenpoort::translog::entry::TransferId;

use super::world::{World, quarter};

const MONITOR: u8 = 1;
const INSTITUTION: u8 = 2;

struct SetClock(AtomicI32);

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::SeqCst)).expect("after 1970") * 86_400_000 + 43_200_000
    }

    fn today(&self) -> Day {
        Day(self.0.load(Ordering::SeqCst))
    }
}

fn oin(n: u8) -> Oin {
    Oin::parse(&format!("00000099000000000{n:03}")).expect("an OIN")
}

fn keys(n: u8) -> KeyTree {
    KeyTree::new(Secret32::new([n; 32]))
}

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

fn card(n: u8) -> ketenpoort::policy::card::SignedCard {
    let (org_type, levert) = if n == MONITOR { (OrgType::Monitor, vec![]) } else { (OrgType::Gi, vec![Owner::Gi]) };
    let card = NodeCard {
        version: CARD_VERSION,
        oin: oin(n),
        name: format!("Partij {n}"),
        org_type,
        levert,
        gemeente: None,
        endpoint: format!("127.0.0.1:90{n:02}"),
        signing: keys(n).signing_key().verifying_key(),
        checkpoint: keys(n).checkpoint_key().verifying_key(),
        witness: Some(keys(n).witness_key().verifying_key()),
        agreement: keys(n).agreement_key(1).public(),
        tls_pin: digest(&[n]),
        next_tls_pin: None,
        issued: day("2026-01-01"),
    };
    card.sign(&keys(n).signing_key()).expect("a sound card")
}

/// What a version of the convenant lets out: municipalities with a cell of their own, and breakdowns of a quarter and of a
/// year.
pub struct Terms {
    pub version: u32,
    pub region: &'static [&'static str],
    pub quarter: Vec<Vec<Dimension>>,
    pub year: Vec<Vec<Dimension>>,
}

impl Terms {
    fn convenant(self, from: Day) -> Convenant {
        let term = |code: &str| GemeenteTerm { code: code.to_owned(), name: None, van: day("1990-01-01"), tot: None };
        let terms = DraftTerms {
            id: "regio".to_owned(),
            title: "Regio".to_owned(),
            region: self.region.iter().map(|&code| code.to_owned()).collect(),
            gemeenten: ["0001", "0002", "0003"].map(term).into(),
            validity: (from, day("2030-12-31")),
            sums: Vec::new(),
        };
        let mut convenant = Convenant::draft(terms, vec![card(MONITOR), card(INSTITUTION)]);
        convenant.version = self.version;
        convenant.settlement_days = 14;
        convenant.bin_cuts.clear();
        convenant.indicators.retain(|grant| [IndicatorId::Ind01, IndicatorId::Ind02].contains(&grant.indicator));
        for grant in &mut convenant.indicators {
            grant.tables = vec![
                TableGrant { period: PeriodKind::Quarter, by: self.quarter.clone() },
                TableGrant { period: PeriodKind::Year, by: self.year.clone() },
            ];
        }
        convenant
    }
}

/// The node and what its organisation knows.
pub struct Story {
    pub dir: tempfile::TempDir,
    clock: Arc<SetClock>,
    pub core: Core,
    pub world: World,
}

impl Story {
    /// Begins on 1 January 2026 with an empty node.
    pub fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Core::create(dir.path(), oin(INSTITUTION), &keys(INSTITUTION)).expect("journals");
        let clock = Arc::new(SetClock(AtomicI32::new(day("2026-01-01").0)));
        let core = open(dir.path(), &clock);
        Self { dir, clock, core, world: World::new(seed) }
    }

    /// The same node, closed and opened again: without witnesses a node answers for a while after its start only.
    pub fn reopened(self) -> Self {
        let Self { dir, clock, core, world } = self;
        drop(core);
        let core = open(dir.path(), &clock);
        Self { dir, clock, core, world }
    }

    /// The node that opens a copy of this one's directory, in which `change` changes something first.
    pub fn copied(&self, change: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        copy(self.dir.path(), dir.path());
        change(dir.path());
        let core = open(dir.path(), &self.clock);
        Self { dir, clock: Arc::clone(&self.clock), core, world: World::new(0) }
    }

    pub fn today(&self) -> Day {
        self.clock.today()
    }

    pub fn set(&self, today: Day) {
        self.clock.0.store(today.0, Ordering::SeqCst);
    }

    /// A version of the convenant, signed by both parties, that holds from today on.
    pub fn agree(&self, terms: Terms) {
        let today = self.today();
        let monitor = keys(MONITOR).signing_key();
        let bundle = ConvenantBundle::propose(terms.convenant(today), &oin(MONITOR), &monitor, today).expect("sound");
        self.core.convenant_accept(&bundle.to_text()).expect("accepted");
    }

    /// The delivery after quarter `n`, some days after its end.
    pub fn deliver(&mut self, n: i16) {
        let end = quarter(n).bounds().1;
        self.set(Day(end.0 + 5));
        let file = self.dir.path().join(format!("levering-{n}.csv"));
        std::fs::write(&file, self.world.deliver(n)).expect("written");
        let options = IntakeOptions { window: Some((quarter(0).bounds().0, end)), ..IntakeOptions::default() };
        let reports = self.core.intake(&[file], options, &|_, _| ()).expect("taken in");
        assert!(reports.iter().all(|report| report.refusal.is_none()), "{}", reports[0]);
    }

    /// Quarter `n` settles.
    pub fn settle_only(&mut self, n: i16) {
        self.set(Day(quarter(n).bounds().1.0 + 20));
        self.world.settle(n);
    }

    /// Quarter `n` settles, and everything that may come out does.
    pub fn settle(&mut self, n: i16) -> Vec<ReleaseLine> {
        self.settle_only(n);
        self.core.release_all(&|_, _| ()).expect("something to release from")
    }

    /// Everything that was ever released, in order, replaced tables too.
    pub fn released(&self) -> Vec<StoredTable> {
        let mut found = Vec::new();
        let mut take = |body: Vec<u8>| -> Result<(), StateError> {
            found.push(StoredTable::from_bytes(&body).expect("a stored table"));
            Ok(())
        };
        self.core.state_store().replay_only(StateKind::Answer, &mut take).expect("a journal");
        found
    }

    /// What the monitor gets to a question.
    pub fn ask(&self, tables: Vec<TableQuery>) -> Result<AnswerDocument, ReasonCode> {
        let tls =
            TlsFacts { version: "TLS1.3".into(), suite: "TLS13_AES_256_GCM_SHA384".into(), group: "X25519".into() };
        let peer = Peer { oin: oin(MONITOR), pin: digest(&[MONITOR]), certificate: digest(b"certificate"), tls };
        let request = AggregateRequest {
            transfer_id: TransferId::new(self.clock.now_ms(), random()),
            intent_hash: digest(b"intent"),
            convenant_hash: self.core.status(&peer).convenants[0],
            query: Query::new(tables),
            trace: TraceContext::random(),
        };
        match self.core.aggregate(&peer, &request, &Verdict::default()) {
            Reply::Answer(answer) => Ok(serde_json::from_slice(answer.document()).expect("an answer")),
            Reply::Refused(refusal) => Err(refusal.reason),
        }
    }
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

fn open(data: &Path, clock: &Arc<SetClock>) -> Core {
    let identity = Identity {
        oin: oin(INSTITUTION),
        name: "Instelling".to_owned(),
        org_type: OrgType::Gi,
        levert: vec![Owner::Gi],
        activities: ActivityBase::of_oin(oin(INSTITUTION)),
    };
    let span = |code| GemeenteSpan { code: Gemeente(code), from: None, to: None };
    let gemeenten = GemeenteList::new(vec![span(1), span(2), span(3)]);
    Core::open(data, identity, keys(INSTITUTION), gemeenten, Arc::clone(clock) as Arc<dyn Clock>).expect("a node")
}
