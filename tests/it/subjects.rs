//! Keys of data subjects: no acknowledged key is lost and no label is given twice, whatever step of the disk fails; and a
//! child that is erased is gone from every answer, while the log and everybody else's entries stay whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use ketenpoort::crypto::{KeyTree, SealUse, Secret32, Tag, random};
use ketenpoort::domain::activity::ActivityBase;
use ketenpoort::domain::bsn::{BsnReading, read_bsn};
use ketenpoort::domain::codes::OrgType;
use ketenpoort::domain::day::Day;
use ketenpoort::domain::gemeente::GemeenteList;
use ketenpoort::domain::oin::Oin;
use ketenpoort::service::core::{Clock, Core, Identity};
use ketenpoort::service::person::OVERVIEW;
use ketenpoort::service::subjects::{ERASURE, SubjectError};
use ketenpoort::storage::disk::{Disk, Fault, Moment, Step};
use ketenpoort::storage::log::ExportDirectory;
use ketenpoort::storage::subjects::{SubjectKeys, SubjectsError};
use ketenpoort::translog::entry::{Direction, Entry, Phase, TransferId};
use ketenpoort::translog::sealed::SealedPart;
use ketenpoort::translog::verify::{Trust, verify};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const TODAY: Day = Day(20_500);
/// More than one block of labels.
const MANY: u64 = 20;

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn tree() -> KeyTree {
    KeyTree::new(Secret32::new([7; 32]))
}

fn open(dir: &Path, disk: &Disk) -> SubjectKeys {
    let keys = tree();
    SubjectKeys::new(dir.to_owned(), keys.seal_key(SealUse::Subjects), keys.subject_tag_key(), disk.clone())
}

fn child(n: u8) -> Tag {
    Tag::from_bytes([n; 32])
}

/// What was acknowledged of one child: its first label as a sign of its key, and every label given.
#[derive(Default)]
struct Given(BTreeMap<u8, ([u8; 16], BTreeSet<[u8; 16]>)>);

impl Given {
    /// Takes a label; it must be new, and of the same key as the earlier ones.
    fn take(&mut self, n: u8, first: [u8; 16], label: [u8; 16]) {
        let (known, labels) = self.0.entry(n).or_insert_with(|| (first, BTreeSet::new()));
        assert_eq!(*known, first, "child {n} has the key of before");
        assert!(labels.insert(label), "a label is given once");
    }

    /// The files hold these keys, and their labels bring every label back that was given.
    fn check(&self, keys: &SubjectKeys, n: u8) {
        let found = keys.find(&child(n)).unwrap();
        match self.0.get(&n) {
            None => assert!(found.is_none(), "child {n} is gone"),
            Some((first, labels)) => {
                let key = found.unwrap();
                let all: BTreeSet<_> = key.labels().collect();
                assert_eq!(key.label(0), *first);
                assert!(labels.is_subset(&all));
            }
        }
    }
}

#[test]
fn keys_last_over_restarts_and_erasures_and_no_label_is_given_twice() {
    // Children 0..6 in as many shards: next label (0..6), erase (6..8), restart (8).
    let strategy = proptest::collection::vec((0_u8..6, 0_u8..9), 1..120);
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    let ran = runner.run(&strategy, |steps| {
        let dir = scratch();
        let mut keys = open(&dir.path().join("subjects"), &Disk::plain());
        let (mut given, mut ever) = (Given::default(), BTreeSet::new());
        for (n, what) in steps {
            match what {
                0..6 => {
                    let (label, key) = keys.next(&child(n), TODAY).unwrap();
                    given.take(n, key.label(0), label);
                    prop_assert!(ever.insert(label), "not even after an erasure");
                }
                6..8 => {
                    prop_assert_eq!(keys.destroy(&child(n)).unwrap(), given.0.remove(&n).is_some());
                }
                _ => keys = open(&dir.path().join("subjects"), &Disk::plain()),
            }
            given.check(&keys, n);
        }
        let known: BTreeSet<_> = keys.all().map(|key| key.unwrap().tag()).collect();
        prop_assert_eq!(known, given.0.keys().map(|n| keys.tag(&child(*n))).collect());
        Ok(())
    });
    ran.unwrap();
}

