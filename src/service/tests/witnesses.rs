//! A region of four nodes in one process that witness each other's logs, with a clock that tests set and a network that they
//! cut.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::crypto::digest;
use crate::domain::activity::ActivityBase;
use crate::domain::codes::{OrgType, Owner};
use crate::domain::day::Day;
use crate::domain::gemeente::GemeenteList;
use crate::domain::oin::Oin;
use crate::domain::query::Query;
use crate::domain::reason::ReasonCode;
use crate::policy::convenant::Convenant;
use crate::policy::fixture::{ALL, GATE, INSTITUTION, MONITOR, TOWN, day, draft, keys, oin, signed};
use crate::service::api::{
    AggregateRequest, AnswerBytes, NodeService, Peer, PeerError, Peers, StatusView, TlsFacts, Unanswered,
    WantedReceipts,
};
use crate::service::core::{Clock, Core, Identity};
use crate::service::entries;
use crate::service::links::messages::{LinkCall, LinkSaid};
use crate::service::sums::messages::{Delivery, ShareRequest, SumCall, SumReply};
use crate::service::witness::view::LogStatus;
use crate::service::witness::{ALARM_MS, Desk, GRACE_MS, STOP_MS, ShowReply, ShowRequest};
use crate::storage::disk::{Disk, Fault, Moment, Step};
use crate::translog::checkpoint::{Checkpoint, origin};
use crate::translog::cosignature::cosigners;
use crate::translog::note::Note;
use crate::translog::receipt::SignedReceipt;
use crate::translog::witness::Wrong;

use super::copy_folder;

mod attacks;
mod kept;
mod receipts;

/// A clock to the millisecond.
struct Ticks(AtomicU64);

impl Clock for Ticks {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn today(&self) -> Day {
        Day(i32::try_from(self.now_ms() / 86_400_000).expect("a day"))
    }
}

/// Who can be reached by whom, and where.
struct Region {
    dir: tempfile::TempDir,
    clock: Arc<Ticks>,
    cores: BTreeMap<Oin, Core>,
    down: Mutex<BTreeSet<Oin>>,
    /// What every node says when it is asked for receipts.
    receipts: Mutex<Vec<Vec<u8>>>,
}

/// One node's way to the others.
struct Calls<'a>(&'a Region, Oin);

impl Peers for Calls<'_> {
    fn aggregate(&self, _: &Oin, _: &AggregateRequest, _: Duration) -> Result<AnswerBytes, Unanswered> {
        Err(PeerError::Unreachable.into())
    }

    fn confirm(&self, _: &Oin, _: &SignedReceipt, _: Duration) -> Result<(), PeerError> {
        Err(PeerError::Unreachable)
    }

    fn receipts(&self, _: &Oin, _: &WantedReceipts, _: Duration) -> Result<Vec<Vec<u8>>, PeerError> {
        Ok(self.0.receipts.lock().expect("lock").clone())
    }

    fn link(&self, _: &Oin, _: &LinkCall, _: Duration) -> Result<LinkSaid, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn status(&self, _: &Oin, _: Duration) -> Result<StatusView, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn sum(&self, _: &Oin, _: &SumCall, _: Duration) -> Result<SumReply, PeerError> {
        Err(PeerError::Unreachable)
    }

    fn share(&self, _: &Oin, _: &ShareRequest, _: Duration) -> Result<Delivery, Unanswered> {
        Err(PeerError::Unreachable.into())
    }

    fn show_checkpoint(&self, to: &Oin, request: &ShowRequest, _: Duration) -> Result<ShowReply, PeerError> {
        if self.0.down.lock().expect("lock").contains(to) {
            return Err(PeerError::Unreachable);
        }
        self.0.cores[to].witness(&peer(self.1), request).map_err(PeerError::Refused)
    }
}

fn peer(oin: Oin) -> Peer {
    let tls = TlsFacts { version: String::new(), suite: String::new(), group: String::new() };
    Peer { oin, pin: digest(b"pin"), certificate: digest(b"certificate"), tls }
}

