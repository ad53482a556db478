//! A simulated network of an organisation and a monitor with seeded faults: messages lost before and after they were answered,
//! doubled, cut off; nodes killed at any point; clocks that jump. When the faults end, every payload that was believed is in
//! both logs, each with the other's entry, and nothing is left that one side calls received and the other does not know.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use ketenpoort::config::Config;
use ketenpoort::crypto::{Digest, KeyTree, Secret32, digest};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{IndicatorId, Query, TableQuery};
use ketenpoort::node::gemeenten;
use ketenpoort::service::api::{
    AggregateRequest, AnswerBytes, NodeService, Peer, PeerError, Peers, Reply, StatusView, TlsFacts, Unanswered,
    Verdict, WantedReceipts,
};
use ketenpoort::service::core::{Clock, Core};
use ketenpoort::service::links::messages::{LinkCall, LinkSaid};
use ketenpoort::service::sums::messages::{Delivery, ShareRequest, SumCall, SumReply};
use ketenpoort::service::witness::{ShowReply, ShowRequest};
use ketenpoort::translog::entry::{Direction, Entry, Outcome, Phase, TransferId};
use ketenpoort::translog::merkle::leaf_hash;
use ketenpoort::translog::receipt::SignedReceipt;

use crate::three::{OINS, Three};

const HOUR_MS: u64 = 3_600_000;
/// Questions in one simulated region.
const QUESTIONS: u64 = 6;

/// Nodes `a` and `m` with a convenant in force; `a` has released. Copied for each region.
static TEMPLATE: LazyLock<Three> = LazyLock::new(|| {
    let three = Three::new();
    three.propose("proef", "2020-01-01", |draft| only_totals(&draft));
    for key in ["b", "m", "a"] {
        three.accept("proef", key);
    }
    three.deliver();
    three.node(&["release"], "a");
    three
});

/// A draft that grants the yearly totals of one indicator, so that the release takes no time.
fn only_totals(draft: &str) -> String {
    let mut terms: toml::Table = draft.parse().expect("TOML");
    let grants = terms["indicators"].as_array_mut().expect("grants");
    grants.retain(|grant| grant["indicator"].as_str() == Some("IND-01"));
    for table in grants[0]["tables"].as_array_mut().expect("tables") {
        table["by"] = toml::Value::Array(vec![toml::Value::Array(Vec::new())]);
    }
    terms["bin_cuts"] = toml::Value::Array(Vec::new());
    toml::to_string(&terms).expect("TOML")
}

/// Numbers that follow from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut n = self.0;
        n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn today(&self) -> Day {
        Day(i32::try_from(self.now_ms() / (24 * HOUR_MS)).expect("a day"))
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("listed").map(|entry| entry.expect("entry")) {
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            // A file that is renamed into place between the listing and the copy is there under its own name.
            match std::fs::copy(entry.path(), target) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied.expect("copied")),
            }
        }
    }
}

/// A node of the simulation: killed, it goes on from a copy of what is on its disk at that moment.
struct SimNode {
    key: &'static str,
    home: tempfile::TempDir,
    life: u32,
    clock: Arc<SetClock>,
    core: Arc<Core>,
}

impl SimNode {
    fn new(key: &'static str, clock: &Arc<SetClock>) -> Self {
        let home = tempfile::tempdir().expect("directory");
        let data = home.path().join("0");
        copy(&TEMPLATE.config(key).data, &data);
        let core = open(key, &data, clock);
        Self { key, home, life: 0, clock: Arc::clone(clock), core }
    }

    fn kill(&mut self) {
        let path = |life: u32| self.home.path().join(life.to_string());
        let (old, new) = (path(self.life), path(self.life + 1));
        copy(&old, &new);
        let _ = std::fs::remove_file(new.join("lock"));
        self.core = open(self.key, &new, &self.clock);
        self.life += 1;
        std::fs::remove_dir_all(old).expect("removed");
    }

    fn log(&self) -> Vec<(Digest, Entry)> {
        let log = self.core.transfer_log();
        let entries = log.raw_entries(0..log.len()).map(|read| read.expect("read").1);
        entries.map(|bytes| (leaf_hash(&bytes), Entry::decode(&bytes).expect("an entry"))).collect()
    }
}

