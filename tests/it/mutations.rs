//! The patches of `tests/mutations/` still apply and are in `docs/mutations.md`; `tests/mutations.sh` runs them.

use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn every_patch_applies_and_is_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/mutations.md")).expect("the table");
    let git = Command::new("git").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    let (mut promises, mut faults) = (std::collections::BTreeSet::new(), Vec::new());
    for entry in std::fs::read_dir(root.join("tests/mutations")).expect("patches") {
        let path = entry.expect("entry").path();
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
        let text = std::fs::read_to_string(&path).expect("a patch");
        let line = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)).expect("promise, breaks and test").trim();
        promises.insert(line("promise:").to_owned());
        let test = line("test:").split(' ').next_back().expect("a test").replace("--doc", "documentation tests");
        let row = table.lines().find(|l| l.contains(&format!("`{name}`")));
        if !row.is_some_and(|row| row.contains(line("breaks:")) && row.contains(&test)) {
            faults.push(format!("{name} is not in docs/mutations.md as its own head says"));
        }
        let check = Command::new("git").args(["apply", "--check"]).arg(&path).current_dir(root).output();
        if git && !check.is_ok_and(|c| c.status.success()) {
            faults.push(format!("{name} does not apply any more"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(promises.into_iter().collect::<Vec<_>>(), ["1", "2", "3", "4", "5", "7"]);
}
