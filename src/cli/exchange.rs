//! `exchange`: asking and offering fields of a child, and taking over what came. The BSN is typed without echo; it goes to the node as
//! pseudonyms, and in an offer with identity also sealed to the receiving organisation.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::local::on_node;
use super::log::person;
use crate::config::Config;
use crate::domain::day::Day;
use crate::domain::fault::said;
use crate::domain::oin::Oin;
use crate::node::SystemClock;
use crate::node::apps::{App, AppsLocal};
use crate::node::command::{LocalCommand, Outcome};
use crate::node::exchange::{ExchangeLocal, ExchangeOrder, Named, opened_number};
use crate::policy::case::situation::Situation;
use crate::service::core::Clock;
use crate::storage::files::write_atomic;
use crate::translog::entry::TransferId;
use crate::transport::certs::{self, Validity};

/// Commands of an exchange about one child.
#[derive(Subcommand, Debug)]
pub enum ExchangeCommand {
    /// Vraag velden over een kind aan een andere organisatie
    #[command(after_help = "Voorbeeld: ketenpoort exchange request --node ./gi --request verzoek.json")]
    Request(OrderArgs),
    /// Bied velden over een kind aan een andere organisatie aan (warme overdracht)
    #[command(after_help = "Voorbeeld: ketenpoort exchange offer --node ./gemeente --request overdracht.json")]
    Offer(OrderArgs),
    /// Toon wat is binnengekomen en nog niet is overgenomen
    #[command(after_help = "Voorbeeld: ketenpoort exchange inbox --node ./gi --show 0198a2...")]
    Inbox(InboxArgs),
    /// Bevestig dat de inhoud in het eigen systeem is overgenomen; hier wordt zij dan vernietigd
    #[command(after_help = "Voorbeeld: ketenpoort exchange confirm --node ./gi --id 0198a2...")]
    Confirm(ConfirmArgs),
    /// Geef een eigen toepassing een sleutel en certificaat, voor bepaalde soorten uitwisseling
    #[command(
        after_help = "Voorbeeld: ketenpoort exchange app --node ./gi --name zaaksysteem --exchange SCN-07 --out ./zaaksysteem\n\nDe deur staat in node.toml: [applications] listen = \"127.0.0.1:8445\""
    )]
    App(AppArgs),
    /// Toon de toepassingen, of laat er een niet meer binnen
    #[command(after_help = "Voorbeeld: ketenpoort exchange apps --node ./gi --remove zaaksysteem")]
    Apps(AppsArgs),
}

/// Arguments of `exchange app`.
#[derive(Args, Debug)]
pub struct AppArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Naam: kleine letters, cijfers en koppeltekens
    #[arg(long)]
    pub name: String,
    /// Soort uitwisseling die zij mag vragen, aanbieden en overnemen; herhaal voor meer
    #[arg(long = "exchange", required = true)]
    pub exchanges: Vec<String>,
    /// Hoeveel dagen zij binnen mag
    #[arg(long, default_value_t = 365)]
    pub days: u16,
    /// Map voor sleutel en certificaat
    #[arg(long)]
    pub out: PathBuf,
}

/// Arguments of `exchange apps`.
#[derive(Args, Debug)]
pub struct AppsArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Laat deze toepassing niet meer binnen, meteen
    #[arg(long, value_name = "NAAM")]
    pub remove: Option<String>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `exchange request` and `exchange offer`.