fn open(data: &Path, n: u8, clock: &Arc<Ticks>) -> Core {
    let (org_type, levert) = match n {
        MONITOR => (OrgType::Monitor, vec![]),
        GATE => (OrgType::Gate, vec![]),
        TOWN => (OrgType::Gem, vec![Owner::Lt, Owner::Gem]),
        _ => (OrgType::Gi, vec![Owner::Gi]),
    };
    let identity = Identity {
        oin: oin(n),
        name: format!("Partij {n}"),
        org_type,
        levert,
        activities: ActivityBase::of_oin(oin(n)),
    };
    let gemeenten = GemeenteList::new(vec![]);
    Core::open(data, identity, keys(n), gemeenten, Arc::clone(clock) as Arc<dyn Clock>).expect("opens")
}

impl Region {
    /// Four nodes under one convenant, all running, nothing shown yet.
    fn new() -> Self {
        Self::under(draft())
    }

    fn under(convenant: Convenant) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let noon = u64::try_from(day("2026-06-01").0).expect("after 1970") * 86_400_000 + 43_200_000;
        let clock = Arc::new(Ticks(AtomicU64::new(noon)));
        let bundle = signed(convenant).to_text();
        let mut cores = BTreeMap::new();
        for n in ALL {
            let data = dir.path().join(n.to_string());
            Core::create(&data, oin(n), &keys(n)).expect("journals");
            let core = open(&data, n, &clock);
            super::record(&core, "convenant accept");
            core.convenant_accept(&bundle).expect("in force");
            cores.insert(oin(n), core);
        }
        Self { dir, clock, cores, down: Mutex::default(), receipts: Mutex::default() }
    }

    /// As new, after a first round of all: every node has heard its witnesses.
    fn awake() -> Self {
        let region = Self::new();
        region.round(&ALL);
        region
    }

    fn core(&self, n: u8) -> &Core {
        &self.cores[&oin(n)]
    }

    fn data(&self, n: u8) -> std::path::PathBuf {
        self.dir.path().join(n.to_string())
    }

    /// These nodes show their checkpoint, one after another; whether each had its quorum.
    fn round(&self, who: &[u8]) -> Vec<bool> {
        who.iter().map(|n| self.core(*n).show_to_witnesses(&Calls(self, oin(*n))).expect("shown")).collect()
    }

    fn append(&self, n: u8, times: usize) {
        append(self.core(n), times);
    }

    fn pass(&self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }

    fn set_down(&self, who: &[u8]) {
        *self.down.lock().expect("lock") = who.iter().map(|n| oin(*n)).collect();
    }

    /// Stops a node, changes its directory, and starts it again.
    fn restart(&mut self, n: u8, change: impl FnOnce(&Path)) {
        drop(self.cores.remove(&oin(n)));
        change(&self.data(n));
        self.cores.insert(oin(n), open(&self.data(n), n, &self.clock));
    }

    fn status(&self, n: u8) -> LogStatus {
        self.core(n).log_status()
    }

    /// What node `n` found wrong with the log of `of`.
    fn found(&self, n: u8, of: u8) -> Vec<Wrong> {
        let status = self.status(n);
        let log = status.witnessed.iter().find(|log| log.oin == oin(of)).expect("known");
        log.findings.iter().map(|finding| finding.wrong).collect()
    }
}

fn append(core: &Core, times: usize) {
    for _ in 0..times {
        let now = core.clock.now_ms();
        let entry = entries::refused_connections(core.identity.oin, ReasonCode::TlsUnusable, 1, (now, now));
        core.note(&entry).expect("logged");
    }
}

fn copy(from: &Path) -> tempfile::TempDir {
    let kept = tempfile::tempdir().expect("a folder");
    copy_folder(from, kept.path());
    kept
}

/// Puts a copy of the directory back.
fn put_back(copy: &tempfile::TempDir) -> impl FnOnce(&Path) + '_ {
    move |data| {
        std::fs::remove_dir_all(data).expect("removed");
        std::fs::create_dir_all(data).expect("made");
        copy_folder(copy.path(), data);
    }
}

