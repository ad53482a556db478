//! What can be typed after `convenant`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::domain::codes::Owner;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::query::IndicatorId;
use crate::policy::rules::Area;

/// Commands on a convenant.
#[derive(Subcommand, Debug)]
pub enum ConvenantCommand {
    /// Maak een concept uit visitekaarten (op een node die zelf gegevens levert)
    #[command(
        after_help = "Voorbeeld: ketenpoort convenant new --node ./gi --id twente-2025 --card a.json --card b.json \
                      --monitor 00000099000880009999 --from 2025-01-01 --until 2028-12-31 --out convenant.toml"
    )]
    New(ConvenantNewArgs),
    /// Controleer een concept of bundel en noem alle fouten
    #[command(after_help = "Voorbeeld: ketenpoort convenant check convenant.toml")]
    Check(ConvenantFileArgs),
    /// Onderteken een concept als voorstel en maak er een bundel van
    #[command(after_help = "Voorbeeld: ketenpoort convenant propose convenant.toml --node ./gi --out convenant.json")]
    Propose(ConvenantSignArgs),
    /// Onderteken de bundel, of neem een verder ondertekende bundel over
    #[command(after_help = "Voorbeeld: ketenpoort convenant accept convenant.json --node ./gem")]
    Accept(ConvenantSignArgs),
    /// Trek de deelname in: alle stromen van dit convenant stoppen direct
    #[command(after_help = "Voorbeeld: ketenpoort convenant withdraw convenant.json --node ./gem")]
    Withdraw(ConvenantSignArgs),
    /// Toon de convenanten van een node, of een bestand
    #[command(after_help = "Voorbeeld: ketenpoort convenant show --node ./gem")]
    Show(ConvenantShowArgs),
    /// Noem de verschillen tussen twee versies
    #[command(after_help = "Voorbeeld: ketenpoort convenant diff oud.json nieuw.json")]
    Diff(ConvenantDiffArgs),
}

/// Arguments of `convenant new`.
#[derive(Args, Debug)]
pub struct ConvenantNewArgs {
    /// Map van een node die gegevens levert; deze maakt de ketensleutel
    #[arg(long)]
    pub node: PathBuf,
    /// Naam van het convenant
    #[arg(long)]
    pub id: String,
    /// Visitekaart van een partij (herhaalbaar; de eigen kaart hoort erbij)
    #[arg(long = "card", required = true)]
    pub cards: Vec<PathBuf>,
    /// OIN van de ketenmonitor
    #[arg(long)]
    pub monitor: Oin,
    /// OIN van de poortwachter, als die er is
    #[arg(long)]
    pub gate: Option<Oin>,
    /// Eerste dag
    #[arg(long)]
    pub from: Day,
    /// Laatste dag
    #[arg(long)]
    pub until: Day,
    /// Soort eigenaar (zoals LT of GI, minstens drie partijen) waarvan de reeksen als regionale som komen (herhaalbaar)
    #[arg(long = "sum", value_parser = owner)]
    pub sums: Vec<Owner>,
    /// Indicator (zoals IND-05) die als gekoppeld regionaal cijfer komt, en langs geen andere route (herhaalbaar)
    #[arg(long = "link", value_parser = indicator)]
    pub links: Vec<IndicatorId>,
    /// Gebied tussen gemeente en regio, als NAAM=CODE,CODE (herhaalbaar; wat overblijft wordt ook een gebied)
    #[arg(long = "gebied", value_parser = area)]
    pub areas: Vec<Area>,
    /// Aantal kinderen van een leverende partij, als OIN=AANTAL: haar jaarquotum voor koppeling wordt zes keer zoveel (herhaalbaar)
    #[arg(long = "cohort", value_parser = cohort)]
    pub cohorts: Vec<(Oin, u32)>,
    /// Waar het concept komt
    #[arg(long)]
    pub out: PathBuf,
}

fn area(text: &str) -> Result<Area, String> {
    let (name, codes) = text.split_once('=').ok_or("schrijf NAAM=CODE,CODE")?;
    Ok(Area { name: name.to_owned(), gemeenten: codes.split(',').map(str::to_owned).collect() })
}

fn cohort(text: &str) -> Result<(Oin, u32), String> {
    let wrong = || "schrijf een OIN, een = en een aantal".to_owned();
    let (oin, children) = text.split_once('=').ok_or_else(wrong)?;
    Ok((Oin::parse(oin).map_err(|e| e.to_string())?, children.parse().map_err(|_| wrong())?))
}

fn indicator(text: &str) -> Result<IndicatorId, String> {
    let known: Vec<&str> = IndicatorId::ALL.iter().map(|id| id.as_str()).collect();
    IndicatorId::parse(text).ok_or_else(|| format!("onbekende indicator; kies uit {}", known.join(", ")))
}

fn owner(text: &str) -> Result<Owner, String> {
    let known: Vec<&str> = Owner::ALL.iter().map(|owner| owner.as_str()).collect();
    Owner::parse(text).ok_or_else(|| format!("onbekende soort eigenaar; kies uit {}", known.join(", ")))
}

/// A file.
#[derive(Args, Debug)]
pub struct ConvenantFileArgs {
    /// Concept (.toml) of bundel (.json)
    pub file: PathBuf,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// A file and the node that signs it.
#[derive(Args, Debug)]
pub struct ConvenantSignArgs {
    /// Concept (.toml) of bundel (.json)
    pub file: PathBuf,
    /// Map van de node die tekent
    #[arg(long)]
    pub node: PathBuf,
    /// Waar de bundel komt; zonder deze wordt de bundel zelf bijgewerkt
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Arguments of `convenant show`.
#[derive(Args, Debug)]
pub struct ConvenantShowArgs {
    /// Bundel of concept
    pub file: Option<PathBuf>,
    /// Map van de node
    #[arg(long)]
    pub node: Option<PathBuf>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `convenant diff`.
#[derive(Args, Debug)]
pub struct ConvenantDiffArgs {
    /// Eerste versie
    pub old: PathBuf,
    /// Tweede versie
    pub new: PathBuf,
}
