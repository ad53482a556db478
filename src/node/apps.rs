//! Applications of the organisation itself: which there are, and what one may do at the door of a running node. Each has a key of its own and
//! exchange types; everything else is refused and logged.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::audit::{Caller, audited};
use super::command::{LocalCommand, Outcome};
use super::exchange::{self, ExchangeLocal, ExchangeOrder, Named, opened_number};
use super::execute::Running;
use super::show::pretty;
use super::{Node, SystemClock};
use crate::config::Config;
use crate::crypto::Digest;
use crate::domain::bsn::{Bsn, BsnReading, read_bsn};
use crate::domain::day::Day;
use crate::domain::fault::said;
use crate::policy::case::Rules;
use crate::policy::case::situation::Situation;
use crate::service::core::Clock;
use crate::storage::files::write_atomic;
use crate::translog::entry::TransferId;
use crate::transport::apps::{self, AppCall, AppDoor, AppSaid};
use crate::transport::tls::TlsHandle;

/// Seconds that the other side may take, unless the application says otherwise.
const SECONDS: u32 = 30;
/// Applications of one node at most.
const MOST: usize = 100;

/// An application.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Its name: small letters, digits and hyphens.
    pub name: String,
    /// SHA-256 of the SubjectPublicKeyInfo of its key.
    pub pin: Digest,
    /// The exchange types that it may ask, offer and take over.
    pub exchanges: BTreeSet<String>,
    /// Last day on which it may come in.
    pub until: Day,
}

/// A command about applications.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AppsLocal {
    /// Let one in, or change what it may do.
    Admit(App),
    /// Let one in no more, at once.
    Remove {
        /// Which.
        name: String,
    },
    /// Those there are.
    List {
        /// As JSON.
        json: bool,
    },
}

fn folder(config: &Config) -> PathBuf {
    config.dir.join("apps")
}

fn file(config: &Config, name: &str) -> PathBuf {
    folder(config).join(format!("{name}.json"))
}

