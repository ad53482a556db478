//! The lines of the log standards against JSON schemas, by a foreign checker.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::otlp::python;
use crate::three::Three;

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/standards").join(name)
}

/// Whether the lines of a file fit the schema of a standard, and what is wrong.
fn fits(python: &Path, form: &str, file: &Path) -> (bool, String) {
    let run = Command::new(python).arg(place("check.py")).arg(form).arg(file).output().expect("runs");
    assert!(run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
    (run.status.success(), String::from_utf8_lossy(&run.stdout).into_owned())
}

#[test]
fn golden_lines_and_those_of_a_real_node_fit_the_schemas() {
    let Some(python) = python() else { return };
    let three = Three::new();
    three.certify();
    three.agree();
    three.deliver();
    three.node(&["indicator", "--id", "IND-01", "--period", "2022"], "a");
    let out = three.path("out");
    three.node(&["monitor", "pull", "--period", "2022", "--indicator", "IND-01", "--out", &out], "m");
    for (form, key) in [("ldv", "a"), ("ldv", "m"), ("fsc", "m"), ("gemma", "a"), ("nen7513", "a"), ("nen7513", "m")] {
        let file = PathBuf::from(three.path(&format!("{key}-{form}.jsonl")));
        three.node(&["log", "standard", "--form", form, "--out", file.to_str().expect("UTF-8")], key);
        for file in [&file, &place(&format!("{form}.jsonl"))] {
            let (good, told) = fits(&python, form, file);
            assert!(good, "{form}: {told}");
        }
        let text = std::fs::read_to_string(&file).expect("lines");
        let broken = file.with_extension("broken");
        std::fs::write(&broken, text.replacen('{', "{\"onbekend\":1,", 1)).expect("written");
        assert!(!fits(&python, form, &broken).0, "the check of {form} cannot fail");
    }
}