#[test]
fn every_log_is_cosigned_by_its_quorum_and_the_note_proves_it() {
    let region = Region::new();
    for n in ALL {
        region.append(n, 3);
    }
    // Nobody cosigns before it has heard its own witnesses; the first round is for that.
    assert_eq!(region.round(&ALL), [false, false, false, true]);
    assert_eq!(region.round(&ALL), [true; 4]);
    for n in ALL {
        let status = region.status(n);
        assert_eq!((status.size, status.cosigned.as_ref().map(|c| c.size), status.waiting_ms), (3, Some(3), None));
        let kept = std::fs::read(region.data(n).join("witness/cosigned")).expect("kept");
        let note = Note::decode(&kept).expect("a note");
        let key = keys(n).checkpoint_key().verifying_key();
        assert_eq!(Checkpoint::open(&kept, &origin(oin(n)), &key).expect("a checkpoint").size, 3);
        let others: Vec<_> =
            ALL.iter().filter(|o| **o != n).map(|o| (oin(*o), keys(*o).witness_key().verifying_key())).collect();
        assert_eq!(cosigners(&note, &others).len(), 3);
        assert!(status.witnessed.len() == 3 && status.witnessed.iter().all(|log| log.findings.is_empty()));
    }
    // Growing logs, over the boundary of a tile.
    for entries in [1, 300, 7] {
        region.append(TOWN, entries);
        assert_eq!(region.round(&[TOWN]), [true]);
        assert_eq!(region.status(TOWN).cosigned.expect("cosigned").size, region.status(TOWN).size);
    }
}

#[test]
fn all_witnesses_gone_raises_an_alarm_and_after_a_day_stops_transfers() {
    let mut region = Region::awake();
    region.append(TOWN, 1);
    region.round(&[TOWN]);
    region.set_down(&[MONITOR, GATE, INSTITUTION]);
    region.pass(STOP_MS * 3);
    assert_eq!(region.core(TOWN).may_transfer(), Ok(()), "everything is cosigned: nothing waits");
    region.append(TOWN, 1);
    region.pass(ALARM_MS);
    assert!(!region.status(TOWN).alarm && region.round(&[TOWN]) == [false]);
    region.pass(1);
    assert!(region.status(TOWN).alarm);
    region.pass(STOP_MS - ALARM_MS - 1);
    assert_eq!(region.core(TOWN).may_transfer(), Ok(()));
    region.pass(1);
    assert_eq!(region.core(TOWN).may_transfer(), Err(ReasonCode::WitnessesGone));
    assert!(!NodeService::status(region.core(TOWN), &peer(oin(MONITOR))).ready);
    let (town, before) = (region.core(TOWN), region.status(TOWN).size);
    let convenant = town.standing().in_force.as_ref().expect("in force")[0].clone();
    let asked = town.log_question(oin(GATE), &convenant, Query::new(Vec::new()));
    assert!(asked.is_err_and(|error| error.to_string().contains("24 uur")), "no question goes out either");
    assert_eq!(region.status(TOWN).size, before);
    // A start gives the witnesses some minutes, and no more.
    region.restart(TOWN, |_| ());
    assert_eq!(region.core(TOWN).may_transfer(), Ok(()));
    region.pass(GRACE_MS + 1);
    assert_eq!(region.core(TOWN).may_transfer(), Err(ReasonCode::WitnessesGone));
    region.set_down(&[]);
    assert_eq!(region.round(&[TOWN]), [true]);
    assert_eq!((region.core(TOWN).may_transfer(), region.status(TOWN).alarm), (Ok(()), false));
}

#[test]
fn an_entry_from_a_clock_that_was_ahead_raises_the_alarm_all_the_same() {
    let region = Region::awake();
    region.set_down(&[MONITOR, GATE, INSTITUTION]);
    let years = 10 * 365 * STOP_MS;
    region.pass(years);
    region.append(TOWN, 1);
    region.clock.0.fetch_sub(years, Ordering::SeqCst);
    assert_eq!((region.status(TOWN).waiting_ms, region.status(TOWN).alarm), (Some(0), false));
    region.pass(ALARM_MS + 1);
    assert!(region.status(TOWN).alarm);
    assert_eq!(region.core(TOWN).may_transfer(), Ok(()), "and a jump alone stops nothing");
    region.pass(STOP_MS);
    assert_eq!(region.core(TOWN).may_transfer(), Err(ReasonCode::WitnessesGone));
}

