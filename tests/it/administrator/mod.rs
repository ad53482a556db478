//! The dishonest administrator: he owns every file and every key of node `a`, and the program's own code as his tool. Each thing
//! he does is found by a partner, by his own node, or by the offline verifier with what a partner kept; what is not found stands
//! here too.

mod forger;
mod verifier;

use std::process::Command;

use ketenpoort::domain::reason::ReasonCode;
use serde_json::Value;
use tonic::Code;

use self::forger::{act, rebuild};
use crate::demo::ketenpoort;
use crate::hostile::{AGGREGATE, Got, Siege};
use crate::three::{OINS, Three, within};

/// His node.
const HIS: &str = "a";

/// Logs are shown every second instead of every five minutes.
pub fn quick(three: &Three) {
    for key in ["a", "b", "m"] {
        let path = three.path(&format!("{key}/node.toml"));
        let text = std::fs::read_to_string(&path).expect("node.toml");
        std::fs::write(&path, text + "\n[witness]\nevery_seconds = 1\nsoon_seconds = 1\n").expect("written");
    }
}

/// What `log status --json` says, whatever its exit code.
pub fn status(three: &Three, key: &str) -> Value {
    let output = ketenpoort(&["log", "status", "--node", &three.path(key), "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

/// What `log status` and `doctor` say to people.
fn said(three: &Three, key: &str) -> String {
    let node = three.path(key);
    let words = [vec!["log", "status", "--node", &node], vec!["doctor", "--node", &node]];
    words.iter().map(|words| String::from_utf8_lossy(&ketenpoort(words).stdout).into_owned()).collect()
}

/// Three nodes that serve, their logs cosigned.
fn estate() -> Three {
    let mut three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    quick(&three);
    three.serve(&["a", "b", "m"]);
    act(&three);
    cosigned(&three);
    three
}

/// Waits until all entries of his log have their quorum.
fn cosigned(three: &Three) {
    within("a quorum for every entry", || {
        let status = status(three, HIS);
        status["size"].is_u64() && status["cosigned"]["size"] == status["size"]
    });
}

/// What partner `key` found wrong with his log.
fn findings(three: &Three, key: &str) -> Vec<String> {
    let status = status(three, key);
    let log = status["witnessed"].as_array().into_iter().flatten().find(|log| log["oin"] == OINS[0]).cloned();
    let found = log.map(|log| log["findings"].clone()).unwrap_or_default();
    found.as_array().into_iter().flatten().map(|f| f["wrong"].as_str().expect("text").to_owned()).collect()
}

fn copy(from: &str, to: &str) {
    let _ = std::fs::remove_dir_all(to);
    assert!(Command::new("cp").args(["-a", from, to]).status().expect("cp").success());
}

/// His log as a partner kept it: the checkpoint that it cosigned last, a note.
fn kept_by(three: &Three, key: &str) -> String {
    let path = three.path(&format!("{key}/data/witness/logs/{}.json", OINS[0]));
    let record: Value = serde_json::from_slice(&std::fs::read(path).expect("a record")).expect("JSON");
    record["cosigned"].as_str().expect("a note").to_owned()
}

#[test]
fn putting_the_directory_back_is_found_by_every_partner_and_stops_the_node() {
    let mut three = estate();
    three.stop(HIS);
    copy(&three.path("a/data"), &three.path("backup"));
    three.serve(&[HIS]);
    for _ in 0..4 {
        act(&three);
    }
    cosigned(&three);
    three.stop(HIS);
    copy(&three.path("backup"), &three.path("a/data"));
    three.serve(&[HIS]);
    let stopped = ReasonCode::LogRolledBack;
    within("his own node finds out", || status(&three, HIS)["stopped"] == stopped.code());
    for key in ["b", "m"] {
        within("a partner names it", || {
            said(&three, key).contains(&format!("{} GI Een", OINS[0])) && {
                let text = said(&three, key);
                text.contains("BEVINDING") && text.contains("fout    getuige")
            }
        });
    }
    // It witnesses nobody now, and answers nobody.
    let unable = ReasonCode::WitnessUnable.code();
    within("it does not cosign", || status(&three, "b")["quorums"].to_string().contains(unable));
    let siege = Siege::of(three);
    let got = siege.monitor.ask(AGGREGATE, siege.good_question());
    assert_eq!(got, Got::Refused(Code::Unavailable, stopped));
}

#[test]
fn rewriting_or_dropping_entries_is_found_by_every_partner_and_by_the_verifier_with_what_it_kept() {
    let mut three = estate();
    act(&three);
    act(&three);
    cosigned(&three);
    let honest = kept_by(&three, "b");
    three.stop(HIS);
    copy(&three.path("a/data"), &three.path("honest"));
    // One word of one entry; every hash and signature is made anew.
    let rewrite = |entries: &mut Vec<ketenpoort::translog::entry::Entry>| entries[1].action = "Iets anders".to_owned();
    rebuild(&three, rewrite);
    verifier::alone_sees_nothing_and_with_the_kept_checkpoint_everything(&three, &honest);
    three.serve(&[HIS]);
    act(&three);
    for key in ["b", "m"] {
        within("a partner finds the rewritten log", || !findings(&three, key).is_empty());
    }
    within("his own node is told", || status(&three, HIS)["stopped"].is_string());
    three.stop(HIS);
    // The last entries gone, others in their place; the two with the head of the audit log came after what partners kept.
    copy(&three.path("honest"), &three.path("a/data"));
    rebuild(&three, |entries| entries.truncate(entries.len() - 4));
    verifier::alone_sees_nothing_and_with_the_kept_checkpoint_everything(&three, &honest);
    let before = findings(&three, "b").len();
    three.serve(&[HIS]);
    for _ in 0..4 {
        act(&three);
    }
    within("a partner finds the shortened log", || findings(&three, "b").len() > before);
}

#[test]
fn two_faces_shown_to_different_witnesses_meet() {
    let mut three = estate();
    three.stop(HIS);
    copy(&three.path("a"), &three.path("a2"));
    three.stop("m");
    // One face for b.
    three.serve(&[HIS]);
    act(&three);
    within("b has seen all of it", || {
        let size = status(&three, HIS)["size"].clone();
        status(&three, "b")["witnessed"].as_array().is_some_and(|logs| logs.iter().any(|log| log["size"] == size))
    });
    three.stop(HIS);
    three.stop("b");
    // The other one for m, under the same keys and name.
    three.serve(&["m", "a2"]);
    forger::act_on(&three, "a2", 3);
    // It has just started, has heard nobody but him, and cosigns nothing of his.
    within("m first asks its own witnesses", || status(&three, "a2")["quorums"].to_string().contains("net gestart"));
    assert!(findings(&three, "b").is_empty() && findings(&three, "m").is_empty(), "they have not met");
    // b and m witness each other's logs too, and tell what they know.
    three.serve(&["b"]);
    forger::act_on(&three, "a2", 3);
    within("the faces meet", || !findings(&three, "m").is_empty() && !findings(&three, "b").is_empty());
    within("the face itself is told", || status(&three, "a2")["stopped"].is_string());
}

#[test]
fn deleting_his_records_of_witnesses_gains_him_nothing_and_what_nobody_cosigned_is_his_to_rewrite() {
    let mut three = estate();
    three.stop(HIS);
    std::fs::remove_dir_all(three.path("a/data/witness")).expect("removed");
    three.serve(&[HIS]);
    act(&three);
    cosigned(&three);
    // With his witnesses away he writes two entries, and then takes the last one back.
    three.stop("b");
    three.stop("m");
    act(&three);
    act(&three);
    three.stop(HIS);
    rebuild(&three, |entries| {
        entries.pop();
    });
    three.serve(&["a", "b", "m"]);
    act(&three);
    cosigned(&three);
    // Not found: a local entry without counterparty, younger than the last cosignature. This is the limit of witnessing.
    assert!(findings(&three, "b").is_empty() && findings(&three, "m").is_empty());
    three.stop(HIS);
    verifier::an_edited_cosigned_is_found(&three);
}
