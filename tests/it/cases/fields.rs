//! Delivery of case fields: one outcome per row, versions and deletions, nothing of a bad row kept, and nothing left after an erasure.

use std::fs;
use std::path::Path;

use ketenpoort::domain::case::field::{CaseField, CaseValue};

use super::world::{REGISTERED, Who, World};

const ANNA: &str = "111222333";
const BRAM: &str = "123456782";

fn row(id: &str, bsn: &str, field: &str, value: &str) -> String {
    let (field, part) = field.split_once('/').unwrap_or((field, ""));
    format!("{id};1;{bsn};{field};{part};{value};;;{REGISTERED}\n")
}

fn held(world: &World, who: Who, bsn: &str) -> Vec<CaseValue> {
    let core = world.core(who);
    core.fields_of(&world.subject(who, bsn), &|_| true).expect("read")
}

fn texts(world: &World, bsn: &str) -> Vec<String> {
    held(world, Who::Gem, bsn).iter().map(|v| format!("{}/{}={}", v.field, v.part, v.value)).collect()
}

#[test]
fn versions_and_deletions_have_one_outcome_a_row_and_last_over_a_restart() {
    let world = World::new();
    let first = [
        row("1", ANNA, "identity/naam", "Anna Voorbeeld"),
        row("2", ANNA, "identity/geboortedatum", "15-06-2012"),
        row("3", ANNA, "plan", "concept"),
        row("3", ANNA, "plan", "vastgesteld"),
        row("4", "23456787", "phase", "intake"),
        row("5", BRAM, "phase", "intake"),
        format!("5;3;;;;;;;{REGISTERED}\n"),
    ];
    let report = world.deliver(Who::Gem, &first.concat());
    let outcomes: Vec<_> = report.outcomes.iter().map(|(name, n)| format!("{name} {n}")).collect();
    let rules: Vec<_> = report.rules.keys().copied().collect();
    // 23456787 with its leading zero is no BSN; nothing of that row is kept.
    assert_eq!(outcomes, ["opgeslagen 3", "quarantaine 1", "vervangen 1", "verwijderd 1", "verwijdering 1"]);
    assert_eq!(rules, ["bsn_ongeldig"]);
    let anna = ["identity/geboortedatum=2012-06-15", "identity/naam=Anna Voorbeeld", "plan/=vastgesteld"];
    assert_eq!(texts(&world, ANNA), anna);
    assert!(texts(&world, BRAM).is_empty() && report.children == 1);

    let again =
        world.deliver(Who::Gem, &[row("1", ANNA, "identity/naam", "Anna Voorbeeld"), first[1].clone()].concat());
    assert_eq!(again.outcomes.into_iter().collect::<Vec<_>>(), [("ongewijzigd", 2)]);
    let trial = world.try_deliver(Who::Gem, &row("1", BRAM, "phase", "x"), true);
    assert!(trial.dry_run && trial.outcomes.contains_key("opgeslagen"));
    world.reopen(Who::Gem);
    assert_eq!(texts(&world, ANNA), anna, "as it was");
    // The same key for another child: the first one no longer has it.
    world.deliver(Who::Gem, &row("1", BRAM, "identity/naam", "Bram"));
    assert_eq!(texts(&world, BRAM), ["identity/naam=Bram"]);
    assert_eq!(texts(&world, ANNA), anna[..1].iter().chain(&anna[2..]).copied().collect::<Vec<_>>());
}

