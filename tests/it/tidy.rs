//! Holds the shape of the tree: the one-way order of the rooms, the owner of each foreign crate, sizes, the glossary.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room with the rooms that it may name; a room may always name itself.
const ROOMS: &[(&str, &[&str])] = &[
    ("crypto", &[]),
    ("domain", &["crypto"]),
    ("policy", &["crypto", "domain"]),
    ("translog", &["crypto", "domain", "policy"]),
    ("linkage", &["crypto", "domain", "policy"]),
    ("indicator", &["crypto", "domain", "policy"]),
    ("disclosure", &["crypto", "domain", "policy", "indicator"]),
    ("intake", &["crypto", "domain", "policy", "translog", "indicator", "disclosure"]),
    ("storage", &["crypto", "domain", "policy", "translog", "indicator", "disclosure"]),
    ("service", &["crypto", "domain", "policy", "translog", "linkage", "indicator", "disclosure", "intake", "storage"]),
    ("transport", &["crypto", "domain", "policy", "translog", "linkage", "disclosure", "service"]),
    (
        "monitor",
        &["crypto", "domain", "policy", "translog", "linkage", "indicator", "disclosure", "service", "transport"],
    ),
    (
        "console",
        &[
            "crypto",
            "domain",
            "policy",
            "translog",
            "linkage",
            "indicator",
            "disclosure",
            "intake",
            "storage",
            "service",
            "transport",
            "monitor",
        ],
    ),
    ("synthetic", &["crypto", "domain"]),
];

/// The only rooms that may name these foreign crates.
const OWNERS: &[(&str, &[&str])] = &[
    ("ring", &["crypto"]),
    ("hpke", &["crypto"]),
    ("curve25519_dalek", &["crypto"]),
    ("sha3", &["crypto"]),
    ("argon2", &["crypto"]),
    ("sled", &["storage"]),
    ("good_lp", &["disclosure"]),
    ("flate2", &["monitor"]),
    ("tonic", &["transport"]),
    ("prost", &["transport"]),
    ("tonic_prost", &["transport"]),
    ("rustls", &["transport"]),
    ("tokio_rustls", &["transport"]),
    ("webpki", &["transport"]),
    ("rcgen", &["transport"]),
    ("x509_parser", &["transport"]),
    ("http_body_util", &["transport"]),
    ("hyper", &["transport"]),
    ("hyper_util", &["transport"]),
    ("tower", &["transport"]),
    ("axum", &["console"]),
    ("askama", &["console"]),
    ("form_urlencoded", &["console"]),
    ("clap", &["cli", "main"]),
    ("indicatif", &["cli"]),
    ("console", &["cli"]),
    ("tokio", &["transport", "monitor", "console", "node", "cli"]),
    ("tokio_stream", &["transport", "monitor", "node"]),
];

const MAX_FILE_LINES: usize = 450;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("readable source directory") {
        let path = entry.expect("directory entry").path();
        if path.is_dir() {
            if path.file_name().is_some_and(|n| n != "gen") {
                rust_files(&path, out);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The code of a file without comments, string contents and `#[cfg(test)] mod tests`.
fn bare_code(text: &str) -> String {
    let text = text.find("#[cfg(test)]\nmod ").map_or(text, |at| &text[..at]);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => {
                while chars.peek().is_some_and(|&c| c != '\n') {
                    chars.next();
                }
            }
            '"' => {
                out.push_str("\"\"");
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => drop(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            _ => out.push(c),
        }
    }
    out
}

fn room_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).expect("file under src");
    let first = relative.components().next().expect("a component").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Words that follow `prefix`, with grouped imports (`prefix{a, b}`) taken apart.
fn named_after<'a>(code: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut start = 0;
            for (i, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => {
                        found.insert(word(group[start..i].trim()));
                        break;
                    }
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.insert(word(group[start..i].trim()));
                        start = i + 1;
                    }
                    _ => {}
                }
            }
        } else {
            found.insert(word(rest));
        }
    }
    found.remove("");
    found
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

