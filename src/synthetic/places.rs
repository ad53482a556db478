//! The example region as data: municipalities of Twente with their weights, invented organisations, and the reference
//! list of municipality codes. Nothing of it is used outside example regions.

use serde::Serialize;

use crate::domain::codes::{OrgType, Owner};

/// Code, name, inhabitants in thousands (about 2023), weight of youth protection per inhabitant.
pub(super) const TWENTE: [(&str, &str, f64, f64); 14] = [
    ("0141", "Almelo", 73.9, 1.5),
    ("0147", "Borne", 24.5, 0.8),
    ("1774", "Dinkelland", 26.7, 0.5),
    ("0153", "Enschede", 161.7, 1.35),
    ("0158", "Haaksbergen", 24.5, 0.8),
    ("0163", "Hellendoorn", 36.2, 0.8),
    ("0164", "Hengelo", 82.4, 1.2),
    ("1735", "Hof van Twente", 35.4, 0.75),
    ("0168", "Losser", 23.3, 0.8),
    ("0173", "Oldenzaal", 31.9, 0.9),
    ("1742", "Rijssen-Holten", 38.7, 0.7),
    ("0183", "Tubbergen", 21.6, 0.45),
    ("1700", "Twenterand", 34.0, 0.9),
    ("0189", "Wierden", 24.7, 0.6),
];

/// The municipality whose node also delivers for the jeugdbeschermingstafel.
const TABLE_SEAT: &str = "0153";

/// Municipalities outside the region to which households move.
pub(super) const OUTSIDE: [(&str, &str); 10] = [
    ("0150", "Deventer"),
    ("0160", "Hardenberg"),
    ("0175", "Ommen"),
    ("0177", "Raalte"),
    ("0193", "Zwolle"),
    ("0262", "Lochem"),
    ("0301", "Zutphen"),
    ("1859", "Berkelland"),
    ("0200", "Apeldoorn"),
    ("0363", "Amsterdam"),
];

/// Codes that ended: code, name, last valid day.
pub(super) const ENDED: [(&str, &str, &str); 6] = [
    ("0788", "Haaren", "2020-12-31"),
    ("0010", "Delfzijl", "2020-12-31"),
    ("0398", "Heerhugowaard", "2021-12-31"),
    ("0370", "Beemster", "2021-12-31"),
    ("0457", "Weesp", "2022-03-23"),
    ("0501", "Brielle", "2022-12-31"),
];

/// Codes that began: code, name, first valid day.
const BEGUN: [(&str, &str, &str); 3] = [
    ("1980", "Dijk en Waard", "2022-01-01"),
    ("1982", "Land van Cuijk", "2022-01-01"),
    ("1992", "Voorne aan Zee", "2023-01-01"),
];

/// An invented organisation of an example region, as `organisations.json` lists it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Organisation {
    /// Short name in file names, such as `gi-alfa`.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// Test OIN (prefix 00000099).
    pub oin: String,
    /// What kind of organisation.
    pub org_type: OrgType,
    /// Owners whose event types it delivers.
    pub levert: Vec<Owner>,
    /// Its municipality code, when it is a municipality.
    pub gemeente: Option<String>,
}

/// A municipality code with the days on which it is valid, both inclusive.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MunicipalityCode {
    /// 4-digit CBS code.
    pub code: &'static str,
    /// Name.
    pub naam: &'static str,
    /// First valid day.
    pub van: &'static str,
    /// Last valid day; none while it is valid.
    pub tot: Option<&'static str>,
    /// Whether it belongs to the region.
    pub regio: bool,
}

/// Numbers of the organisations by their role; the municipality at position i of [`TWENTE`] has number i.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roles {
    pub(super) table_seat: usize,
    pub(super) veilig_thuis: usize,
    pub(super) council: usize,
    pub(super) institutions: [usize; 3],
    pub(super) providers: [usize; 2],
}

impl Roles {
    pub(super) fn of(organisations: &[Organisation]) -> Self {
        let number = |key: &str| organisations.iter().position(|o| o.key == key).unwrap_or_default();
        Self {
            table_seat: number("gem-0153"),
            veilig_thuis: number("vtt"),
            council: number("rvdk"),
            institutions: [number("gi-alfa"), number("gi-beta"), number("gi-gamma")],
            providers: [number("jha-linde"), number("jha-berk")],
        }
    }
}

/// The municipality of this code, when it lies in the region.
pub(super) fn municipal_number(code: &str) -> Option<usize> {
    TWENTE.iter().position(|(c, ..)| *c == code)
}

/// The organisations of the example region, in a fixed order: municipalities first.
pub(super) fn organisations() -> Vec<Organisation> {
    let municipal = TWENTE.iter().map(|(code, name, ..)| {
        let mut levert = vec![Owner::Lt, Owner::Gem];
        if *code == TABLE_SEAT {
            levert.push(Owner::Jbt);
        }
        (format!("gem-{code}"), format!("Gemeente {name}"), OrgType::Gem, levert, Some((*code).to_owned()))
    });
    let others = [
        ("vtt", "Veilig Thuis", OrgType::Vt, Owner::Vt),
        ("rvdk", "Raad voor de Kinderbescherming", OrgType::Rvdk, Owner::Rvdk),
        ("gi-alfa", "GI Alfa", OrgType::Gi, Owner::Gi),
        ("gi-beta", "GI Beta", OrgType::Gi, Owner::Gi),
        ("gi-gamma", "GI Gamma", OrgType::Gi, Owner::Gi),
        ("jha-linde", "Jeugdhulp De Linde", OrgType::Jha, Owner::Jha),
        ("jha-berk", "Jeugdhulp De Berk", OrgType::Jha, Owner::Jha),
    ]
    .map(|(key, name, kind, owner)| (key.to_owned(), name.to_owned(), kind, vec![owner], None));
    municipal
        .chain(others)
        .enumerate()
        .map(|(number, (key, name, org_type, levert, gemeente))| Organisation {
            key,
            name: format!("{name} (voorbeeld)"),
            oin: format!("00000099{:012}", 990_000_000_000_u64 + (number as u64 + 1) * 1_010),
            org_type,
            levert,
            gemeente,
        })
        .collect()
}

/// The complete reference list of municipality codes of the example region.
pub(super) fn municipality_codes() -> Vec<MunicipalityCode> {
    let always = "1990-01-01";
    let row = |code, naam, van, tot, regio| MunicipalityCode { code, naam, van, tot, regio };
    let mut rows: Vec<_> = TWENTE.iter().map(|(c, n, ..)| row(c, n, always, None, true)).collect();
    rows.extend(OUTSIDE.iter().map(|(c, n)| row(c, n, always, None, false)));
    rows.extend(ENDED.iter().map(|(c, n, last)| row(c, n, always, Some(*last), false)));
    rows.extend(BEGUN.iter().map(|(c, n, first)| row(c, n, first, None, false)));
    rows
}
