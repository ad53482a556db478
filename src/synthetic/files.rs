//! A finished example region: the bytes of every file, and writing them to a folder.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::dirt::Fault;
use super::places::{MunicipalityCode, Organisation, TWENTE};
use crate::domain::day::Day;

/// A file of a region, by its name.
#[derive(Clone, PartialEq, Eq)]
pub struct RegionFile {
    /// Name inside the region's folder.
    pub name: String,
    /// Text, in the dialect of its organisation.
    pub text: String,
}

/// A fault with the place where it stands; for tests, never for a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacedFault {
    /// Key of the organisation.
    pub organisation: String,
    /// File and line (the header is line 1); none when the row was never delivered.
    pub place: Option<(String, usize)>,
    /// What is wrong and what must become of it.
    pub fault: Fault,
}

/// A generated example region. No `Debug`: it holds (invented) citizen service numbers.
pub struct Region {
    /// First and last day of the data.
    pub window: (Day, Day),
    /// Seed that it was made with.
    pub seed: u64,
    /// Number of children.
    pub children: usize,
    /// Organisations, in a fixed order.
    pub organisations: Vec<Organisation>,
    /// Deliveries, `events-<key>.csv`, then `events-<key>.2.csv`.
    pub files: Vec<RegionFile>,
    /// Every injected fault.
    pub faults: Vec<PlacedFault>,
    pub(super) codes: Vec<MunicipalityCode>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u8,
    regio: &'static str,
    seed: u64,
    kinderen: usize,
    clean: bool,
    voorbeeld: bool,
    gegevens_van: Day,
    gegevens_tot: Day,
    organisations: &'a [Organisation],
    gemeenten: &'a [MunicipalityCode],
}

#[derive(Serialize)]
struct FaultLine<'a> {
    class: &'static str,
    org: &'a str,
    file: Option<&'a str>,
    line: Option<usize>,
    outcome: &'static str,
}

impl Region {
    /// Writes `organisations.json`, the deliveries, and `truth/dirt.jsonl` (which no node reads) into `dir`, which is
    /// made when it does not exist.
    ///
    /// # Errors
    /// The error of the file system.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir.join("truth"))?;
        for file in &self.files {
            fs::write(dir.join(&file.name), &file.text)?;
        }
        fs::write(dir.join("truth").join("dirt.jsonl"), self.faults_text()?)?;
        fs::write(dir.join("noemers.csv"), self.denominators_text())?;
        fs::write(dir.join("organisations.json"), self.organisations_text()?)
    }

    /// Invented denominators: a fixed share of the inhabitants, the same in every year.
    fn denominators_text(&self) -> String {
        let mut text = "gemeente;jaar;kinderen van 0 tot 18 jaar (verzonnen: 195 op de 1.000 inwoners)\n".to_owned();
        let children = |thousands: f64| format!("{:.0}", thousands * 195.0);
        let all: f64 = TWENTE.iter().map(|(_, _, thousands, _)| thousands).sum();
        for year in self.window.0.ymd().0..=self.window.1.ymd().0 {
            text.push_str(&format!("regio;{year};{}\n", children(all)));
            for (code, _, thousands, _) in TWENTE {
                text.push_str(&format!("{code};{year};{}\n", children(thousands)));
            }
        }
        text
    }

    fn organisations_text(&self) -> io::Result<String> {
        let document = Document {
            schema: 1,
            regio: "Twente (synthetisch voorbeeld)",
            seed: self.seed,
            kinderen: self.children,
            clean: false,
            voorbeeld: true,
            gegevens_van: self.window.0,
            gegevens_tot: self.window.1,
            organisations: &self.organisations,
            gemeenten: &self.codes,
        };
        Ok(serde_json::to_string_pretty(&document)? + "\n")
    }

    fn faults_text(&self) -> io::Result<String> {
        let mut text = String::new();
        for PlacedFault { organisation, place, fault } in &self.faults {
            let (file, line) = place.as_ref().map_or((None, None), |(file, line)| (Some(file.as_str()), Some(*line)));
            let row = FaultLine { class: fault.class, org: organisation, file, line, outcome: fault.outcome };
            text.push_str(&serde_json::to_string(&row)?);
            text.push('\n');
        }
        Ok(text)
    }
}
