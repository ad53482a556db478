//! `disclosure`: checking what was released, and handing over a witness.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::local::on_node;
use crate::crypto::Digest;
use crate::disclosure::certificate::parse_certificate;
use crate::domain::fault::said;
use crate::node::command::{LocalCommand, Outcome};
use crate::node::disclosure::{Besides, DisclosureLocal, check_file};

/// Commands about released figures and their certificates.
#[derive(Subcommand, Debug)]
pub enum DisclosureCommand {
    /// Controleer vrijgegeven tabellen opnieuw, op een node of met alleen een bewijsbestand
    #[command(after_help = "Voorbeeld: ketenpoort disclosure check --node ./gi --table IND-01/2024-Q1\n\
                            Voorbeeld: ketenpoort disclosure check --witness bewijs.txt --report vrijgave.json \
                            --convenant convenant.json")]
    Check(CheckArgs),
    /// Schrijf het bewijsbestand van een vrijgave, om onder geheimhouding te laten controleren
    #[command(
        after_help = "Voorbeeld: ketenpoort disclosure export --node ./gi --certificate sha256:0123.. --out ./controle"
    )]
    Export(ExportArgs),
}

/// Arguments of `disclosure check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Map van de node
    #[arg(long, conflicts_with = "witness", required_unless_present = "witness")]
    pub node: Option<PathBuf>,
    /// Alleen deze tabellen: IND-01, IND-01/2024-Q1 of IND-01/2024-Q1/gemeente,maatregel
    #[arg(long, requires = "node")]
    pub table: Option<String>,
    /// Bewijsbestand, zonder node
    #[arg(long)]
    pub witness: Option<PathBuf>,
    /// Het certificaat dat het moet hebben: sha256: en 64 hexadecimale cijfers
    #[arg(long, requires = "witness", value_parser = certificate)]
    pub certificate: Option<Digest>,
    /// Rapport met de vrijgegeven tabellen
    #[arg(long, requires = "witness")]
    pub report: Option<PathBuf>,
    /// Convenant van de vrijgave, om regels en relaties te vergelijken
    #[arg(long, requires = "witness")]
    pub convenant: Option<PathBuf>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `disclosure export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Certificaat van de vrijgave, zoals het in de tabel staat
    #[arg(long, value_parser = certificate)]
    pub certificate: Digest,
    /// Map voor bewijs.txt en vrijgave.json (wordt gemaakt, moet leeg zijn)
    #[arg(long)]
    pub out: PathBuf,
}

fn certificate(text: &str) -> Result<Digest, String> {
    parse_certificate(text).ok_or_else(|| "verwacht sha256: en 64 hexadecimale cijfers".to_owned())
}

/// Runs a command.
pub fn run(command: &DisclosureCommand) -> Outcome {
    match command {
        DisclosureCommand::Check(args) => match (&args.node, &args.witness) {
            (Some(node), _) => {
                let check = DisclosureLocal::Check { table: args.table.clone(), json: args.json };
                on_node(node, &LocalCommand::Disclosure(check))
            }
            (None, witness) => without_node(args, witness.clone().unwrap_or_default()),
        },
        DisclosureCommand::Export(args) => {
            let out = std::path::absolute(&args.out).unwrap_or_else(|_| args.out.clone());
            let export = DisclosureLocal::Export { certificate: args.certificate, out };
            on_node(&args.node, &LocalCommand::Disclosure(export))
        }
    }
}

fn without_node(args: &CheckArgs, witness: PathBuf) -> Outcome {
    let read = |path: PathBuf| std::fs::read(&path).map_err(|e| format!("{}: {}", path.display(), said(&e)));
    let text = |path: &Option<PathBuf>| -> Result<Option<String>, String> {
        let bytes = path.clone().map(&read).transpose()?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let check = || -> Result<Outcome, String> {
        let (report, convenant) = (text(&args.report)?, text(&args.convenant)?);
        let (report, convenant) = (report.as_deref(), convenant.as_deref());
        let besides = Besides { certificate: args.certificate, report, convenant };
        Ok(check_file(&read(witness)?, besides, args.json))
    };
    check().unwrap_or_else(Outcome::failed)
}
