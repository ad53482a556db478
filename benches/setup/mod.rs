//! Three nodes with certificates and a convenant, made by the program's own commands, and files of rows for them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

#[path = "../../tests/it/made.rs"]
pub mod made;

/// Municipalities that occur in the rows.
const GEMEENTEN: [&str; 4] = ["0141", "0147", "0153", "0158"];

/// Directories of three nodes below one that is removed at the end.
pub struct Nodes {
    home: tempfile::TempDir,
}

impl Nodes {
    /// Nodes `a` (GI), `b` (Veilig Thuis) and `m` (monitor), on the disk of the working directory; `ports` for each.
    pub fn new(ports: [u16; 3]) -> Self {
        let nodes = Self { home: tempfile::tempdir_in(".").expect("a directory") };
        let codes: Vec<String> = GEMEENTEN.iter().map(|code| format!("{{\"code\":\"{code}\"}}")).collect();
        let home = nodes.home.path();
        made::init(home, &format!("[{}]", codes.join(",")), ports);
        made::certify(home);
        made::propose(home, ("proef", "2020-01-01"), |draft| draft);
        ["b", "m", "a"].iter().for_each(|key| made::accept(home, "proef", key));
        nodes
    }

    /// A path below the directory of the three.
    pub fn path(&self, part: &str) -> String {
        made::path(self.home.path(), part)
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
