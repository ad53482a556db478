//! What a privacy officer asks of a node from the shell: the overview of a person, confidentiality, erasure, the register
//! and the pack for a data breach, with the node running and stopped.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use ketenpoort::config::Config;
use ketenpoort::crypto::{Digest, KeyTree, Secret32, Tag, random};
use ketenpoort::domain::bsn::{BsnReading, read_bsn};
use ketenpoort::domain::gemeente::GemeenteList;
use ketenpoort::domain::oin::Oin;
use ketenpoort::node::SystemClock;
use ketenpoort::service::core::Core;
use ketenpoort::translog::entry::{Decision, Direction, Entry, Outcome, Phase, TransferId};
use ketenpoort::translog::sealed::SealedPart;
use serde_json::Value;

use crate::demo::done;
use crate::leak::bsns_of;
use crate::three::{OINS, Three, event_file};

/// 2026-03-01T00:00:00Z.
const START_MS: u64 = 1_772_323_200_000;
const HOUR_MS: u64 = 3_600_000;
const REASON: &str = "verzoek van de ouders";
const ACTIVITY: &str = "urn:proef/verwerkingsactiviteiten/proef/P5/v1";
/// Numbers of nobody in the example region.
const SHARED: &str = "999990019";
const OTHER: &str = "999992223";

/// Runs a command on node `a` with a BSN on standard input.
fn typed(three: &Three, words: &[&str], bsn: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
    command.args(words).args(["--node", &three.path("a")]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that refuses its arguments does not wait for the number.
    let _ = child.stdin.take().unwrap().write_all(format!("{bsn}\n").as_bytes());
    child.wait_with_output().unwrap()
}

fn shown(three: &Three, words: &[&str], bsn: &str) -> String {
    let output = typed(three, words, bsn);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        !text.contains(bsn) && !String::from_utf8_lossy(&output.stderr).contains(bsn),
        "the number is not repeated"
    );
    text
}

fn keys(config: &Config) -> KeyTree {
    KeyTree::new(Secret32::new(fs::read(&config.root_key).unwrap().try_into().unwrap()))
}

/// The node `a` opened in this process.
fn core(three: &Three) -> Core {
    let config = three.config("a");
    Core::open(
        &config.data,
        ketenpoort::node::identity(&config),
        keys(&config),
        GemeenteList::new(Vec::new()),
        Arc::new(SystemClock),
    )
    .unwrap()
}

fn subject(three: &Three, bsn: &str) -> Tag {
    match read_bsn(bsn) {
        BsnReading::Subject { bsn, .. } => bsn.local_pseudonym(&keys(&three.config("a")).local_key()),
        _ => panic!("a valid number"),
    }
}

/// A handover about a child to Veilig Thuis at an hour, with its end; its transfer id.
fn handover(core: &Core, subject: Tag, hour: u64, certificate: u8) -> String {
    let id = TransferId::new(START_MS + hour * HOUR_MS, random());
    let ours = Oin::parse(OINS[0]).unwrap();
    let intent = Entry {
        sender_oin: Some(ours),
        receiver_oin: Some(Oin::parse(OINS[1]).unwrap()),
        service: "SCN-07".to_owned(),
        action: "Overdracht van een zaak".to_owned(),
        activity_own: if hour > 12 { ACTIVITY.replace("/v1", "/v2") } else { ACTIVITY.to_owned() },
        purpose: "P5".to_owned(),
        ground_article: "Jeugdwet 7.3.11 lid 4".to_owned(),
        decision: Some(Decision::Allow),
        data_categories: vec!["persoonsgegevens".to_owned()],
        field_names: vec!["geboortedatum".to_owned(), format!("veld{}", hour % 3)],
        row_count: Some(1),
        peer_certificate: Some(Digest([certificate; 32])),
        ..Entry::new(id, Direction::Outgoing, Phase::Intent, START_MS + hour * HOUR_MS)
    };
    let part = SealedPart { subject: Some(subject), case: format!("Z-{hour}"), ..SealedPart::default() };
    let _ = core.note_about(intent.clone(), &part).unwrap();
    let end = Entry {
        sender_oin: intent.sender_oin,
        receiver_oin: intent.receiver_oin,
        outcome: Some(Outcome::Confirmed),
        end_ms: Some(intent.start_ms + 5),
        ..Entry::new(id, Direction::Outgoing, Phase::Outcome, intent.start_ms + 5)
    };
    let _ = core.transfer_log().append(&end).unwrap();
    id.to_string()
}

