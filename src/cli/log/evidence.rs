//! `log prove`: the log as evidence towards a partner or a court.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::reconcile::ReconcileArgs;
use crate::node::command::Outcome;
use crate::node::log::command::LogLocal;
use crate::node::log::evidence::EvidenceLocal;
use crate::translog::entry::TransferId;

/// Commands about evidence.
#[derive(Subcommand, Debug)]
pub enum EvidenceCommand {
    /// Bewijs of weerleg dat een bestand is wat bij een overdracht is verstuurd of ontvangen
    #[command(
        after_help = "Voorbeeld: ketenpoort log prove --transfer 0197742a-dc00-7111-8000-000000000001 --payload antwoord.json \
                      --node ./gi"
    )]
    Prove(ProveArgs),
    /// Vergelijk de exports van twee organisaties en noem elk verschil, zonder node en zonder netwerk
    #[command(
        after_help = "Voorbeeld: ketenpoort log reconcile --export ./gi --export ./monitor --trust convenant.json"
    )]
    Reconcile(ReconcileArgs),
}

/// Arguments of `log prove`.
#[derive(Args, Debug)]
pub struct ProveArgs {
    /// Overdrachtnummer
    #[arg(long, value_name = "NUMMER", value_parser = transfer)]
    pub transfer: TransferId,
    /// Bestand met de inhoud, byte voor byte zoals verstuurd
    #[arg(long, value_name = "BESTAND")]
    pub payload: PathBuf,
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// An id as `log list --one-sided` prints it, or its 32 digits as the other listings do.
fn transfer(text: &str) -> Result<TransferId, String> {
    let dashed = |at: usize, c: char| if matches!(at, 8 | 12 | 16 | 20) { format!("-{c}") } else { c.to_string() };
    let text = if text.len() == 32 {
        text.chars().enumerate().map(|(at, c)| dashed(at, c)).collect()
    } else {
        text.to_owned()
    };
    TransferId::parse(&text).map_err(|e| e.to_string())
}

/// Runs a command about evidence.
pub(super) fn run(command: &EvidenceCommand) -> Outcome {
    match command {
        EvidenceCommand::Reconcile(args) => super::reconcile::run(args).unwrap_or_else(Outcome::failed),
        EvidenceCommand::Prove(args) => {
            let payload = std::path::absolute(&args.payload).unwrap_or_else(|_| args.payload.clone());
            let transfer = args.transfer.to_string();
            let prove = EvidenceLocal::Prove { transfer, payload, json: args.json };
            super::ask(&args.node, LogLocal::Evidence(prove))
        }
    }
}
