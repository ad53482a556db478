//! What a refused requester can learn: over TLS and with logs on disk, requests about children that are not known are compared with
//! requests that are refused for another reason: code, receipt, entries, sizes, and time by a rank test. A build that answers early for an
//! unknown child must be found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ketenpoort::crypto::Digest;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::policy::case::situation::Situation;
use ketenpoort::service::api::PeerError;
use ketenpoort::translog::entry::Phase;
use ketenpoort::translog::receipt::SignedReceipt;
use ketenpoort::transport::server::Limits;
use ketenpoort::transport::tls::TlsPaths;

use super::exchange::{ANNA, BRAM, anna, handover, order, row};
use super::network::{Network, certified, pin_of};
use super::world::{Ended, Who, Wire, World};

const REQUESTS: usize = 2_000;
const THREADS: usize = 16;
const HOLD: Duration = Duration::from_millis(40);
/// A child that was never delivered.
const NOBODY: &str = "999990019";
/// The clock moves on so far with each request, so that no bound on their number is reached.
const APART_MS: u64 = 40 * 60_000;

/// Reasons for which a request is refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Why {
    Unknown,
    OtherExecutor,
    Ended,
    UnknownVoluntary,
    NoConsent,
}

const WHY: [Why; 5] = [Why::Unknown, Why::OtherExecutor, Why::Ended, Why::UnknownVoluntary, Why::NoConsent];

impl Why {
    fn child(self) -> &'static str {
        match self {
            Self::Unknown | Self::UnknownVoluntary => NOBODY,
            Self::OtherExecutor | Self::NoConsent => ANNA,
            Self::Ended => BRAM,
        }
    }

    fn situation(self) -> Situation {
        let fields = &["identity", "professionals_contact"];
        let mut situation = handover(fields);
        if matches!(self, Self::UnknownVoluntary | Self::NoConsent) {
            situation.child.born = Some(super::world::day("2013-01-01"));
            (situation.exchange, situation.purpose) = (Some("SCN-08".to_owned()), Some("P6".to_owned()));
            // The requester says that there is a consent; who is asked knows of none.
            let consent = serde_json::json!({
                "by": "ouder1", "capacity": "gezag", "receivers": [Who::Gi.oin()], "purposes": ["P6"],
                "fields": fields, "from": "2026-05-01", "to": "2026-12-31", "withdrawn": null,
            });
            let both = [consent.clone(), {
                let mut child = consent;
                (child["by"], child["capacity"]) = ("kind".into(), "kind".into());
                child
            }];
            situation.consents = both.map(|one| serde_json::from_value(one).expect("a consent")).into();
        }
        situation
    }

    /// The unknown child that it is compared with.
    fn like(self) -> Self {
        if matches!(self, Self::UnknownVoluntary | Self::NoConsent) { Self::UnknownVoluntary } else { Self::Unknown }
    }
}

/// Every request with why it was refused and how it ended.
fn asked(world: &World, files: &BTreeMap<Who, (Digest, TlsPaths)>) -> Vec<(Why, Ended)> {
    let network = Network::serving(world, files, Limits { case_hold: HOLD, ..Limits::default() });
    let client = &network.client;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || {
            let mut ended = Vec::new();
            let mut wire = Wire::of(world, Who::Gi);
            wire.over = Some(client);
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= REQUESTS {
                    return ended;
                }
                // No reason stands at a fixed distance from another.
                let why = WHY[n.wrapping_mul(2_654_435_761) / 7 % WHY.len()];
                world.later(APART_MS);
                let order = order(world, Who::Gi, why.child(), why.situation());
                let refused = world.core(Who::Gi).request_case(&wire, &order).expect_err("refused");
                let last = wire.ended.lock().expect("lock").pop();
                let last = last.unwrap_or_else(|| panic!("no call: {why:?} {:?} {:?}", refused.reason, refused.zin));
                ended.push((why, last));
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("ended")).collect()
    })
}