/// Three nodes with a convenant and data at `a`.
fn region() -> Three {
    let three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    three
}

/// A child in the file that `a` took in.
fn delivered_child() -> String {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(event_file("gi-"), dir.path().join("events-gi.csv")).unwrap();
    bsns_of(dir.path()).into_iter().find(|bsn| !bsn.starts_with('0')).unwrap()
}

/// Whether a file under a directory holds these bytes.
fn holds(dir: &Path, needle: &str) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, needle);
        }
        fs::read(&path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
    })
}

#[test]
fn a_person_reads_what_was_shared_and_what_is_held() {
    let mut three = region();
    let unknown = shown(&three, &["log", "subject"], SHARED);
    assert!(unknown.contains("geen gegevens over deze persoon gevonden"), "{unknown}");
    let node = core(&three);
    assert_eq!(node.opener().unwrap().keys().len(), 0, "a question about nobody makes no key");
    let (first, second) =
        (handover(&node, subject(&three, SHARED), 5, 1), handover(&node, subject(&three, SHARED), 9, 1));
    handover(&node, subject(&three, OTHER), 7, 1);
    drop(node);

    let text = shown(&three, &["log", "subject"], SHARED);
    for part in [
        "1 maart 2026 om 06:00",
        "1 maart 2026 om 10:00",
        "Veilig Thuis",
        "Overdracht van een zaak",
        "geboortedatum, veld2",
        "uitvoering van een maatregel",
        "Jeugdwet 7.3.11 lid 4",
        "Z-5",
        "ontvangst is bevestigd",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("Z-7"), "nothing of another child");

    // A running node answers the same, and each overview shows the ones before.
    three.serve(&["a"]);
    let json: Value = serde_json::from_str(&shown(&three, &["log", "subject", "--json"], SHARED)).unwrap();
    let ids: Vec<&str> =
        json["overdrachten"].as_array().unwrap().iter().map(|t| t["transfer_id"].as_str().unwrap()).collect();
    assert!(ids.contains(&first.as_str()) && ids.contains(&second.as_str()));
    assert_eq!(ids.len(), 3, "two transfers and one earlier overview, not that of before the person was known");
    assert_eq!(json["overdrachten"][2]["partner_name"], Value::Null, "an overview goes to nobody");
    three.stop("a");

    let child = delivered_child();
    let out = three.path("overzicht.html");
    shown(&three, &["log", "subject", "--html", "--out", &out], &child);
    let html = fs::read_to_string(&out).unwrap();
    assert!(html.contains("maatregel") && html.contains("<table>") && !html.contains("<script"), "{html}");
    assert!(html.contains("geen gegevens over deze persoon gedeeld of ontvangen"));
    assert_eq!(typed(&three, &["log", "subject", "--html", "--out", &out], &child).status.code(), Some(2));
    for wrong in ["123456789", "", "000000000", "Jan"] {
        assert_eq!(typed(&three, &["log", "subject"], wrong).status.code(), Some(2), "{wrong}");
    }
    for bsn in [SHARED, OTHER, child.as_str()] {
        assert!(!holds(Path::new(&three.path("a")), bsn), "no file of the node holds the number");
    }
}

