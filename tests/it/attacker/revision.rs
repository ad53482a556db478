//! Formal revision: what it counts, what the attacker makes of old and new tables together, and that a crash keeps all of
//! it or nothing.
#![cfg(not(any(feature = "defect-no-ledger", feature = "defect-primary-only")))]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ketenpoort::crypto::digest;
use ketenpoort::disclosure::certificate::{
    CellName, Print, RelationEntry, TableState, Witness, Witnessed, as_defined, as_kept, check, printed_before,
};
use ketenpoort::disclosure::ledger::{Ledger, StoredTable};
use ketenpoort::domain::codes::Owner;
use ketenpoort::domain::query::{IndicatorId, TableQuery};
use ketenpoort::indicator::compute::Settings;
use ketenpoort::indicator::relations::VERSION;
use ketenpoort::indicator::release::Release;
use ketenpoort::policy::rules::{DisclosureRules, Domains};
use ketenpoort::service::deliver::IntakeOptions;
use ketenpoort::service::revision::{RevisionError, RevisionOrder};
use ketenpoort::storage::state::{StateError, StateKind};
use serde_json::Value;

use super::editions::Edition;
use super::story::{Story, copy};
use super::world::{HEADER, Records, cells};
use super::years::{attacked, first_terms, json, wider_terms};
use crate::certificate::{python, second_checker};

fn order(year: i16) -> RevisionOrder {
    RevisionOrder {
        year,
        indicators: vec![IndicatorId::Ind01],
        reason: "nalevering van een vestiging".to_owned(),
        approved_by: vec!["A. Jansen".to_owned(), "B. de Vries".to_owned()],
    }
}

/// Inflow of 2026, released and then revised; and what it looked like before.
struct Revised {
    story: Story,
    before: tempfile::TempDir,
    first: Vec<StoredTable>,
    frozen: Records,
    counted: Records,
}

static REVISED: LazyLock<Revised> = LazyLock::new(|| {
    let mut story = Story::new(5);
    story.agree(first_terms());
    for n in 0..5 {
        story.deliver(n);
        story.settle(n);
    }
    let (first, frozen, counted) = (story.released(), story.world.frozen.clone(), story.world.known_of_settled());
    let before = tempfile::tempdir().expect("a folder");
    copy(story.dir.path(), before.path());
    let lines = story.core.revise(&order(2026)).expect("revised");
    assert_eq!(lines.len(), 1);
    let (tables, audit) = lines[0].result.as_ref().expect("a safe revision");
    println!("{tables} tables: {audit:?}");
    Revised { story, before, first, frozen, counted }
});

fn is_inflow_of_2026(stored: &StoredTable) -> bool {
    stored.query().indicator == IndicatorId::Ind01 && stored.query().period.year() == 2026
}

#[test]
fn a_revision_replaces_every_table_by_the_counts_of_the_records_as_they_are_now() {
    let Revised { story, first, .. } = &*REVISED;
    let all = story.released();
    let (kept, new) = all.split_at(first.len());
    assert_eq!(kept, first, "what left stays kept as it left");
    let questions = |tables: &[StoredTable]| -> Vec<TableQuery> { tables.iter().map(|s| s.query().clone()).collect() };
    let replaced: Vec<StoredTable> = first.iter().filter(|s| is_inflow_of_2026(s)).cloned().collect();
    let (mut old_questions, mut new_questions) = (questions(&replaced), questions(new));
    old_questions.sort();
    new_questions.sort();
    assert_eq!(old_questions, new_questions, "every table, and no other");
    let node = story.copied(|_| ());
    let answer = node.ask(new_questions.clone()).expect("an answer");
    assert_eq!(answer.tables.len(), new.len());
    for table in &answer.tables {
        let revision = table.revision.expect("says that it is revised");
        assert_eq!((revision.edition, revision.day), (2, node.today()));
        let text = serde_json::to_string(table).expect("JSON");
        assert!(new.iter().any(|stored| stored.text() == text), "the stored bytes");
    }
    // Outflow and 2027 stay what they are.
    for stored in first.iter().filter(|s| !is_inflow_of_2026(s)) {
        let answer = node.ask(vec![stored.query().clone()]).expect("an answer");
        assert_eq!(serde_json::to_string(&answer.tables[0]).expect("JSON"), stored.text());
    }
    // Every proof, old and new, still holds.
    let checked = story.core.recheck(&|_| true).expect("read");
    assert!(checked.iter().all(|line| line.compared == Some(VERSION) && line.result.is_ok()), "{checked:?}");
}