fn open(key: &str, data: &Path, clock: &Arc<SetClock>) -> Arc<Core> {
    let config: Config = TEMPLATE.config(key);
    let root: [u8; 32] = std::fs::read(&config.root_key).expect("root key").try_into().expect("32 bytes");
    let (list, _) = gemeenten::read(&config.gemeenten).expect("a list");
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    Arc::new(
        Core::open(data, ketenpoort::node::identity(&config), KeyTree::new(Secret32::new(root)), list, clock)
            .expect("opens without repair"),
    )
}

/// What the network does with one question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Delivered,
    LostOnTheWay,
    CutOff,
    AnswerLost,
    Doubled,
    ServerKilled,
    ServerKilledAfter,
}

const FATES: [Fate; 9] = [
    Fate::Delivered,
    Fate::Delivered,
    Fate::Delivered,
    Fate::LostOnTheWay,
    Fate::CutOff,
    Fate::AnswerLost,
    Fate::Doubled,
    Fate::ServerKilled,
    Fate::ServerKilledAfter,
];

/// The network between the two; both are reached through it.
struct Net {
    nodes: [Mutex<SimNode>; 2],
    dice: Mutex<Dice>,
    /// Whether faults happen.
    faulty: std::sync::atomic::AtomicBool,
}

impl Net {
    fn new(seed: u64) -> (Self, Arc<SetClock>) {
        let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).expect("after 1970");
        let clock = Arc::new(SetClock(AtomicU64::new(now)));
        let nodes = ["a", "m"].map(|key| Mutex::new(SimNode::new(key, &clock)));
        (Self { nodes, dice: Mutex::new(Dice(seed)), faulty: true.into() }, clock)
    }

    fn roll(&self, limit: u64) -> u64 {
        let rolled = self.dice.lock().expect("dice").below(limit);
        if self.faulty.load(Ordering::SeqCst) { rolled } else { 0 }
    }

    fn core(&self, which: usize) -> Arc<Core> {
        Arc::clone(&self.nodes[which].lock().expect("node").core)
    }

    fn kill(&self, which: usize) {
        self.nodes[which].lock().expect("node").kill();
    }

    fn index(oin: &Oin) -> usize {
        usize::from(oin.as_str() == OINS[2])
    }

    /// How the node with this index is seen by the other.
    fn peer(which: usize) -> Peer {
        let oin = Oin::parse(if which == 0 { OINS[0] } else { OINS[2] }).expect("OIN");
        let tls =
            TlsFacts { version: "TLS1.3".into(), suite: "TLS13_AES_256_GCM_SHA384".into(), group: "X25519".into() };
        Peer { oin, pin: digest(b"pin"), certificate: digest(b"certificate"), tls }
    }

    /// The answer of the organisation, and whether it was handed over completely; `None` when it refused.
    fn answer(&self, request: &AggregateRequest, complete: Option<bool>) -> Result<AnswerBytes, Unanswered> {
        let (server, asker) = (self.core(0), Self::peer(1));
        match server.aggregate(&asker, request, &Verdict::default()) {
            Reply::Answer(answer) => {
                let handed = answer.handed();
                let payload = answer.into_payload();
                if let Some(complete) = complete {
                    server.answered(&asker, handed, complete);
                }
                Ok(AnswerBytes {
                    document: payload.bytes,
                    signature: payload.signature,
                    receipt: payload.receipt.bytes().to_vec(),
                    salt: payload.salt,
                    from: None,
                })
            }
            Reply::Refused(refusal) => Err(Unanswered {
                error: PeerError::Refused(refusal.reason),
                receipt: refusal.receipt.map(|receipt| receipt.bytes().to_vec()),
            }),
        }
    }
}