/// Labels for two children in one shard or two, then the erasure of one, going on after errors; what was acknowledged.
fn script(keys: &SubjectKeys, given: &mut Given) -> bool {
    for _ in 0..MANY {
        for n in [1, 2] {
            if let Ok((label, key)) = keys.next(&child(n), TODAY) {
                given.take(n, key.label(0), label);
            }
        }
    }
    keys.destroy(&child(2)).is_ok()
}

#[test]
fn whatever_step_fails_acknowledged_keys_stay_and_erased_ones_do_not_come_back() {
    let counting = Disk::failing(Vec::new());
    let dir = scratch();
    assert!(script(&open(&dir.path().join("s"), &counting), &mut Given::default()));
    let mut tried = 0;
    for step in Step::ALL {
        for nth in 1..=counting.count(step) {
            for moment in [Moment::Before, Moment::Halfway, Moment::After] {
                let dir = scratch();
                let place = dir.path().join("s");
                let disk = Disk::failing(vec![Fault { step, nth, moment, error: ErrorKind::Other }]);
                let mut given = Given::default();
                let erased = script(&open(&place, &disk), &mut given);
                let again = open(&place, &Disk::plain());
                given.check(&again, 1);
                if erased {
                    given.0.remove(&2);
                    given.check(&again, 2);
                }
                // Labels after the restart are new ones.
                let (label, key) = again.next(&child(1), TODAY).unwrap();
                given.take(1, key.label(0), label);
                tried += 1;
            }
        }
    }
    assert!(tried > 40, "{tried} failures");
}

#[test]
fn a_full_disk_gives_no_label_and_the_same_key_when_space_returns() {
    let dir = scratch();
    let disk = Disk::failing(Vec::new());
    let keys = open(&dir.path().join("s"), &disk);
    let (_, before) = keys.next(&child(1), TODAY).unwrap();
    (1..16).for_each(|_| drop(keys.next(&child(1), TODAY).unwrap()));
    disk.plan(Fault { step: Step::Write, nth: 1, moment: Moment::Halfway, error: ErrorKind::StorageFull });
    assert!(matches!(keys.next(&child(1), TODAY), Err(SubjectsError::Full)), "a new block of labels must be durable");
    let (_, after) = keys.next(&child(1), TODAY).unwrap();
    assert_eq!(before.label(0), after.label(0));
}

#[test]
fn files_are_bound_to_their_place_and_key_and_old_bytes_are_overwritten() {
    let dir = scratch();
    let place = dir.path().join("s");
    let keys = open(&place, &Disk::plain());
    for n in 1..=40 {
        drop(keys.next(&child(n), TODAY).unwrap());
    }
    let mut files: Vec<_> = fs::read_dir(&place).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20, "spread over shards");
    // A second name keeps the old bytes in reach, as a careless copy would.
    fs::hard_link(&files[0], dir.path().join("old")).unwrap();
    let number = u8::from_str_radix(files[0].file_name().unwrap().to_str().unwrap(), 16).unwrap();
    let inside = (1..=40).find(|n| keys.tag(&child(*n))[0] == number).unwrap();
    assert!(keys.destroy(&child(inside)).unwrap());
    assert!(fs::read(dir.path().join("old")).unwrap().iter().all(|byte| *byte == 0), "the old file is zeros");

    fs::copy(&files[1], &files[2]).unwrap();
    let all: Vec<_> = open(&place, &Disk::plain()).all().collect();
    assert!(all.iter().any(|key| matches!(key, Err(SubjectsError::Unreadable(path)) if *path == files[2])));
    let other = KeyTree::new(Secret32::new([8; 32]));
    let foreign = SubjectKeys::new(place, other.seal_key(SealUse::Subjects), tree().subject_tag_key(), Disk::plain());
    assert!(foreign.all().all(|key| key.is_err()));
}

