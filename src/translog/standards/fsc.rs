//! Records of FSC logging (Federated Service Connectivity): one per announced or refused transfer between two organisations,
//! and the rules of `GET /logs`. FSC has no outcome, no data subject and no field names.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::join::{own_span, trace_of};
use super::{Flow, Setting, parties};
use crate::crypto::{hex, sha3_512_parts};
use crate::domain::oin::Oin;
use crate::translog::entry::{Entry, Phase, TransferId};

/// Records a page has when the asker names no number.
pub const DEFAULT_LIMIT: u32 = 25;
/// Most records a page has.
pub const MAX_LIMIT: u32 = 1000;

/// Which way the question went, seen from the organisation that keeps the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FscDirection {
    /// Another organisation asked.
    #[serde(rename = "DIRECTION_INCOMING")]
    Incoming,
    /// This organisation asked.
    #[serde(rename = "DIRECTION_OUTGOING")]
    Outgoing,
}

/// Who asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Source {
    /// For itself.
    #[serde(rename = "SOURCE_TYPE_SOURCE")]
    Own {
        /// The organisation whose outway asked.
        outway_peer_id: Oin,
    },
    /// On behalf of another organisation.
    #[serde(rename = "SOURCE_TYPE_DELEGATED_SOURCE")]
    Delegated {
        /// The organisation whose outway asked.
        outway_peer_id: Oin,
        /// On whose behalf.
        delegator_peer_id: Oin,
    },
}

/// Who was asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Destination {
    /// For itself.
    #[serde(rename = "DESTINATION_TYPE_DESTINATION")]
    Own {
        /// The organisation that offers the service.
        service_peer_id: Oin,
    },
    /// On behalf of another organisation.
    #[serde(rename = "DESTINATION_TYPE_DELEGATED_DESTINATION")]
    Delegated {
        /// The organisation that offers the service.
        service_peer_id: Oin,
        /// On whose behalf.
        delegator_peer_id: Oin,
    },
}

impl Source {
    fn new(outway_peer_id: Oin, delegator: Option<Oin>) -> Self {
        match delegator.filter(|oin| *oin != outway_peer_id) {
            Some(delegator_peer_id) => Self::Delegated { outway_peer_id, delegator_peer_id },
            None => Self::Own { outway_peer_id },
        }
    }
}

impl Destination {
    fn new(service_peer_id: Oin, delegator: Option<Oin>) -> Self {
        match delegator.filter(|oin| *oin != service_peer_id) {
            Some(delegator_peer_id) => Self::Delegated { service_peer_id, delegator_peer_id },
            None => Self::Own { service_peer_id },
        }
    }
}

/// One record, in the members of `logging.yaml`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The transfer: a UUID of version 7.
    pub transaction_id: String,
    /// Hash of the grant, `$1$4$..`.
    pub grant_hash: String,
    /// Who asked.
    pub source: Source,
    /// Who was asked.
    pub destination: Destination,
    /// Which way the question went.
    pub direction: FscDirection,
    /// The service.
    pub service_name: String,
    /// Seconds since 1970 UTC.
    pub created_at: i64,
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// What FSC has no member for.
    pub additional_data: Map<String, Value>,
}

/// The record of an entry; none for what is no transaction between two organisations, and for its end (FSC has none).
#[must_use]
pub fn record(entry: &Entry, setting: &Setting) -> Option<Record> {
    record_as(entry, setting, Flow::of(&entry.service))
}

