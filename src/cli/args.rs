//! The command line (design 13): what can be typed, with an example for each command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use super::convenant_args::*;
use super::disclosure::DisclosureCommand;
use super::log::args::LogCommand;
use super::policy::PolicyCommand;
use super::release::ReleaseArgs;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::period::Period;

/// Gegevens uitwisselen in de jeugdbeschermingsketen zonder één stapel kinddossiers.
#[derive(Parser, Debug)]
#[command(name = "ketenpoort", version, about, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Every command.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Een hele voorbeeldregio op deze machine: één echt proces per organisatie, convenant, inname en regiorapport
    #[command(after_help = "Voorbeeld: ketenpoort demo --dir ./region --once")]
    Demo(DemoArgs),
    /// Maak verzonnen voorbeeldbestanden van een regio
    #[command(after_help = "Voorbeeld: ketenpoort generate --out ./voorbeeld --children 6000 --seed 1")]
    Generate(GenerateArgs),
    /// Maak een nieuwe node in een lege map: sleutels, configuratie, certificaataanvraag en visitekaart
    #[command(
        after_help = "Voorbeeld: ketenpoort init --node ./gi --oin 00000099000880001234 --name \"GI Voorbeeld\" \
                      --type GI --levert GI --listen 0.0.0.0:8443 --endpoint gi.voorbeeld.nl:8443"
    )]
    Init(InitArgs),
    /// Controleer node.toml, certificaten en sleutels zonder iets te starten
    #[command(after_help = "Voorbeeld: ketenpoort check-config --node ./gi")]
    CheckConfig(NodeArgs),
    /// Onderzoek de node en de weg naar een partner, met een oplossing bij elke fout
    #[command(after_help = "Voorbeeld: ketenpoort doctor --node ./gi --peer 00000099000880001234")]
    Doctor(DoctorArgs),
    /// Start de node
    #[command(after_help = "Voorbeeld: ketenpoort serve --node ./gi")]
    Serve(NodeArgs),
    /// Neem een of meer bestanden van de eigen organisatie in
    #[command(after_help = "Voorbeeld: ketenpoort intake leveringen/2024.csv --node ./gi --proef")]
    Intake(IntakeArgs),
    /// Toon de eigen, onbeveiligde cijfers van deze organisatie
    #[command(
        after_help = "Voorbeeld: ketenpoort indicator --node ./gi --id IND-01 --period 2024-Q1 --by gemeente --json"
    )]
    Indicator(IndicatorArgs),
    /// Toets en bewaar nu wat vrij mag komen; anders doet de node dit zelf, een uur na de laatste inname
    #[command(
        after_help = "Voorbeelden: ketenpoort release --node ./gi\n            ketenpoort release --node ./gi --revise 2024 --reason \"nalevering vestiging Noord\""
    )]
    Release(ReleaseArgs),
    /// Vrijgegeven cijfers opnieuw controleren aan hun certificaat
    #[command(subcommand)]
    Disclosure(DisclosureCommand),
    /// Gekoppelde cijfers over organisaties heen, zonder identificerende gegevens
    #[command(subcommand)]
    Link(super::link::LinkArgs),
    /// Een convenant maken, controleren, ondertekenen of intrekken
    #[command(subcommand)]
    Convenant(ConvenantCommand),
    /// De regels voor uitwisseling over één kind: uitleg van een besluit
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Cijfers ophalen bij alle nodes en het regiorapport maken
    #[command(subcommand)]
    Monitor(MonitorCommand),
    /// Het transferlog bekijken, controleren en uitvoeren
    #[command(subcommand)]
    Log(LogCommand),
    /// Certificaten voor proef en voorbeeld
    #[command(subcommand)]
    Cert(CertCommand),
}

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Map voor de regio (wordt gemaakt)
    #[arg(long)]
    pub dir: PathBuf,
    /// Map met organisations.json en `events-KEY.csv`; zonder deze wordt een regio gemaakt
    #[arg(long)]
    pub input: Option<PathBuf>,
    /// Aantal kinderen van de gemaakte regio
    #[arg(long, default_value_t = 6000)]
    pub children: u32,
    /// Startgetal van de gemaakte regio
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Stop alles zodra het rapport er is
    #[arg(long)]
    pub once: bool,
    /// Eerste poort; zonder deze worden vrije poorten gebruikt
    #[arg(long)]
    pub port_base: Option<u16>,
}

/// Arguments of `generate`.
#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// Map voor de bestanden
    #[arg(long)]
    pub out: PathBuf,
    /// Aantal kinderen
    #[arg(long, default_value_t = 6000)]
    pub children: u32,
    /// Startgetal
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Only the node's directory.
#[derive(Args, Debug)]
pub struct NodeArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `init`.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// Map van de node (wordt gemaakt, moet leeg zijn)
    #[arg(long)]
    pub node: PathBuf,
    /// OIN van de organisatie, 20 cijfers
    #[arg(long)]
    pub oin: Oin,
    /// Naam van de organisatie
    #[arg(long)]
    pub name: String,
    /// Soort organisatie: GEM, VT, RVDK, GI, JHA, MONITOR of POORTWACHTER
    #[arg(long = "type")]
    pub org_type: String,
    /// Welke gebeurtenissen zij levert, bijvoorbeeld LT,GEM
    #[arg(long, value_delimiter = ',')]
    pub levert: Vec<String>,
    /// Gemeentecode van een gemeentelijke node
    #[arg(long)]
    pub gemeente: Option<String>,
    /// Adres waarop partners worden bediend
    #[arg(long, default_value = "0.0.0.0:8443")]
    pub listen: String,
    /// Host en poort die partners gebruiken
    #[arg(long)]
    pub endpoint: String,
    /// Lijst van gemeentecodes (JSON: organisations.json, of alleen de lijst daaruit)
    #[arg(long)]
    pub gemeenten: Option<PathBuf>,
    /// Adres van de console voor eigen medewerkers, of `geen`
    #[arg(long, default_value = "127.0.0.1:8444")]
    pub console: String,
}

