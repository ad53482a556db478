//! `consent ..`: the register of consents. The BSN is read in this process and goes nowhere; the node is told its own pseudonym.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::local::on_node;
use super::log::person;
use super::policy::situation_of;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::node::command::{LocalCommand, Outcome};
use crate::node::consent::{ConsentForm, ConsentLocal};
use crate::policy::case::registry::Given;
use crate::policy::case::situation::{Capacity, Consent, ConsentKind};

/// Commands on the register of consents.
#[derive(Subcommand, Debug)]
pub enum ConsentCommand {
    /// Leg een toestemming vast; het BSN van het kind wordt gevraagd en niet getoond
    #[command(
        after_help = "Voorbeeld: ketenpoort consent add --node ./lokaal --by ouder1 --capacity gezag --receiver 00000099000880001234 \
                      --purpose P6 --field identity,professionals_contact --from 2026-06-01 --to 2027-05-31 --evidence \"formulier 12\""
    )]
    Add(AddArgs),
    /// Trek een toestemming in; zij telt niet meer vanaf die dag, en wie al iets kreeg wordt genoemd
    #[command(
        after_help = "Voorbeeld: ketenpoort consent withdraw --node ./lokaal --id 018bcfe5-6800-7707-8707-070707070707"
    )]
    Withdraw(WithdrawArgs),
    /// Toon de toestemmingen van één kind, ook als FHIR Consent
    #[command(after_help = "Voorbeeld: ketenpoort consent show --node ./lokaal --fhir")]
    Show(ShowArgs),
    /// Zeg wat de regels over een situatie besluiten met de vastgelegde toestemmingen
    #[command(after_help = "Voorbeeld: ketenpoort consent check --node ./lokaal --request situatie.json")]
    Check(CheckArgs),
}

/// Whom it is about.
#[derive(Args, Debug)]
pub struct ChildArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Lees het BSN van deze bestandsdescriptor in plaats van het toetsenbord
    #[arg(long = "bsn-fd", value_name = "NUMMER")]
    pub bsn_fd: Option<u32>,
}

/// Arguments of `consent add`.
#[derive(Args, Debug)]
pub struct AddArgs {
    /// Het kind
    #[command(flatten)]
    pub child: ChildArgs,
    /// Wie instemt: `kind`, het OIN van een voogd, of een rol zoals ouder1 of moeder; liever geen naam
    #[arg(long)]
    pub by: String,
    /// Hoedanigheid op de dag van toestemming: gezag, voogd of kind
    #[arg(long, value_parser = capacity)]
    pub capacity: Capacity,
    /// Soort: geheim (het beroepsgeheim doorbreken) of avg6_1a
    #[arg(long, value_parser = kind, default_value = "geheim")]
    pub kind: ConsentKind,
    /// OIN van een ontvanger (herhaalbaar)
    #[arg(long = "receiver", required = true)]
    pub receivers: Vec<Oin>,
    /// Doel, zoals P6 (herhaalbaar)
    #[arg(long = "purpose", required = true)]
    pub purposes: Vec<String>,
    /// Velden, met komma's
    #[arg(long = "field", required = true, value_delimiter = ',')]
    pub fields: Vec<String>,
    /// De dag waarop de toestemming is gegeven
    #[arg(long)]
    pub from: Day,
    /// Laatste dag
    #[arg(long)]
    pub to: Day,
    /// Geboortedatum van het kind; nodig als het kind zelf instemt
    #[arg(long)]
    pub born: Option<Day>,
    /// Waar het bewijs is: kenmerk van formulier, brief of gespreksverslag
    #[arg(long)]
    pub evidence: String,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `consent withdraw`.
#[derive(Args, Debug)]
pub struct WithdrawArgs {
    /// Het kind
    #[command(flatten)]
    pub child: ChildArgs,
    /// Nummer van de toestemming
    #[arg(long)]
    pub id: String,
    /// Vanaf welke dag; zonder deze vandaag
    #[arg(long = "from")]
    pub day: Option<Day>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `consent show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// Het kind
    #[command(flatten)]
    pub child: ChildArgs,
    /// Uitkomst als JSON
    #[arg(long, conflicts_with = "fhir")]
    pub json: bool,
    /// Uitkomst als FHIR R4 Bundle van Consent
    #[arg(long)]
    pub fhir: bool,
}

/// Arguments of `consent check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Het kind
    #[command(flatten)]
    pub child: ChildArgs,
    /// De situatie als JSON, zoals bij policy explain; de toestemmingen komen uit het register
    #[arg(long)]
    pub request: PathBuf,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

fn capacity(text: &str) -> Result<Capacity, String> {
    serde_json::from_value(text.into()).map_err(|_| "kies gezag, voogd of kind".to_owned())
}

fn kind(text: &str) -> Result<ConsentKind, String> {
    serde_json::from_value(text.into()).map_err(|_| "kies geheim of avg6_1a".to_owned())
}

/// Runs a consent command.
pub fn run(command: &ConsentCommand) -> Outcome {
    let child = match command {
        ConsentCommand::Add(args) => &args.child,
        ConsentCommand::Withdraw(args) => &args.child,
        ConsentCommand::Show(args) => &args.child,
        ConsentCommand::Check(args) => &args.child,
    };
    let asked = local(command, child);
    asked.map_or_else(|outcome| outcome, |asked| on_node(&child.node, &LocalCommand::Consent(asked)))
}

fn local(command: &ConsentCommand, child: &ChildArgs) -> Result<ConsentLocal, Outcome> {
    // What can be wrong with the arguments is said before anybody types a BSN.
    let situation = match command {
        ConsentCommand::Check(args) => Some(Box::new(situation_of(&args.request)?)),
        _ => None,
    };
    let person = person::ask(&child.node, child.bsn_fd)?;
    Ok(match (command, situation) {
        (ConsentCommand::Check(args), Some(situation)) => ConsentLocal::Check { person, situation, json: args.json },
        (ConsentCommand::Add(args), _) => ConsentLocal::Add { person, given: Box::new(given(args)), json: args.json },
        (ConsentCommand::Withdraw(args), _) => {
            ConsentLocal::Withdraw { person, id: args.id.clone(), day: args.day, json: args.json }
        }
        (ConsentCommand::Show(ShowArgs { fhir: true, .. }), _) => {
            ConsentLocal::Show { person, form: ConsentForm::Fhir }
        }
        (ConsentCommand::Show(ShowArgs { json: true, .. }), _) => {
            ConsentLocal::Show { person, form: ConsentForm::Json }
        }
        (ConsentCommand::Show(_) | ConsentCommand::Check(_), _) => {
            ConsentLocal::Show { person, form: ConsentForm::Text }
        }
    })
}

fn given(args: &AddArgs) -> Given {
    let consent = Consent {
        kind: args.kind,
        by: args.by.clone(),
        capacity: args.capacity,
        receivers: args.receivers.clone(),
        purposes: args.purposes.clone(),
        fields: args.fields.clone(),
        from: Some(args.from),
        to: Some(args.to),
        withdrawn: None,
    };
    Given { consent, born: args.born, evidence: args.evidence.clone() }
}
