//! Certificates of released tables: real releases are proven by their witness, whoever changes one is found out, and a
//! second checker, written from the format page, agrees on good and on changed witnesses.

use std::path::{Path, PathBuf};
use std::process::Command;

use ketenpoort::crypto::digest;
use ketenpoort::disclosure::certificate::{
    Print, TableState, Witness, Witnessed, as_defined, as_kept, certificate_of, check, printed_as, printed_before,
};
use ketenpoort::disclosure::ledger::Ledger;
use ketenpoort::domain::day::Day;
use ketenpoort::domain::table::{Mark, Table};
use ketenpoort::policy::rules::DisclosureRules;
use proptest::prelude::*;

use crate::demo::{demo, done, ketenpoort, path};
use crate::release::{EXAMPLE, Node};

/// The vector of the format page.
const VECTOR: &str = include_str!("../data/disclosure/witness-v1.txt");

fn verdict(bytes: &[u8]) -> Result<(), String> {
    let witness = Witness::from_bytes(bytes).map_err(|flaw| flaw.to_string())?;
    assert_eq!(witness.to_bytes(), bytes, "one form only");
    check(&witness).map(drop).map_err(|flaw| flaw.to_string())
}

#[test]
fn the_vector_of_the_format_page_is_a_proof() {
    let witness = Witness::from_bytes(VECTOR.as_bytes()).expect("a witness");
    let checked = check(&witness).expect("a proof");
    assert_eq!((checked.cells, checked.relations, checked.numbers), (11, 7, 3));
    assert_eq!((checked.sensitive, checked.worlds), (2, 2));
    assert_eq!(
        certificate_of(VECTOR.as_bytes()),
        "sha256:bf1b0c06ac61e1dc711da19d6b8a225646985b69bd305a02adb7664c47ec5848"
    );
}

#[test]
fn no_exact_count_is_in_a_debug_print() {
    let witness = Witness::from_bytes(VECTOR.as_bytes()).expect("a witness");
    let printed = format!("{witness:?}");
    assert!(!printed.contains("31") && !printed.contains("[7, 7"), "{printed}");
    let cell = format!("{:?}", witness.cells[1]);
    assert!(!cell.contains('4') && !cell.contains('3'), "{cell}");
}

/// Changes of the vector of which each alone must be noticed, by the reader or by the checker.
const CHANGES: [(&str, &str); 44] = [
    ("rules 10 5", "rules 9 5"),
    ("rules 10 5", "rules 10 4"),
    ("5 3 80", "5 2 80"),
    ("3 80 30", "3 81 30"),
    ("3 80 30", "3 80 29"),
    ("n_kinderen 9999", "n_kinderen overig"),
    ("IND-01 1.0 2024-Q4", "IND-01 1.0 2024"),
    ("shown 31 25 3 30", "shown 31 25 3 35"),
    ("shown 31 25 3 30", "shown 33 25 3 35"),
    ("shown 31 25 3 30", "shown 31 2 3 30"),
    ("shown 31 25 3 30", "shown 31 25 26 30"),
    ("shown 31 25 3 30", "hidden 31 25 3 30"),
    ("shown 4 3 2 x", "shown 4 3 2 5"),
    ("shown 4 3 2 x", "shown 4 3 2 10"),
    ("shown 4 3 2 x", "shown 5 3 2 x"),
    ("shown 4 3 2 x", "shown 4 3 2 -"),
    ("shown 18 15 2 20", "shown 18 15 2 15"),
    ("shown 18 15 2 20", "shown 18 15 2 21"),
    ("shown 0 0 0 -", "shown 0 0 0 x"),
    ("shown 0 0 0 -", "shown 1 1 1 -"),
    ("cell 2 shown", "cell 5 shown"),
    ("cell 2 shown", "cell 4 shown"),
    ("rest 22", "rest 23"),
    ("rest 22", "rest 9"),
    ("rest 22", "rest 22 22 1"),
    ("rest 22", "rest 22 2 1"),
    ("sum 0 1 2 3 4", "sum 0 1 2 4"),
    ("sum 0 1 2 3 4", "sum 0 1 2 3 99"),
    ("sum 0 1 2 3 4", "sum 0 1 2 3 3"),
    ("sum 0 1 7", "sum 7 1 0"),
    ("cover 0 1 2 3", "cover 1 2 3"),
    ("at-most 6 0", "at-most 0 6"),
    ("1:-4 2:+4", "1:-4 2:+5"),
    ("1:-4 2:+4", "1:-5 2:+5"),
    ("1:-4 2:+4", "2:+4 1:-4"),
    ("1:-4 2:+4", "1:-4 2:+04"),
    ("1:-4 2:+4", "1:-4 2:4"),
    ("proof 1 1 2", "proof 1 2 1"),
    ("proof 1 1 2", "proof 1 0 2"),
    ("proof 1 1 2", "proof 1 1 3"),
    ("proof 2 2 1", "proof 2 2 0"),
    ("proof 1 1 2\n", ""),
    ("proof 2 2 1\n", "proof 2 2 1\nproof 2 2 1\n"),
    ("released 2025-02-12", "released 2025-2-12"),
];

