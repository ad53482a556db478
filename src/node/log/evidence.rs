//! The log as evidence: transfers without a receipt of the other side, and proof of what was sent or received.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::crypto::hex;
use crate::node::Node;
use crate::node::command::Outcome;
use crate::node::show::pretty;
use crate::service::core::Clock;
use crate::service::receipts::Proof;
use crate::storage::files::read_bounded;
use crate::storage::log::OneSided;
use crate::translog::entry::TransferId;

/// The longest payload: more than any answer.
const MAX_PAYLOAD: u64 = 64 << 20;

/// A question about evidence. Paths are absolute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum EvidenceLocal {
    /// Transfers without a receipt of the other side.
    OneSided {
        /// As JSON.
        json: bool,
    },
    /// Whether a file is the payload of a transfer.
    Prove {
        /// Id of the transfer, 36 characters.
        transfer: String,
        /// The file.
        payload: PathBuf,
        /// As JSON.
        json: bool,
    },
}

impl Node {
    /// Runs a command about evidence.
    pub(super) fn evidence(&self, command: &EvidenceLocal) -> Outcome {
        match command {
            EvidenceLocal::OneSided { json } => one_sided(&self.core.one_sided(), super::SystemClock.now_ms(), *json),
            EvidenceLocal::Prove { transfer, payload, json } => self.prove(transfer, payload, *json),
        }
    }

    fn prove(&self, transfer: &str, payload: &Path, as_json: bool) -> Outcome {
        let Ok(id) = TransferId::parse(transfer) else { return Outcome::failed("dit is geen overdrachtnummer") };
        let bytes = match read_payload(payload) {
            Ok(bytes) => bytes,
            Err(reason) => return Outcome::failed(reason),
        };
        match self.core.prove_payload(id, &bytes) {
            Ok(proof) => proved(id, proof, as_json),
            Err(e) => Outcome::failed(e.to_string()),
        }
    }
}

/// Reads a file that is said to be a payload.
pub(crate) fn read_payload(path: &Path) -> Result<Vec<u8>, String> {
    read_bounded(path, MAX_PAYLOAD).map_err(|e| e.to_string())
}

/// Shows a proof of content. What is proved comes with its salt: it is of use only to whoever has the payload too.
pub(crate) fn proved(transfer: TransferId, proof: Proof, as_json: bool) -> Outcome {
    let (said, number, salt, text) = match proof {
        Proof::Same(n, salt) => {
            let text = format!("ja: regel {n} legt precies deze inhoud vast (zout {})", hex(&salt));
            ("ja", Some(n), Some(hex(&salt)), text)
        }
        Proof::Other(n) => ("nee", Some(n), None, format!("nee: regel {n} legt een andere inhoud vast")),
        Proof::Unfit(n) => {
            let text =
                format!("onbekend: deze inhoud met dit zout is niet wat regel {n} vastlegt; een van beide klopt niet");
            ("onbekend", Some(n), None, text)
        }
        Proof::Nothing => {
            ("onbekend", None, None, "van deze overdracht is geen vastlegging van inhoud te openen".to_owned())
        }
    };
    let exit = u8::from(said != "ja");
    let shown = json!({ "transfer_id": transfer.to_string(), "bewezen": said, "regel": number, "zout": salt });
    Outcome { exit, stdout: if as_json { pretty(&shown) } else { text }, stderr: String::new() }
}

/// Shows the transfers without a receipt of the other side, with their age at `now_ms`.
pub(crate) fn one_sided(all: &[OneSided], now_ms: u64, as_json: bool) -> Outcome {
    let age = |one: &OneSided| now_ms.saturating_sub(one.since_ms) / 1000;
    if as_json {
        let shown = all.iter().map(|one| {
            json!({
                "transfer_id": one.transfer.to_string(), "partner": one.partner, "direction": one.direction.as_str(),
                "number": one.number, "age_seconds": age(one), "before_receipts": one.before,
            })
        });
        return Outcome::done(pretty(&shown.collect::<Vec<_>>()));
    }
    if all.is_empty() {
        return Outcome {
            stderr: "van elke overdracht is er een bewijs van de andere kant".to_owned(),
            ..Outcome::default()
        };
    }
    let line = |one: &OneSided| {
        let (id, partner, way, age) = (one.transfer, one.partner, one.direction.as_str(), duration(age(one)));
        let before = if one.before { "  van voor de ontvangstbewijzen" } else { "" };
        format!("{:>6} {id} {partner} {way:<8} {age}{before}\n", one.number)
    };
    Outcome::done(all.iter().map(line).collect::<String>())
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} uur", seconds / 3600),
        _ => format!("{} dagen", seconds / 86_400),
    }
}
