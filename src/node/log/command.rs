//! What a local command asks about the transfer log.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::evidence::EvidenceLocal;
use super::officer::OfficerLocal;
use super::search::SearchCommand;
use crate::domain::oin::Oin;
use crate::translog::standards::fsc::RawQuestion;

/// A command about the transfer log. Paths are absolute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum LogLocal {
    /// Entries, the newest first.
    List(Box<SearchCommand>),
    /// One entry.
    Show {
        /// Leaf number.
        number: u64,
        /// As JSON.
        json: bool,
    },
    /// How it stands with the log and its witnesses, and with the logs that this node witnesses.
    Status {
        /// As JSON.
        json: bool,
    },
    /// The whole log in the open format.
    Export {
        /// An empty or absent directory.
        out: PathBuf,
    },
    /// The log as evidence.
    Evidence(EvidenceLocal),
    /// What a privacy officer asks.
    Officer(OfficerLocal),
    /// The log in the words of a standard.
    Standard(StandardCommand),
    /// The audit log beside every head of it that the transfer log holds.
    AuditCheck {
        /// As JSON.
        json: bool,
    },
    /// What employees did.
    Audit(AuditCommand),
    /// How the export to the logboek dataverwerkingen stands.
    ExportStatus {
        /// As JSON.
        json: bool,
    },
    /// A page of FSC records.
    Fsc {
        /// The organisation that would ask.
        caller: Oin,
        /// The parameters of `GET /logs`.
        question: RawQuestion,
    },
}

/// `log audit`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditCommand {
    /// At or after this moment, milliseconds since 1970 UTC.
    pub since: Option<u64>,
    /// Before this moment.
    pub until: Option<u64>,
    /// As JSON.
    pub json: bool,
}

/// A log standard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum StandardForm {
    /// LDV, as lines of its read API.
    Ldv,
    /// Records of FSC logging.
    Fsc,
    /// GEMMA Verwerkingsacties.
    Gemma,
    /// Events of NEN 7513.
    Nen7513,
}

/// `log standard`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StandardCommand {
    /// Which standard.
    pub form: StandardForm,
    /// Begun at or after this moment, milliseconds since 1970 UTC.
    pub since: Option<u64>,
    /// Begun before this moment, milliseconds since 1970 UTC.
    pub until: Option<u64>,
    /// A new file; otherwise the lines are the answer.
    pub out: Option<PathBuf>,
}

/// `log list`: the newest entries that meet every condition given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LogListCommand {
    /// At most this many.
    pub limit: usize,
    /// Sent, received or delegated by this organisation.
    pub partner: Option<crate::domain::oin::Oin>,
    /// Begun at or after this moment, milliseconds since 1970 UTC.
    pub since: Option<u64>,
    /// Begun before this moment, milliseconds since 1970 UTC.
    pub until: Option<u64>,
    /// For this purpose, `P1` to `P9`.
    pub purpose: Option<String>,
    /// Denied, or allowed.
    pub denied: Option<bool>,
    /// On a legal ground that holds this text.
    pub ground: Option<String>,
    /// With this indicator or field.
    pub field: Option<String>,
    /// With a lower number: where an earlier page ended.
    pub before: Option<u64>,
    /// How it is written.
    pub form: ListForm,
}

/// How a list is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum ListForm {
    /// Lines for people.
    #[default]
    Text,
    /// JSON.
    Json,
    /// CSV, safe to open in a spreadsheet.
    Csv,
}
