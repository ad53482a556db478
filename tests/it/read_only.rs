//! A disk that is or becomes read-only: the node stops, nothing leaves unlogged, and a copy of the directory on another
//! disk holds everything that was acknowledged.

use std::process::{Command, Output};

use ketenpoort::domain::reason::ReasonCode;
use tonic::Code;

use crate::demo::ketenpoort;
use crate::hostile::{AGGREGATE, Got, NODE, Siege};
use crate::three::Three;

fn mount(words: &[&str]) -> bool {
    Command::new("mount").args(words).status().is_ok_and(|status| status.success())
}

fn agreed() -> Three {
    let three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    three
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn on_a_read_only_disk_nothing_starts_and_a_copy_is_whole() {
    let three = agreed();
    let (node, copy, card) = (three.path(NODE), three.path("kopie"), three.path("a/card.json"));
    let entries = three.log(NODE).len();
    if !mount(&["--bind", &node, &node]) {
        eprintln!("read-only disk: mounting is not allowed here; nothing was tested");
        return;
    }
    assert!(mount(&["-o", "remount,bind,ro", &node]));
    let refused: Vec<Output> = [&["serve"][..], &["log", "list"], &["release"]]
        .map(|command| ketenpoort(&[command, &["--node", &node]].concat()))
        .into();
    let copied = Command::new("cp").args(["-a", &node, &copy]).status().expect("cp").success();
    let listed = ketenpoort(&["log", "list", "--node", &copy, "--json"]);
    let verified = ketenpoort(&["log", "verify", "--node", &copy, "--trust", &card]);
    let _ = Command::new("umount").arg("-l").arg(&node).status();
    for output in &refused {
        assert_eq!(output.status.code(), Some(3));
        assert!(said(output).contains("alleen-lezen"), "{}", said(output));
        assert!(said(output).contains("kopieer de map"), "what to do: {}", said(output));
    }
    assert!(copied && verified.status.success(), "{}", said(&verified));
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert!(listed.len() >= entries, "everything is in the copy");
}

#[test]
fn when_the_disk_becomes_read_only_the_node_stops_and_says_why() {
    if !Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success()) {
        eprintln!("read-only disk: strace is not here; nothing was tested");
        return;
    }
    let mut three = agreed();
    // Counted for each thread; the one that writes the transfer log is the first to come so far.
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", "inject=pwrite64:error=EROFS:when=20+"]);
    traced.args([env!("CARGO_BIN_EXE_ketenpoort"), "serve", "--node", &three.path(NODE)]);
    three.start(NODE, traced);
    let mut siege = Siege::of(three);
    let mut answers = 0;
    loop {
        match siege.monitor.ask(AGGREGATE, siege.good_question()) {
            Got::Answer(_) => answers += 1,
            Got::Refused(Code::Unavailable, ReasonCode::LogUnavailable) | Got::Closed => break,
            other => panic!("{other:?}"),
        }
        assert!(answers < 2000, "no write fails");
    }
    assert_eq!(siege.three.ended(NODE), Some(3));
    let stderr = siege.three.stderr(NODE);
    assert!(stderr.contains("alleen-lezen"), "the administrator reads why: {stderr}");
    siege.three.serve(&[NODE]);
    siege.answered();
    let intents =
        siege.three.log(NODE).iter().filter(|e| e["phase"] == "INTENT" && e["direction"] == "OUTGOING").count();
    assert!(intents > answers, "every answer is logged");
}