/// As [`record`], for a service of this flow.
#[must_use]
pub fn record_as(entry: &Entry, setting: &Setting, flow: Flow) -> Option<Record> {
    // Who is brought something announces nothing: its record is of what it received.
    let begins = match entry.phase {
        Phase::Intent | Phase::Deny => true,
        Phase::Received => flow == Flow::Pushed,
        Phase::Outcome | Phase::Connection => false,
    };
    if !begins {
        return None;
    }
    let (asker, asked) = parties(entry, flow)?;
    let direction = if asker == setting.ours { FscDirection::Outgoing } else { FscDirection::Incoming };
    let mut additional = Map::new();
    let mut set = |key: &str, text: &str| {
        if !text.is_empty() {
            additional.insert(key.to_owned(), json!(text));
        }
    };
    set("dpl.core.processing_activity_id", &entry.activity_own);
    set("processing_activity_id_peer", &entry.activity_peer);
    set("decision", entry.decision.map_or("", |decision| decision.as_str()));
    let given = entry.grant_hash.as_str();
    Some(Record {
        transaction_id: entry.transfer_id.to_string(),
        grant_hash: if given.is_empty() { grant_hash(entry, asker, asked) } else { given.to_owned() },
        source: Source::new(asker, entry.delegator_oins.first().copied()),
        destination: Destination::new(asked, entry.delegator_oins.get(1).copied()),
        direction,
        service_name: entry.service.clone(),
        created_at: i64::try_from(entry.start_ms / 1000).unwrap_or(i64::MAX),
        trace_id: hex(&trace_of(entry)),
        span_id: hex(&entry.span_id.unwrap_or_else(|| own_span(entry))),
        additional_data: additional,
    })
}

/// Where no FSC contract stands behind a transfer: `$1$` (SHA3-512) `4$` (service connection) and the base64url of the hash
/// of convenant, both organisations and service. Both sides make the same one, and no FSC contract has it.
fn grant_hash(entry: &Entry, asker: Oin, asked: Oin) -> String {
    use base64::Engine;
    let convenant = entry.convenant_hash.map_or([0; 32], |hash| hash.0);
    let hash = sha3_512_parts(&[
        b"ketenpoort/v1/fsc-grant\0",
        &convenant,
        asker.as_str().as_bytes(),
        asked.as_str().as_bytes(),
        entry.service.as_bytes(),
    ]);
    format!("$1$4${}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash))
}

impl Record {
    /// Whether this organisation may see the record: it is outway, service or delegator in it.
    #[must_use]
    pub fn concerns(&self, oin: Oin) -> bool {
        let source = match &self.source {
            Source::Own { outway_peer_id } => *outway_peer_id == oin,
            Source::Delegated { outway_peer_id, delegator_peer_id } => {
                [outway_peer_id, delegator_peer_id].contains(&&oin)
            }
        };
        let destination = match &self.destination {
            Destination::Own { service_peer_id } => *service_peer_id == oin,
            Destination::Delegated { service_peer_id, delegator_peer_id } => {
                [service_peer_id, delegator_peer_id].contains(&&oin)
            }
        };
        source || destination
    }
}

/// The claims of an FSC access token that say who the parties are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenParties {
    /// `sub`.
    pub sub: Oin,
    /// `iss`: who offers the service.
    pub iss: Oin,
    /// `act.sub` of FSC core since October 2025: who connects, when `sub` is the delegator.
    pub act_sub: Option<Oin>,
    /// `cdi` of FSC logging: delegator of the connection.
    pub cdi: Option<Oin>,
    /// `pdi`: delegator of the publication.
    pub pdi: Option<Oin>,
}

/// Source and destination by a token, in either of its two forms of delegation.
#[must_use]
pub fn token_parties(token: &TokenParties) -> (Source, Destination) {
    let (outway, delegator) = match token.act_sub {
        Some(connecting) => (connecting, Some(token.sub)),
        None => (token.sub, token.cdi),
    };
    (Source::new(outway, delegator), Destination::new(token.iss, token.pdi))
}

/// Why a question for records is refused, with FSC's own code where it has one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InvalidQuestion {
    /// A transaction id is empty.
    #[error("MISSING_LOG_RECORD_ID")]
    MissingId,
    /// A transaction id is no UUID of version 7.
    #[error("INVALID_LOG_RECORD_ID")]
    InvalidId,
    /// Another parameter has no allowed value.
    #[error("parameter {0} heeft een ongeldige waarde")]
    Parameter(&'static str),
}

