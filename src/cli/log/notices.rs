//! `log recipients` and `log overrides`.

use std::path::PathBuf;

use clap::Args;

use super::args::{since, until};
use super::person;
use crate::domain::day::Day;
use crate::domain::period::{Period, PeriodKind};
use crate::node::command::Outcome;
use crate::node::log::command::LogLocal;
use crate::node::log::notices::{InformedCommand, OverridesCommand, RecipientsCommand};
use crate::node::log::officer::OfficerLocal;

/// Arguments of `log recipients`.
#[derive(Args, Debug)]
pub struct RecipientsArgs {
    /// Map van de node; het BSN wordt gevraagd en niet getoond
    #[arg(long)]
    pub node: PathBuf,
    /// Waarom de ontvangers bericht krijgen
    #[arg(long, value_name = "REDEN", value_parser = ["verbeterd", "gewist"])]
    pub because: String,
    /// Lees het BSN van deze bestandsdescriptor in plaats van het toetsenbord
    #[arg(long = "bsn-fd", value_name = "NUMMER")]
    pub bsn_fd: Option<u32>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `log overrides`.
#[derive(Args, Debug)]
pub struct OverridesArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Maand: JJJJ-MM
    #[arg(long, value_parser = month)]
    pub month: Period,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `log informed`.
#[derive(Args, Debug)]
pub struct InformedArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Nummer van de overdracht
    #[arg(long, value_name = "UUID")]
    pub transfer: String,
    /// De dag waarop betrokkenen zijn geïnformeerd
    #[arg(long, conflicts_with = "because", required_unless_present = "because")]
    pub on: Option<Day>,
    /// Waarom nog niet; komt verzegeld in het log, noem er geen personen in
    #[arg(long, value_name = "TEKST")]
    pub because: Option<String>,
}

/// Arguments of `log uninformed`.
#[derive(Args, Debug)]
pub struct UninformedArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Notes that those concerned were told, or why not yet.
pub(super) fn informed(args: &InformedArgs) -> Outcome {
    let command = InformedCommand { transfer: args.transfer.clone(), on: args.on, because: args.because.clone() };
    super::ask(&args.node, LogLocal::Officer(OfficerLocal::Informed(command)))
}

fn month(text: &str) -> Result<Period, String> {
    let period: Result<Period, _> = text.parse();
    period
        .ok()
        .filter(|period| period.kind() == PeriodKind::Month)
        .ok_or_else(|| "verwacht een maand: JJJJ-MM".to_owned())
}

/// Asks for the person and names who received something.
pub(super) fn recipients(args: &RecipientsArgs) -> Outcome {
    match person::ask(&args.node, args.bsn_fd) {
        Ok(person) => {
            let command = RecipientsCommand { person, erasure: args.because == "gewist", json: args.json };
            super::ask(&args.node, LogLocal::Officer(OfficerLocal::Recipients(command)))
        }
        Err(outcome) => outcome,
    }
}

/// Lists the overrides of a month, in days of Amsterdam.
pub(super) fn overrides(args: &OverridesArgs) -> Outcome {
    let (first, last) = args.month.bounds();
    match (since(&first.to_string()), until(&last.to_string())) {
        (Ok(since), Ok(until)) => {
            let command = OverridesCommand { since, until, json: args.json };
            super::ask(&args.node, LogLocal::Officer(OfficerLocal::Overrides(command)))
        }
        (Err(wrong), _) | (_, Err(wrong)) => Outcome { exit: 2, stderr: wrong, ..Outcome::default() },
    }
}
