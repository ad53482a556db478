//! Processes that are killed in the middle of a transfer: both sides end with an entry that says what is known, and the side
//! that was killed asks its partner.

use std::process::{Command, Stdio};

use super::asker::{AGGREGATE, Got};
use super::siege::{NODE, Siege};
use crate::three::{OINS, Three, within};

/// Outcomes in the log of node `key` of transfers with `partner`, oldest first.
fn outcomes(three: &Three, key: &str, partner: &str) -> Vec<String> {
    let mut entries = three.log(key);
    entries.reverse();
    let theirs = entries.iter().filter(|e| e["sender"] == partner || e["receiver"] == partner);
    theirs.filter_map(|e| e["outcome"].as_str().map(str::to_owned)).collect()
}

fn one_sided(three: &Three, key: &str, partner: &str) -> bool {
    three.node(&["log", "list", "--one-sided"], key).contains(partner)
}

#[test]
fn a_node_that_is_killed_between_answer_and_confirmation_asks_whether_it_was_received() {
    let mut siege = Siege::begin(|_| ());
    siege.three.serve(&["m"]);
    siege.answered();
    siege.three.signal(NODE, "KILL");
    assert_eq!(siege.three.ended(NODE), None, "killed");
    siege.three.serve(&[NODE]);
    assert_eq!(outcomes(&siege.three, NODE, OINS[2]).first().map(String::as_str), Some("UNKNOWN"));
    // The monitor's own node never asked this, and signs that it received nothing.
    within("the monitor's receipt is in the log", || outcomes(&siege.three, NODE, OINS[2]) == ["UNKNOWN"; 2]);
    assert!(!one_sided(&siege.three, NODE, OINS[2]));
    siege.three.node(&["log", "verify"], NODE);
}

#[test]
fn an_asker_that_is_killed_before_the_answer_asks_what_became_of_its_question() {
    let mut siege = Siege::begin(|_| ());
    siege.three.serve(&["m"]);
    siege.three.signal(NODE, "STOP");
    let (node, out) = (siege.three.path("m"), siege.three.path("rapport"));
    let mut pull = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
    pull.args(["monitor", "pull", "--node", &node, "--period", "2022", "--out", &out]);
    let mut pull = pull.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
    let asked = |three: &Three| three.log("m").iter().any(|e| e["phase"] == "INTENT" && e["sender"] == OINS[0]);
    within("the question is in the log", || asked(&siege.three));
    siege.three.signal("m", "KILL");
    assert_eq!(siege.three.ended("m"), None, "killed");
    pull.wait().expect("ended");
    siege.three.signal(NODE, "CONT");
    siege.three.serve(&["m"]);
    assert_eq!(outcomes(&siege.three, "m", OINS[0]).first().map(String::as_str), Some("UNKNOWN"));
    within("the partner's receipt is in the log", || outcomes(&siege.three, "m", OINS[0]).len() == 2);
    assert!(!one_sided(&siege.three, "m", OINS[0]));
    assert!(one_sided(&siege.three, "m", OINS[1]), "node b is not there to say anything");
    siege.three.node(&["log", "verify"], "m");
}