/// The parameters of `GET /logs` as text, before they are checked; absent ones are empty.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RawQuestion {
    /// Where the page begins: `next_cursor` of the page before.
    pub cursor: String,
    /// 1 to 1000.
    pub limit: Option<u32>,
    /// `SORT_ORDER_ASCENDING` or `SORT_ORDER_DESCENDING`.
    pub sort_order: String,
    /// Made after this second.
    pub after: Option<i64>,
    /// Made before this second.
    pub before: Option<i64>,
    /// Any of these grants.
    pub grant_hashes: Vec<String>,
    /// Any of these services.
    pub service_names: Vec<String>,
    /// These transactions; every other filter is then passed over.
    pub transaction_ids: Vec<String>,
}

/// A checked question for records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// Entries below (descending) or from (ascending) this number.
    pub cursor: Option<u64>,
    /// Records on a page.
    pub limit: usize,
    /// Newest first.
    pub descending: bool,
    after: Option<i64>,
    before: Option<i64>,
    grant_hashes: Vec<String>,
    service_names: Vec<String>,
    transaction_ids: Vec<TransferId>,
}

/// Most values of one list parameter.
const MAX_VALUES: usize = 256;

impl Question {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`InvalidQuestion`].
    pub fn check(raw: &RawQuestion) -> Result<Self, InvalidQuestion> {
        let limit = raw.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(InvalidQuestion::Parameter("limit"));
        }
        let descending = match raw.sort_order.as_str() {
            "" | "SORT_ORDER_DESCENDING" => true,
            "SORT_ORDER_ASCENDING" => false,
            _ => return Err(InvalidQuestion::Parameter("sort_order")),
        };
        for (name, list) in [
            ("grant_hash", &raw.grant_hashes),
            ("service_name", &raw.service_names),
            ("transaction_ids", &raw.transaction_ids),
        ] {
            if list.len() > MAX_VALUES {
                return Err(InvalidQuestion::Parameter(name));
            }
        }
        let id = |text: &String| match text.as_str() {
            "" => Err(InvalidQuestion::MissingId),
            text => TransferId::parse(text).map_err(|_| InvalidQuestion::InvalidId),
        };
        Ok(Self {
            cursor: read_cursor(&raw.cursor)?,
            limit: limit as usize,
            descending,
            after: raw.after,
            before: raw.before,
            grant_hashes: raw.grant_hashes.clone(),
            service_names: raw.service_names.clone(),
            transaction_ids: raw.transaction_ids.iter().map(id).collect::<Result<_, _>>()?,
        })
    }

    /// The one transaction that is asked for, when it is one.
    #[must_use]
    pub fn only_transaction(&self) -> Option<TransferId> {
        if let [only] = self.transaction_ids[..] { Some(only) } else { None }
    }

    /// Whether a record meets the filters.
    #[must_use]
    pub fn admits(&self, record: &Record) -> bool {
        if !self.transaction_ids.is_empty() {
            return self.transaction_ids.iter().any(|id| id.to_string() == record.transaction_id);
        }
        let any = |list: &[String], value: &String| list.is_empty() || list.contains(value);
        self.after.is_none_or(|after| record.created_at > after)
            && self.before.is_none_or(|before| record.created_at < before)
            && any(&self.grant_hashes, &record.grant_hash)
            && any(&self.service_names, &record.service_name)
    }
}

/// A cursor: the number of an entry, 16 hexadecimal digits.
#[must_use]
pub fn cursor(number: u64) -> String {
    format!("{number:016x}")
}

fn read_cursor(text: &str) -> Result<Option<u64>, InvalidQuestion> {
    if text.is_empty() {
        return Ok(None);
    }
    let bytes: [u8; 8] = crate::crypto::from_hex(text).ok_or(InvalidQuestion::Parameter("cursor"))?;
    Ok(Some(u64::from_be_bytes(bytes)))
}

/// A page of records.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next page begins.
    pub pagination: Pagination,
}

/// Where a next page begins.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Pagination {
    /// Empty when there is no more. A page may hold fewer records than asked for, even none, and still have a next.
    pub next_cursor: String,
}
