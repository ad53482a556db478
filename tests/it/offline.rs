//! Reading an export alone: what the node says of its log, an export of it says too, without node, keys or network; and one that
//! is not intact says nothing.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::demo::{done, ketenpoort};
use crate::three::Three;

/// A node with some entries, one look marked as confidential, and its export.
fn exported() -> Three {
    let three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    for period in ["2022", "2023"] {
        three.node(&["indicator", "--id", "IND-01", "--period", period], "a");
    }
    let look = three.log("a").into_iter().find(|entry| entry["service"] == "eigen-cijfers").expect("a look");
    let id = look["transfer_id"].as_str().expect("an id");
    let id = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
    three.node(&["log", "confidentiality", "--transfer", &id, "--set", "vertrouwelijk", "--reason", "onderzoek"], "a");
    three.node(&["log", "export", "--out", &three.path("export")], "a");
    three
}

/// What `log ..` says of the node, and of its export.
fn both(three: &Three, words: &[&str]) -> (String, String) {
    let (export, card) = (three.path("export"), three.path("a/card.json"));
    let log = [&["log"], words].concat();
    let from = |more: &[&str]| done(&[&log, more].concat());
    (from(&["--node", &three.path("a")]), from(&["--export", &export, "--trust", &card]))
}

/// Runs `log ..` on the export; exit code, output and messages.
fn alone(three: &Three, words: &[&str]) -> (Option<i32>, String, String) {
    let output = ketenpoort(&[&["log"], words, &["--export", &three.path("export")]].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn an_export_says_what_the_node_says_and_marks_set_later_are_respected() {
    let three = exported();
    for words in [
        &["list", "--json"][..],
        &["list", "--csv", "--limit", "3"],
        &["list", "--phase", "INTENT", "--limit", "2", "--before", "5"],
        &["list", "--purpose", "P9"],
        &["show", "2"],
        &["show", "2", "--json"],
        &["register", "--json"],
        &["standard", "--form", "ldv"],
    ] {
        let (node, export) = both(&three, words);
        // A name comes from a card in the export, and is marked as such.
        assert_eq!(node, export.replace(" (volgens de export)", ""), "{words:?}");
        assert!(!node.is_empty(), "{words:?}");
    }
    let (code, _, said) = alone(&three, &["list", "--limit", "2"]);
    assert!(code == Some(0) && said.contains("--before") && said.contains("Ongeschonden"), "{said}");
    for caveat in ["ondertekenaar niet nagegaan", "zonder medeondertekening", "ontvangstbewijzen"] {
        assert!(said.contains(caveat), "{caveat}: {said}");
    }
    let (code, _, said) = alone(&three, &["show", "9999"]);
    assert!(code == Some(1) && said.contains("bestaat niet"), "{said}");
    // A mark that was set later is what GEMMA and NEN 7513 say, of the node and of the export.
    let (node, export) = both(&three, &["standard", "--form", "gemma"]);
    for text in [node, export] {
        let looks = lines(&text).into_iter().filter(|action| action["handelingNaam"] == "eigen-cijfers");
        let marks: Vec<Value> = looks.map(|action| action["vertrouwelijkheid"].clone()).collect();
        assert_eq!(marks.iter().filter(|mark| **mark == "vertrouwelijk").count(), 1, "{marks:?}");
        assert_eq!(marks.iter().filter(|mark| **mark == "normaal").count(), 1, "{marks:?}");
    }
    let (node, export) = both(&three, &["standard", "--form", "nen7513"]);
    for text in [node, export] {
        let sensitive = lines(&text).into_iter().filter(|event| {
            let of = &event["attributes"]["dpl.nen7513.participants"][0]["participantObjectSensitivity"];
            of == "vertrouwelijk" && event["attributes"]["dpl.nen7513.eventTypeCode"] == "gebruik-eigen-organisatie"
        });
        assert!(sensitive.count() >= 1);
    }
}

/// The table of the privacy officer's manual: what it says that an export answers is answered, and the rest is refused.
#[test]
fn an_export_answers_what_the_manual_says() {
    let three = exported();
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/privacyfunctionaris.md");
    let manual = fs::read_to_string(manual).expect("the manual");
    let (_, table) = manual.split_once("| opdracht | alleen met de export? |").expect("the table");
    let (export, card, pack) = (three.path("export"), three.path("a/card.json"), three.path("pakket"));
    let payload = three.path("inhoud.json");
    fs::write(&payload, "{}").expect("written");
    let look = "00000000-0000-7000-8000-000000000000";
    let mut counts = [0, 0];
    for row in table.lines().skip(2).take_while(|row| row.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let command: Vec<&str> = cells[1].trim_matches('`').split(' ').collect();
        let more: &[&str] = match command[1] {
            "show" => &["0"],
            "standard" => &["--form", "ldv"],
            "breach" => &["--since", "2020-01-01", "--until", "2040-01-01", "--out", &pack],
            "prove" => &["--transfer", look, "--payload", &payload, "--salt", "00000000000000000000000000000000"],
            "reconcile" => &["--export", &export],
            _ => &[],
        };
        let run = ketenpoort(&[&command, more, &["--export", &export, "--trust", &card]].concat());
        let said = format!("{row}: {run:?}");
        // Nobody logged that transfer, and reconciling needs two sides: those are answers too.
        let answers = match command[1] {
            "prove" => Some(1),
            "reconcile" => Some(3),
            _ => Some(0),
        };
        match cells[2] {
            "ja" => assert!(run.status.code() == answers, "{said}"),
            "nee" => assert!(run.status.code() == Some(2) && run.stdout.is_empty(), "{said}"),
            _ => panic!("{said}"),
        }
        counts[usize::from(cells[2] == "nee")] += 1;
    }
    assert_eq!(counts, [9, 12], "rows of each kind");
}

#[test]
fn an_export_that_is_not_intact_or_of_somebody_else_is_not_shown() {
    let three = exported();
    for words in [&["list", "--subject"][..], &["list", "--case", "Z-1"], &["list", "--reference", "R-1"]] {
        let (code, out, said) = alone(&three, words);
        assert!(code == Some(2) && out.is_empty() && said.contains("--node"), "{words:?}: {said}");
    }
    let other = three.path("b/card.json");
    let commands: [&[&str]; 4] = [&["list"], &["show", "0"], &["standard", "--form", "gemma"], &["register"]];
    let refused = |more: &[&str]| {
        for words in commands {
            let (code, out, said) = alone(&three, &[words, more].concat());
            assert_eq!((code, out.as_str()), (Some(1), ""), "{words:?}: {said}");
            assert!(said.contains("NIET ongeschonden"), "{words:?}: {said}");
        }
    };
    refused(&["--trust", &other]);
    let bundles = Path::new(&three.path("export")).join("tile/entries");
    let bundle = fs::read_dir(&bundles).expect("bundles").next().expect("one").expect("an entry").path();
    let bundle = if bundle.is_dir() {
        fs::read_dir(bundle).expect("a map").next().expect("one").expect("an entry").path()
    } else {
        bundle
    };
    let mut bytes = fs::read(&bundle).expect("a bundle");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&bundle, bytes).expect("written");
    refused(&[]);
}
