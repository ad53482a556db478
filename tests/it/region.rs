//! An example region on disk: its organisations, their files, and the stored events that intake makes of them.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

use ketenpoort::crypto::{MacKey, digest};
use ketenpoort::domain::codes::Owner;
use ketenpoort::domain::day::Day;
use ketenpoort::domain::event::{Event, Gemeente};
use ketenpoort::domain::gemeente::{GemeenteList, GemeenteSpan};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::register::{DeliveryHead, Register};
use ketenpoort::domain::row::{RowKind, RowRecord};
use ketenpoort::intake::{IntakeSettings, ReadError, read_file};
use serde_json::Value;

/// One organisation with the bytes of its files, in the order of delivery.
pub struct Organisation {
    pub key: String,
    pub oin: Oin,
    pub levert: Vec<Owner>,
    pub names: Vec<String>,
    pub files: Vec<Vec<u8>>,
}

pub struct Region {
    pub dir: PathBuf,
    pub organisations: Vec<Organisation>,
    pub gemeenten: GemeenteList,
}

pub fn fixture(name: &str) -> Region {
    Region::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name))
}

pub fn json(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

impl Region {
    pub fn open(dir: &Path) -> Self {
        let doc = json(&dir.join("organisations.json"));
        let day = |v: &Value| v.as_str().map(|t| Day::parse(t).expect("a day"));
        let spans = doc["gemeenten"].as_array().expect("gemeenten").iter().map(|g| GemeenteSpan {
            code: Gemeente::parse(text(&g["code"])).expect("a code"),
            from: day(&g["van"]),
            to: day(&g["tot"]),
        });
        let organisations = doc["organisations"].as_array().expect("organisations").iter().map(|org| {
            let (names, files) = files(dir, text(&org["key"])).into_iter().unzip();
            let levert = org["levert"].as_array().expect("levert");
            Organisation {
                key: text(&org["key"]).to_owned(),
                oin: Oin::parse(text(&org["oin"])).expect("an OIN"),
                levert: levert.iter().map(|o| Owner::parse(text(o)).expect("an owner")).collect(),
                names,
                files,
            }
        });
        Self {
            dir: dir.to_owned(),
            organisations: organisations.collect(),
            gemeenten: GemeenteList::new(spans.collect()),
        }
    }

    pub fn organisation(&self, key: &str) -> &Organisation {
        self.organisations.iter().find(|org| org.key == key).expect("an organisation of the region")
    }

    /// The register and the stored events after these files, in order.
    pub fn deliver(&self, levert: &[Owner], files: &[Vec<u8>]) -> (Register, Vec<Event>) {
        let settings = IntakeSettings {
            levert,
            gemeenten: &self.gemeenten,
            local: MacKey::from_slice(b"local"),
            fingerprints: MacKey::from_slice(b"fingerprints"),
            bases: Vec::new(),
        };
        let mut register = Register::new(None);
        let mut deliveries: Vec<Vec<RowRecord>> = Vec::new();
        for bytes in files {
            let head =
                DeliveryHead { file: "file".to_owned(), sha256: digest(bytes), at: 0, replaces: None, window: None };
            let mut rows = Vec::new();
            register.begin(head.clone());
            let mut sink = |row: RowRecord| -> Result<(), Infallible> {
                register.apply(&row);
                rows.push(row);
                Ok(())
            };
            match read_file(bytes.as_slice(), &settings, &mut |_| (), &mut sink) {
                Ok(_) => {
                    register.end();
                }
                Err(ReadError::Refused(_)) => {
                    register.refuse(head);
                    rows.clear();
                }
                Err(other) => panic!("{other}"),
            }
            deliveries.push(rows);
        }
        let refs = register.stored_refs();
        let row = |r: &ketenpoort::domain::register::RowRef| &deliveries[r.delivery as usize][r.row as usize];
        let events = refs.iter().map(row).filter_map(|row| match &row.kind {
            RowKind::Accepted(accepted) => Some(accepted.event.clone()),
            _ => None,
        });
        let events = events.collect();
        (register, events)
    }
}

/// `events-<key>.csv`, then `.2.csv`, `.3.csv` by number: name and bytes.
fn files(dir: &Path, key: &str) -> Vec<(String, Vec<u8>)> {
    let mut numbered: Vec<(u32, String)> = Vec::new();
    for entry in fs::read_dir(dir).expect("the region's folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        let middle = name.strip_prefix(&format!("events-{key}")).and_then(|rest| rest.strip_suffix("csv"));
        let number = middle.map(|m| if m == "." { Ok(1) } else { m.trim_matches('.').parse() });
        if let Some(Ok(number)) = number {
            numbered.push((number, name));
        }
    }
    numbered.sort();
    let read = |(_, name): (u32, String)| {
        let bytes = fs::read(dir.join(&name)).expect("a file");
        (name, bytes)
    };
    numbered.into_iter().map(read).collect()
}
