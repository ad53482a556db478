//! `log erase`: destroys the key of one person.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use clap::Args;

use super::person;
use crate::domain::bsn::holds_typed_bsn;
use crate::node::command::Outcome;
use crate::node::log::command::LogLocal;
use crate::node::log::officer::{EraseCommand, OfficerLocal};

/// Arguments of `log erase`.
#[derive(Args, Debug)]
pub struct EraseArgs {
    /// Map van de node; het BSN wordt gevraagd en niet getoond, en daarna wie akkoord is
    #[arg(long)]
    pub node: PathBuf,
    /// Lees de twee namen van wie akkoord is van deze bestandsdescriptor, elk op een regel, in plaats van ze te vragen
    #[arg(long = "approved-by-fd", value_name = "NUMMER")]
    pub approved_by_fd: Option<u32>,
    /// Waarom; komt verzegeld in het log, noem er geen personen in
    #[arg(long, value_name = "TEKST")]
    pub reason: String,
    /// Lees het BSN van deze bestandsdescriptor in plaats van het toetsenbord
    #[arg(long = "bsn-fd", value_name = "NUMMER")]
    pub bsn_fd: Option<u32>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Asks for the person and for two names, and erases.
pub(super) fn run(args: &EraseArgs) -> Outcome {
    let asked = person::ask(&args.node, args.bsn_fd).and_then(|person| Ok((person, names(args.approved_by_fd)?)));
    match asked {
        Ok((person, approved_by)) => {
            let command = EraseCommand { person, reason: args.reason.clone(), approved_by, json: args.json };
            super::ask(&args.node, LogLocal::Officer(OfficerLocal::Erase(command)))
        }
        Err(outcome) => outcome,
    }
}

/// Two different names; never arguments, which every user of the machine can see.
pub(in crate::cli) fn names(descriptor: Option<u32>) -> Result<Vec<String>, Outcome> {
    let wrong = |stderr: String| Outcome { exit: 2, stderr, ..Outcome::default() };
    let unread = |e: std::io::Error| wrong(format!("de namen zijn niet te lezen: {e}"));
    let mut from: Box<dyn Read> = match descriptor {
        Some(number) => Box::new(File::open(format!("/dev/fd/{number}")).map_err(unread)?),
        None => Box::new(std::io::stdin()),
    };
    let mut names = Vec::new();
    for which in ["Eerste", "Tweede"] {
        if descriptor.is_none() && std::io::stdin().is_terminal() {
            eprint!("{which} medewerker die akkoord is: ");
        }
        names.push(person::line(&mut from).map_err(unread)?.trim().to_owned());
    }
    let fits = |name: &String| !name.is_empty() && !name.chars().any(char::is_control) && !holds_typed_bsn(name);
    if !names.iter().all(fits) || names[0].to_lowercase() == names[1].to_lowercase() {
        return Err(wrong("geef de namen van twee verschillende medewerkers, elk op een regel".to_owned()));
    }
    Ok(names)
}