/// Arguments of `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Probeer ook de verbinding met deze partner
    #[arg(long)]
    pub peer: Option<Oin>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `intake`.
#[derive(Args, Debug)]
pub struct IntakeArgs {
    /// Bestanden, in de volgorde waarin zij gelden
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Alleen controleren en tellen; niets opslaan
    #[arg(long)]
    pub proef: bool,
    /// Volledige vervanging van een periode: JJJJ-MM-DD..JJJJ-MM-DD, beide dagen inbegrepen
    #[arg(long, value_parser = day_range)]
    pub vervangt: Option<(Day, Day)>,
    /// Over welke periode deze levering gaat: JJJJ-MM-DD..JJJJ-MM-DD
    #[arg(long, value_parser = day_range)]
    pub gegevens: Option<(Day, Day)>,
    /// De bestanden bevatten velden voor uitwisseling over een kind (casusvelden), geen gebeurtenissen
    #[arg(long, conflicts_with_all = ["vervangt", "gegevens"])]
    pub casus: bool,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `indicator`.
#[derive(Args, Debug)]
pub struct IndicatorArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Indicator, bijvoorbeeld IND-01
    #[arg(long)]
    pub id: String,
    /// Periode: 2024, 2024-H1, 2024-Q1 of 2024-03 (niet voor IND-24)
    #[arg(long)]
    pub period: Option<Period>,
    /// Een tot drie uitsplitsingen: gemeente,maatregel,leeftijd,organisatie,gebied
    #[arg(long, value_delimiter = ',')]
    pub by: Vec<String>,
    /// Laatste dag waarover gegevens zijn geleverd
    #[arg(long)]
    pub horizon: Option<Day>,
    /// Eerste dag waarover gegevens zijn geleverd
    #[arg(long)]
    pub data_from: Option<Day>,
    /// N van doorstroom in dagen
    #[arg(long, default_value_t = 365)]
    pub within: u32,
    /// Laat regels weg die na deze dag zijn geregistreerd
    #[arg(long)]
    pub peildatum: Option<Day>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Commands of the ketenmonitor.
#[derive(Subcommand, Debug)]
pub enum MonitorCommand {
    /// Haal cijfers op bij alle nodes en schrijf het rapport
    #[command(
        after_help = "Voorbeeld: ketenpoort monitor pull --node ./monitor --period 2024 --period 2024-Q1 --out ./rapport"
    )]
    Pull(PullArgs),
    /// Toon het laatste rapport
    #[command(after_help = "Voorbeeld: ketenpoort monitor report --node ./monitor")]
    Report(NodeArgs),
}

/// Arguments of `monitor pull`.
#[derive(Args, Debug)]
pub struct PullArgs {
    /// Map van de ketenmonitor
    #[arg(long)]
    pub node: PathBuf,
    /// Periode (herhaalbaar)
    #[arg(long = "period", required = true)]
    pub periods: Vec<Period>,
    /// Alleen deze indicatoren (herhaalbaar)
    #[arg(long = "indicator")]
    pub indicators: Vec<String>,
    /// Alleen deze uitsplitsing; zonder deze het standaardplan
    #[arg(long, value_delimiter = ',')]
    pub by: Vec<String>,
    /// Map voor report.json, report.csv en report.html
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Laat deze organisatie (OIN) uit een eerste regionale som en uit gekoppelde cijfers weg; zij komt er daarna alleen bij een herziening bij (herhaalbaar)
    #[arg(long = "zonder")]
    pub without: Vec<crate::domain::oin::Oin>,
    /// Merk het rapport als voorbeeld met verzonnen gegevens
    #[arg(long)]
    pub example: bool,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Commands on certificates.
#[derive(Subcommand, Debug)]
pub enum CertCommand {
    /// Een proef-PKI: maakt een CA en ondertekent certificaataanvragen van proef-OIN's (00000099...)
    #[command(after_help = "Voorbeeld: ketenpoort cert example --pki ./proef-pki --node ./gi")]
    Example(CertExampleArgs),
}

/// Arguments of `cert example`.
#[derive(Args, Debug)]
pub struct CertExampleArgs {
    /// Map van de proef-PKI (wordt gemaakt als die er niet is)
    #[arg(long)]
    pub pki: PathBuf,
    /// Node waarvan de aanvraag wordt ondertekend (herhaalbaar)
    #[arg(long = "node")]
    pub nodes: Vec<PathBuf>,
    /// Vernieuw alleen de intrekkingslijst en zet die bij de nodes
    #[arg(long)]
    pub renew_crl: bool,
    /// Trek het certificaat van deze OIN in
    #[arg(long)]
    pub revoke: Vec<Oin>,
}

/// Reads `JJJJ-MM-DD..JJJJ-MM-DD`.
fn day_range(text: &str) -> Result<(Day, Day), String> {
    let (from, until) = text.split_once("..").ok_or("verwacht JJJJ-MM-DD..JJJJ-MM-DD")?;
    let day = |t: &str| Day::parse(t).map_err(|e| e.to_string());
    let (from, until) = (day(from)?, day(until)?);
    if until < from { Err("de eerste dag ligt na de laatste".to_owned()) } else { Ok((from, until)) }
}
