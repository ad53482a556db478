//! The region that a demo runs: organisations, their files and the data window, from `organisations.json`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::period::Period;

/// `organisations.json` (definitions 0); unknown fields are left for later versions.
#[derive(Debug, Deserialize)]
pub struct RegionFile {
    /// First day of the data window.
    pub gegevens_van: Day,
    /// Last day of the data window.
    pub gegevens_tot: Day,
    /// The organisations.
    pub organisations: Vec<Organisation>,
    /// Municipality codes with their validity, passed on to the nodes as they are.
    pub gemeenten: serde_json::Value,
}

/// One organisation of the region.
#[derive(Debug, Deserialize)]
pub struct Organisation {
    /// Short key in file names.
    pub key: String,
    /// Name.
    pub name: String,
    /// Identification number.
    pub oin: Oin,
    /// Kind.
    pub org_type: String,
    /// Owner types that it delivers.
    pub levert: Vec<String>,
    /// Municipality of a municipal node.
    pub gemeente: Option<String>,
}

impl RegionFile {
    /// Reads `DIR/organisations.json`.
    ///
    /// # Errors
    /// A Dutch sentence naming the file and what is wrong.
    pub fn load(dir: &Path) -> Result<Self, String> {
        let path = dir.join("organisations.json");
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// How many organisations deliver the events of a kind of owner.
    #[must_use]
    pub fn delivering(&self, owner: &str) -> usize {
        self.organisations.iter().filter(|org| org.levert.iter().any(|kind| kind == owner)).count()
    }

    /// Every calendar quarter and year wholly inside the data window, the follow-up tail of a year left out.
    #[must_use]
    pub fn periods(&self) -> Vec<Period> {
        let (first, _, _) = self.gegevens_van.ymd();
        let (last, _, _) = self.gegevens_tot.ymd();
        let inside = |period: Period| {
            let (a, b) = period.bounds();
            a >= self.gegevens_van && b.add_months(12) <= self.gegevens_tot
        };
        let mut periods = Vec::new();
        for year in first..=last {
            periods.extend((1..=4).map(|q| Period::quarter(year, q)).filter(|p| inside(*p)));
            periods.extend(Some(Period::year_of(year)).filter(|p| inside(*p)));
        }
        periods
    }
}

/// The delivery files of an organisation: `events-<key>.csv`, then `events-<key>.2.csv` and so on.
#[must_use]
pub fn delivery_files(dir: &Path, key: &str) -> Vec<PathBuf> {
    let first = dir.join(format!("events-{key}.csv"));
    let rest = (2..).map(|n| dir.join(format!("events-{key}.{n}.csv"))).take_while(|p| p.is_file());
    std::iter::once(first).filter(|p| p.is_file()).chain(rest).collect()
}