#[test]
fn a_transfer_that_went_well_is_two_entries_on_each_side_and_proves_its_payload() {
    let mut siege = Siege::begin(crate::administrator::quick);
    siege.three.serve(&["b", "m"]);
    let out = siege.three.path("rapport");
    siege.three.node(&["monitor", "pull", "--period", "2022", "--indicator", "IND-01", "--out", &out], "m");
    let phases = |key: &str, partner: &str| -> Vec<String> {
        let mut entries = siege.three.log(key);
        entries.retain(|e| e["service"] == "ketenpoort.v1.Node/Aggregate");
        entries.retain(|e| e["sender"] == partner || e["receiver"] == partner);
        entries.iter().rev().map(|e| e["phase"].as_str().expect("a phase").to_owned()).collect()
    };
    assert_eq!(phases("m", OINS[0]), ["INTENT", "RECEIVED"]);
    within("the receipt of the monitor is there", || phases(NODE, OINS[2]) == ["INTENT", "OUTCOME"]);
    assert_eq!(outcomes(&siege.three, NODE, OINS[2]), ["CONFIRMED"]);
    // With only the export and the convenant.
    // The monitor asked b as well.
    for (key, receipts) in [(NODE, 1), ("m", 2)] {
        within("witnesses", || crate::administrator::status(&siege.three, key)["cosigned"]["size"].is_u64());
        let (export, trust) = (siege.three.path(&format!("export-{key}")), siege.three.path("proef.json"));
        siege.three.node(&["log", "export", "--out", &export], key);
        let verified = crate::demo::done(&["log", "verify", "--export", &export, "--trust", &trust]);
        assert!(
            verified
                .contains(&format!("{receipts} ontvangstbewijzen van partners, onder de sleutels van het vertrouwde")),
            "{verified}"
        );
        let plain = crate::demo::done(&["log", "verify", "--export", &export]);
        assert!(plain.contains("meegezonden convenanten"), "{plain}");
    }
    let (one, other) = (siege.three.path("export-a"), siege.three.path("export-m"));
    let trust = siege.three.path("proef.json");
    let equal = crate::demo::done(&["log", "reconcile", "--export", &one, "--export", &other, "--trust", &trust]);
    assert!(equal.contains("zeggen hetzelfde"), "{equal}");
    proves_with_the_export_alone(&siege);
    let wrong = siege.three.path("anders.json");
    std::fs::write(&wrong, b"{}").expect("written");
    let log = siege.three.log("m");
    let intent = log.iter().find(|e| e["phase"] == "RECEIVED").expect("received");
    let id = intent["transfer_id"].as_str().expect("an id");
    let node = siege.three.path("m");
    let refuted = crate::demo::ketenpoort(&["log", "prove", "--transfer", id, "--payload", &wrong, "--node", &node]);
    assert_eq!(refuted.status.code(), Some(1), "{refuted:?}");
    assert!(String::from_utf8_lossy(&refuted.stdout).starts_with("nee"), "{refuted:?}");
}

/// Who has the payload of an answer proves it on the node; payload, salt and export prove it to anybody.
fn proves_with_the_export_alone(siege: &Siege) {
    let question = siege.good_question();
    let id: String = question.transfer_id.iter().map(|byte| format!("{byte:02x}")).collect();
    let Got::Answer(document) = siege.monitor.ask(AGGREGATE, question) else { panic!("no answer") };
    let (payload, wrong) = (siege.three.path("antwoord.json"), siege.three.path("veranderd.json"));
    let mut changed = document.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    std::fs::write(&payload, document).expect("written");
    std::fs::write(&wrong, changed).expect("written");
    let prove = |payload: &str, source: &[&str]| {
        let words = ["log", "prove", "--transfer", &id, "--payload", payload, "--json"];
        let run = crate::demo::ketenpoort(&[&words, source].concat());
        let said: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
        assert_eq!(run.status.success(), said["bewezen"] == "ja", "{run:?}");
        said
    };
    let node = siege.three.path(NODE);
    let proved = prove(&payload, &["--node", &node]);
    assert_eq!(proved["bewezen"], "ja");
    let refuted = prove(&wrong, &["--node", &node]);
    assert!(refuted["bewezen"] == "nee" && refuted["zout"].is_null(), "{refuted}");
    let (export, trust) = (siege.three.path("export-bewijs"), siege.three.path("proef.json"));
    siege.three.node(&["log", "export", "--out", &export], NODE);
    let alone = |payload, salt: &str| prove(payload, &["--export", &export, "--trust", &trust, "--salt", salt]);
    let salt = proved["zout"].as_str().expect("a salt");
    assert_eq!(alone(&payload, salt), proved);
    assert_eq!(alone(&wrong, salt)["bewezen"], "onbekend");
    assert_eq!(alone(&payload, &"0".repeat(32))["bewezen"], "onbekend");
    // What has no receipt yet, the export says as the node does.
    let without_age = |text: String| {
        let mut all: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
        all.iter_mut().for_each(|one| drop(one["age_seconds"].take()));
        all
    };
    let one_sided = ["log", "list", "--one-sided", "--json"];
    let here = crate::demo::done(&[&one_sided[..], &["--export", &export, "--trust", &trust]].concat());
    assert_eq!(without_age(here), without_age(siege.three.node(&one_sided, NODE)));
}