#[test]
fn rooms_name_only_rooms_before_them() {
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut faults = Vec::new();
    for path in &files {
        let room = room_of(path);
        let code = bare_code(&fs::read_to_string(path).expect("readable source"));
        for name in named_after(&code, "crate::") {
            if name == room || !ROOMS.iter().any(|(r, _)| *r == name) {
                continue;
            }
            graph.entry(room.clone()).or_default().insert(name.to_owned());
            if let Some(may) = allowed.get(room.as_str())
                && !may.contains(&name)
            {
                faults.push(format!("{}: room `{room}` may not name `{name}`", path.display()));
            }
        }
        if code.contains("super::super::super") {
            faults.push(format!("{}: climbs out of its room with super::super::super", path.display()));
        }
        for (krate, owners) in OWNERS {
            let used = code.contains(&format!("use {krate}::"))
                || named_after(&code, &format!("{krate}::")).iter().any(|w| !w.is_empty());
            if used && !owners.contains(&room.as_str()) {
                faults.push(format!("{}: only {owners:?} may name the crate `{krate}`", path.display()));
            }
        }
    }
    for (room, names) in &graph {
        println!("{room} -> {}", names.iter().cloned().collect::<Vec<_>>().join(", "));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_room_check_sees_grouped_and_inline_paths_and_not_comments() {
    let code = bare_code(
        "use crate::{storage::x, domain::{a, b}};\n// crate::node\nlet x = crate::policy::decide(\"crate::cli\");",
    );
    assert_eq!(named_after(&code, "crate::"), BTreeSet::from(["storage", "domain", "policy"]));
}

#[test]
fn raw_tables_are_named_only_where_they_are_made_and_protected() {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    for path in files {
        let room = room_of(&path);
        let code = bare_code(&fs::read_to_string(&path).expect("readable source"));
        if code.contains("RawTable") {
            assert!(
                ["indicator", "disclosure", "service"].contains(&room.as_str()),
                "{}: exact figures are named outside indicator, disclosure and service",
                path.display()
            );
        }
    }
}

#[test]
fn every_entry_of_the_transfer_log_goes_through_the_one_door() {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    for path in files {
        let code = bare_code(&fs::read_to_string(&path).expect("readable source"));
        let door = path.ends_with("service/append.rs") || room_of(&path) == "storage";
        let tests = path.components().any(|part| part.as_os_str() == "tests");
        assert!(
            door || tests || !code.contains("log.append("),
            "{}: an entry gets its trace, span and activity in service/append.rs (`self.append`)",
            path.display()
        );
    }
}

#[test]
fn files_open_with_what_they_hold_and_stay_small() {
    let mut files = Vec::new();
    for dir in ["src", "tests/it", "benches", "examples"] {
        if root().join(dir).is_dir() {
            rust_files(&root().join(dir), &mut files);
        }
    }
    let mut faults = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).expect("readable source");
        if !text.starts_with("//!") {
            faults.push(format!("{}: no //! line that says what the file holds", path.display()));
        }
        let code_lines = text.find("#[cfg(test)]\nmod ").map_or(text.as_str(), |at| &text[..at]).lines().count();
        let is_test = path.components().any(|c| matches!(c.as_os_str().to_str(), Some("tests" | "tests.rs")));
        if code_lines > MAX_FILE_LINES && !is_test {
            faults.push(format!("{}: {code_lines} lines without tests, more than {MAX_FILE_LINES}", path.display()));
        }
        for banned in ["utils", "common", "helpers", "manager", "misc"] {
            if path.file_stem().is_some_and(|s| s == banned) {
                faults.push(format!("{}: the name says nothing", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_dutch_word_of_the_glossary_is_used() {
    let glossary = fs::read_to_string(root().join("docs/woordenlijst.md")).expect("docs/woordenlijst.md");
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let all: String = files.iter().map(|p| fs::read_to_string(p).expect("readable source")).collect();
    let mut rows = 0;
    for line in glossary.lines().filter(|l| l.starts_with("| `")) {
        let word = line.split('`').nth(1).expect("a word in backticks");
        rows += 1;
        assert!(all.contains(word), "woordenlijst.md: `{word}` does not occur in src");
    }
    assert!(rows > 10, "the glossary has rows in the form | `word` | .. |");
}

#[test]
fn one_crypto_backend_and_no_unknown_source() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    for banned in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"] {
        assert!(!lock.contains(&format!("name = \"{banned}\"")), "{banned} is in Cargo.lock (see deny.toml)");
    }
    assert!(!lock.contains("git+"), "every dependency comes from the registry");
    assert!(lock.contains("name = \"sled\"\nversion = \"0.34.7\""), "sled is pinned: later versions lost data");
}
