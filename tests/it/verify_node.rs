//! `log verify --node` exports the log for itself: nobody can foretell where, and nothing of it stays.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::three::Three;

/// Verifies node `a` with `place` for temporary files. Whoever guesses a name by the number of the process has been there.
fn verify(three: &Three, place: &Path, trust: &str) -> Output {
    let plant = r#"mkdir "$TMPDIR/ketenpoort-verify-$$" && touch "$TMPDIR/ketenpoort-verify-$$/planted" && exec "$@""#;
    let mut shell = Command::new("sh");
    shell.env("TMPDIR", place).args(["-c", plant, "sh", env!("CARGO_BIN_EXE_ketenpoort")]);
    shell.args(["log", "verify", "--node", &three.path("a"), "--trust", trust]).output().expect("sh runs")
}

#[test]
fn a_node_is_verified_in_a_place_that_nobody_knows_and_nothing_stays() {
    let three = Three::new();
    let left = |place: &Path| -> Vec<usize> {
        let dirs = fs::read_dir(place).expect("a folder").map(|entry| entry.expect("an entry").path());
        dirs.map(|dir| fs::read_dir(dir).expect("a folder").count()).collect()
    };
    for (trust, code) in [(three.path("a/card.json"), 0), (three.path("b/card.json"), 1), (three.path("none"), 3)] {
        let place = tempfile::tempdir().expect("a folder");
        let verified = verify(&three, place.path(), &trust);
        assert_eq!(verified.status.code(), Some(code), "{}", String::from_utf8_lossy(&verified.stderr));
        assert_eq!(left(place.path()), [1], "only what was planted, after exit code {code}");
    }
}