impl Peers for Net {
    fn aggregate(&self, _: &Oin, request: &AggregateRequest, _: Duration) -> Result<AnswerBytes, Unanswered> {
        let fate = FATES[usize::try_from(self.roll(FATES.len() as u64)).expect("small")];
        match fate {
            Fate::LostOnTheWay => Err(PeerError::Unreachable.into()),
            Fate::CutOff => self.answer(request, Some(false)).and(Err(PeerError::Closed.into())),
            Fate::AnswerLost => self.answer(request, Some(true)).and(Err(PeerError::Deadline.into())),
            Fate::Doubled => {
                let first = self.answer(request, Some(true));
                let second = self.answer(request, Some(true));
                if self.roll(2) == 0 { first } else { second }
            }
            Fate::ServerKilled => {
                let lost = self.answer(request, None);
                self.kill(0);
                lost.and(Err(PeerError::Closed.into()))
            }
            Fate::ServerKilledAfter => {
                let answer = self.answer(request, Some(true));
                self.kill(0);
                answer
            }
            Fate::Delivered => self.answer(request, Some(true)),
        }
    }

    fn confirm(&self, to: &Oin, receipt: &SignedReceipt, _: Duration) -> Result<(), PeerError> {
        let to = Self::index(to);
        let take = || self.core(to).confirm(&Self::peer(1 - to), receipt.bytes()).map_err(PeerError::Refused);
        match self.roll(5) {
            1 => Err(PeerError::Unreachable),
            2 => take().and(Err(PeerError::Deadline)),
            3 => take().and(take()),
            _ => take(),
        }
    }

    fn receipts(&self, to: &Oin, wanted: &WantedReceipts, _: Duration) -> Result<Vec<Vec<u8>>, PeerError> {
        if self.roll(3) == 1 {
            return Err(PeerError::Unreachable);
        }
        let to = Self::index(to);
        let receipts = self.core(to).receipts(&Self::peer(1 - to), wanted).map_err(PeerError::Refused)?;
        if self.roll(4) == 1 {
            return Err(PeerError::Deadline);
        }
        Ok(receipts.iter().map(|receipt| receipt.bytes().to_vec()).collect())
    }

    fn sum(&self, _: &Oin, _: &SumCall, _: Duration) -> Result<SumReply, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn share(&self, _: &Oin, _: &ShareRequest, _: Duration) -> Result<Delivery, Unanswered> {
        Err(PeerError::Unreachable.into())
    }

    fn show_checkpoint(&self, _: &Oin, _: &ShowRequest, _: Duration) -> Result<ShowReply, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn link(&self, _: &Oin, _: &LinkCall, _: Duration) -> Result<LinkSaid, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn status(&self, _: &Oin, _: Duration) -> Result<StatusView, PeerError> {
        Err(PeerError::Unreachable)
    }
}

/// The monitor asks one question as `monitor pull` does, and may be killed between any two steps; what it believed.
fn ask(net: &Net) -> Option<(TransferId, Digest)> {
    let core = net.core(1);
    let standing = core.standing();
    let convenant = &standing.in_force.as_ref().expect("in force")[0];
    let year = 2021 + i16::try_from(net.dice.lock().expect("dice").below(3)).expect("small");
    let table = TableQuery { indicator: IndicatorId::Ind01, period: Period::year_of(year), by: vec![] };
    let to = Net::peer(0).oin;
    let mut question = core.log_question(to, convenant, Query::new(vec![table])).expect("logged");
    if net.roll(12) == 1 {
        net.kill(1);
        return None;
    }
    for attempt in 0..3 {
        if attempt > 0 {
            core.log_question_again(&mut question).expect("logged");
        }
        let answer = match net.aggregate(&to, &question.request(), Duration::ZERO) {
            Ok(answer) => answer,
            Err(unanswered) => {
                let receipt = unanswered.receipt.as_deref();
                let reason = core.take_refusal(&question, unanswered.error.reason(), receipt);
                assert_eq!(reason, unanswered.error.reason(), "an honest partner's receipt holds");
                continue;
            }
        };
        if net.roll(12) == 1 {
            net.kill(1);
            return None;
        }
        let commitment = ketenpoort::translog::entry::payload_commitment(&answer.salt, &answer.document);
        let taken = core.take_answer(&question, &answer).expect("an honest answer is believed");
        if net.roll(12) == 1 {
            net.kill(1);
        } else {
            let _ = net.confirm(&to, &taken.receipt, Duration::ZERO);
        }
        return Some((question.transfer(), commitment));
    }
    None
}

