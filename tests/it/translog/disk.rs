//! The files of a log on disk, read by a program that was written from their format page alone (`tests/read_log.py`): it agrees
//! with the product on whole, torn and damaged ones. A log of this version is kept and must open for ever.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use ketenpoort::storage::journal::Options;
use ketenpoort::storage::log::{LogError, LogOptions, TransferLog};
use tempfile::tempdir;

use super::golden::data;
use super::*;

const FIRST: &str = "journal/0000000000000000.seg";

fn log_of(dir: &Path) -> Result<TransferLog, LogError> {
    let journal = Options { segment_bytes: 4_000, ..Options::default() };
    let options = LogOptions { journal, ..LogOptions::default() };
    match TransferLog::create_with(dir, oin(), Arc::new(key(1)), options.clone()) {
        Err(LogError::Exists(_)) => TransferLog::open_with(dir, oin(), Arc::new(key(1)), options),
        made => made,
    }
}

fn write(dir: &Path, numbers: impl IntoIterator<Item = u64>) {
    let log = log_of(dir).expect("a log");
    numbers.into_iter().for_each(|n| drop(log.append(&entry(n)).expect("appended")));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("journal")).expect("made");
    for file in files(from) {
        fs::copy(from.join(&file), to.join(&file)).expect("copied");
    }
}

/// Segments, `checkpoint` and `resume`, without the locks.
fn files(dir: &Path) -> Vec<PathBuf> {
    let names = |dir: &Path| -> Vec<String> {
        let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").file_name());
        entries.map(|name| name.into_string().expect("a name")).collect()
    };
    let segments = names(&dir.join("journal")).into_iter().filter(|name| name.ends_with(".seg"));
    let mut found: Vec<PathBuf> = segments.map(|name| Path::new("journal").join(name)).collect();
    found.sort();
    found.extend(["checkpoint", "resume"].map(PathBuf::from).into_iter().filter(|name| dir.join(name).exists()));
    found
}

/// What the other reader says of these logs, a line each; `None` without Python.
fn other_reader(logs: &[PathBuf]) -> Option<Vec<String>> {
    if !Command::new("python3").arg("--version").output().is_ok_and(|run| run.status.success()) {
        println!("python3 is not there: the second reader was not run");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_log.py");
    let trusted = Digest(key(1).verifying_key().0).to_hex();
    let run = Command::new("python3").arg(script).args(["--key", &trusted]).args(logs).output().expect("python3 runs");
    let said = String::from_utf8(run.stdout).expect("UTF-8");
    let lines: Vec<String> = said.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), logs.len(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    Some(lines)
}

#[test]
fn another_program_reads_what_the_product_wrote_and_what_damage_left() {
    let place = tempdir().expect("directory");
    let log = place.path().join("log");
    // Two transfers stay open, and `resume` is older than the rest.
    write(&log, (0..40).chain([200, 202]));
    let older = fs::read(log.join("resume")).expect("resume");
    write(&log, 40..60);
    fs::write(log.join("resume"), older).expect("written");
    let named = files(&log);
    assert!(named.len() > 4, "several segments: {named:?}");
    let mut cases = Vec::new();
    let mut case = |name: String, change: &dyn Fn(&Path)| {
        let dir = place.path().join(name);
        copy(&log, &dir);
        change(&dir);
        cases.push(dir);
    };
    case("whole".to_owned(), &|_| {});
    let last = named.iter().rfind(|name| name.starts_with("journal")).expect("a segment");
    let changed = |file: &Path, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(file).expect("read");
        change(&mut bytes);
        fs::write(file, bytes).expect("written");
    };
    case("torn".to_owned(), &|dir| changed(&dir.join(last), &|bytes| bytes.extend([7; 40])));
    case("zeros".to_owned(), &|dir| changed(&dir.join(last), &|bytes| bytes.extend([0; 600])));
    for (n, file) in named.iter().enumerate() {
        for (k, share) in [0, 10, 40, 90, 99].iter().enumerate() {
            let flip = |bytes: &mut Vec<u8>| {
                let at = (bytes.len() - 1) * share / 99;
                bytes[at] ^= 1 << k;
            };
            case(format!("flip-{n}-{k}"), &|dir| changed(&dir.join(file), &flip));
        }
        case(format!("missing-{n}"), &|dir| fs::remove_file(dir.join(file)).expect("removed"));
        case(format!("shorter-{n}"), &|dir| changed(&dir.join(file), &|bytes| bytes.truncate(bytes.len() - 9)));
    }
    let Some(lines) = other_reader(&cases) else { return };
    let wanted = |resumed, tail| {
        let root = root_of(
            &(0..40).chain([200, 202]).chain(40..60).map(|n| entry(n).encode().expect("valid")).collect::<Vec<_>>(),
        );
        format!(" 62 entries, 62 signed, {resumed} resumed, torn tail {tail}, root {}", root.to_hex())
    };
    for (dir, line) in cases.iter().zip(&lines) {
        let ours = log_of(dir);
        assert_eq!(line.starts_with("OK "), ours.is_ok(), "{line}: {:?}", ours.err());
        assert!(ours.is_err() || line.contains(" 62 entries, 62 signed"), "{line}");
    }
    for (line, (resumed, tail)) in lines.iter().zip([(42, 0), (42, 40), (42, 600)]) {
        assert!(line.ends_with(&wanted(resumed, tail)), "{line}");
    }
    assert!(lines.iter().filter(|line| line.starts_with("FAIL")).count() > 20, "damage is seen");
    // What was torn is cut by opening.
    let after = other_reader(&cases[1..2]).expect("Python is there");
    assert!(after[0].contains("torn tail 0"), "{after:?}");
}

/// `KETENPOORT_RENEW_GOLDEN=1` writes it anew: only before a release of the format.
#[test]
fn a_log_of_this_version_opens_for_ever_and_is_the_one_of_the_format_page() {
    let kept = data().join("disk");
    let place = tempdir().expect("directory");
    if std::env::var_os("KETENPOORT_RENEW_GOLDEN").is_some() {
        let made = place.path().join("made");
        write(&made, 0..3);
        copy(&made, &kept);
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats/journal.md");
    let page = fs::read_to_string(page).expect("the page").replace(char::is_whitespace, "");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let segment = fs::read(kept.join(FIRST)).expect("a segment");
    let resume = fs::read(kept.join("resume")).expect("resume");
    for (what, bytes) in [("head", &segment[..36]), ("record", &segment[36..61]), ("resume", &resume[..])] {
        assert!(page.contains(&hex(bytes)), "{what}: {}", hex(bytes));
    }
    let dir = place.path().join("log");
    copy(&kept, &dir);
    if let Some(lines) = other_reader(std::slice::from_ref(&dir)) {
        assert!(lines[0].contains(" 3 entries, 3 signed, 3 resumed, torn tail 0"), "{lines:?}");
    }
    let log = log_of(&dir).expect("opens");
    assert_eq!((log.len(), log.entry(2).expect("read")), (3, Some(entry(2))));
    assert_eq!(log.open_intents(), [(2, entry(2).transfer_id)]);
    assert_eq!(log.audit().expect("audit").0, 3);
}