#[test]
fn one_witness_too_few_is_no_quorum() {
    let region = Region::awake();
    region.append(TOWN, 1);
    region.set_down(&[GATE]);
    let before = region.status(TOWN).cosigned.map(|c| c.size);
    assert_eq!(region.round(&[TOWN, TOWN, TOWN]), [false; 3], "a witness that cosigns three times is one witness");
    assert_eq!(region.status(TOWN).cosigned.map(|c| c.size), before);
    let status = region.status(TOWN);
    let gate = status.quorums[0].witnesses.iter().find(|w| w.oin == oin(GATE)).expect("a witness");
    assert!(gate.fault.as_ref().is_some_and(|fault| fault.contains("niet bereikbaar")));
}

#[test]
fn without_another_party_nothing_is_required() {
    let dir = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Ticks(AtomicU64::new(1_800_000_000_000)));
    Core::create(dir.path(), oin(TOWN), &keys(TOWN)).expect("journals");
    let core = open(dir.path(), TOWN, &clock);
    append(&core, 2);
    clock.0.fetch_add(2 * STOP_MS, Ordering::SeqCst);
    let status = core.log_status();
    assert_eq!((core.may_transfer(), status.waiting_ms, status.quorums.len()), (Ok(()), None, 0));
}

/// The record is on disk before a cosignature exists: when it cannot be written there is none.
#[test]
fn what_cannot_be_remembered_is_not_cosigned() {
    for step in [Step::Create, Step::Write, Step::Sync, Step::Rename, Step::SyncDir] {
        let mut region = Region::awake();
        region.append(TOWN, 2);
        let disk =
            Disk::failing(vec![Fault { step, nth: 1, moment: Moment::Before, error: std::io::ErrorKind::Other }]);
        let gate = region.cores.get_mut(&oin(GATE)).expect("the gate");
        let place = region.dir.path().join(GATE.to_string()).join("witness");
        gate.desk = Desk::open_on(&place, keys(GATE).witness_key(), 0, disk).expect("opens");
        ALL.iter().for_each(|n| gate.desk.has_heard(oin(*n)));
        let known = |region: &Region| {
            let status = region.status(GATE);
            status.witnessed.iter().find(|log| log.oin == oin(TOWN)).and_then(|log| log.size)
        };
        let before = known(&region);
        assert_eq!(region.round(&[TOWN]), [false], "{step:?}: cosigned without a record");
        let fault = region.status(TOWN).quorums[0].witnesses.iter().find_map(|w| w.fault.clone()).expect("a fault");
        assert!(fault.contains("KP-GETUIGE-KAN-NIET"), "{fault}");
        assert_eq!(known(&region), before);
        assert_eq!(region.round(&[TOWN]), [true], "{step:?}: the disk works again");
        assert_eq!(known(&region), Some(2));
    }
}

#[test]
fn a_node_that_was_put_back_finds_out_from_its_witnesses_and_stops() {
    let mut region = Region::awake();
    region.append(TOWN, 5);
    region.round(&[TOWN]);
    let backup = copy(&region.data(TOWN));
    region.append(TOWN, 4);
    assert_eq!(region.round(&[TOWN]), [true]);
    let newest = copy(&region.data(TOWN));
    region.restart(TOWN, put_back(&backup));
    assert_eq!(region.core(TOWN).may_transfer(), Ok(()), "the copy agrees with itself");
    assert_eq!(region.round(&[TOWN]), [false]);
    assert_eq!(region.core(TOWN).may_transfer(), Err(ReasonCode::LogRolledBack));
    assert_eq!(region.status(TOWN).contradicted_at, Some(9));
    let gate = region.status(GATE);
    assert_eq!(gate.witnessed.iter().find(|log| log.oin == oin(TOWN)).expect("known").behind, Some(5));
    // It witnesses nobody: its records of others were put back too.
    region.append(GATE, 1);
    assert_eq!(region.round(&[GATE]), [false]);
    // A restart does not make it forget, even alone.
    region.restart(TOWN, |_| ());
    assert_eq!(region.core(TOWN).may_transfer(), Err(ReasonCode::LogRolledBack));
    // The whole log put back: all is well again, and the witnesses say so.
    region.restart(TOWN, put_back(&newest));
    assert_eq!(region.round(&[TOWN, GATE]), [true, true]);
    assert_eq!((region.core(TOWN).may_transfer(), region.status(GATE).witnessed[0].behind), (Ok(()), None));
    assert_eq!(region.found(GATE, TOWN), []);
}

