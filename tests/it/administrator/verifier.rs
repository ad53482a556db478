//! The offline verifier against him: with the export alone, and with what a partner kept.

use crate::demo::{done, ketenpoort};
use crate::three::Three;

/// Runs `log verify` on this export; exit code and text.
fn verify(three: &Three, export: &str, more: &[&str]) -> (Option<i32>, String) {
    let export = three.path(export);
    let output = ketenpoort(&[&["log", "verify", "--export", &export], more].concat());
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn export(three: &Three, name: &str) {
    let _ = std::fs::remove_dir_all(three.path(name));
    done(&["log", "export", "--node", &three.path("a"), "--out", &three.path(name)]);
}

/// His rebuilt log is consistent in itself; a checkpoint that a partner cosigned and kept is not part of it.
pub fn alone_sees_nothing_and_with_the_kept_checkpoint_everything(three: &Three, honest: &str) {
    export(three, "forged");
    let (card, kept) = (three.path("a/card.json"), three.path("bewaard"));
    std::fs::write(&kept, honest).expect("written");
    let (code, text) = verify(three, "forged", &["--trust", &card]);
    assert_eq!(code, Some(0), "he has the key: {text}");
    assert!(text.contains("zonder medeondertekening van getuigen"), "{text}");
    let (code, text) = verify(three, "forged", &["--trust", &three.path("proef.json")]);
    assert_eq!(code, Some(1), "the convenant demands its witnesses: {text}");
    for trust in [vec![], vec!["--trust", card.as_str()]] {
        let (code, text) = verify(three, "forged", &[trust.as_slice(), &["--checkpoint", &kept]].concat());
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("bewaarde checkpoint"), "{text}");
    }
}

/// With the convenant as anchor the cosignatures are counted under the witnesses' own keys.
pub fn an_edited_cosigned_is_found(three: &Three) {
    export(three, "goed");
    let convenant = three.path("proef.json");
    let (code, text) = verify(three, "goed", &["--trust", &convenant]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("regels zijn medeondertekend door 00000099000000000002, 00000099000000000003"), "{text}");
    let cosigned = std::fs::read_to_string(three.path("goed/cosigned")).expect("cosigned");
    let lines: Vec<&str> = cosigned.lines().collect();
    assert_eq!(lines.len(), 7, "three lines, an empty one, the log and two witnesses");
    let note = |lines: &[&str]| lines.join("\n") + "\n";
    let edits = [
        ("one witness gone", note(&lines[..6])),
        ("one witness twice", note(&[&lines[..6], &lines[5..6]].concat())),
        ("a larger size", cosigned.replacen(lines[1], &format!("{}0", lines[1]), 1)),
        ("no longer signed by the log", note(&[&lines[..4], &lines[5..]].concat())),
    ];
    for (what, edited) in edits {
        // He signs the manifest anew: the node's own program does so for an export of whatever stands in its file.
        std::fs::write(three.path("a/data/witness/cosigned"), &edited).expect("written");
        export(three, "bewerkt");
        let (code, text) = verify(three, "bewerkt", &["--trust", &convenant]);
        assert_eq!(code, Some(1), "{what}: {text}");
    }
}