#[derive(Args, Debug)]
pub struct OrderArgs {
    /// Map van de node; het BSN wordt gevraagd en niet getoond
    #[arg(long)]
    pub node: PathBuf,
    /// De beschreven situatie (JSON), zoals `policy explain` haar leest
    #[arg(long)]
    pub request: PathBuf,
    /// Lees het BSN van deze bestandsdescriptor in plaats van het toetsenbord
    #[arg(long = "bsn-fd", value_name = "NUMMER")]
    pub bsn_fd: Option<u32>,
    /// Hoeveel seconden de andere kant erover mag doen
    #[arg(long, default_value_t = 30)]
    pub deadline: u64,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `exchange inbox`.
#[derive(Args, Debug)]
pub struct InboxArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// Toon de inhoud van deze overdracht
    #[arg(long, value_name = "OVERDRACHT")]
    pub show: Option<String>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `exchange confirm`.
#[derive(Args, Debug)]
pub struct ConfirmArgs {
    /// Map van de node
    #[arg(long)]
    pub node: PathBuf,
    /// De overdracht
    #[arg(long, value_name = "OVERDRACHT")]
    pub id: String,
}

/// Runs a command of an exchange.
pub fn run(command: &ExchangeCommand) -> Outcome {
    let done = match command {
        ExchangeCommand::Request(args) => {
            order(args, false).map(|o| ask(&args.node, ExchangeLocal::Request(Box::new(o))))
        }
        ExchangeCommand::Offer(args) => order(args, true).map(|o| ask(&args.node, ExchangeLocal::Offer(Box::new(o)))),
        ExchangeCommand::Inbox(args) => inbox(args),
        ExchangeCommand::Confirm(args) => {
            transfer(&args.id).map(|transfer| ask(&args.node, ExchangeLocal::Confirm { transfer }))
        }
        ExchangeCommand::App(args) => admit(args),
        ExchangeCommand::Apps(args) => Ok(on_node(
            &args.node,
            &LocalCommand::Apps(match &args.remove {
                Some(name) => AppsLocal::Remove { name: name.clone() },
                None => AppsLocal::List { json: args.json },
            }),
        )),
    };
    done.unwrap_or_else(|outcome| outcome)
}

fn ask(node: &Path, command: ExchangeLocal) -> Outcome {
    on_node(node, &LocalCommand::Exchange(command))
}

/// Makes key and certificate, and lets the application in.
fn admit(args: &AppArgs) -> Result<Outcome, Outcome> {
    let config = Config::load(&args.node).map_err(|e| Outcome::failed(e.to_string()))?;
    let now = SystemClock.now_ms() / 1000;
    let validity = Validity::days(now, u64::from(args.days));
    let failed = |e: &dyn std::fmt::Display| Outcome::failed(e.to_string());
    let made = certs::application(&config.oin, &args.name, validity).map_err(|e| failed(&e))?;
    let pin = certs::pin_of_key(&made.1).map_err(|e| failed(&e))?;
    let until = Day(SystemClock.today().0 + i32::from(args.days));
    let exchanges = args.exchanges.iter().cloned().collect();
    let app = App { name: args.name.clone(), pin, exchanges, until };
    let done = on_node(&args.node, &LocalCommand::Apps(AppsLocal::Admit(app)));
    if done.exit != 0 {
        return Err(done);
    }
    std::fs::create_dir_all(&args.out).map_err(|e| Outcome::failed(said(&e).to_string()))?;
    let key = write_atomic(&args.out.join("toepassing.key"), made.1.as_bytes(), 0o600);
    key.and_then(|()| write_atomic(&args.out.join("toepassing.crt"), made.0.as_bytes(), 0o644))
        .map_err(|e| failed(&e))?;
    Ok(done)
}

fn wrong(stderr: String) -> Outcome {
    Outcome { exit: 2, stderr, ..Outcome::default() }
}

fn transfer(text: &str) -> Result<String, Outcome> {
    let parsed = TransferId::parse(text).map(|id| id.to_string());
    parsed.map_err(|_| wrong("geef het nummer van een overdracht".to_owned()))
}

fn order(args: &OrderArgs, offer: bool) -> Result<ExchangeOrder, Outcome> {
    let text = std::fs::read_to_string(&args.request)
        .map_err(|e| Outcome::failed(format!("{}: {}", args.request.display(), said(&e))))?;
    let situation = Situation::from_json(&text).map_err(|e| wrong(e.to_string()))?;
    let config = Config::load(&args.node).map_err(|e| Outcome::failed(e.to_string()))?;
    let bundles = on_node(&args.node, &LocalCommand::ConvenantBundles);
    if bundles.exit != 0 {
        return Err(bundles);
    }
    let bundles: Vec<String> = serde_json::from_str(&bundles.stdout).unwrap_or_default();
    let identity = offer && situation.fields.iter().any(|field| field == "identity");
    let receiver: Option<Oin> = identity.then_some(situation.receiver.oin);
    let bsn = person::read(args.bsn_fd)?;
    let child = Named::of(&config, &bsn, &bundles, receiver).map_err(Outcome::failed)?;
    Ok(ExchangeOrder { situation, child, seconds: args.deadline, json: args.json })
}

/// Shows what came; a sealed number is opened here, for the screen of who takes it over.
fn inbox(args: &InboxArgs) -> Result<Outcome, Outcome> {
    let show = args.show.as_deref().map(transfer).transpose()?;
    let mut outcome = ask(&args.node, ExchangeLocal::Inbox { show: show.clone(), json: args.json });
    if show.is_some() && outcome.exit == 0 {
        let config = Config::load(&args.node).map_err(|e| Outcome::failed(e.to_string()))?;
        let mut arrived: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap_or_default();
        if let Some(sealed) = arrived["document"]["number"].as_str() {
            let number = opened_number(&config, sealed).map_err(Outcome::failed)?;
            arrived["document"]["number"] = serde_json::Value::String(number.to_string());
            outcome.stdout = serde_json::to_string_pretty(&arrived).unwrap_or_default() + "\n";
        }
    }
    Ok(outcome)
}