#[test]
fn what_is_confidential_is_withheld_until_it_is_lifted_and_an_erasure_empties_the_overview() {
    let three = region();
    let node = core(&three);
    let (held, open) = (handover(&node, subject(&three, SHARED), 5, 1), handover(&node, subject(&three, SHARED), 9, 1));
    let newer = handover(&node, subject(&three, SHARED), 13, 1);
    drop(node);
    let mark = |what: &[&str], state: &str| {
        let words = [&["log", "confidentiality", "--set", state, "--reason", REASON], what].concat();
        typed(&three, &words, "").status.code()
    };
    let overview = || shown(&three, &["log", "subject"], SHARED);
    assert_eq!(mark(&["--transfer", &held], "vertrouwelijk"), Some(0));
    let text = overview();
    assert!(!text.contains(&held) && text.contains(&open) && !text.contains("VERTROUWELIJK"), "{text}");
    let all = shown(&three, &["log", "subject", "--all"], SHARED);
    assert!(all.contains(&held) && all.matches("[VERTROUWELIJK").count() == 1, "{all}");
    let activity = ["--activity", ACTIVITY];
    assert_eq!(mark(&activity, "vertrouwelijk"), Some(0));
    let text = overview();
    assert!(!text.contains(&open) && !text.contains(&newer), "every version of the activity: {text}");
    // The newest mark counts, whichever it is.
    assert_eq!(mark(&["--transfer", &held], "opgeheven"), Some(0));
    let text = overview();
    assert!(text.contains(&held) && !text.contains(&open), "{text}");
    assert_eq!(mark(&activity, "opgeheven"), Some(0));
    assert!(overview().contains(&open));
    // Also for what the product itself logs, and for every version of an activity.
    let own = format!("{}/verwerkingsactiviteiten/eigen/inzage-betrokkene", three.config("a").activities);
    assert!(overview().contains("Overzicht voor de betrokkene maken"));
    assert_eq!(mark(&["--activity", &format!("{own}/v1")], "vertrouwelijk"), Some(0));
    let text = overview();
    assert!(!text.contains("Overzicht voor de betrokkene maken") && text.contains(&open), "{text}");
    for strange in ["", "urn:proef/iets/v1", "onzin", &format!("{own}/v999990019"), &format!("{own}/v1\n")] {
        assert_eq!(mark(&["--activity", strange], "vertrouwelijk"), Some(1), "{strange}");
    }
    let strange = TransferId::new(START_MS, [9; 10]).to_string();
    assert_eq!(mark(&["--transfer", &strange], "vertrouwelijk"), Some(1));
    assert_eq!(mark(&["--transfer", "niets"], "vertrouwelijk"), Some(2));

    let erase =
        |names: &[&str]| typed(&three, &["log", "erase", "--reason", REASON], &[&[SHARED], names].concat().join("\n"));
    assert_eq!(erase(&["Jansen"]).status.code(), Some(2), "two names");
    assert_eq!(erase(&["Jansen", " jansen"]).status.code(), Some(2), "of two people");
    assert!(overview().contains(&open), "nothing was erased");
    let erased = String::from_utf8(erase(&["A. Jansen", "B. de Vries"]).stdout).unwrap();
    assert!(erased.contains("niet meer te lezen") && erased.contains("Volledig op"), "{erased}");
    let text = overview();
    assert!(!text.contains(&held) && !text.contains(&open), "{text}");
    the_names_may_come_from_a_descriptor(&three);
    let again = String::from_utf8(erase(&["A. Jansen", "B. de Vries"]).stdout).unwrap();
    assert!(again.starts_with("Geen sleutel gevonden, niets vernietigd"), "{again}");
    let bad = typed(&three, &["log", "erase", "--reason", "om 9999.90-01 9"], &format!("{SHARED}\nA\nB"));
    assert_eq!(bad.status.code(), Some(1), "a number with dots in it is a number");
    for text in [REASON, "Jansen", "9999.90"] {
        assert!(!holds(&Path::new(&three.path("a/data")).join("translog"), text), "{text} is nowhere in the clear log");
    }
    let verified = three.node(&["log", "verify"], "a");
    assert!(verified.starts_with("Ongeschonden"), "{verified}");
}

