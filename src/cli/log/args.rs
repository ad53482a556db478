//! Arguments of `log ..`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::evidence::EvidenceCommand;
use super::officer::OfficerCommand;
use super::search::MoreConditions;
use crate::cli::args::NodeArgs;
use crate::domain::day::Day;
use crate::domain::oin::Oin;

/// Commands on the transfer log.
#[derive(Subcommand, Debug)]
pub enum LogCommand {
    /// Som regels op, nieuwste eerst; voorwaarden gelden samen
    #[command(
        after_help = "Voorbeeld: ketenpoort log list --node ./gi --since 2026-01-01 --until 2026-03-31 --decision DENY"
    )]
    List(Box<LogListArgs>),
    /// Toon één regel
    #[command(after_help = "Voorbeeld: ketenpoort log show 12 --export ./uitvoer --trust kaart.json")]
    Show(LogShowArgs),
    /// Controleer een export, zonder node en zonder netwerk
    #[command(after_help = "Voorbeeld: ketenpoort log verify --export ./uitvoer --trust kaart.json")]
    Verify(LogVerifyArgs),
    /// Toon hoe het log er als bewijs voor staat: getuigen, en bevindingen over de logs van partners
    #[command(after_help = "Voorbeeld: ketenpoort log status --node ./gi")]
    Status(LogStatusArgs),
    /// Schrijf het hele log in open formaat
    #[command(after_help = "Voorbeeld: ketenpoort log export --node ./gi --out ./uitvoer")]
    Export(LogExportArgs),
    /// Het log in de woorden van een standaard, een JSON-object per regel
    #[command(after_help = "Voorbeeld: ketenpoort log standard --form ldv --node ./gi --since 2026-01-01")]
    Standard(LogStandardArgs),
    /// Wie wat deed op deze node; controleert eerst of er niets aan het auditlog is veranderd
    #[command(after_help = "Voorbeeld: ketenpoort log audit --node ./gi --since 2026-01-01")]
    Audit(LogAuditArgs),
    /// Hoe de uitvoer naar het logboek dataverwerkingen ervoor staat
    #[command(after_help = "Voorbeeld: ketenpoort log export-status --node ./gi")]
    ExportStatus(NodeArgs),
    /// Een bladzijde van het FSC-transactielog, zoals een andere organisatie die te zien krijgt
    #[command(after_help = "Voorbeeld: ketenpoort log fsc --as 00000099000000001000 --node ./gi --limit 100")]
    Fsc(LogFscArgs),
    /// The log as evidence
    #[command(flatten)]
    Evidence(EvidenceCommand),
    /// What a privacy officer asks
    #[command(flatten)]
    Officer(OfficerCommand),
}

/// The log that a command reads: that of a node, or an export.
#[derive(Args, Debug)]
pub struct Source {
    /// Map van de node
    #[arg(long, conflicts_with = "export", required_unless_present = "export")]
    pub node: Option<PathBuf>,
    /// Map van een export in plaats van een node; die wordt eerst gecontroleerd
    #[arg(long)]
    pub export: Option<PathBuf>,
    /// Anker voor de handtekening onder de export: de visitekaart van de node, of een convenant
    #[arg(long, requires = "export")]
    pub trust: Option<PathBuf>,
}