#[test]
fn old_and_new_tables_together_pin_nobody() {
    let Revised { story, first, frozen, counted, .. } = &*REVISED;
    let all = story.released();
    let of = |list: &[StoredTable]| -> Vec<Value> { list.iter().filter(|s| is_inflow_of_2026(s)).map(json).collect() };
    let editions = [
        Edition { tables: of(first), cells: cells(frozen) },
        Edition { tables: of(&all[first.len()..]), cells: cells(counted) },
    ];
    let (_, truth) = super::editions::together(&editions);
    let changed = truth.iter().filter(|(name, n)| name.measure.ends_with("ed") && **n > 0).count();
    assert!(changed > 20, "cells in which somebody was added or removed: {changed}");
    assert_eq!(attacked(&editions, 6), 0);
}

#[test]
fn a_revised_year_goes_on_with_the_old_tables_as_constants() {
    // A copy, so that the others find the node as it was.
    let story = REVISED.story.copied(|_| ());
    story.agree(wider_terms());
    let before = story.released().len();
    let lines = story.core.release_all(&|_, _| ()).expect("releases");
    assert!(lines.iter().all(|line| line.result.is_ok()), "{lines:?}");
    let all = story.released();
    let new: Vec<&StoredTable> = all[before..].iter().filter(|s| is_inflow_of_2026(s)).collect();
    assert!(!new.is_empty() && new.iter().all(|s| s.edition() == 2), "new tables are of the second edition");
    let of = |edition: u32| -> Vec<Value> {
        all.iter().filter(|s| is_inflow_of_2026(s) && s.edition() == edition).map(json).collect()
    };
    let editions = [
        Edition { tables: of(1), cells: cells(&REVISED.frozen) },
        Edition { tables: of(2), cells: cells(&REVISED.counted) },
    ];
    assert_eq!(attacked(&editions, 0), 0);
    let checked = story.core.recheck(&|_| true).expect("read");
    assert!(checked.iter().all(|line| line.compared == Some(VERSION) && line.result.is_ok()), "{checked:?}");
}

/// The witness of the revision, and the frame of its release.
fn witness() -> (Vec<u8>, Witness, Release) {
    let mut last = Vec::new();
    let mut take = |body: Vec<u8>| -> Result<(), StateError> {
        last = body;
        Ok(())
    };
    REVISED.story.core.state_store().replay_only(StateKind::Witness, &mut take).expect("a journal");
    let witness = Witness::from_bytes(&last).expect("a witness");
    let organisation = REVISED.story.core.identity.oin;
    let settings = Settings { horizon: witness.until, data_from: witness.until, within: 0, organisation };
    let domains = Domains::of_region(&["0001".to_owned(), "0002".to_owned()]);
    (
        last,
        witness,
        Release {
            settings,
            owners: vec![Owner::Gi],
            delivers: vec![Owner::Gi],
            domains,
            bin_cuts: Vec::new(),
            linked: false,
        },
    )
}

#[test]
fn a_witness_in_which_the_editions_are_not_tied_is_refused() {
    let (bytes, witness, release) = witness();
    check(&witness).expect("a proof");
    as_defined(&witness, &release).expect("everything that the definitions and the revision give");
    if python() {
        let file = REVISED.before.path().join("bewijs.txt");
        fs::write(&file, &bytes).expect("written");
        let said = second_checker(&[file], None);
        assert!(said[0].0, "{}", said[0].1);
    }
    let unnamed = |rel: &RelationEntry| witness.cells[rel.total].name.is_none();
    let ties: Vec<usize> = (0..witness.relations.len()).filter(|&i| unnamed(&witness.relations[i])).collect();
    assert!(ties.len() > 200, "{} ties", ties.len());
    // A proof that leaves one out is still a proof, of less than it says.
    for &i in ties.iter().step_by(29) {
        let mut less = witness.clone();
        less.relations.remove(i);
        check(&less).expect("a proof");
        assert!(as_defined(&less, &release).is_err(), "without relation {i}");
    }
    // An edition that is called a margin has no constants to prove.
    let mut other = witness.clone();
    let replaced = other.tables.iter().position(|t| t.state == TableState::Replaced).expect("a replaced table");
    other.tables[replaced].state = TableState::ReplacedMargin;
    assert!(as_defined(&other, &release).is_err());
}

