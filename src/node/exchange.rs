//! `exchange` on an open node: asking and offering fields of a child, and what came.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::Outcome;
use super::show::pretty;
use crate::config::Config;
use crate::crypto::{KeyTree, Tag, from_hex, hex};
use crate::domain::bsn::Bsn;
use crate::domain::moment;
use crate::domain::oin::Oin;
use crate::policy::bundle::ConvenantBundle;
use crate::policy::case::situation::Situation;
use crate::service::api::Peers;
use crate::service::cases::ask::{CaseChild, CaseOrder, Exchanged, NoExchange};
use crate::service::cases::inbox::{Arrived, KEPT_MS};
use crate::service::core::Core;
use crate::translog::entry::TransferId;

const NOT_THERE: &str = "deze overdracht is niet (meer) in het postvak";

/// A command about an exchange.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ExchangeLocal {
    /// Ask a partner.
    Request(Box<ExchangeOrder>),
    /// Offer to a partner.
    Offer(Box<ExchangeOrder>),
    /// What came.
    Inbox {
        /// Only this transfer, with its content.
        show: Option<String>,
        /// As JSON.
        json: bool,
    },
    /// Taken over in the organisation's own system: destroy it here.
    Confirm {
        /// Which transfer.
        transfer: String,
    },
}

/// What is asked or offered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExchangeOrder {
    /// The described situation, as `policy explain` reads it.
    pub situation: Situation,
    /// The child.
    pub child: Named,
    /// How many seconds the other side may take.
    pub seconds: u64,
    /// As JSON.
    pub json: bool,
}

/// A child on its way over the local socket of the node's owner: local pseudonym, chain tokens, and its number sealed to the receiver of an
/// offer. `Debug` shows nothing.
#[derive(Clone, Serialize, Deserialize)]
pub struct Named {
    subject: String,
    tokens: Vec<(String, String)>,
    number: Option<String>,
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Named(<redacted>)")
    }
}

impl Named {
    /// What this node calls the child with this BSN under these convenants; `receiver` is who gets its number in an offer.
    ///
    /// # Errors
    /// When the node's key cannot be read, in words.
    pub fn of(config: &Config, bsn: &Bsn, bundles: &[String], receiver: Option<Oin>) -> Result<Self, String> {
        let keys = KeyTree::new(super::read_root(config)?);
        let own = keys.agreement_key(0);
        let mut tokens = Vec::new();
        let mut number = None;
        for bundle in bundles.iter().filter_map(|text| ConvenantBundle::parse(text).ok()) {
            let convenant = bundle.convenant();
            let base = convenant.chain.as_ref().and_then(|chain| {
                let maker = convenant.party(&chain.made_by)?.card.card().signing;
                let base = chain.open(&convenant.id, (&config.oin, &own), &maker).ok()?;
                Some((hex(&chain.check.0[..16]), hex(bsn.chain_token(&base.token_key()).expose())))
            });
            tokens.extend(base);
            if let Some(party) = receiver.and_then(|oin| convenant.party(&oin)) {
                number = Some(hex(&bsn.sealed_to(&party.card.card().agreement, party.oin().bytes())));
            }
        }
        Ok(Self { subject: hex(bsn.local_pseudonym(&keys.local_key()).expose()), tokens, number })
    }

    fn read(&self) -> Option<(CaseChild, Option<String>)> {
        let tag = |text: &str| from_hex(text).map(Tag::from_bytes);
        let tokens = self.tokens.iter().map(|(base, token)| Some((from_hex(base)?, tag(token)?)));
        Some((CaseChild { subject: tag(&self.subject)?, tokens: tokens.collect::<Option<_>>()? }, self.number.clone()))
    }
}

/// Opens the number of a child that came sealed to this organisation: nine digits, for the screen of who takes it over.
///
/// # Errors
/// When the node's key cannot be read or the number is not sealed to it, in words.
pub fn opened_number(config: &Config, sealed: &str) -> Result<zeroize::Zeroizing<String>, String> {
    let own = KeyTree::new(super::read_root(config)?).agreement_key(0);
    let bytes: Option<Vec<u8>> =
        (0..sealed.len() / 2).map(|n| from_hex::<1>(&sealed[2 * n..2 * n + 2]).map(|b| b[0])).collect();
    let opened = bytes.and_then(|bytes| crate::domain::bsn::open_sealed(&own, config.oin.bytes(), &bytes));
    opened.ok_or_else(|| "het BSN is niet aan deze organisatie verzegeld".to_owned())
}