#[test]
fn every_change_that_matters_is_refused() {
    for (from, to) in CHANGES {
        assert_eq!(VECTOR.matches(from).count(), 1, "{from}");
        let changed = VECTOR.replace(from, to);
        assert!(verdict(changed.as_bytes()).is_err(), "{from} -> {to}");
    }
}

/// A repeatable stream of small random numbers.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n.max(1)
    }
}

/// One random change: a number moved, a word taken from elsewhere, a line dropped, doubled or swapped, a byte flipped.
fn mutated(text: &str, draw: &mut Draw) -> Vec<u8> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = draw.below(lines.len());
    let mut words: Vec<String> = lines[at].split(' ').map(str::to_owned).collect();
    let word = draw.below(words.len());
    match draw.below(8) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => {
            let other = draw.below(lines.len());
            lines.swap(at, other);
        }
        3 => {
            let mut bytes = text.as_bytes().to_vec();
            let place = draw.below(bytes.len());
            bytes[place] ^= 1 << draw.below(7);
            return bytes;
        }
        4 => {
            let other: Vec<&str> = text.split_whitespace().collect();
            words[word] = other[draw.below(other.len())].to_owned();
            lines[at] = words.join(" ");
        }
        _ => {
            let by = [1_i64, -1, 5, -10][draw.below(4)];
            let (head, digits) = words[word].split_at(words[word].find(|c: char| c.is_ascii_digit()).unwrap_or(0));
            if let Ok(n) = digits.parse::<i64>() {
                words[word] = format!("{head}{}", n + by);
            }
            lines[at] = words.join(" ");
        }
    }
    (lines.join("\n") + "\n").into_bytes()
}

pub fn python() -> bool {
    let there = Command::new("python3").arg("--version").output().is_ok_and(|run| run.status.success());
    assert!(there || std::env::var_os("CI").is_none(), "CI needs python3 for the second checker");
    there
}