#[test]
fn a_witness_of_a_revision_stands_for_the_tables_that_were_replaced() {
    let mut witnessed = Witnessed::new();
    let mut take = |body: Vec<u8>| -> Result<(), StateError> {
        witnessed.insert(digest(&body), Witness::from_bytes(&body).expect("a witness").tables);
        Ok(())
    };
    REVISED.story.core.state_store().replay_only(StateKind::Witness, &mut take).expect("a journal");
    let (_, witness, _) = witness();
    let all = REVISED.story.released();
    let kept = |tables: Vec<StoredTable>| {
        as_kept(&witness, &tables.into_iter().collect::<Ledger>(), &DisclosureRules::default(), &witnessed)
    };
    kept(all.clone()).expect("as kept");
    let is_replaced = |s: &&StoredTable| is_inflow_of_2026(s) && s.edition() == 1;
    let replaced = all.iter().find(is_replaced).expect("a replaced table");
    assert!(kept(all.iter().filter(|s| *s != replaced).cloned().collect()).is_err(), "what was replaced is gone");
    let at = witness.tables.iter().position(|t| t.query == *replaced.query() && t.state == TableState::Replaced);
    let cell = witness.cells.iter().position(|c| c.name.as_ref().is_some_and(|n| n.shown && Some(n.table) == at));
    let table = replaced.table().expect("a table");
    printed_before(&witness, &table).expect("as printed");
    let mut other = witness.clone();
    other.cells[cell.expect("a shown cell")].print = Print::Value(999_995);
    assert!(printed_before(&other, &table).is_err(), "a constant that was not printed");
}

#[test]
fn a_refused_revision_changes_nothing() {
    let story = REVISED.story.copied(|_| ());
    let before = (story.released(), story.core.transfer_log().len());
    let refused = |order: RevisionOrder| {
        let error = story.core.revise(&order).expect_err("refused");
        assert_eq!((story.released(), story.core.transfer_log().len()), before);
        error
    };
    let approved = |names: &[&str]| {
        let approved_by = names.iter().map(|&name| name.to_owned()).collect();
        RevisionOrder { approved_by, ..order(2026) }
    };
    for names in [&["A. Jansen"][..], &["A. Jansen", "a. jansen "], &["A. Jansen", " "], &["A", "B", "C"]] {
        assert!(matches!(refused(approved(names)), RevisionError::Approval), "{names:?}");
    }
    assert!(matches!(refused(RevisionOrder { reason: " ".to_owned(), ..order(2026) }), RevisionError::Entry(_)));
    assert!(matches!(refused(order(2025)), RevisionError::Nothing));
    let other = RevisionOrder { indicators: vec![IndicatorId::Ind03], ..order(2026) };
    assert!(matches!(refused(other), RevisionError::Nothing));
}

/// The files of a folder with their lengths.
fn lengths(dir: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut all: Vec<_> =
        entries.map(|e| (PathBuf::from(e.file_name()), e.metadata().expect("metadata").len())).collect();
    all.sort();
    all
}