/// The applications of a node, by name; what cannot be read lets nobody in.
fn applications(config: &Config) -> Vec<App> {
    let entries = std::fs::read_dir(folder(config)).into_iter().flatten().flatten();
    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let mut found: Vec<App> = texts.filter_map(|text| serde_json::from_str(&text).ok()).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// What is wrong with an application.
fn fault(app: &App, known: &[App]) -> Option<String> {
    let name = !app.name.is_empty()
        && app.name.len() <= 40
        && app.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let types = Rules::national().exchange_names();
    let unknown = app.exchanges.iter().find(|exchange| !types.contains(exchange.as_str()));
    let others = known.iter().filter(|other| other.name != app.name);
    if !name {
        return Some("een naam heeft 1 tot 40 kleine letters, cijfers en koppeltekens".to_owned());
    }
    if let Some(exchange) = unknown {
        return Some(format!("`{exchange}` is geen soort uitwisseling over een kind"));
    }
    if app.exchanges.is_empty() {
        return Some("noem minstens één soort uitwisseling".to_owned());
    }
    if others.clone().any(|other| other.pin == app.pin) {
        return Some("een andere toepassing heeft deze sleutel al".to_owned());
    }
    (others.count() >= MOST).then(|| format!("hoogstens {MOST} toepassingen"))
}

impl Node {
    /// Runs a command about applications.
    pub(super) fn apps(&self, command: &AppsLocal) -> Outcome {
        let known = applications(&self.config);
        match command {
            AppsLocal::Admit(app) => {
                if let Some(fault) = fault(app, &known) {
                    return Outcome::refused(fault);
                }
                let text = serde_json::to_vec_pretty(app).unwrap_or_default();
                let written = std::fs::create_dir_all(folder(&self.config)).map_err(|e| said(&e).to_string());
                let path = file(&self.config, &app.name);
                let written = written.and_then(|()| write_atomic(&path, &text, 0o600).map_err(|e| e.to_string()));
                written.map_or_else(Outcome::failed, |()| Outcome::done(format!("{} mag binnen", line(app))))
            }
            AppsLocal::Remove { name } => match known.iter().find(|app| app.name == *name) {
                None => Outcome::refused(format!("er is geen toepassing `{name}`")),
                Some(app) => match std::fs::remove_file(file(&self.config, &app.name)) {
                    Ok(()) => Outcome::done(format!("{name} mag niet meer binnen")),
                    Err(e) => Outcome::failed(said(&e).to_string()),
                },
            },
            AppsLocal::List { json: true } => Outcome::done(pretty(&known)),
            AppsLocal::List { json: false } if known.is_empty() => Outcome::done("er zijn geen toepassingen"),
            AppsLocal::List { json: false } => Outcome::done(known.iter().map(line).collect::<Vec<_>>().join("\n")),
        }
    }
}

fn line(app: &App) -> String {
    let types: Vec<&str> = app.exchanges.iter().map(String::as_str).collect();
    format!("{} ({}, tot en met {})", app.name, types.join(", "), app.until)
}

/// Opens the door for applications when it is configured; the task that serves it.
pub async fn open(running: &Arc<Running>, tls: &Arc<TlsHandle>) -> Result<JoinHandle<()>, String> {
    let Some(listen) = running.node.config.applications else { return Ok(tokio::spawn(async {})) };
    let bound = TcpListener::bind(listen).await;
    let listener = bound.map_err(|e| format!("applications.listen: {listen}: {}", said(&e)))?;
    let door: Arc<dyn AppDoor> = Arc::new(Door(Arc::clone(running)));
    let tls = Arc::clone(tls);
    tracing::info!(%listen, "deur voor toepassingen open");
    Ok(tokio::spawn(async move {
        if let Err(error) = apps::serve(listener, tls, door).await {
            tracing::error!(%error, "deur voor toepassingen");
        }
    }))
}

/// The door of a running node.
struct Door(Arc<Running>);

impl AppDoor for Door {
    fn knows(&self, pin: &Digest) -> bool {
        self.app(pin).is_some()
    }

    fn call(&self, pin: &Digest, call: AppCall) -> Option<AppSaid> {
        let app = self.app(pin)?;
        Some(self.within(&app, call).unwrap_or_else(|said| said))
    }
}

impl Door {
    fn app(&self, pin: &Digest) -> Option<App> {
        let today = SystemClock.today();
        applications(&self.0.node.config).into_iter().find(|app| app.pin == *pin && today <= app.until)
    }

    fn within(&self, app: &App, call: AppCall) -> Result<AppSaid, AppSaid> {
        match call {
            AppCall::Order { offer, situation, number, seconds } => {
                let situation = Situation::from_json(&situation).map_err(|e| AppSaid::Unreadable(e.to_string()))?;
                self.may(app, situation.exchange.as_deref())?;
                // Passing over who refuses takes two people (Jeugdwet 7.3.4): a key is none.
                if situation.overridden.is_some() {
                    self.may(app, None)?;
                }
                let digits = std::str::from_utf8(&number).unwrap_or_default();
                let BsnReading::Subject { bsn, .. } = read_bsn(digits) else {
                    return Err(AppSaid::Unreadable("dit is geen BSN".to_owned()));
                };
                let child = self.named(&bsn, offer.then_some(&situation))?;
                drop((bsn, number));
                let seconds = if seconds == 0 { SECONDS } else { seconds };
                let order = Box::new(ExchangeOrder { situation, child, seconds: u64::from(seconds), json: true });
                let command = if offer { ExchangeLocal::Offer(order) } else { ExchangeLocal::Request(order) };
                Ok(said_of(self.run(app, &command)))
            }
            AppCall::Inbox(None) => {
                let outcome = self.run(app, &ExchangeLocal::Inbox { show: None, json: true });
                let all: Vec<Value> = serde_json::from_str(&outcome.stdout).unwrap_or_default();
                let own = |one: &Value| one["soort"].as_str().is_some_and(|name| app.exchanges.contains(name));
                let own: Vec<Value> = all.into_iter().filter(own).collect();
                Ok(AppSaid::Said(outcome.exit == 0, pretty(&own)))
            }
            AppCall::Inbox(Some(transfer)) => {
                self.may_have(app, &transfer)?;
                let outcome = self.run(app, &ExchangeLocal::Inbox { show: Some(transfer), json: true });
                Ok(self.with_number(&outcome))
            }
            AppCall::Confirm(transfer) => {
                self.may_have(app, &transfer)?;
                Ok(said_of(self.run(app, &ExchangeLocal::Confirm { transfer })))
            }
        }
    }

    /// Refuses and logs what is not for this application.
    fn may(&self, app: &App, exchange: Option<&str>) -> Result<(), AppSaid> {
        if exchange.is_some_and(|name| app.exchanges.contains(name)) {
            return Ok(());
        }
        let core = &self.0.node.core;
        core.refuse_application(&app.name, exchange.unwrap_or_default());
        Err(AppSaid::OutOfScope)
    }

    fn may_have(&self, app: &App, transfer: &str) -> Result<(), AppSaid> {
        let id = TransferId::parse(transfer);
        let id = id.map_err(|_| AppSaid::Unreadable("geef het nummer van een overdracht".to_owned()))?;
        match self.0.node.core.in_inbox(id) {
            // What is not there is not told apart from what is not for it.
            Ok(found) => self.may(app, found.map(|one| one.document.exchange).as_deref()),
            Err(reason) => Err(AppSaid::Said(false, pretty(&serde_json::json!({"code": reason.code()})))),
        }
    }

    /// The child as this node calls it; in an offer of identity with its number sealed to the receiver.
    fn named(&self, bsn: &Bsn, offer: Option<&Situation>) -> Result<Named, AppSaid> {
        let node = &self.0.node;
        let bundles: Vec<String> = node.core.convenants().iter().map(|(bundle, _)| bundle.to_text()).collect();
        let identity = offer.filter(|offer| offer.fields.iter().any(|field| field == "identity"));
        Named::of(&node.config, bsn, &bundles, identity.map(|offer| offer.receiver.oin)).map_err(AppSaid::Unreadable)
    }

    /// In the audit log as a command of this application.
    fn run(&self, app: &App, command: &ExchangeLocal) -> Outcome {
        let Running { node, peers, .. } = &*self.0;
        let recorded = LocalCommand::OfApplication { name: app.name.clone(), command: command.clone() };
        audited(&node.core, Caller::of_application(), &recorded, || exchange::run(&node.core, peers.as_ref(), command))
    }

    /// What came, with its number opened: the application takes the child over into the organisation's own system.
    fn with_number(&self, outcome: &Outcome) -> AppSaid {
        let mut arrived: Value = serde_json::from_str(&outcome.stdout).unwrap_or_default();
        if let Some(sealed) = arrived["document"]["number"].as_str() {
            match opened_number(&self.0.node.config, sealed) {
                Ok(number) => arrived["document"]["number"] = Value::String(number.to_string()),
                Err(why) => return AppSaid::Unreadable(why),
            }
        }
        AppSaid::Said(outcome.exit == 0, pretty(&arrived))
    }
}

fn said_of(outcome: Outcome) -> AppSaid {
    let text = if outcome.stdout.is_empty() { outcome.stderr } else { outcome.stdout };
    let json = match serde_json::from_str::<Value>(&text) {
        Ok(_) => text,
        Err(_) => pretty(&serde_json::json!({ "zin": text })),
    };
    AppSaid::Said(outcome.exit == 0, json)
}
