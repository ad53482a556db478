//! Two organisations and a monitor, in three directories as on three machines: the README's dozen lines, and what goes wrong.

use std::path::Path;
use std::time::Duration;

use crate::demo::ketenpoort;
use crate::three::{OINS, Three, event_file};

#[test]
fn two_organisations_and_a_monitor_by_hand() {
    let mut three = Three::new();
    three.certify();
    three.agree();
    // Intake on a stopped node and, for the other, on a running one.
    three.node(&["intake", &event_file("gi-"), "--gegevens", "2021-01-01..2025-12-31"], "a");
    three.serve(&["a", "b", "m"]);
    let trial = three.node(&["intake", &event_file("vtt"), "--gegevens", "2021-01-01..2025-12-31", "--proef"], "b");
    assert!(trial.contains("proef: er is niets opgeslagen"), "{trial}");
    three.node(&["intake", &event_file("vtt"), "--gegevens", "2021-01-01..2025-12-31"], "b");
    let again = three.node(&["intake", &event_file("vtt"), "--gegevens", "2021-01-01..2025-12-31"], "b");
    assert!(again.contains("ongewijzigd"), "{again}");

    let out = three.path("rapport");
    three.node(
        &["monitor", "pull", "--period", "2022", "--indicator", "IND-01", "--by", "leeftijd", "--out", &out],
        "m",
    );
    let first = std::fs::read(Path::new(&out).join("report.json")).expect("report");
    three.node(
        &["monitor", "pull", "--period", "2022", "--indicator", "IND-01", "--by", "leeftijd", "--out", &out],
        "m",
    );
    assert_eq!(
        first,
        std::fs::read(Path::new(&out).join("report.json")).expect("report"),
        "the same question, the same figures"
    );

    // A question that the convenant does not grant never leaves, and a node that is gone is missing coverage.
    let refused = ketenpoort(&["monitor", "pull", "--node", &three.path("m"), "--period", "2022-H1", "--out", &out]);
    assert_eq!(refused.status.code(), Some(1), "{}", String::from_utf8_lossy(&refused.stderr));
    let peer = ketenpoort(&["doctor", "--node", &three.path("m"), "--peer", OINS[0]]);
    assert!(
        String::from_utf8_lossy(&peer.stdout).contains("antwoordt, versie"),
        "{}",
        String::from_utf8_lossy(&peer.stdout)
    );

    // Withdrawal stops the flow at once.
    let bundle = three.path("proef.json");
    three.node(&["convenant", "withdraw", &bundle, "--out", &three.path("ingetrokken.json")], "b");
    three.node(&["monitor", "pull", "--period", "2022", "--indicator", "IND-01", "--out", &out], "m");
    let report = std::fs::read_to_string(Path::new(&out).join("report.json")).expect("report");
    assert!(report.contains(OINS[1]), "the node that withdrew is missing from the coverage");
    let refused = |log: &String| log.contains("CONNECTION") || log.contains("DENY");
    let log = || three.node(&["log", "list", "--limit", "200"], "b");
    let logged = (0..40).map(|_| log()).any(|log| {
        std::thread::sleep(Duration::from_millis(250));
        refused(&log)
    });
    assert!(logged, "the refusal is in its log: {}", log());
}

#[test]
fn a_directory_in_use_and_a_wrong_command_say_so() {
    let three = Three::new();
    let node = three.path("a");
    let output = ketenpoort(&["doctor", "--node", &node]);
    assert_eq!(output.status.code(), Some(1), "a node without a certificate is a fault");
    let output = ketenpoort(&[
        "init",
        "--console",
        "geen",
        "--node",
        &node,
        "--oin",
        OINS[0],
        "--name",
        "x",
        "--type",
        "GI",
        "--levert",
        "GI",
        "--endpoint",
        "h:1",
    ]);
    assert_eq!(output.status.code(), Some(3), "an existing node is never overwritten");
    let output = ketenpoort(&["indicator", "--node", &node, "--id", "IND-99", "--period", "2024"]);
    assert_eq!(output.status.code(), Some(2), "wrong usage");
    let output = ketenpoort(&["indicator", "--node", &node, "--id", "IND-01", "--period", "2024"]);
    assert_eq!(output.status.code(), Some(1), "nothing delivered yet");
    assert!(String::from_utf8_lossy(&output.stderr).contains("intake"), "the remedy is named");
}

#[test]
fn an_intake_that_breaks_off_keeps_the_files_before_it() {
    let mut three = Three::new();
    three.certify();
    three.serve(&["a"]);
    let (node, folder) = (three.path("a"), three.path("pki"));
    let broken = ketenpoort(&["intake", &event_file("gi-"), &folder, "--node", &node]);
    assert_eq!(broken.status.code(), Some(3), "a folder is no file: {broken:?}");
    // The running node knows at once what it stored, and knows it again after a start.
    let own = |three: &Three| three.node(&["indicator", "--id", "IND-01", "--period", "2022", "--json"], "a");
    let running = own(&three);
    three.stop("a");
    assert_eq!(running, own(&three));
}

#[test]
fn the_list_of_municipalities_is_bare_or_in_the_document_of_a_region() {
    let home = tempfile::tempdir().expect("folder");
    let region = crate::three::region().join("organisations.json");
    let document = std::fs::read_to_string(&region).expect("organisations.json");
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    let bare = home.path().join("lijst.json");
    std::fs::write(&bare, document["gemeenten"].to_string()).expect("written");
    let init = |name: &str, list: &Path| {
        let node = home.path().join(name);
        let (dir, list) = (node.to_str().expect("UTF-8"), list.to_str().expect("UTF-8"));
        let mut words =
            vec!["init", "--console", "geen", "--node", dir, "--oin", OINS[0], "--name", "GI Een", "--type", "GI"];
        words.extend(["--levert", "GI", "--endpoint", "127.0.0.1:9", "--gemeenten", list]);
        (ketenpoort(&words), node)
    };
    for (name, list) in [("a", &region), ("b", &bare)] {
        let (made, node) = init(name, list);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let kept = std::fs::read_to_string(node.join("gemeenten.json")).expect("kept");
        let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
        assert_eq!(kept, document["gemeenten"], "the list and nothing else of the document");
    }
    let wrong = home.path().join("fout.json");
    for (text, said) in [
        ("{\"code\"", "geen geldige JSON (regel 1"),
        ("{\"organisations\": []}", "sleutel `gemeenten`"),
        ("[{\"code\": \"0153\"}, {\"code\": 153}]", "gemeente 2: verwacht `code`"),
        ("{\"gemeenten\": [{\"code\": \"153\"}]}", "gemeente 1: code `153` heeft geen 4 cijfers"),
    ] {
        std::fs::write(&wrong, text).expect("written");
        let (refused, node) = init("c", &wrong);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && !node.exists(), "{text}: nothing is made");
        assert!(told.contains(said) && told.contains(wrong.to_str().expect("UTF-8")), "{told}");
    }
}
