//! Every code of the registry is provoked against a whole node by a test of this folder, of `administrator` or of `disk.rs`,
//! or stands below with the reason why no partner or operator can.

use std::fs;
use std::path::Path;

/// Codes that answer a fault of the program or of a definition: no input reaches them, and unit tests make them by hand.
const OUT_OF_REACH: &[(&str, &str)] = &[
    ("CaseRules", "takes a program with other rules; `decisions::convenant` makes them by hand"),
    ("LadderExhausted", "takes records of which even the coarsest table has no safe pattern; none are known"),
    ("DefinitionFault", "takes figures that break a relation of their own definition, which no records can"),
    ("WitnessesGone", "takes 24 hours without a quorum (service::tests::witnesses, with a clock)"),
    ("Internal", "a panic, or a stored answer that passed its seal and cannot be read"),
];

/// Names of the codes, as the registry lists them.
fn registry(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("src/domain/reason.rs")).expect("the registry");
    let named = |line: &str| line.split_once(" = \"KP-").map(|(name, _)| name.trim().to_owned());
    text.lines().filter_map(named).collect()
}

#[test]
fn every_code_is_provoked_or_stands_in_the_list_of_those_that_cannot_be() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = registry(root);
    assert_eq!(names.len(), ketenpoort::domain::reason::ReasonCode::ALL.len(), "{names:?}");
    let folder = root.join("tests/it/hostile");
    let tests: String = fs::read_dir(&folder)
        .expect("tests")
        .map(|entry| entry.expect("entry").path())
        .chain(
            ["disk.rs", "administrator/mod.rs", "decisions.rs", "cases/exchange.rs"]
                .map(|name| root.join("tests/it").join(name)),
        )
        .map(|path| fs::read_to_string(path).expect("a test"))
        .collect();
    let words: std::collections::BTreeSet<&str> = tests
        .split("ReasonCode::")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next())
        .collect();
    for name in &names {
        let provoked = words.contains(name.as_str());
        let listed = OUT_OF_REACH.iter().any(|(code, _)| code == name);
        assert!(provoked || listed, "no test on a whole node provokes {name}");
        assert!(!(provoked && listed), "{name} is provoked: take it off the list");
    }
    for (name, _) in OUT_OF_REACH {
        assert!(names.iter().any(|known| known == name), "{name} is no code");
    }
}
