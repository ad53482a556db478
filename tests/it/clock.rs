//! A clock that jumps an hour, back, and ten years under a running node: nothing panics, the order of the log is that of
//! its numbers, what is out of date is refused, and with the clock right again all goes on without a restart.

use std::path::Path;
use std::process::Command;

use ketenpoort::domain::reason::ReasonCode;

use crate::demo::ketenpoort;
use crate::hostile::{AGGREGATE, Got, NODE, Siege};
use crate::three::{Three, within};

/// Where Debian's `libfaketime` is.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// The command that serves node `a`, with a clock that is as far off as `file` says.
fn serving(three: &Three, file: &Path) -> Command {
    let mut command = three.serving(NODE);
    command.env("LD_PRELOAD", LIBRARY).env("FAKETIME_TIMESTAMP_FILE", file);
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    command
}

/// When the last entry of the log was begun, in hours from now.
fn last_entry_hours_from_now(siege: &Siege) -> i64 {
    let log = siege.three.log(NODE);
    let newest = log.iter().find(|entry| entry["phase"] == "INTENT").expect("an INTENT");
    let start: jiff::Timestamp = newest["start"].as_str().expect("a moment").parse().expect("RFC 3339");
    (start.as_second() - jiff::Timestamp::now().as_second() + 1800).div_euclid(3600)
}

#[test]
fn a_clock_that_jumps_stops_only_what_is_out_of_date() {
    if !Path::new(LIBRARY).exists() {
        eprintln!("clock: libfaketime is not installed (apt-get install faketime); nothing was tested");
        return;
    }
    let mut three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    let file = three.home.join("clock");
    let set = |offset: &str| std::fs::write(&file, offset).expect("written");
    set("+0");
    let command = serving(&three, &file);
    three.start(NODE, command);
    let mut siege = Siege::of(three);
    siege.answered();

    for (offset, hours) in [("+1h", 1), ("-1h", -1)] {
        set(offset);
        siege.answered();
        assert_eq!(last_entry_hours_from_now(&siege), hours, "the entry says what the clock said");
    }
    let numbers: Vec<u64> = siege.three.log(NODE).iter().map(|e| e["number"].as_u64().expect("number")).collect();
    assert!(numbers.iter().rev().copied().eq(0..numbers.len() as u64), "one order, whatever the clock said");

    // In ten years the partner's certificate has expired, and so has ours and the list of revoked ones.
    set("+10y");
    let question = siege.good_question();
    within("the partner is refused", || siege.monitor.ask(AGGREGATE, question.clone()) == Got::Closed);
    set("+0");
    within("all goes on with the clock right", || {
        matches!(siege.monitor.ask(AGGREGATE, question.clone()), Got::Answer(_))
    });
    let expired = |three: &Three| three.refusals(NODE).contains_key(&ReasonCode::CertificateExpired);
    within("the refused connection is in the log", || expired(&siege.three));

    // Started ten years off it says what is wrong; started with the clock right it goes on where it was.
    siege.three.stop(NODE);
    let entries = siege.three.log(NODE).len();
    set("+10y");
    let mut command = serving(&siege.three, &file);
    let late = command.output().expect("ends by itself");
    assert_eq!(late.status.code(), Some(3), "{}", String::from_utf8_lossy(&late.stderr));
    assert!(String::from_utf8_lossy(&late.stderr).contains("verlopen"), "{}", String::from_utf8_lossy(&late.stderr));
    set("+0");
    siege.three.serve(&[NODE]);
    siege.answered();
    assert!(siege.three.log(NODE).len() > entries);
    let (node, card) = (siege.three.path(NODE), siege.three.path("a/card.json"));
    let verified = ketenpoort(&["log", "verify", "--node", &node, "--trust", &card]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}