/// Mann-Whitney: how many standard deviations the ranks of one sample lie from those of the other; ties share their rank.
fn rank_distance(one: &[Duration], other: &[Duration]) -> f64 {
    let mut all: Vec<(Duration, bool)> =
        one.iter().map(|t| (*t, true)).chain(other.iter().map(|t| (*t, false))).collect();
    all.sort();
    let mut sum = 0.0;
    let mut at = 0;
    while at < all.len() {
        let end = all[at..].iter().take_while(|(t, _)| *t == all[at].0).count() + at;
        let rank = (at + 1 + end) as f64 / 2.0;
        sum += all[at..end].iter().filter(|(_, first)| *first).count() as f64 * rank;
        at = end;
    }
    let (n, m) = (one.len() as f64, other.len() as f64);
    (sum - n * (n + m + 1.0) / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

/// What of a receipt is the same for every refusal: its length without its counter and checkpoint, and its codes.
fn shape(receipt: Option<&Vec<u8>>) -> Option<(usize, Vec<String>)> {
    let bytes = receipt?;
    let signed = SignedReceipt::decode(bytes).expect("a receipt");
    let said = signed.receipt();
    let counter = said.counter.expect("a counter").to_string().len();
    Some((bytes.len() - counter - said.checkpoint.len() - said.checkpoint.lines().count(), said.reason_codes.clone()))
}

/// Every way in which a refusal for one reason differs from another.
fn differences(world: &World, ended: &[(Why, Ended)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut times: BTreeMap<Why, Vec<Duration>> = BTreeMap::new();
    let mut codes = BTreeSet::new();
    let mut lengths: BTreeMap<usize, BTreeMap<Why, usize>> = BTreeMap::new();
    let mut denials: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for entry in world.log(Who::Gem).iter().filter(|entry| entry.phase == Phase::Deny) {
        denials.entry(entry.transfer_id).or_default().push(entry.encode().expect("bytes").len());
    }
    let mut entries = BTreeSet::new();
    for (why, ended) in ended {
        times.entry(*why).or_default().push(ended.took);
        let (length, reasons) = shape(ended.receipt.as_ref()).unzip();
        codes.insert((ended.error.map(PeerError::reason), reasons));
        *lengths.entry(length.unwrap_or_default()).or_default().entry(*why).or_default() += 1;
        entries.insert(denials.get(&ended.transfer).cloned().unwrap_or_default());
    }
    if codes.len() != 1 {
        found.push(format!("codes: {codes:?}"));
    }
    // The number of an entry in the log makes a receipt some bytes longer; why it is refused does not.
    for (length, whys) in &lengths {
        let of = |why: Why| whys.get(&why).copied().unwrap_or_default() as f64;
        for why in
            WHY.into_iter().filter(|why| (of(*why) - of(why.like())).abs() > 4.5 * (of(*why) + of(why.like())).sqrt())
        {
            found.push(format!("receipts of {length} bytes: {why:?} {} and {} times", of(why), of(why.like())));
        }
    }
    if entries.len() != 1 || entries.iter().any(|lengths| lengths.len() != 1) {
        found.push(format!("entries: {entries:?}"));
    }
    for why in WHY.into_iter().filter(|why| why.like() != *why) {
        let distance = rank_distance(&times[&why.like()], &times[&why]);
        println!(
            "{why:?}: {distance:.2} standard deviations over {} and {}",
            times[&why.like()].len(),
            times[&why].len()
        );
        if distance.abs() > 4.5 {
            found.push(format!("time: {why:?} by {distance:.1} standard deviations"));
        }
    }
    found
}

#[test]
fn a_refused_requester_learns_nothing_of_whether_the_child_is_known() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = certified(dir.path());
    let world = World::with(&|who| pin_of(&files, who));
    let bram = [
        row("b1", BRAM, "identity/geboortedatum", "2015-01-01"),
        row("b2", BRAM, "custody/gezag", "ouder1"),
        row("b3", BRAM, "measure", "11"),
        row("b4", BRAM, "measure_dates", "2025-06-01..2026-05-31"),
    ];
    world.deliver(Who::Gem, &(anna(Who::Rvdk) + &bram.concat()));
    let ended = asked(&world, &files);
    assert_eq!(ended.len(), REQUESTS);
    let found = differences(&world, &ended);
    if cfg!(feature = "defect-early-deny") {
        assert!(found.len() >= 2, "the build that answers early is found: {found:?}");
    } else {
        assert!(found.is_empty(), "{found:#?}");
        assert!(ended.iter().all(|(_, one)| one.error == Some(PeerError::Refused(ReasonCode::CaseRefused))));
        assert!(ended.iter().all(|(_, one)| one.took >= HOLD), "held");
    }
}
