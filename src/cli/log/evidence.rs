//! `log prove`: the log as evidence towards a partner or a court.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::args::Source;
use super::offline::Verified;
use super::reconcile::ReconcileArgs;
use crate::crypto::from_hex;
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
    /// Van welk log
    #[command(flatten)]
    pub source: Source,
    /// Bij een export: het zout (32 hexadecimale cijfers), zoals `log prove` op een node het noemt
    #[arg(long, value_name = "ZOUT", requires = "export", required_unless_present = "node", value_parser = salt)]
    pub salt: Option<Salt>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// The salt of a commitment.
#[derive(Clone, Copy, Debug)]
pub struct Salt([u8; 16]);

fn salt(text: &str) -> Result<Salt, String> {
    from_hex(text).map(Salt).ok_or_else(|| "een zout heeft 32 hexadecimale cijfers (kleine letters)".to_owned())
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
            let on_node = |node: &Path| {
                let (transfer, payload) = (args.transfer.to_string(), payload.clone());
                super::ask(node, LogLocal::Evidence(EvidenceLocal::Prove { transfer, payload, json: args.json }))
            };
            let on_export = |log: Verified| {
                let salt = args.salt.map(|salt| salt.0).unwrap_or_default();
                log.prove(args.transfer, salt, &payload, args.json)
            };
            super::read(&args.source, on_node, on_export)
        }
    }
}