/// What the second checker says of each file: whether it starts with OK.
pub fn second_checker(files: &[PathBuf], report: Option<&Path>) -> Vec<(bool, String)> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/check_witness.py");
    let mut command = Command::new("python3");
    command.arg(script);
    if let Some(report) = report {
        command.arg("--report").arg(report);
    }
    let run = command.args(files).output().expect("python3 runs");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let lines: Vec<(bool, String)> = said.lines().map(|line| (line.starts_with("OK "), line.to_owned())).collect();
    assert_eq!(lines.len(), files.len(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    lines
}

#[test]
fn the_second_checker_agrees_on_changed_witnesses() {
    let mut draw = Draw(11);
    let mut cases = vec![VECTOR.as_bytes().to_vec()];
    cases.extend(CHANGES.iter().map(|(from, to)| VECTOR.replace(from, to).into_bytes()));
    for _ in 0..600 {
        let mut bytes = mutated(VECTOR, &mut draw);
        if let (0, Ok(text)) = (draw.below(4), String::from_utf8(bytes.clone())) {
            bytes = mutated(&text, &mut draw);
        }
        cases.push(bytes);
    }
    let verdicts: Vec<Result<(), String>> = cases.iter().map(|bytes| verdict(bytes)).collect();
    let good = verdicts.iter().filter(|v| v.is_ok()).count();
    assert!(good > 20 && good < cases.len() / 2, "{good} of {} still prove something", cases.len());
    if !python() {
        println!("python3 is not there: the second checker was not run");
        return;
    }
    let place = tempfile::tempdir().expect("directory");
    let file = |(n, bytes): (usize, &Vec<u8>)| {
        let file = place.path().join(n.to_string());
        std::fs::write(&file, bytes).expect("written");
        file
    };
    let files: Vec<PathBuf> = cases.iter().enumerate().map(file).collect();
    for ((bytes, ours), (theirs, line)) in cases.iter().zip(&verdicts).zip(second_checker(&files, None)) {
        assert_eq!(ours.is_ok(), theirs, "{ours:?} {line}\n{}", String::from_utf8_lossy(bytes));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_or_the_checker_panic(
        lines in prop::collection::vec("(table|cell|rest|sum|cover|at-most|world|proof)( [0-9x:+.-]{1,10}){0,9}", 0..12),
        noise in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let _ = Witness::from_bytes(&noise);
        let head: Vec<&str> = VECTOR.lines().take(9).collect();
        let text = [head.join("\n"), lines.join("\n")].join("\n") + "\n";
        let _ = Witness::from_bytes(text.as_bytes()).map(|witness| check(&witness));
    }

    #[test]
    fn no_witness_makes_the_checker_panic(
        moves in prop::collection::vec(prop::collection::vec((0..14_usize, any::<i64>()), 0..6), 0..4),
        parts in prop::collection::vec(0..14_usize, 0..5),
        proof in (0..14_usize, 0..5_usize, 0..5_usize),
    ) {
        let mut witness = Witness::from_bytes(VECTOR.as_bytes()).expect("a witness");
        witness.worlds = moves;
        witness.relations[0].parts = parts;
        witness.proofs[0].cell = proof.0;
        (witness.proofs[0].low, witness.proofs[0].high) = (proof.1, proof.2);
        let _ = check(&witness);
    }
}

#[cfg(not(feature = "defect-primary-only"))]
#[test]
fn every_release_of_a_year_is_proven_by_its_witness() {
    let mut node = Node::open(&EXAMPLE.1, "vtt");
    let until = node.release.settings.horizon;
    for component in node.components(2023..=2023) {
        for until in [Day::parse("2023-06-30").expect("a day"), until] {
            node.release(&component, until);
        }
    }
    assert!(node.witnesses.len() > 4, "{} releases", node.witnesses.len());
    everything_earlier_is_compared(&node);
    let mut proven = 0;
    for bytes in &node.witnesses {
        let witness = Witness::from_bytes(bytes).expect("a witness");
        check(&witness).expect("a proof");
        let mut release = node.release.clone();
        release.settings.horizon = witness.until;
        as_defined(&witness, &release).expect("all relations");
        let certificate = digest(bytes).to_string();
        let tables: Vec<Table> = node.ledger.tables().map(|stored| stored.table().expect("a table")).collect();
        for table in tables.iter().filter(|table| table.certificate.as_ref() == Some(&certificate)) {
            printed_as(&witness, table).expect("printed as proven");
            changed_tables_are_refused(&witness, table);
            proven += 1;
        }
        changed_relations_are_refused(&witness, &release);
    }
    assert_eq!(proven, node.ledger.len(), "every table is proven once");
}

/// A witness holds only with the ledger and the rules that it was made with.
#[cfg(not(feature = "defect-primary-only"))]
fn everything_earlier_is_compared(node: &Node) {
    let read = |bytes: &Vec<u8>| (digest(bytes), Witness::from_bytes(bytes).expect("a witness"));
    let witnesses: Vec<_> = node.witnesses.iter().map(read).collect();
    let witnessed: Witnessed = witnesses.iter().map(|(hash, w)| (*hash, w.tables.clone())).collect();
    let (mut earlier, mut later) = (0, 0);
    for (hash, witness) in &witnesses {
        let kept = |w: &Witness, ledger: &Ledger| as_kept(w, ledger, &DisclosureRules::default(), &witnessed);
        kept(witness, &node.ledger).expect("as kept");
        let other = DisclosureRules { threshold: 11, ..DisclosureRules::default() };
        assert!(as_kept(witness, &node.ledger, &other, &witnessed).is_err(), "other rules");
        let new = witness.tables.iter().find(|t| t.state != TableState::Earlier && t.state != TableState::Margin);
        let new = &new.expect("a new table").query;
        let without = |query| node.ledger.tables().filter(|s| s.query() != query).cloned().collect();
        assert!(kept(witness, &without(new)).is_err(), "a table of this release is gone");
        let Some(at) = witness.tables.iter().position(|t| t.state == TableState::Earlier) else { continue };
        earlier += 1;
        assert!(kept(witness, &without(&witness.tables[at].query)).is_err(), "an earlier table is gone");
        let shown = witness.cells.iter().position(|c| c.name.as_ref().is_some_and(|n| n.shown && n.table == at));
        let change = |work: &dyn Fn(&mut Witness)| {
            let mut changed = witness.clone();
            work(&mut changed);
            let table = node.ledger.find(&witness.tables[at].query).expect("kept").table().expect("a table");
            assert!(printed_before(&changed, &table).is_err(), "{}", table.indicator);
        };
        let cell = shown.expect("a shown cell");
        change(&|w| w.cells[cell].print = Print::Value(999_995));
        change(&|w| drop(w.cells.remove(cell)));
        change(&|w| w.tables[at].horizon.0 += 1);
        change(&|w| w.tables[at].certificate = None);
        // The release that it names would have known nothing of this one, had this one not named it.
        let before = witness.tables[at].certificate.expect("a certificate");
        let (_, first) = witnesses.iter().find(|(hash, _)| *hash == before).expect("its witness");
        let mut forgetful = witnessed.clone();
        forgetful.get_mut(hash).expect("known").retain(|entry| entry.state != TableState::Earlier);
        assert!(
            as_kept(first, &node.ledger, &DisclosureRules::default(), &forgetful).is_err(),
            "a later release forgot this one"
        );
        later += 1;
    }
    assert!(earlier > 2 && later > 2, "{earlier} with earlier tables");
}

/// A number, a mark, a row or a name that is not as proven.
#[cfg(not(feature = "defect-primary-only"))]
fn changed_tables_are_refused(witness: &Witness, table: &Table) {
    let change = |work: &dyn Fn(&mut Table)| {
        let mut changed = table.clone();
        work(&mut changed);
        assert!(printed_as(witness, &changed).is_err(), "{} {:?}", table.indicator, table.by);
    };
    change(&|t| drop(t.rows.remove(0)));
    change(&|t| t.rows.push(t.rows[0].clone()));
    change(&|t| t.peildatum.0 += 1);
    change(&|t| t.version.push('x'));
    change(&|t| t.certificate = None);
    change(&|t| t.sources.clear());
    change(&|t| t.rows[0].low = Some(3));
    change(&|t| t.rows[0].high = Some(3));
    let more = ketenpoort::domain::query::Dimension::Organisatie;
    change(&|t| drop(t.rows[0].key.insert(more, "3".into())));
    let shows = |row: &ketenpoort::domain::table::Row| row.value.is_some();
    if let Some(at) = table.rows.iter().position(shows) {
        change(&|t| t.rows[at].value = t.rows[at].value.map(|v| v + 5));
        change(&|t| (t.rows[at].value, t.rows[at].mark) = (None, Some(Mark::Suppressed)));
    }
    if let Some(at) = table.rows.iter().position(|row| row.mark == Some(Mark::Suppressed)) {
        change(&|t| (t.rows[at].value, t.rows[at].mark) = (Some(10), None));
        change(&|t| t.rows[at].mark = Some(Mark::Missing));
    }
}

/// A witness without one of its relations, or with a cell less, proves less; the definitions show it.
#[cfg(not(feature = "defect-primary-only"))]
fn changed_relations_are_refused(witness: &Witness, release: &ketenpoort::indicator::release::Release) {
    let step = witness.relations.len() / 8 + 1;
    for at in (0..witness.relations.len()).step_by(step) {
        let mut fewer = witness.clone();
        fewer.relations.remove(at);
        assert!(as_defined(&fewer, release).is_err(), "relation {at}");
    }
    let mut other = witness.clone();
    let named = other.cells.iter_mut().find_map(|cell| cell.name.as_mut()).expect("a cell");
    named.measure.push('x');
    assert!(as_defined(&other, release).is_err());
}

#[cfg(not(feature = "defect-primary-only"))]
#[test]
fn a_statistician_checks_a_release_of_the_demo_with_hash_witness_and_checker_alone() {
    let demo = demo();
    let node = demo.node("gi-alfa");
    let shown = done(&["disclosure", "check", "--node", path(&node), "--json"]);
    let lines: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let lines = lines.as_array().expect("a list");
    assert!(lines.len() > 5);
    for line in lines {
        assert_eq!((&line["in_orde"], &line["met_definities_vergeleken"]), (&true.into(), &true.into()), "{line}");
    }
    let one = done(&["disclosure", "check", "--node", path(&node), "--table", "IND-01/2023"]);
    assert!(one.lines().count() == 1 && one.contains("in orde"), "{one}");
    let certificate = one.split(": ").next().expect("a certificate");
    let place = tempfile::tempdir().expect("directory");
    let out = place.path().join("controle");
    let words = ["disclosure", "export", "--node", path(&node), "--certificate", certificate, "--out", path(&out)];
    let exported = ketenpoort(&words);
    assert!(exported.status.success());
    assert!(String::from_utf8_lossy(&exported.stderr).contains("onafgeronde aantallen"), "a warning");
    assert!(!ketenpoort(&words).status.success(), "nothing is overwritten");
    let audit = done(&["log", "audit", "--node", path(&node), "--json"]);
    assert!(audit.contains("disclosure export") && audit.contains(&certificate[7..]), "{audit}");
    offline(&out, certificate, &demo.region);
    of_the_region(&demo.region.join("monitor"), &out.join("bewijs.txt"), certificate);
}

/// From a sum of the regional report to its parts: which table of which organisation, and the witness that proves it.
#[cfg(not(feature = "defect-primary-only"))]
fn of_the_region(monitor: &Path, witness: &Path, certificate: &str) {
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(monitor.join(name)).expect(name)).expect("JSON")
    };
    let (report, nodes) = (read("report.json"), read("organisaties.json"));
    let tables = report["tables"].as_array().expect("tables");
    let parts = report["parts"].as_array().expect("parts");
    let same = |one: &serde_json::Value, other: &serde_json::Value| {
        ["indicator", "period", "by"].iter().all(|member| one[member] == other[member])
    };
    let proven: Vec<_> = parts.iter().filter(|part| part["certificate"] == certificate).collect();
    assert!(!proven.is_empty());
    for part in proven {
        let sum = tables.iter().find(|table| table["scope"] == "optelling" && same(table, part)).expect("a sum");
        assert!(sum["sources"].as_array().expect("sources").contains(&part["oin"]));
    }
    for sum in tables.iter().filter(|table| table["scope"] == "optelling" && table["indicator"] != "IND-24") {
        for source in sum["sources"].as_array().expect("sources") {
            let of = parts.iter().filter(|part| same(part, sum) && part["oin"] == *source);
            assert!(of.clone().count() == 1 && of.clone().all(|part| part["certificate"].is_string()), "{sum}");
        }
    }
    let check = |report: &Path| {
        let words = ["disclosure", "check", "--witness", path(witness), "--certificate", certificate, "--report"];
        ketenpoort(&[&words[..], &[path(report)]].concat()).status.code()
    };
    assert_eq!(check(&monitor.join("organisaties.json")), Some(0));
    let mut other = nodes;
    let bears = |table: &&mut serde_json::Value| table["certificate"] == certificate;
    let table = other["tables"].as_array_mut().expect("tables").iter_mut().find(bears).expect("a table");
    let row =
        table["rows"].as_array_mut().expect("rows").iter_mut().find(|row| row["mark"] == "x").expect("suppressed");
    (row["value"], row["mark"]) = (10.into(), serde_json::Value::Null);
    let changed = witness.with_file_name("organisaties.json");
    std::fs::write(&changed, other.to_string()).expect("written");
    assert_eq!(check(&changed), Some(1));
}