/// With `--approved-by-fd` standard input holds the number of the person alone, and the names stand in the audit log.
fn the_names_may_come_from_a_descriptor(three: &Three) {
    let names = three.path("namen");
    let erase = |text: &str| {
        fs::write(&names, text).unwrap();
        let program = env!("CARGO_BIN_EXE_ketenpoort");
        let words =
            format!("exec {program} log erase --reason '{REASON}' --approved-by-fd 3 --node {}", three.path("a"));
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{words} 3< {names}")]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let typed =
            child.stdin.take().unwrap().write_all(format!("{OTHER}\nvan standaardinvoer\nen nog een\n").as_bytes());
        typed.unwrap();
        child.wait_with_output().unwrap()
    };
    for wrong in ["", "C. Pieters\n", "C. Pieters\nc. pieters\n", "C. Pieters\n9999.90-01 9\n"] {
        assert_eq!(erase(wrong).status.code(), Some(2), "{wrong}");
    }
    let done = erase("C. Pieters\nD. Bakker\n");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let audit = three.node(&["log", "audit"], "a");
    assert!(
        audit.contains("akkoord 1=C. Pieters akkoord 2=D. Bakker") && !audit.contains("standaardinvoer"),
        "{audit}"
    );
    assert!(!holds(&Path::new(&three.path("a/data")).join("translog"), "Pieters"));
}

/// What a value breaks of a JSON schema; of the words of the standard those that the schema here uses.
fn faults(value: &Value, schema: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(number) if number.is_u64() => "integer",
        _ => "other",
    };
    if schema["type"].as_str().is_some_and(|wanted| wanted != kind) {
        found.push(format!("{at}: {kind}"));
    }
    if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
        found.push(format!("{at}: {value} is not in the list"));
    }
    if schema["pattern"].as_str().is_some_and(|part| !value.as_str().unwrap_or_default().contains(part)) {
        found.push(format!("{at}: pattern"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(of) => found.extend(faults(inner, of, &format!("{at}/{name}"))),
            None => found.push(format!("{at}: {name} is not in the schema")),
        }
    }
    for (n, inner) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(faults(inner, &schema["items"], &format!("{at}/{n}")));
    }
    found
}