/// His program does not stop: it goes on with other entries, past what was cosigned.
#[test]
fn a_node_that_goes_on_after_it_was_put_back_is_found_by_every_witness() {
    for (others, wrong) in [(4, Wrong::Forked), (9, Wrong::Unproven)] {
        let mut region = Region::awake();
        region.append(TOWN, 5);
        region.round(&[TOWN]);
        let backup = copy(&region.data(TOWN));
        region.append(TOWN, 4);
        region.round(&[TOWN]);
        region.restart(TOWN, put_back(&backup));
        region.append(TOWN, others);
        assert_eq!(region.round(&[TOWN]), [false]);
        for n in [MONITOR, GATE, INSTITUTION] {
            assert_eq!(region.found(n, TOWN), [wrong]);
            let core = region.core(n);
            let last = core.transfer_log().entry(core.transfer_log().len() - 1).expect("read").expect("an entry");
            assert_eq!((last.sender_oin, last.reason_codes.len()), (Some(oin(TOWN)), 1), "the finding is logged");
        }
        region.round(&[TOWN]);
        assert_eq!(region.found(GATE, TOWN).len(), 1, "the same thing is one finding");
    }
}

/// Two copies of one node, each with some of the witnesses: neither has a quorum, and when the witnesses talk they know.
#[test]
fn two_faces_of_one_log_meet() {
    let mut region = Region::awake();
    region.append(TOWN, 5);
    region.round(&[TOWN]);
    let other = copy(&region.data(TOWN));
    let face = open(other.path(), TOWN, &region.clock);
    face.show_to_witnesses(&Calls(&region, oin(TOWN))).expect("shown");
    append(&face, 2);
    region.append(TOWN, 3);
    region.set_down(&[GATE]);
    assert_eq!(region.round(&[TOWN]), [false]);
    region.set_down(&[MONITOR, INSTITUTION]);
    assert_eq!(face.show_to_witnesses(&Calls(&region, oin(TOWN))).ok(), Some(false));
    region.set_down(&[]);
    assert!(region.found(GATE, TOWN).is_empty() && region.found(MONITOR, TOWN).is_empty());
    // The gate shows its own log to the others, and both sides say what they know.
    region.round(&[GATE]);
    region.append(TOWN, 1);
    assert_eq!(region.round(&[TOWN]), [false]);
    assert!(region.found(MONITOR, TOWN).contains(&Wrong::Unproven));
    assert!(region.found(GATE, TOWN).contains(&Wrong::Unproven));
    // The node itself was told of its other face.
    assert_eq!(region.core(TOWN).may_transfer(), Err(ReasonCode::LogRolledBack));
    region.restart(TOWN, |_| ());
    assert_eq!(region.status(TOWN).size, 9);
}

/// What a receipt says of the partner's log is put by on the road of an answer and taken in a moment later.
#[test]
fn a_checkpoint_from_a_receipt_is_compared_too() {
    let region = Region::awake();
    region.append(TOWN, 5);
    region.round(&[TOWN]);
    let other = copy(&region.data(TOWN));
    let face = open(other.path(), TOWN, &region.clock);
    append(&face, 1);
    face.transfer_log().checkpoint().expect("signed");
    for _ in 0..3 {
        region.core(GATE).hear_checkpoint(oin(TOWN), face.transfer_log().last_checkpoint());
    }
    region.core(GATE).hear_checkpoint(oin(MONITOR), "geen checkpoint".to_owned());
    let pending = || {
        let status = region.status(GATE);
        status.witnessed.iter().find(|log| log.oin == oin(TOWN)).expect("known").pending.clone()
    };
    assert!(pending().is_empty());
    region.core(GATE).tend_witnesses();
    assert_eq!(pending(), [6]);
    region.append(TOWN, 2);
    assert_eq!(region.round(&[TOWN]), [false]);
    assert_eq!(region.found(GATE, TOWN), [Wrong::Unproven]);
}

