//! Three nodes with certificates and a convenant, made by the program's own commands, and files of rows for them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// OINs of the organisation, of a second one and of the monitor.
pub const OINS: [&str; 3] = ["00000099000000000001", "00000099000000000002", "00000099000000000003"];
/// Municipalities that occur in the rows.
const GEMEENTEN: [&str; 4] = ["0141", "0147", "0153", "0158"];

/// The program under measurement.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ketenpoort");

/// Runs a command of the program; what it printed.
pub fn run(words: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(words).output().expect("the program starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Directories of three nodes below one that is removed at the end.
pub struct Nodes {
    home: tempfile::TempDir,
}

impl Nodes {
    /// Nodes `a` (GI), `b` (Veilig Thuis) and `m` (monitor), on the disk of the working directory; `ports` for each.
    pub fn new(ports: [u16; 3]) -> Self {
        let nodes = Self { home: tempfile::tempdir_in(".").expect("a directory") };
        let codes: Vec<String> = GEMEENTEN.iter().map(|code| format!("{{\"code\":\"{code}\"}}")).collect();
        let list = nodes.path("gemeenten.json");
        std::fs::write(&list, format!("[{}]", codes.join(","))).expect("written");
        for (((key, kind), oin), port) in [("a", "GI"), ("b", "VT"), ("m", "MONITOR")].iter().zip(OINS).zip(ports) {
            let (dir, address) = (nodes.path(key), format!("127.0.0.1:{port}"));
            let mut words = vec!["init", "--node", &dir, "--oin", oin, "--name", key, "--type", kind];
            words.extend(["--listen", &address, "--endpoint", &address, "--gemeenten", &list]);
            if *kind != "MONITOR" {
                words.extend(["--levert", kind]);
            }
            run(&words);
        }
        let (pki, a, b, m) = (nodes.path("pki"), nodes.path("a"), nodes.path("b"), nodes.path("m"));
        run(&["cert", "example", "--pki", &pki, "--node", &a, "--node", &b, "--node", &m]);
        nodes.agree();
        nodes
    }

    fn agree(&self) {
        let (toml, bundle, a) = (self.path("convenant.toml"), self.path("convenant.json"), self.path("a"));
        let cards = ["a", "b", "m"].map(|key| self.path(&format!("{key}/card.json")));
        let mut words = vec!["convenant", "new", "--node", &a, "--id", "proef", "--monitor", OINS[2]];
        words.extend(["--from", "2020-01-01", "--until", "2035-12-31", "--out", &toml]);
        cards.iter().for_each(|card| words.extend(["--card", card]));
        run(&words);
        run(&["convenant", "propose", &toml, "--node", &a, "--out", &bundle]);
        for key in ["b", "m", "a"] {
            run(&["convenant", "accept", &bundle, "--node", &self.path(key)]);
        }
    }

    /// A path below the directory of the three.
    pub fn path(&self, part: &str) -> String {
        self.home.path().join(part).to_str().expect("UTF-8").to_owned()
    }
}

/// Writes `rows` valid rows of a GI, ten to a child, over 2021 to 2025; the path.
pub fn write_rows(path: &Path, rows: u64) -> PathBuf {
    let mut out = BufWriter::new(File::create(path).expect("file"));
    let header = "event_id;status;bsn;geboortedatum;geslacht;gemeente;type;datum;geregistreerd_op;maatregel;reden;partij;zaak;gezin;scheiding";
    writeln!(out, "{header}").expect("written");
    for number in 0..rows {
        let (child, step) = (number / 10, number % 10);
        let (kind, measure, reason) = match step {
            0 => ("GI_MAATREGEL_START", "11", ""),
            1 => ("GI_KENNISGEVING", "", ""),
            2 => ("GI_EERSTE_CONTACT", "", ""),
            3 => ("GI_PLAN", "", ""),
            4 => ("GI_HULPVRAAG", "", ""),
            9 => ("GI_MAATREGEL_EINDE", "11", "01"),
            _ => ("GI_TOEWIJZING_WERKER", "", ""),
        };
        let (year, month, day) = (2021 + child % 4 + step / 9, 1 + (child + step) % 12, 1 + child % 28);
        writeln!(
            out,
            "GI-BENCH-{number:08};1;{};{}0615;V;{};{kind};{year}{month:02}{day:02};{year}-{month:02}-{day:02}T10:15:03+01:00;{measure};{reason};;Z{child};F{};J",
            bsn(child),
            2006 + child % 12,
            GEMEENTEN[usize::try_from(child % 4).expect("small")],
            child / 2,
        )
        .expect("written");
    }
    out.into_inner().expect("written").sync_all().expect("on disk");
    path.to_owned()
}

/// The `n`th number that passes the elfproef, of those from 100,000,000 on.
fn bsn(n: u64) -> u64 {
    let mut front = 10_000_000 + n;
    loop {
        let digits = (0..8_u32).map(|place| (front / 10_u64.pow(7 - place) % 10) * u64::from(9 - place));
        let last = digits.sum::<u64>() % 11;
        if last < 10 {
            return front * 10 + last;
        }
        front += 80_000_000 - 10_000_000;
    }
}

/// Whether `cargo test --benches` only asks whether it starts; else the first number among the arguments.
pub fn size_asked(usual: u64) -> Option<u64> {
    let arguments: Vec<String> = std::env::args().collect();
    let asked = arguments.iter().find_map(|argument| argument.parse().ok());
    (!arguments.iter().any(|argument| argument == "--test")).then(|| asked.unwrap_or(usual))
}
