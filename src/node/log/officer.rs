//! What a privacy officer asks of a node about its log.

use serde::{Deserialize, Serialize};

use super::person::Person;
use crate::node::Node;
use crate::node::command::Outcome;

/// A command of the privacy officer. Paths are absolute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum OfficerLocal {
    /// Destroy the key of a data subject.
    Erase(EraseCommand),
}

/// `log erase`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EraseCommand {
    /// Whose key.
    pub person: Person,
    /// Why; stands in the log.
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
        }
    }
}
