//! `log erase`: destroys the key of one person.

use std::path::PathBuf;

use clap::Args;

use crate::node::command::Outcome;
use crate::node::log::command::LogLocal;
use crate::node::log::officer::{EraseCommand, OfficerLocal};

/// Arguments of `log erase`.
#[derive(Args, Debug)]
pub struct EraseArgs {
    /// Map van de node; het BSN wordt gevraagd en niet getoond
    #[arg(long)]
    pub node: PathBuf,
    /// Wie akkoord is; twee keer, twee verschillende medewerkers
    #[arg(long = "approved-by", value_name = "NAAM", required = true)]
    pub approved_by: Vec<String>,
    /// Waarom; komt in het log, noem er geen personen in
    #[arg(long, value_name = "TEKST")]
    pub reason: String,
    /// Lees het BSN van deze bestandsdescriptor in plaats van het toetsenbord
    #[arg(long = "bsn-fd", value_name = "NUMMER")]
    pub bsn_fd: Option<u32>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Asks for the person and erases.
pub(super) fn run(args: &EraseArgs) -> Outcome {
    let mut names: Vec<String> = args.approved_by.iter().map(|name| name.trim().to_lowercase()).collect();
    names.sort();
    names.dedup();
    if names.len() != 2 || args.approved_by.len() != 2 || names.iter().any(String::is_empty) {
        let stderr = "vier ogen: geef --approved-by twee keer, met twee verschillende namen".to_owned();
        return Outcome { exit: 2, stderr, ..Outcome::default() };
    }
    match super::person::ask(&args.node, args.bsn_fd) {
        Ok(person) => {
            let (reason, approved_by) = (args.reason.clone(), args.approved_by.clone());
            let command = EraseCommand { person, reason, approved_by, json: args.json };
            super::ask(&args.node, LogLocal::Officer(OfficerLocal::Erase(command)))
        }
        Err(outcome) => outcome,
    }
}
