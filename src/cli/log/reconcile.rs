//! `log reconcile`: the exports of two organisations beside each other, offline.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::node::command::Outcome;
use crate::storage::log::ExportDirectory;
use crate::translog::checkpoint::oin_of;
use crate::translog::merkle::leaf_hash;
use crate::translog::reconcile::{Side, differences};
use crate::translog::verify::{Report, verify};

/// Arguments of `log reconcile`.
#[derive(Args, Debug)]
pub struct ReconcileArgs {
    /// Map van een export; geef deze optie twee keer
    #[arg(long, required = true, num_args = 1)]
    pub export: Vec<PathBuf>,
    /// Convenant als anker voor de handtekeningen
    #[arg(long, value_name = "BESTAND")]
    pub trust: Option<PathBuf>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Verifies both exports and names every difference: exit code 0 when there is none, 1 otherwise.
pub(super) fn run(args: &ReconcileArgs) -> Result<Outcome, String> {
    let [one, other] = args.export.as_slice() else { return Err("geef --export twee keer".to_owned()) };
    let reports = [checked(one, args.trust.as_deref())?, checked(other, args.trust.as_deref())?];
    if reports.iter().any(|report| !report.is_intact()) {
        let text: Vec<String> = reports.iter().map(ToString::to_string).collect();
        return Ok(Outcome { exit: 1, stdout: text.join("\n"), stderr: "een export is niet ongeschonden".to_owned() });
    }
    let owners = [owner(&reports[0])?, owner(&reports[1])?];
    if owners[0] == owners[1] {
        return Err("beide exports zijn van dezelfde organisatie".to_owned());
    }
    let one = side(one, (owners[0], owners[1]), reports[0].size)?;
    let other = side(other, (owners[1], owners[0]), reports[1].size)?;
    let found = differences(&one, &other);
    let text = if args.json {
        let shown = json!({ "exports": reports, "verschillen": found });
        serde_json::to_string_pretty(&shown).unwrap_or_default()
    } else if found.is_empty() {
        format!("De logs van {} en {} zeggen hetzelfde over elke overdracht tussen hen.", owners[0], owners[1])
    } else {
        found.iter().map(|d| format!("{} (vraag van {}): {}\n", d.transfer_id, d.asker, d.text)).collect()
    };
    Ok(Outcome { exit: u8::from(!found.is_empty()), stdout: text, stderr: String::new() })
}

fn checked(export: &Path, trust: Option<&Path>) -> Result<Report, String> {
    if !export.is_dir() {
        return Err(format!("{}: geen map", export.display()));
    }
    let trust = trust.map(|path| super::verify::read_trust(path, export)).transpose()?;
    Ok(verify(&ExportDirectory::new(export), trust.as_ref()))
}

fn owner(report: &Report) -> Result<Oin, String> {
    report.origin.as_deref().and_then(oin_of).ok_or_else(|| "een export noemt geen organisatie".to_owned())
}

fn side(export: &Path, (owner, partner): (Oin, Oin), size: u64) -> Result<Side, String> {
    let mut side = Side::new(owner, partner);
    for entry in ExportDirectory::new(export).entries(0..size).map_err(|e| e.to_string())? {
        let (_, entry) = entry.map_err(|e| e.to_string())?;
        let hash: Digest = leaf_hash(&entry.encode().map_err(|e| e.to_string())?);
        side.add(hash, entry);
    }
    Ok(side)
}
