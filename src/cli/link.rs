//! `link run` and `link show`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::local::{dimensions, indicator_id, on_node};
use crate::domain::oin::Oin;
use crate::domain::period::Period;
use crate::node::command::{LinkCommand, LocalCommand, Outcome};

/// Commands on linked figures.
#[derive(Subcommand, Debug)]
pub enum LinkArgs {
    /// Maak wat vaststaat in één ronde met alle nodes en toon het (op de node van de ketenmonitor)
    #[command(after_help = "Voorbeeld: ketenpoort link run --node ./monitor --indicator IND-05 --period 2024")]
    Run(LinkRunArgs),
    /// Toon de laatste ronde die deze node kent; op de ketenmonitor ook wat van een periode is vrijgegeven
    #[command(after_help = "Voorbeeld: ketenpoort link show --node ./gi --json")]
    Show(LinkShowArgs),
}

/// What is asked.
#[derive(Args, Debug)]
pub struct LinkAsked {
    /// Map van de node
    #[arg(long)]
    node: PathBuf,
    /// Alleen deze indicatoren (herhaalbaar)
    #[arg(long = "indicator")]
    indicators: Vec<String>,
    /// Alleen deze uitsplitsing
    #[arg(long, value_delimiter = ',')]
    by: Vec<String>,
    /// Uitkomst als JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `link run`.
#[derive(Args, Debug)]
pub struct LinkRunArgs {
    #[command(flatten)]
    asked: LinkAsked,
    /// Periode (herhaalbaar)
    #[arg(long = "period", required = true)]
    periods: Vec<Period>,
    /// Laat deze organisatie (OIN) weg; zij ontbreekt dan blijvend in wat wordt vrijgegeven (herhaalbaar)
    #[arg(long = "zonder")]
    without: Vec<Oin>,
}

/// Arguments of `link show`.
#[derive(Args, Debug)]
pub struct LinkShowArgs {
    #[command(flatten)]
    asked: LinkAsked,
    /// Periode (herhaalbaar); zonder deze alleen de laatste ronde
    #[arg(long = "period")]
    periods: Vec<Period>,
}

/// Runs a command on linked figures.
pub fn run(args: &LinkArgs) -> Outcome {
    let (make, asked, periods, without) = match args {
        LinkArgs::Run(run) => (true, &run.asked, &run.periods, &run.without[..]),
        LinkArgs::Show(show) => (false, &show.asked, &show.periods, &[][..]),
    };
    let indicators: Result<Vec<_>, Outcome> = asked.indicators.iter().map(|id| indicator_id(id)).collect();
    let by = if asked.by.is_empty() { Ok(None) } else { dimensions(&asked.by).map(Some) };
    match (indicators, by) {
        (Ok(indicators), Ok(by)) => {
            let (periods, without, json) = (periods.clone(), without.to_vec(), asked.json);
            on_node(&asked.node, &LocalCommand::Link(LinkCommand { make, periods, indicators, by, without, json }))
        }
        (Err(wrong), _) | (_, Err(wrong)) => wrong,
    }
}