fn housekeeping(net: &Net) {
    for which in 0..2 {
        let core = net.core(which);
        core.close_unconfirmed(false).expect("logged");
        core.chase_receipts(net).expect("logged");
    }
}

/// One region: questions among faults, then a week without.
fn region(seed: u64) -> (usize, usize) {
    let (net, clock) = Net::new(seed);
    let mut believed = Vec::new();
    for _ in 0..QUESTIONS {
        believed.extend(ask(&net));
        match net.roll(6) {
            0 => drop(clock.0.fetch_add(20_000, Ordering::SeqCst)),
            1 => drop(clock.0.fetch_add(2 * HOUR_MS, Ordering::SeqCst)),
            2 => drop(clock.0.fetch_sub(HOUR_MS, Ordering::SeqCst)),
            3 => net.kill(usize::try_from(net.roll(2)).expect("small")),
            _ => housekeeping(&net),
        }
    }
    net.faulty.store(false, Ordering::SeqCst);
    for _ in 0..30 {
        clock.0.fetch_add(6 * HOUR_MS, Ordering::SeqCst);
        housekeeping(&net);
    }
    let logs = net.nodes.each_ref().map(|node| node.lock().expect("node").log());
    check(seed, &believed, &logs);
    (believed.len(), logs[0].len())
}

fn check(seed: u64, believed: &[(TransferId, Digest)], [server, asker]: &[Vec<(Digest, Entry)>; 2]) {
    for (transfer, commitment) in believed {
        let (_, received) = asker
            .iter()
            .find(|(_, entry)| entry.phase == Phase::Received && entry.transfer_id == *transfer)
            .unwrap_or_else(|| panic!("seed {seed}: {transfer} was believed and is not in the asker's log"));
        assert_eq!(received.payload_commitment, Some(*commitment), "seed {seed}");
    }
    for (hash, received) in asker.iter().filter(|(_, entry)| entry.phase == Phase::Received) {
        let named = server.iter().find(|(hash, _)| Some(*hash) == received.peer_entry_hash);
        let (_, intent) = named.unwrap_or_else(|| panic!("seed {seed}: received what the sender did not log"));
        assert_eq!(
            (intent.phase, intent.transfer_id, intent.payload_commitment),
            (Phase::Intent, received.transfer_id, received.payload_commitment),
            "seed {seed}"
        );
        let confirmed = server.iter().any(|(_, entry)| {
            entry.outcome == Some(Outcome::Confirmed)
                && entry.transfer_id == received.transfer_id
                && entry.peer_entry_hash == Some(*hash)
        });
        assert!(confirmed, "seed {seed}: {} is received and not confirmed", received.transfer_id);
    }
    for (_, confirmed) in server.iter().filter(|(_, entry)| entry.outcome == Some(Outcome::Confirmed)) {
        let known =
            asker.iter().any(|(hash, e)| Some(*hash) == confirmed.peer_entry_hash && e.phase == Phase::Received);
        assert!(known, "seed {seed}: confirmed by an entry that the asker does not have");
    }
    for log in [server, asker] {
        for (_, intent) in log.iter().filter(|(_, e)| e.phase == Phase::Intent && e.direction != Direction::Local) {
            let ended = log.iter().any(|(_, entry)| {
                entry.transfer_id == intent.transfer_id && matches!(entry.phase, Phase::Outcome | Phase::Received)
            });
            assert!(ended, "seed {seed}: {} has no end", intent.transfer_id);
        }
    }
}

#[test]
fn every_payload_that_was_believed_is_in_both_logs_whatever_happened() {
    let seeds: u64 = std::env::var("KETENPOORT_SIMULATIONS")
        .map_or(12, |text| text.parse().expect("KETENPOORT_SIMULATIONS is a number"));
    let first: u64 = std::env::var("KETENPOORT_FIRST_SEED").map_or(1, |text| text.parse().expect("a number"));
    let (mut believed, mut entries) = (0, 0);
    for seed in first..first + seeds {
        let (some, logged) = region(seed);
        believed += some;
        entries += logged;
    }
    eprintln!("{seeds} regions: {believed} answers believed, {entries} entries at the organisation, all accounted for");
    assert!(believed as u64 > seeds, "the network delivers something");
}