/// A witness that lost its records cosigns again what it is shown, and learns from the others that it had done so before.
#[test]
fn a_witness_that_forgot_is_told_by_the_others() {
    let mut region = Region::awake();
    region.append(TOWN, 5);
    region.round(&[TOWN]);
    region.round(&ALL);
    let backup = copy(&region.data(TOWN));
    region.append(TOWN, 4);
    region.round(&[TOWN]);
    region.restart(GATE, |data| std::fs::remove_dir_all(data.join("witness")).expect("removed"));
    // The town's reply brings its cosigned checkpoint, with the gate's own cosignature.
    region.round(&[GATE]);
    assert_eq!(region.found(GATE, TOWN), [Wrong::Forgotten]);
    // So the forked log does not get its cosignature.
    region.restart(TOWN, put_back(&backup));
    region.append(TOWN, 9);
    region.round(&[TOWN]);
    // The copy tells of an earlier cosignature that the gate forgot as well.
    assert_eq!(region.found(GATE, TOWN), [Wrong::Forgotten, Wrong::Forgotten, Wrong::Unproven]);
}

#[test]
fn a_witness_that_has_just_started_first_asks_its_own_witnesses() {
    let mut region = Region::awake();
    region.append(TOWN, 5);
    region.round(&[TOWN]);
    let backup = copy(&region.data(TOWN));
    region.append(TOWN, 4);
    region.round(&[TOWN, MONITOR]);
    // The gate loses its records, and the forger hurries to it with another history.
    region.restart(GATE, |data| std::fs::remove_dir_all(data.join("witness")).expect("removed"));
    region.restart(TOWN, put_back(&backup));
    region.append(TOWN, 9);
    region.round(&[TOWN]);
    assert!(region.status(GATE).witnessed.iter().all(|log| log.size.is_none()), "nothing cosigned yet");
    region.round(&[GATE]);
    region.round(&[TOWN]);
    assert!(region.found(GATE, TOWN).contains(&Wrong::Unproven));
}

#[test]
fn an_unreadable_record_is_not_replaced() {
    let mut region = Region::awake();
    let path = region.data(GATE).join("witness/logs").join(format!("{}.json", oin(TOWN)));
    let whole = std::fs::read(&path).expect("a record");
    region.restart(GATE, |_| std::fs::write(&path, &whole[..whole.len() / 2]).expect("written"));
    region.round(&[GATE]);
    region.append(TOWN, 1);
    assert_eq!(region.round(&[TOWN]), [false]);
    assert!(region.status(GATE).witnessed.iter().any(|log| log.oin == oin(TOWN) && log.unreadable));
    region.restart(GATE, |_| std::fs::write(&path, &whole).expect("written"));
    region.round(&[GATE]);
    assert_eq!(region.round(&[TOWN]), [true]);
}

#[test]
fn only_the_party_itself_shows_its_log_under_its_own_key() {
    let region = Region::awake();
    let show = |who: u8, checkpoint: String| {
        let request = ShowRequest { checkpoint, proofs: vec![], seen: vec![] };
        region.core(GATE).witness(&peer(oin(who)), &request).map(|reply| reply.said).err()
    };
    let own = |n: u8| region.core(n).transfer_log().last_checkpoint();
    assert_eq!(show(TOWN, own(TOWN)), None);
    assert_eq!(show(TOWN, own(INSTITUTION)), Some(ReasonCode::NotItsLog));
    assert_eq!(show(TOWN, "geen checkpoint".to_owned()), Some(ReasonCode::CheckpointUnsigned));
    let empty = Checkpoint { origin: origin(oin(TOWN)), size: 0, root: crate::translog::merkle::empty_root() };
    assert_eq!(show(TOWN, empty.sign(&keys(TOWN).signing_key()).encode()), Some(ReasonCode::CheckpointUnsigned));
    let stranger = Oin::parse("00000099000000009999").expect("OIN");
    let foreign = Checkpoint { origin: origin(stranger), ..empty };
    let request =
        ShowRequest { checkpoint: foreign.sign(&keys(9).checkpoint_key()).encode(), proofs: vec![], seen: vec![] };
    assert_eq!(region.core(GATE).witness(&peer(stranger), &request).err(), Some(ReasonCode::NotItsLog));
}