#[test]
fn the_register_has_the_schema_of_the_standard_and_a_new_identifier_for_each_version() {
    let three = Three::new();
    three.certify();
    three.agree();
    let second = |draft: String| {
        draft.replacen("version = 1", "version = 2", 1).replacen(
            "Jeugdwet 7.4.1",
            "AVG 6 lid 1 onder e; Jeugdwet 7.4.1",
            1,
        )
    };
    let before = three.node(&["log", "register", "--json"], "a");
    three.propose("proef", "2021-01-01", second);
    ["b", "m", "a"].iter().for_each(|key| three.accept("proef", key));
    let schema = fs::read_to_string("tests/data/register/ldv-register-0.1.schema.json").unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    for key in ["a", "m"] {
        let register: Value = serde_json::from_str(&three.node(&["log", "register", "--json"], key)).unwrap();
        assert_eq!(faults(&register, &schema, ""), Vec::<String>::new());
        let versions = register["processingActivities"][0]["versions"].as_array().unwrap();
        assert_eq!(versions.len(), 2);
        let ids: BTreeSet<&str> = versions.iter().map(|version| version["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 2, "each version has an identifier of its own");
        assert!(versions[0].get("legalBasis").is_none(), "nothing is invented");
        assert!(versions[0]["missing"].as_array().unwrap().iter().any(|m| m == "grond van artikel 6 lid 1 AVG"));
        assert_eq!(versions[1]["legalBasis"][0], "OfficialAuthorityOfController");
    }
    let before: Value = serde_json::from_str(&before).unwrap();
    let after: Value = serde_json::from_str(&three.node(&["log", "register", "--json"], "a")).unwrap();
    let mut first = before["processingActivities"][0]["versions"][0].clone();
    first["state"] = "vervangen".into();
    assert_eq!(after["processingActivities"][0]["versions"][0], first, "an earlier version does not change");
    let html = three.node(&["log", "register", "--html"], "a");
    assert!(html.contains("Ontbreekt") && html.contains("urn:oin:"), "{html}");
}

#[test]
fn the_pack_for_a_breach_counts_what_one_certificate_touched_on_the_node_and_on_an_export() {
    let three = region();
    let node = core(&three);
    for hour in 0..30 {
        let child = [SHARED, OTHER, "999992247"][usize::try_from(hour % 3).unwrap()];
        handover(&node, subject(&three, child), hour, u8::try_from(hour % 2).unwrap() + 1);
    }
    drop(node);
    let (from, until) = ("2026-03-01T02:00:00Z", "2026-03-01T12:00:00Z");
    let certificate = "01".repeat(32);
    let pack = |source: &[&str], out: &str, more: &[&str]| -> Value {
        let out = three.path(out);
        let words = ["log", "breach", "--since", from, "--until", until, "--out", &out, "--json", "--discovered", from];
        serde_json::from_str(&done(&[&words, source, more].concat())).unwrap()
    };
    let a = three.path("a");
    let whole = pack(&["--node", &a], "p1", &[]);
    let count = &whole["telling"];
    assert_eq!((&count["transfers"], &count["entries"]), (&10.into(), &20.into()));
    assert_eq!(count["subjects"]["known"], 3);
    assert_eq!(count["fields"]["geboortedatum"], 10);
    assert_eq!(count["fields"]["veld0"], 3, "hours 3, 6 and 9");
    assert_eq!(whole["ontvangers"][0]["naam"], "Veilig Thuis");
    assert_eq!(whole["ontvangers"][0]["aantallen"]["outgoing"], 10);
    assert_eq!(whole["melden_voor_ms"], START_MS + 74 * HOUR_MS);
    let even = pack(&["--node", &a], "p2", &["--certificate", &certificate]);
    assert_eq!(even["telling"]["transfers"], 5, "hours 2, 4, 6, 8 and 10");
    assert_eq!(even["telling"]["entries"], 10, "their ends bear no certificate and belong to them");
    assert_eq!(even["telling"]["gaps"].as_array().unwrap().len(), 0, "silences are those of the whole log");
    let csv = fs::read_to_string(three.path("p2/regels.csv")).unwrap();
    assert_eq!(csv.lines().count(), 11);
    let draft = fs::read_to_string(three.path("p2/melding.txt")).unwrap();
    for part in [
        "72 uur",
        "Aard van de inbreuk",
        "Functionaris gegevensbescherming",
        "Waarschijnlijke gevolgen",
        "Maatregelen",
        "Veilig Thuis",
    ] {
        assert!(draft.contains(part), "{part}: {draft}");
    }
    // On the export alone: the same numbers, but nobody can tell the children apart.
    let export = three.path("uitvoer");
    three.node(&["log", "export", "--out", &export], "a");
    let offline =
        pack(&["--export", &export, "--trust", &three.path("a/card.json")], "p3", &["--certificate", &certificate]);
    for part in ["transfers", "entries", "fields", "days", "gaps"] {
        assert_eq!(offline["telling"][part], even["telling"][part], "{part}");
    }
    assert_eq!(offline["telling"]["subjects"], serde_json::json!({"known": null, "at_most_more": 5}));
    let checked = offline["controle_export"].as_str().unwrap();
    assert!(checked.starts_with("Ongeschonden, ondertekend door de vertrouwde sleutel"), "{checked}");
    assert!(checked.contains("zonder medeondertekening"), "what nobody vouches for is said too: {checked}");
    let unchecked = pack(&["--export", &export], "p4", &[]);
    let said = unchecked["controle_export"].as_str().unwrap();
    assert!(said.contains("ondertekenaar niet nagegaan"), "a stranger may have signed it: {said}");
    assert_eq!(unchecked["ontvangers"][0]["naam"], "Veilig Thuis (volgens de export)");
    assert_eq!(fs::read_to_string(three.path("p3/regels.csv")).unwrap(), csv);
}

#[test]
fn a_search_finds_what_is_sealed_and_pages_stay_while_entries_come() {
    let three = region();
    let node = core(&three);
    let ids: Vec<String> = (0..12)
        .map(|hour| handover(&node, subject(&three, if hour % 3 == 0 { SHARED } else { OTHER }), hour, 1))
        .collect();
    drop(node);
    let list = |more: &[&str], bsn: &str| -> Vec<Value> {
        let text = shown(&three, &[&["log", "list", "--json"], more].concat(), bsn);
        serde_json::from_str::<Vec<Value>>(&text).unwrap()
    };
    let hours = |found: &[Value]| -> Vec<String> {
        found.iter().map(|e| e["start"].as_str().unwrap()[11..13].to_owned()).collect()
    };
    let one = list(&["--case", "Z-4"], "@@");
    assert_eq!(hours(&one), ["04"]);
    assert!(list(&["--case", "Z-4", "--field", "veld0"], "@@").is_empty(), "every condition counts");
    assert!(list(&["--reference", "Z-4"], "@@").is_empty());
    let about =
        |more: &[&str]| list(&[&["--subject", "--phase", "INTENT", "--activity", ACTIVITY], more].concat(), SHARED);
    assert_eq!(hours(&about(&[])), ["09", "06", "03", "00"]);
    assert_eq!(hours(&about(&["--field", "veld0", "--until", "2026-03-01T05:00:00Z"])), ["03", "00"]);
    assert_eq!(list(&["--transfer", &ids[7]], "@@").len(), 2, "INTENT and OUTCOME");
    assert_eq!(list(&["--outcome", "CONFIRMED", "--partner", OINS[1], "--limit", "99"], "@@").len(), 12);
    assert_eq!(list(&["--text", "OVERDRACHT VAN", "--limit", "99"], "@@").len(), 12);
    assert_eq!(list(&["--text", "persoon zoeken", "--limit", "99"], "@@").len(), 2, "searching by person is logged");

    // Page by page, with entries appended between the pages.
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let from: Vec<&str> = before.as_deref().map_or(Vec::new(), |before| vec!["--before", before]);
        let page = about(&[&["--limit", "1"], from.as_slice()].concat());
        let Some(last) = page.last() else { break };
        before = Some(last["number"].to_string());
        seen.extend(hours(&page));
    }
    assert_eq!(seen, ["09", "06", "03", "00"]);
    assert_eq!(typed(&three, &["log", "list", "--trace", "xyz"], "@@").status.code(), Some(2));
    assert_eq!(typed(&three, &["log", "list", "--transfer", "xyz"], "@@").status.code(), Some(2));
}

#[test]
fn a_pack_for_the_certificate_of_either_side_finds_the_transfers_both_ways() {
    let mut three = region();
    three.serve(&["a", "m"]);
    let asked = ["monitor", "pull", "--period", "2022", "--indicator", "IND-01", "--out", &three.path("out")];
    three.node(&asked, "m");
    for key in ["a", "m"] {
        three.stop(key);
    }
    let certificate = |key: &str| {
        let pem = fs::read_to_string(&three.config(key).certificate).unwrap();
        ketenpoort::transport::certs::identity(&pem).unwrap()
    };
    let pack = |key: &str, out: &str, more: &[&str]| -> Value {
        let (node, out) = (three.path(key), three.path(out));
        let words = ["log", "breach", "--since", "2020-01-01", "--until", "2044-01-01", "--out", &out, "--json"];
        let found: Value = serde_json::from_str(&done(&[&words, more, &["--node", &node]].concat())).unwrap();
        found["telling"].clone()
    };
    let identity = |key: &str| {
        let found = certificate(key);
        (found.certificate.to_hex(), found.pin.to_hex())
    };
    let ((of_a, key_of_a), (of_m, _), (of_b, _)) = (identity("a"), identity("m"), identity("b"));
    // The answer of `a` came in at `m` under the certificate of `a`, and went out at `a` under that of `m`.
    for (out, condition) in [("m1", ["--certificate", &of_a]), ("m2", ["--key", &key_of_a])] {
        let came = pack("m", out, &condition);
        let of = &came["partners"][OINS[0]];
        assert_eq!((&of["incoming"], &of["outgoing"], &came["fields"]["IND-01"]), (&1.into(), &0.into(), &1.into()));
        assert!(of["cells"].as_u64().unwrap() > 0, "{came}");
        // Nothing came from `b`, which was asked and did not answer.
        assert!(came["unrecorded"].get(OINS[0]).is_none(), "{came}");
    }
    let went = pack("a", "a1", &["--certificate", &of_m]);
    assert_eq!(went["partners"][OINS[2]]["outgoing"], 1);
    let strange = pack("m", "m3", &["--certificate", &of_b]);
    assert!(strange["transfers"] == 0 && strange["unrecorded"].get(OINS[0]).is_none(), "{strange}");
}