#[test]
fn a_crash_in_the_middle_keeps_the_whole_revision_or_nothing_of_it() {
    let Revised { story, before, first, .. } = &*REVISED;
    let (was, is) = (before.path().join("state"), story.dir.path().join("state"));
    let grown: Vec<_> = lengths(&is).into_iter().filter(|file| !lengths(&was).contains(file)).collect();
    let (file, whole) = grown.iter().find(|(name, n)| *n > 0 && was.join(name).exists()).expect("a journal that grew");
    let start = fs::metadata(was.join(file)).expect("a file").len();
    let bytes = fs::read(is.join(file)).expect("read");
    assert!(*whole > start + 1_000);
    // As the crash of a machine leaves it: the journal of before with a part of what was written after it.
    for part in [1, 9, 40, 300, (whole - start) / 2, whole - start - 1, whole - start] {
        let node = story.copied(|dir| {
            let state = dir.join("state");
            fs::remove_dir_all(&state).expect("removed");
            copy(&was, &state);
            let end = usize::try_from(start + part).expect("small");
            fs::write(state.join(file), &bytes[..end]).expect("written");
        });
        let expected = if start + part == *whole { story.released() } else { first.clone() };
        assert_eq!(node.released(), expected, "{part} bytes of {}", whole - start);
        let table = first.iter().find(|s| is_inflow_of_2026(s)).expect("a table").query().clone();
        let answer = node.ask(vec![table]).expect("an answer");
        assert_eq!(answer.tables[0].revision.is_some(), start + part == *whole, "{part} bytes");
        if part == 9 {
            let lines = node.core.revise(&order(2026)).expect("revised after all");
            assert!(lines.iter().all(|line| line.result.is_ok()));
        }
    }
}

/// The exact counts of the cells that a witness holds of tables in this state, of the newest edition that has them.
fn counts(story: &Story, of: TableState) -> BTreeMap<(TableQuery, String, String, Vec<String>), u32> {
    let mut last = Vec::new();
    let mut take = |body: Vec<u8>| -> Result<(), StateError> {
        last = body;
        Ok(())
    };
    story.core.state_store().replay_only(StateKind::Witness, &mut take).expect("a journal");
    let witness = Witness::from_bytes(&last).expect("a witness");
    let named = witness.cells.iter().filter_map(|cell| Some((cell.name.as_ref()?, cell.n)));
    let here = named.filter(|(name, _)| witness.tables[name.table].state == of);
    let place = |name: &CellName| {
        (witness.tables[name.table].query.clone(), name.series.clone(), name.measure.clone(), name.key.clone())
    };
    here.map(|(name, n)| (place(name), n)).collect()
}

#[test]
fn what_is_delivered_while_a_revision_is_audited_is_counted_or_comes_after_it() {
    let Revised { story, before, counted, .. } = &*REVISED;
    let story = story.copied(|dir| {
        fs::remove_dir_all(dir).expect("removed");
        copy(before.path(), dir);
    });
    let mut ids = counted.keys();
    // Each delivery takes one event away.
    let deliver = |story: &Story, id: &u32| {
        let file = story.dir.path().join(format!("weg-{id}.csv"));
        let row = format!("{HEADER}e{id};3;;;;;2028-01-01T12:00:00+01:00;;;\n");
        fs::write(&file, row).expect("written");
        let reports = story.core.intake(&[file], IntakeOptions::default(), &|_, _| ()).expect("taken in");
        assert!(reports.iter().all(|report| report.refusal.is_none()), "{}", reports[0]);
    };
    let (lines, during) = std::thread::scope(|scope| {
        let revising = scope.spawn(|| story.core.revise(&order(2026)));
        // Not so many that nothing is left to count, however long the revision takes.
        let arrive = ids.by_ref().take(150).take_while(|_| !revising.is_finished());
        let during = arrive.inspect(|id| deliver(&story, id)).count();
        (revising.join().expect("ends").expect("revised"), during)
    });
    assert!(lines.iter().all(|line| line.result.is_ok()), "{lines:?}");
    assert!(during > 1, "no delivery arrived in time");
    let proven = counts(&story, TableState::New);
    // As a restart finds its records, and the next revision counts them again.
    let story = story.reopened();
    ids.take(3).for_each(|id| deliver(&story, id));
    let lines = story.core.revise(&order(2026)).expect("revised again");
    assert!(lines.iter().all(|line| line.result.is_ok()), "{lines:?}");
    assert!(proven.len() > 30, "{} cells", proven.len());
    // A finer table that this revision could not print stands in the witness with the counts of the one before it.
    let mut replaced = counts(&story, TableState::Replaced);
    replaced.retain(|(table, ..), _| proven.keys().any(|(printed, ..)| printed == table));
    let differ: Vec<_> = replaced.iter().filter(|&(cell, n)| proven.get(cell) != Some(n)).collect();
    assert!(differ.is_empty(), "{during} deliveries, {} of {}: {:?}", differ.len(), proven.len(), differ[0]);
    assert_eq!(replaced.len(), proven.len(), "{during} deliveries");
}