/// Runs a command with the partners of a running node.
pub fn run(core: &Core, peers: &dyn Peers, command: &ExchangeLocal) -> Outcome {
    match command {
        ExchangeLocal::Request(order) => exchanged(core, order, &|core, order| core.request_case(peers, order)),
        ExchangeLocal::Offer(order) => exchanged(core, order, &|core, order| core.offer_case(peers, order)),
        ExchangeLocal::Inbox { show, json } => inbox(core, show.as_deref(), *json),
        ExchangeLocal::Confirm { transfer } => match TransferId::parse(transfer).map(|id| core.confirm_case(id)) {
            Ok(Ok(true)) => Outcome::done("overgenomen; de inhoud is hier vernietigd"),
            Ok(Ok(false)) | Err(_) => Outcome::refused(NOT_THERE),
            Ok(Err(reason)) => Outcome::failed(reason.sentence()),
        },
    }
}

type Doing<'a> = dyn Fn(&Core, &CaseOrder) -> Result<Exchanged, NoExchange> + 'a;

fn exchanged(core: &Core, order: &ExchangeOrder, doing: &Doing<'_>) -> Outcome {
    let Some((child, number)) = order.child.read() else { return Outcome::failed("onleesbare opdracht") };
    let deadline = Duration::from_secs(order.seconds.clamp(1, 600));
    let asked = CaseOrder { situation: order.situation.clone(), child, number, deadline };
    match doing(core, &asked) {
        Ok(done) if order.json => Outcome::done(pretty(&json!({
            "overdracht": done.transfer.to_string(), "velden": done.fields, "ontbreekt": done.missing, "code": null,
        }))),
        Ok(done) => Outcome::done(format!(
            "overdracht {}\nvelden: {}\n{}",
            done.transfer,
            done.fields.join(", "),
            if done.missing.is_empty() { String::new() } else { format!("ontbreekt: {}\n", done.missing.join(", ")) }
        )),
        Err(refused) => {
            let NoExchange { reason, zin, transfer } = refused;
            let said = format!("{} {} ({reason})", reason.sentence(), reason.remedy());
            let said = zin.map_or_else(|| said.clone(), |zin| format!("{zin}\n{said}"));
            let shown = json!({"overdracht": transfer.map(|id| id.to_string()), "code": reason.code(), "zin": said});
            let stdout = if order.json { pretty(&shown) } else { String::new() };
            Outcome { exit: 1, stdout, stderr: said }
        }
    }
}

fn inbox(core: &Core, show: Option<&str>, as_json: bool) -> Outcome {
    let found = match core.inbox() {
        Ok(found) => found,
        Err(reason) => return Outcome::failed(reason.sentence()),
    };
    match show {
        Some(wanted) => match found.into_iter().find(|(id, _)| TransferId::parse(wanted) == Ok(*id)) {
            Some((_, arrived)) => Outcome::done(pretty(&arrived)),
            None => Outcome::refused(NOT_THERE),
        },
        None => {
            let lines: Vec<_> = found.iter().map(|(id, arrived)| line(*id, arrived)).collect();
            if as_json {
                return Outcome::done(pretty(&lines));
            }
            let text = |line: &serde_json::Value| {
                let of = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
                format!("{}  {}  van {}  tot {}", of("overdracht"), of("soort"), of("van"), of("vernietigd_op"))
            };
            Outcome::done(match lines.is_empty() {
                true => "het postvak is leeg".to_owned(),
                false => lines.iter().map(text).collect::<Vec<_>>().join("\n"),
            })
        }
    }
}

fn line(id: TransferId, arrived: &Arrived) -> serde_json::Value {
    json!({
        "overdracht": id.to_string(),
        "soort": arrived.document.exchange,
        "van": arrived.from,
        "velden": arrived.document.fields(),
        "ontbreekt": arrived.document.missing,
        "vernietigd_op": moment::seconds(arrived.at_ms.saturating_add(KEPT_MS)),
    })
}
