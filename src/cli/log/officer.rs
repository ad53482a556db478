//! The commands about the log that a privacy officer uses.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::Source;
use super::breach::{self, BreachArgs};
use super::erase::{self, EraseArgs};
use super::notices::{self, InformedArgs, OverridesArgs, RecipientsArgs, UninformedArgs};
use super::subject::{self, SubjectArgs};
use crate::node::command::Outcome;
use crate::node::log::command::LogLocal;
use crate::node::log::officer::{ConfidentialityCommand, Marking, OfficerLocal, PageForm};

/// Commands for the privacy officer.
#[derive(Subcommand, Debug)]
pub enum OfficerCommand {
    /// Overzicht voor één persoon (AVG 15); het BSN wordt gevraagd, niet getoond en niet bewaard
    #[command(after_help = "Voorbeeld: ketenpoort log subject --node ./gi --html --out overzicht.html")]
    Subject(SubjectArgs),
    /// Houd een overdracht of verwerking buiten het overzicht van de betrokkene (UAVG 41), of hef dat op
    #[command(
        after_help = "Voorbeeld: ketenpoort log confidentiality --node ./gi --transfer 018bcfe5-6800-7707-8707-070707070707 \
                      --set vertrouwelijk --reason \"lopend onderzoek\""
    )]
    Confidentiality(ConfidentialityArgs),
    /// Register van verwerkingen (AVG 30) uit alle convenanten
    #[command(after_help = "Voorbeeld: ketenpoort log register --node ./gi --json")]
    Register(RegisterArgs),
    /// Pakket voor de melding van een datalek (AVG 33 en 34)
    #[command(
        after_help = "Voorbeeld: ketenpoort log breach --node ./gi --since 2026-03-01T09:00:00Z --until 2026-03-01T12:00:00Z \
                      --out ./datalek"
    )]
    Breach(BreachArgs),
    /// Wat over zijn bewaartermijn is; met --apply worden die sleutels vernietigd
    #[command(after_help = "Voorbeeld: ketenpoort log retention --node ./gi --apply")]
    Retention(RetentionArgs),
    /// Noem elke organisatie die iets over één persoon kreeg, om haar te laten weten dat het is verbeterd of gewist (AVG 19)
    #[command(after_help = "Voorbeeld: ketenpoort log recipients --node ./gi --because verbeterd")]
    Recipients(RecipientsArgs),
    /// Overdrachten van een maand die zonder toestemming van een gezaghebbende doorgingen, met reden en vier ogen
    #[command(after_help = "Voorbeeld: ketenpoort log overrides --node ./gi --month 2026-06")]
    Overrides(OverridesArgs),
    /// Leg vast dat betrokkenen over een uitwisseling zijn geïnformeerd (AVG 13 en 14), of waarom nog niet
    #[command(
        after_help = "Voorbeeld: ketenpoort log informed --node ./gi --transfer 018bcfe5-6800-7707-8707-070707070707 --on 2026-06-03"
    )]
    Informed(InformedArgs),
    /// Uitwisselingen waarvan niet vaststaat dat betrokkenen zijn geïnformeerd
    #[command(after_help = "Voorbeeld: ketenpoort log uninformed --node ./gi")]
    Uninformed(UninformedArgs),
    /// Vernietig de sleutel van één persoon (AVG 17): regels over die persoon zijn dan niet meer te lezen
    #[command(
        after_help = "Voorbeeld: ketenpoort log erase --node ./gi --reason \"verzoek van de ouders van 3 maart\""
    )]
    Erase(EraseArgs),
}

/// Arguments of `log confidentiality`.
#[derive(Args, Debug)]
pub struct ConfidentialityArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Nummer van de overdracht
    #[arg(long, value_name = "UUID", conflicts_with = "activity", required_unless_present = "activity")]
    pub transfer: Option<String>,
    /// Kenmerk van de verwerkingsactiviteit
    #[arg(long, value_name = "URI")]
    pub activity: Option<String>,
    /// Vertrouwelijk, of opgeheven
    #[arg(long, value_name = "STAND", value_parser = ["vertrouwelijk", "opgeheven"])]
    pub set: String,
    /// Waarom; komt verzegeld in het log, noem er geen personen in
    #[arg(long, value_name = "TEKST")]
    pub reason: String,
}

/// Arguments of `log register`.
#[derive(Args, Debug)]
pub struct RegisterArgs {
    /// Van welk log
    #[command(flatten)]
    pub source: Source,
    /// Uitkomst als JSON
    #[arg(long, conflicts_with = "html")]
    pub json: bool,
    /// Uitkomst als pagina om af te drukken
    #[arg(long)]
    pub html: bool,
}

/// Arguments of `log retention`.
#[derive(Args, Debug)]
pub struct RetentionArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Vernietig de sleutels die over hun termijn zijn
    #[arg(long)]
    pub apply: bool,
}

/// Runs one of them.
pub(super) fn run(command: &OfficerCommand) -> Outcome {
    match command {
        OfficerCommand::Subject(args) => subject::run(args),
        OfficerCommand::Confidentiality(args) => confidentiality(args),
        OfficerCommand::Register(args) => {
            let form = form(args.json, args.html);
            super::read(
                &args.source,
                |node| super::ask(node, LogLocal::Officer(OfficerLocal::Register { form })),
                |log| log.register(form),
            )
        }
        OfficerCommand::Breach(args) => breach::run(args),
        OfficerCommand::Retention(args) => {
            super::ask(&args.node, LogLocal::Officer(OfficerLocal::Retention { apply: args.apply }))
        }
        OfficerCommand::Recipients(args) => notices::recipients(args),
        OfficerCommand::Overrides(args) => notices::overrides(args),
        OfficerCommand::Informed(args) => notices::informed(args),
        OfficerCommand::Uninformed(args) => {
            super::ask(&args.node, LogLocal::Officer(OfficerLocal::Uninformed { json: args.json }))
        }
        OfficerCommand::Erase(args) => erase::run(args),
    }
}

/// How a report is asked for.
pub(super) fn form(json: bool, html: bool) -> PageForm {
    match (json, html) {
        (true, _) => PageForm::Json,
        (_, true) => PageForm::Html,
        _ => PageForm::Text,
    }
}

fn confidentiality(args: &ConfidentialityArgs) -> Outcome {
    let what = match (&args.transfer, &args.activity) {
        (Some(id), _) => Marking::Transfer(id.clone()),
        (None, activity) => Marking::Activity(activity.clone().unwrap_or_default()),
    };
    let command = ConfidentialityCommand { what, lifted: args.set == "opgeheven", reason: args.reason.clone() };
    super::ask(&args.node, LogLocal::Officer(OfficerLocal::Confidentiality(command)))
}