/// Arguments of `log list`.
#[derive(Args, Debug)]
pub struct LogListArgs {
    /// Van welk log
    #[command(flatten)]
    pub source: Source,
    /// Alleen overdrachten zonder bewijs van de andere kant, met hun leeftijd
    #[arg(long, conflicts_with_all = ["partner", "since", "until", "purpose", "decision", "ground", "field", "before", "csv"])]
    pub one_sided: bool,
    /// Hoogstens zoveel regels
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
    /// Alleen met deze partner
    #[arg(long, value_name = "OIN")]
    pub partner: Option<Oin>,
    /// Vanaf deze dag (JJJJ-MM-DD, Nederlandse tijd) of dit tijdstip (RFC 3339)
    #[arg(long, value_name = "MOMENT", value_parser = since)]
    pub since: Option<u64>,
    /// Tot en met deze dag, of voor dit tijdstip
    #[arg(long, value_name = "MOMENT", value_parser = until)]
    pub until: Option<u64>,
    /// Alleen voor dit doel
    #[arg(long, value_name = "DOEL", value_parser = ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"])]
    pub purpose: Option<String>,
    /// Alleen toegestaan of alleen geweigerd
    #[arg(long, value_name = "BESLUIT", value_parser = ["ALLOW", "DENY"])]
    pub decision: Option<String>,
    /// Alleen op een grondslag waarin deze tekst voorkomt
    #[arg(long, value_name = "TEKST")]
    pub ground: Option<String>,
    /// Alleen met deze indicator of dit gegeven
    #[arg(long, value_name = "NAAM")]
    pub field: Option<String>,
    /// Voorwaarden voor wie preciezer zoekt
    #[command(flatten)]
    pub more: MoreConditions,
    /// Alleen regels met een lager nummer: verder bladeren
    #[arg(long, value_name = "NUMMER")]
    pub before: Option<u64>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
    /// Uitkomst als CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// Arguments of `log show`.
#[derive(Args, Debug)]
pub struct LogShowArgs {
    /// Nummer van de regel (de eerste is 0)
    pub number: u64,
    /// Van welk log
    #[command(flatten)]
    pub source: Source,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `log verify`.
#[derive(Args, Debug)]
pub struct LogVerifyArgs {
    /// Map van een node; het log wordt daar eerst uitgevoerd en dan gecontroleerd
    #[arg(long, conflicts_with = "export")]
    pub node: Option<PathBuf>,
    /// Map van een export
    #[arg(long)]
    pub export: Option<PathBuf>,
    /// Anker: de visitekaart van de node (handtekening), of een convenant (handtekening en getuigen)
    #[arg(long)]
    pub trust: Option<PathBuf>,
    /// Bewaard of medeondertekend checkpoint van dit log: de eerste regels moeten die zijn
    #[arg(long)]
    pub checkpoint: Option<PathBuf>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `log status`.
#[derive(Args, Debug)]
pub struct LogStatusArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `log export`.
#[derive(Args, Debug)]
pub struct LogExportArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Map voor de export (wordt gemaakt, moet leeg zijn)
    #[arg(long)]
    pub out: PathBuf,
}

/// Arguments of `log standard`.
#[derive(Args, Debug)]
pub struct LogStandardArgs {
    /// Welke standaard
    #[arg(long, value_name = "STANDAARD", value_parser = ["ldv", "fsc", "gemma", "nen7513"])]
    pub form: String,
    /// Van welk log
    #[command(flatten)]
    pub source: Source,
    /// Vanaf deze dag (JJJJ-MM-DD, Nederlandse tijd) of dit tijdstip (RFC 3339)
    #[arg(long, value_name = "MOMENT", value_parser = since)]
    pub since: Option<u64>,
    /// Tot en met deze dag, of voor dit tijdstip
    #[arg(long, value_name = "MOMENT", value_parser = until)]
    pub until: Option<u64>,
    /// Schrijf naar dit nieuwe bestand in plaats van naar het scherm
    #[arg(long, value_name = "BESTAND")]
    pub out: Option<PathBuf>,
}

/// Arguments of `log audit`.
#[derive(Args, Debug)]
pub struct LogAuditArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Vanaf deze dag (JJJJ-MM-DD, Nederlandse tijd) of dit tijdstip (RFC 3339)
    #[arg(long, value_name = "MOMENT", value_parser = since)]
    pub since: Option<u64>,
    /// Tot en met deze dag, of voor dit tijdstip
    #[arg(long, value_name = "MOMENT", value_parser = until)]
    pub until: Option<u64>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `log fsc`.
#[derive(Args, Debug)]
pub struct LogFscArgs {
    /// De organisatie die het zou vragen
    #[arg(long = "as", value_name = "OIN")]
    pub caller: Oin,
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Waar de bladzijde begint: next_cursor van de vorige
    #[arg(long, default_value = "")]
    pub cursor: String,
    /// Hoeveel records: 1 tot en met 1000, anders 25
    #[arg(long)]
    pub limit: Option<u32>,
    /// Oudste eerst
    #[arg(long)]
    pub ascending: bool,
    /// Gemaakt na deze seconde sinds 1970
    #[arg(long, value_name = "SECONDE")]
    pub after: Option<i64>,
    /// Gemaakt voor deze seconde sinds 1970
    #[arg(long, value_name = "SECONDE")]
    pub before: Option<i64>,
    /// Alleen deze grant; mag vaker
    #[arg(long, value_name = "HASH")]
    pub grant_hash: Vec<String>,
    /// Alleen deze dienst; mag vaker
    #[arg(long, value_name = "NAAM")]
    pub service_name: Vec<String>,
    /// Deze overdracht; mag vaker, en dan telt geen ander filter
    #[arg(long, value_name = "UUID")]
    pub transaction_id: Vec<String>,
}

/// The moment at which a day begins, or a timestamp itself; milliseconds since 1970 UTC.
pub(super) fn since(text: &str) -> Result<u64, String> {
    moment(text, 0)
}

/// The moment at which a day has ended, or a timestamp itself.
pub(super) fn until(text: &str) -> Result<u64, String> {
    moment(text, 1)
}

fn moment(text: &str, days_on: i64) -> Result<u64, String> {
    let wrong = || "verwacht een dag (JJJJ-MM-DD) of een tijdstip (JJJJ-MM-DDTuu:mm:ssZ)".to_owned();
    let at = match text.parse::<jiff::Timestamp>() {
        Ok(at) => at,
        Err(_) => {
            let day: jiff::civil::Date =
                Day::parse(text).map_err(|_| wrong())?.to_string().parse().map_err(|_| wrong())?;
            let day = day.checked_add(jiff::Span::new().days(days_on)).map_err(|_| wrong())?;
            day.in_tz("Europe/Amsterdam").map_err(|_| wrong())?.timestamp()
        }
    };
    u64::try_from(at.as_millisecond()).map_err(|_| wrong())
}