#[test]
fn a_row_that_breaks_a_rule_is_told_by_line_and_rule_and_leaves_nothing_behind() {
    let world = World::new();
    let secret = "GEHEIMEBRON";
    let bad = [
        (row("b1", ANNA, "source_identity", secret), "veld_nooit"),
        (row("b2", ANNA, "mening", secret), "veld_onbekend"),
        (row("b3", ANNA, "identity/bijnaam", secret), "onderdeel_onbekend"),
        (row("b4", "111222334", "plan", secret), "bsn_ongeldig"),
        (row("b5", "999999999", "plan", secret), "bsn_ontbreekt"),
        (row("b6", ANNA, "measure", secret), "waarde_ongeldig"),
        (row("b7", ANNA, "plan", &format!("{secret} 123.456.782")), "waarde_bevat_bsn"),
        (format!("b8;1;{ANNA};plan;;{secret};2026-02-01;2026-01-01;{REGISTERED}\n"), "datum_ongeldig"),
        (format!("b9;1;{ANNA};plan;;{secret};;;gisteren\n"), "registratie_ongeldig"),
        (format!("b10;2;{ANNA};plan;;{secret};;;{REGISTERED}\n"), "status_onbekend"),
        (format!(";1;{ANNA};plan;;{secret};;;{REGISTERED}\n"), "record_id_ongeldig"),
        (format!("b12;3;;;;;;;{REGISTERED}\n"), "verwijdering_zonder_origineel"),
    ];
    let file: String = bad.iter().map(|(row, _)| row.as_str()).collect();
    let report = world.deliver(Who::Gem, &(file + &row(ANNA, ANNA, "measure", "x")));
    let told: Vec<_> = report.problems.iter().map(|p| p.rule).collect();
    assert_eq!(told[..12], bad.iter().map(|(_, rule)| *rule).collect::<Vec<_>>());
    assert_eq!((report.outcomes.get("quarantaine"), report.children), (Some(&13), 0));
    assert_eq!(report.problems[12].record_id, "***", "a key that is a BSN is not shown");
    let shown = format!("{report}{report:?}");
    assert!(!shown.contains(secret) && !shown.contains(ANNA), "{shown}");
    let core = world.core(Who::Gem);
    core.state_store()
        .replay::<ketenpoort::storage::state::StateError>(|_, kind, body| {
            let text = String::from_utf8_lossy(&body).into_owned();
            assert!(!text.contains(secret), "{kind:?}");
            Ok(())
        })
        .expect("read");
}

#[test]
fn a_file_with_another_header_is_refused_whole() {
    let world = World::new();
    let path = world.dir(Who::Gem).join("fout.csv");
    for (text, code) in [
        ("record_id;status;bsn;veld;waarde\n1;1;;;\n", "kop_fout"),
        ("record_id;status;bsn;veld;waarde;geregistreerd_op;mening\n", "kolom_onbekend"),
        ("record_id;status;bsn;veld;waarde;geregistreerd_op\n1;1\n", "aantal_velden"),
    ] {
        fs::write(&path, text).expect("written");
        let core = world.core(Who::Gem);
        let report = core.intake_cases(std::slice::from_ref(&path), false, &|_, _| ()).expect("read").remove(0);
        assert_eq!(report.refusal.expect("refused").code.as_str(), code);
    }
    let monitor = world.core(Who::Monitor).intake_cases(&[path], false, &|_, _| ());
    assert!(monitor.is_err(), "who delivers nothing has no case fields");
}

/// Whether any file below a folder holds these bytes.
fn on_disk(dir: &Path, needle: &str) -> bool {
    fs::read_dir(dir).expect("folder").map(|entry| entry.expect("entry").path()).any(|path| {
        let holds = |bytes: Vec<u8>| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
        if path.is_dir() { on_disk(&path, needle) } else { holds(fs::read(&path).expect("read")) }
    })
}

#[test]
fn values_are_sealed_on_disk_under_the_key_of_the_child_and_erasure_destroys_them() {
    let world = World::new();
    let name = "Zeldzame Naam";
    let rows = [row("1", ANNA, "identity/naam", name), row("2", BRAM, "identity/naam", "Bram")].concat();
    world.deliver(Who::Gem, &rows);
    assert!(!on_disk(&world.dir(Who::Gem), name) && !on_disk(&world.dir(Who::Gem), ANNA));
    let core = world.core(Who::Gem);
    let subject = world.subject(Who::Gem, ANNA);
    // What the key of the node alone opens shows no value and no pseudonym.
    let opened = |of: &str| {
        let mut found = false;
        let mut look = |_, _, body: Vec<u8>| {
            found |= body.windows(of.len()).any(|window| window == of.as_bytes());
            Ok::<_, ketenpoort::storage::state::StateError>(())
        };
        core.state_store().replay(&mut look).expect("read");
        found
    };
    assert!(!opened(name) && !opened("identity"), "nothing in the clear under the seal of the journal");
    // The bound of retention does not take the key away while fields are held.
    assert_eq!(core.retention(true).expect("counted").destroyed, 0);
    core.erase_subject(&subject, "verzoek 7").expect("erased");
    assert!(texts(&world, ANNA).is_empty() && texts(&world, BRAM).len() == 1);
    drop(core);
    world.reopen(Who::Gem);
    assert!(texts(&world, ANNA).is_empty() && texts(&world, BRAM).len() == 1, "also after a start");
    // Delivered again it is there again, under a new key; the old rows stay closed.
    world.deliver(Who::Gem, &row("9", ANNA, "phase", "intake"));
    world.reopen(Who::Gem);
    assert_eq!(texts(&world, ANNA), ["phase/=intake"]);
    assert!(CaseField::ALL.len() == 22);
}
