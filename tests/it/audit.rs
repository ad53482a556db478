//! The audit log of employee actions: every command is in it before it does anything, one trace joins it to the transfer logs
//! of every organisation and to the logboek dataverwerkingen, and no change to it goes unseen.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::demo::{done, ketenpoort};
use crate::otlp::Foreign;
use crate::three::{Three, within};

/// The records of node `key`: those before a command, and those after one.
fn records(three: &Three, key: &str) -> (Vec<Value>, Vec<Value>) {
    let all: Vec<Value> = serde_json::from_str(&three.node(&["log", "audit", "--json"], key)).expect("JSON");
    all.into_iter().map(|found| found["record"].clone()).partition(|record| record["soort"] == "begin")
}

/// The last record of this command.
fn record(three: &Three, key: &str, command: &str) -> Value {
    let (begins, _) = records(three, key);
    let found = begins.iter().rev().find(|record| record["command"] == command);
    found.unwrap_or_else(|| panic!("{command} is not in {begins:#?}")).clone()
}

/// The lines of a standard, from node `key`.
fn standard(three: &Three, key: &str, form: &str) -> Vec<Value> {
    let text = three.node(&["log", "standard", "--form", form], key);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The name of the account that runs this test.
fn account() -> String {
    let name = std::process::Command::new("id").arg("-un").output().expect("id");
    String::from_utf8(name.stdout).expect("UTF-8").trim().to_owned()
}

#[test]
fn every_command_is_recorded_with_who_and_without_what_nobody_may_read() {
    let mut three = Three::new();
    three.certify();
    three.agree();
    // A file that is named after a child.
    let named = Path::new(&three.path("999990019.csv")).to_owned();
    fs::copy(crate::three::event_file("gi-"), &named).expect("copied");
    let named = named.to_str().expect("UTF-8").to_owned();
    three.node(&["intake", &named, "--gegevens", "2021-01-01..2025-12-31"], "a");
    let stopped = record(&three, "a", "intake");
    assert_eq!(stopped["arguments"]["bestand 1"], "***", "a BSN in the name of a file");
    assert_eq!((&stopped["who"]["via"], &stopped["who"]["user"]), (&"slot".into(), &account().into()));
    three.serve(&["a"]);
    three.node(&["indicator", "--id", "IND-01", "--period", "2022"], "a");
    three.node(&["log", "list", "--ground", "123456782", "--limit", "3"], "a");
    let looked = record(&three, "a", "indicator");
    assert_eq!((&looked["who"]["via"], &looked["who"]["user"]), (&"socket".into(), &account().into()));
    assert_eq!(looked["arguments"]["id"], "IND-01");
    assert_eq!(record(&three, "a", "log list")["arguments"]["ground"], "***");
    // What was begun was ended, but for the command that is asking.
    let (begins, ends) = records(&three, "a");
    assert_eq!(begins.len(), ends.len() + 1);
    // The trace joins the look to the log, which names no employee, and the join gives NEN 7513 and GEMMA their user.
    let trace = looked["trace"].as_str().expect("a trace");
    let log: Vec<Value> = three.log("a").into_iter().filter(|entry| entry["trace_id"] == trace).collect();
    assert_eq!(log.len(), 2, "INTENT and OUTCOME of the look");
    let names = |entry: &Value| {
        let texts = entry.as_object().expect("fields").values().filter_map(Value::as_str);
        texts.flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).any(|word| word == account())
    };
    assert!(!three.log("a").iter().any(names), "no field names the account");
    let event = standard(&three, "a", "nen7513").into_iter().find(|event| event["traceId"] == trace).expect("an event");
    assert_eq!(event["attributes"]["dpl.nen7513.users"][0]["userName"], account());
    let actions = standard(&three, "a", "gemma");
    assert!(
        actions.iter().any(|action| action["gebruiker"] == account() && action["handelingNaam"] == "eigen-cijfers")
    );
    for form in ["ldv", "fsc"] {
        assert!(standard(&three, "a", form).iter().all(|line| !line.to_string().contains("userName")));
    }
}

#[test]
fn without_an_intact_audit_log_nothing_is_shown() {
    let three = Three::new();
    three.node(&["log", "list"], "a");
    let (node, audit) = (three.path("a"), three.config("a").data.join("audit"));
    let head = fs::read(audit.join("head")).expect("a head");
    three.node(&["log", "list"], "a");
    let newer = fs::read(audit.join("head")).expect("a head");
    assert_ne!(head, newer, "the head covers what was added");
    // The administrator takes the last records away and keeps the head.
    let segment = audit.join("journal/0000000000000000.seg");
    let whole = fs::read(&segment).expect("a segment");
    fs::write(&segment, &whole[..whole.len() - 40]).expect("cut");
    let refused = ketenpoort(&["log", "list", "--node", &node]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("auditlog"), "{refused:?}");
    assert!(refused.stdout.is_empty());
    fs::write(&segment, &whole).expect("put back");
    fs::remove_file(audit.join("head")).expect("removed");
    assert_eq!(ketenpoort(&["log", "list", "--node", &node]).status.code(), Some(3));
    fs::write(audit.join("head"), &newer).expect("put back");
    three.node(&["log", "audit"], "a");
    // He takes all of it away: another is begun, and the transfer log says so.
    let begun = || three.log("a").iter().filter(|entry| entry["service"] == "auditlog").count();
    assert_eq!(begun(), 0);
    fs::remove_dir_all(&audit).expect("removed");
    assert_eq!(begun(), 2, "INTENT and OUTCOME");
    assert_eq!(begun(), 2, "once");
    done(&["log", "verify", "--node", &node, "--trust", &three.path("a/card.json")]);
}

