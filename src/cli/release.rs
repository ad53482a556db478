//! `release`: releasing what may come out, and the formal revision of what came out before.

use std::path::PathBuf;

use clap::Args;

use super::local;
use super::log::two_names;
use crate::domain::query::IndicatorId;
use crate::node::command::{LocalCommand, Outcome, ReviseCommand};

/// Arguments of `release`.
#[derive(Args, Debug)]
pub struct ReleaseArgs {
    /// Map van de node; bij een herziening worden daarna twee namen gevraagd van wie akkoord is
    #[arg(long)]
    pub node: PathBuf,
    /// Herzie wat van dit jaar is vrijgegeven: alle tabellen tegelijk, over de gegevens zoals ze nu zijn
    #[arg(long, value_name = "JAAR", requires = "reason")]
    pub revise: Option<i16>,
    /// Herzie alleen deze indicator en wat ermee samenhangt (mag vaker)
    #[arg(long = "indicator", value_name = "ID", requires = "revise", value_parser = indicator)]
    pub indicators: Vec<IndicatorId>,
    /// Waarom; komt verzegeld in het log, noem er geen personen in
    #[arg(long, value_name = "TEKST", requires = "revise")]
    pub reason: Option<String>,
    /// Lees de twee namen van wie akkoord is van deze bestandsdescriptor, elk op een regel, in plaats van ze te vragen
    #[arg(long = "approved-by-fd", value_name = "NUMMER", requires = "revise")]
    pub approved_by_fd: Option<u32>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

fn indicator(text: &str) -> Result<IndicatorId, String> {
    IndicatorId::parse(text).ok_or_else(|| format!("{text} is geen indicator"))
}

/// Releases, or asks for two names and revises.
pub(super) fn run(args: &ReleaseArgs) -> Outcome {
    let Some(year) = args.revise else {
        return local::on_node(&args.node, &LocalCommand::Release { json: args.json });
    };
    match two_names(args.approved_by_fd) {
        Ok(approved_by) => {
            let (indicators, reason) = (args.indicators.clone(), args.reason.clone().unwrap_or_default());
            let command = ReviseCommand { year, indicators, reason, approved_by, json: args.json };
            local::on_node(&args.node, &LocalCommand::Revise(command))
        }
        Err(outcome) => outcome,
    }
}
