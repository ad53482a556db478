//! What a privacy officer asks of a node about its log.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::notices::{InformedCommand, OverridesCommand, RecipientsCommand};
use super::person::Person;
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::node::Node;
use crate::node::command::Outcome;

/// A command of the privacy officer. Paths are absolute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum OfficerLocal {
    /// Destroy the key of a data subject.
    Erase(EraseCommand),
    /// What a person may know.
    Subject(SubjectCommand),
    /// Mark as confidential towards data subjects, or lift that.
    Confidentiality(ConfidentialityCommand),
    /// The register of processing activities.
    Register {
        /// How it is written.
        form: PageForm,
    },
    /// What a breach touches.
    Breach(BreachCommand),
    /// Who received something about a data subject.
    Recipients(RecipientsCommand),
    /// Transfers without a consent that two people let pass.
    Overrides(OverridesCommand),
    /// That those concerned were told of an exchange, or why not yet.
    Informed(InformedCommand),
    /// Exchanges of which nobody is on record as told.
    Uninformed {
        /// As JSON.
        json: bool,
    },
    /// Keys that are past their retention.
    Retention {
        /// Destroy them.
        apply: bool,
    },
}

/// How a report is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum PageForm {
    /// Plain text.
    #[default]
    Text,
    /// JSON.
    Json,
    /// A page that prints.
    Html,
}

/// `log subject`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectCommand {
    /// Whom it is about.
    pub person: Person,
    /// Also what is confidential.
    pub all: bool,
    /// How it is written.
    pub form: PageForm,
}

/// What a mark is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Marking {
    /// A transfer, by its id.
    Transfer(String),
    /// A processing activity, by its identifier.
    Activity(String),
}

/// `log confidentiality`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfidentialityCommand {
    /// What is marked.
    pub what: Marking,
    /// Lifted instead of confidential.
    pub lifted: bool,
    /// Why; stands in the log, sealed.
    pub reason: String,
}

/// `log breach`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BreachCommand {
    /// Begun at or after this moment, milliseconds since 1970 UTC.
    pub since: u64,
    /// Begun before this moment.
    pub until: u64,
    /// SHA-256 of a certificate, 64 hexadecimal digits.
    pub certificate: Option<Digest>,
    /// SHA-256 of a public key.
    pub key: Option<Digest>,
    /// With this organisation.
    pub partner: Option<Oin>,
    /// When the breach was found; none is now.
    pub discovered: Option<u64>,
    /// An empty or absent directory.
    pub out: PathBuf,
    /// Answer with JSON.
    pub json: bool,
}

/// `log erase`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EraseCommand {
    /// Whose key.
    pub person: Person,
    /// Why; stands in the log, sealed.
    pub reason: String,
    /// Two employees who agree; never in the transfer log.
    pub approved_by: Vec<String>,
    /// As JSON.
    pub json: bool,
}

impl Node {
    /// Runs a command of the privacy officer.
    pub(super) fn officer(&self, command: &OfficerLocal) -> Outcome {
        match command {
            OfficerLocal::Erase(command) => self.erase(command),
            OfficerLocal::Subject(command) => self.subject(command),
            OfficerLocal::Confidentiality(command) => self.confidentiality(command),
            OfficerLocal::Register { form } => self.register(*form),
            OfficerLocal::Breach(command) => self.breach(command),
            OfficerLocal::Recipients(command) => self.recipients(command),
            OfficerLocal::Overrides(command) => self.overrides(command),
            OfficerLocal::Informed(command) => self.informed(command),
            OfficerLocal::Uninformed { json } => self.uninformed(*json),
            OfficerLocal::Retention { apply } => self.retention(*apply),
        }
    }
}