struct SetClock;

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        1_772_323_200_000
    }

    fn today(&self) -> Day {
        TODAY
    }
}

fn oin() -> Oin {
    Oin::parse("00000099000000000001").unwrap()
}

fn core(data: &Path) -> Core {
    let identity = Identity {
        oin: oin(),
        name: "Proef".to_owned(),
        org_type: OrgType::Gi,
        levert: Vec::new(),
        activities: ActivityBase::of_oin(oin()),
    };
    Core::open(data, identity, tree(), GemeenteList::new(Vec::new()), Arc::new(SetClock)).unwrap()
}

fn subject(bsn: &str) -> Tag {
    match read_bsn(bsn) {
        BsnReading::Subject { bsn, .. } => bsn.local_pseudonym(&tree().local_key()),
        _ => panic!("a valid number"),
    }
}

/// A handover about a child.
fn handover(core: &Core, bsn: &str, case: &str) {
    let entry = Entry {
        sender_oin: Some(oin()),
        field_names: vec!["geboortedatum".to_owned()],
        ..Entry::new(TransferId::new(1, random()), Direction::Outgoing, Phase::Intent, 1_772_000_000_000)
    };
    let part = SealedPart { subject: Some(subject(bsn)), case: case.to_owned(), ..SealedPart::default() };
    let _ = core.note_about(entry, &part).unwrap();
}

fn exported(core: &Core, out: &Path) -> u64 {
    let manifest = core.transfer_log().export(out, &[], 1).unwrap();
    let trust = Trust {
        key: tree().checkpoint_key().verifying_key(),
        oin: Some(oin()),
        earlier: None,
        quorum: None,
        parties: Vec::new(),
    };
    let report = verify(&ExportDirectory::new(out), Some(&trust));
    assert!(report.is_intact(), "{report}");
    manifest.size
}

#[test]
fn after_an_erasure_the_child_is_gone_and_the_log_is_whole() {
    let dir = scratch();
    let data = dir.path().join("data");
    Core::create(&data, oin(), &tree()).unwrap();
    let node = core(&data);
    let (gone, stays) = ("111222333", "123456782");
    for n in 0..MANY {
        handover(&node, gone, &format!("Z-{n}"));
        handover(&node, stays, &format!("Y-{n}"));
    }
    let cases = |node: &Core, bsn: &str| -> Vec<String> {
        node.entries_about(&subject(bsn)).unwrap().into_iter().map(|(_, _, part)| part.case).collect()
    };
    assert_eq!(cases(&node, gone), (0..MANY).map(|n| format!("Z-{n}")).collect::<Vec<_>>());
    assert!(cases(&node, "999990019").is_empty(), "an unknown child");
    let keys = node.opener().unwrap().keys().len();
    assert!(!node.person_view(&subject("999990019"), false).unwrap().is_known());
    let last = node.transfer_log().entries(0..node.transfer_log().len()).last().unwrap().unwrap().1;
    assert_eq!((node.opener().unwrap().keys().len(), last.subject_label.len()), (keys, 0), "asking makes no key");
    let overviews = node.transfer_log().entries(0..node.transfer_log().len()).map(|e| e.unwrap().1);
    let kept: Vec<_> = overviews.filter(|e| e.service == OVERVIEW).filter_map(|e| e.retention_until).collect();
    assert_eq!(kept.len(), 1, "an overview has a last day, also without a convenant");
    let before = exported(&node, &dir.path().join("before"));
    let labels: BTreeSet<Vec<u8>> =
        node.transfer_log().entries(0..before).map(|e| e.unwrap().1.subject_label).collect();
    assert_eq!(labels.len() as u64, before - 1, "no two entries bear one label");

    assert!(matches!(node.erase_subject(&subject(gone), "om 111222333"), Err(SubjectError::Reason)));
    assert!(matches!(node.erase_subject(&subject(gone), " "), Err(SubjectError::Reason)));
    let erased = node.erase_subject(&subject(gone), "verzoek van de ouders").unwrap();
    assert_eq!((erased.destroyed, erased.entries as u64, erased.complete_on), (true, MANY, Day(TODAY.0 + 30)));
    assert!(cases(&node, gone).is_empty());
    assert_eq!(cases(&node, stays).len() as u64, MANY);
    let opener = node.opener().unwrap();
    let readable = |e: &Entry| opener.open(e).is_some();
    let open = node.transfer_log().entries(0..before).filter(|e| readable(&e.as_ref().unwrap().1)).count();
    assert_eq!(open as u64, MANY, "only the other child's entries open");

    for reason in ["om 11 1222.333", "om 111-222-333", &"x".repeat(257)] {
        assert!(matches!(node.erase_subject(&subject(gone), reason), Err(SubjectError::Reason)), "{reason}");
    }
    // The erasure itself is in the log and names nobody.
    let after = exported(&node, &dir.path().join("after"));
    assert_eq!(after, before + 2);
    for entry in node.transfer_log().entries(before..after).map(|e| e.unwrap().1) {
        assert_eq!((entry.service.as_str(), entry.direction), (ERASURE, Direction::Local));
        assert!(entry.subject_label.is_empty() && !entry.action.contains("ouders"), "the reason is sealed");
        match entry.phase {
            Phase::Intent => assert_eq!(opener.open(&entry).unwrap().reference, "verzoek van de ouders"),
            _ => assert_eq!((entry.subject_sealed.len(), entry.row_count), (0, Some(1))),
        }
    }
    for old in files(&dir.path().join("before/tile")) {
        let new = dir.path().join("after/tile").join(&old);
        assert!(
            old.contains(".p/")
                || fs::read(new).unwrap() == fs::read(dir.path().join("before/tile").join(old)).unwrap()
        );
    }
    drop(node);
    fs::remove_dir_all(data.join("index")).unwrap();
    let again = core(&data);
    assert!(cases(&again, gone).is_empty(), "not after a restart and a new index");
    assert_eq!(cases(&again, stays).len() as u64, MANY);
    handover(&again, gone, "Z-new");
    assert_eq!(cases(&again, gone), ["Z-new"], "what comes later has a key of its own");
}