#[test]
fn an_older_audit_log_that_is_put_back_is_an_alarm() {
    let mut three = Three::new();
    three.certify();
    let (node, audit) = (three.path("a"), three.config("a").data.join("audit"));
    let run = |words: &[&str]| {
        let output = ketenpoort(&[words, &["--node", &node]].concat());
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8")).concat();
        (output.status.code(), text)
    };
    let files = || -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let paths = [audit.join("head"), audit.join("journal/0000000000000000.seg")];
        paths.map(|path| (path.clone(), fs::read(&path).expect("a file"))).into()
    };
    three.node(&["log", "list"], "a");
    let older = files();
    three.serve(&["a"]);
    three.stop("a");
    let newer = files();
    let card = three.path("a/card.json");
    let verify = ["log", "verify", "--trust", &card];
    let (code, text) = run(&verify);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("kloppen"), "{text}");
    older.iter().for_each(|(path, bytes)| fs::write(path, bytes).expect("put back"));
    for words in [&["log", "status"][..], &["log", "audit"], &verify, &["doctor"]] {
        let (code, text) = run(words);
        assert_eq!(code, Some(1), "{words:?}: {text}");
        assert!(text.contains("ALARM: het auditlog"), "{words:?}: {text}");
    }
    three.serve(&["a"]);
    assert!(three.stderr("a").contains("ALARM: het auditlog"));
    three.stop("a");
    assert_eq!(run(&["log", "status"]).0, Some(1), "a restart changes nothing");
    newer.iter().for_each(|(path, bytes)| fs::write(path, bytes).expect("put back"));
    let (code, text) = run(&["log", "status"]);
    assert!(code == Some(0) && !text.contains("auditlog"), "{text}");
    // The empty directory of a new node does not pass either.
    fs::remove_dir_all(&audit).expect("removed");
    let (code, text) = run(&["log", "status"]);
    assert!(code == Some(0) && text.contains("LET OP: op ") && text.contains("leeg auditlog"), "{text}");
}

#[test]
fn a_pull_is_one_trace_in_the_logs_of_all_and_at_the_receiver() {
    let Some(foreign) = Foreign::start(false) else { return };
    let mut three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    let toml = three.path("a/node.toml");
    let ldv = format!("\n[ldv]\nendpoint = \"http://127.0.0.1:{}\"\nprotocol = \"http/protobuf\"\n", foreign.ports.1);
    fs::write(&toml, fs::read_to_string(&toml).expect("a configuration") + &ldv).expect("written");
    three.serve(&["a", "m"]);
    three.node(&["monitor", "pull", "--period", "2022", "--indicator", "IND-01", "--out", &three.path("out")], "m");
    let pull = record(&three, "m", "monitor pull");
    let trace = pull["trace"].as_str().expect("a trace").to_owned();
    let of = |key: &str| -> Vec<Value> {
        three.log(key).into_iter().filter(|e| e["trace_id"] == trace.as_str() && e["receiver"] != e["sender"]).collect()
    };
    let answered = || of("a").iter().any(|entry| entry["phase"] == "OUTCOME");
    within("the answer has its outcome", answered);
    let (asked, answer) = (of("m"), of("a"));
    assert!(answer.iter().all(|entry| entry["span_id"] == answer[0]["span_id"]), "one action, one span: {answer:#?}");
    let question = asked.iter().find(|entry| entry["transfer_id"] == answer[0]["transfer_id"]).expect("the question");
    assert_ne!(question["span_id"], answer[0]["span_id"]);
    within("everything is confirmed", || {
        let status = ketenpoort(&["log", "export-status", "--node", &three.path("a"), "--json"]);
        let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
        status["achterstand_regels"] == 0
    });
    let received = foreign.received();
    let line = received.iter().find(|line| line["span"] == answer[0]["span_id"]).expect("arrived");
    assert_eq!(
        (&line["trace"], &line["parent"]),
        (&trace.as_str().into(), &question["span_id"]),
        "the asker's span is the parent"
    );
    let activity = line["attributes"]["dpl.core.processing_activity_id"].as_str().expect("an activity");
    assert!(activity.ends_with("/verwerkingsactiviteiten/proef/P1/v1"), "{activity}");
    let doctor = ketenpoort(&["doctor", "--node", &three.path("a")]);
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("alles is bevestigd"), "{doctor:?}");
}