/// The check without a node, ours and the second one, of what was exported and of changes of it.
#[cfg(not(feature = "defect-primary-only"))]
fn offline(out: &Path, certificate: &str, region: &Path) {
    let (witness, report) = (out.join("bewijs.txt"), out.join("vrijgave.json"));
    let check = |witness: &Path, report: &Path| {
        let words = ["disclosure", "check", "--witness", path(witness), "--certificate", certificate];
        ketenpoort(&[&words[..], &["--report", path(report)]].concat()).status.code()
    };
    assert_eq!(check(&witness, &report), Some(0));
    let said = done(&["disclosure", "check", "--witness", path(&witness)]);
    assert!(said.contains("Let op: relaties niet vergeleken met de definities"), "{said}");
    let convenant = region.join("convenant.json");
    let words = ["disclosure", "check", "--witness", path(&witness), "--convenant", path(&convenant)];
    let said = done(&[&words[..], &["--json"]].concat());
    assert!(said.contains("\"met_definities_vergeleken\": true"), "{said}");
    let text = std::fs::read_to_string(&witness).expect("the witness");
    let shown = text.lines().find(|line| line.contains(" shown ") && line.contains(" x ")).expect("a suppressed cell");
    let changed = out.join("changed.txt");
    std::fs::write(&changed, text.replacen(shown, &shown.replace(" x ", " 10 "), 1)).expect("written");
    assert_eq!(check(&changed, &report), Some(1));
    let mut tables: serde_json::Value = serde_json::from_slice(&std::fs::read(&report).expect("tables")).expect("JSON");
    let rows = tables["tables"][0]["rows"].as_array_mut().expect("rows");
    let row = rows.iter_mut().find(|row| row["mark"] == "x").expect("a suppressed row");
    (row["value"], row["mark"]) = (10.into(), serde_json::Value::Null);
    let other = out.join("other.json");
    std::fs::write(&other, tables.to_string()).expect("written");
    assert_eq!(check(&witness, &other), Some(1));
    if python() {
        assert!(second_checker(std::slice::from_ref(&witness), Some(&report))[0].0, "the second checker agrees");
        assert!(!second_checker(&[changed], Some(&report))[0].0);
        assert!(!second_checker(&[witness], Some(&other))[0].0);
    }
}