/// Names of the files under a directory.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.push(name);
        }
    }
    found
}

#[test]
fn keys_go_when_every_entry_is_past_its_last_day_and_no_sooner() {
    let dir = scratch();
    let data = dir.path().join("data");
    Core::create(&data, oin(), &tree()).unwrap();
    let node = core(&data);
    // Per child the last days of its entries, counted from today; none has no last day.
    let children: [(&str, &[Option<i32>], bool); 4] = [
        ("111222333", &[Some(-400), Some(-1)], true),
        ("123456782", &[Some(-400), Some(0)], false),
        ("999990019", &[Some(-400), None], false),
        ("999992223", &[Some(-2)], true),
    ];
    for (bsn, days, _) in children {
        for day in days {
            let entry = Entry {
                sender_oin: Some(oin()),
                retention_until: day.map(|day| Day(TODAY.0 + day)),
                ..Entry::new(TransferId::new(1, random()), Direction::Outgoing, Phase::Intent, 1)
            };
            let part = SealedPart { subject: Some(subject(bsn)), ..SealedPart::default() };
            let _ = node.note_about(entry, &part).unwrap();
        }
    }
    let seen = node.retention(false).unwrap();
    assert_eq!((seen.subjects, seen.past, seen.unlimited, seen.waiting, seen.destroyed), (4, 2, 1, 2, 0));
    let done = node.retention(true).unwrap();
    assert_eq!((done.destroyed, done.complete_on), (2, Some(Day(TODAY.0 + 30))));
    for (bsn, days, gone) in children {
        let left = if gone { 0 } else { days.len() };
        assert_eq!(node.entries_about(&subject(bsn)).unwrap().len(), left, "{bsn}");
    }
    let again = node.retention(true).unwrap();
    assert_eq!((again.subjects, again.destroyed), (2, 0));
    exported(&node, &dir.path().join("after"));
}
