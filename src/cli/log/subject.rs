//! `log subject`: the overview of one person.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::Source;
use super::officer::form;
use crate::node::command::Outcome;
use crate::node::log::command::LogLocal;
use crate::node::log::officer::{OfficerLocal, SubjectCommand};

/// Arguments of `log subject`.
#[derive(Args, Debug)]
pub struct SubjectArgs {
    /// Van welk log; het BSN wordt gevraagd en niet getoond
    #[command(flatten)]
    pub source: Source,
    /// Ook wat vertrouwelijk is, met een merk; alleen voor de functionaris zelf
    #[arg(long)]
    pub all: bool,
    /// Uitkomst als JSON
    #[arg(long, conflicts_with = "html")]
    pub json: bool,
    /// Uitkomst als pagina om af te drukken
    #[arg(long)]
    pub html: bool,
    /// Schrijf naar dit nieuwe bestand in plaats van het scherm
    #[arg(long, value_name = "BESTAND")]
    pub out: Option<PathBuf>,
    /// Lees het BSN van deze bestandsdescriptor in plaats van het toetsenbord
    #[arg(long = "bsn-fd", value_name = "NUMMER")]
    pub bsn_fd: Option<u32>,
}

/// Asks for the person and shows the overview.
pub(super) fn run(args: &SubjectArgs) -> Outcome {
    let Some(node) = &args.source.node else {
        let stderr = "wie een regel betreft, staat verzegeld in het log, en de sleutels daarvan heeft alleen de node: een overzicht voor \
                      één persoon kan niet uit een export; gebruik --node";
        return Outcome { exit: 2, stderr: stderr.to_owned(), ..Outcome::default() };
    };
    if let Some(out) = args.out.as_ref().filter(|out| out.exists()) {
        return Outcome { exit: 2, stderr: format!("{}: bestaat al", out.display()), ..Outcome::default() };
    }
    match super::person::ask(node, args.bsn_fd) {
        Ok(person) => {
            let command = SubjectCommand { person, all: args.all, form: form(args.json, args.html) };
            let outcome = super::ask(node, LogLocal::Officer(OfficerLocal::Subject(command)));
            args.out.as_ref().map_or(outcome.clone(), |out| written(outcome, out))
        }
        Err(outcome) => outcome,
    }
}

/// Puts a result in a new file that only its owner reads.
pub(super) fn written(outcome: Outcome, out: &Path) -> Outcome {
    if outcome.exit != 0 {
        return outcome;
    }
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    match file.and_then(|mut file| file.write_all(outcome.stdout.as_bytes())) {
        Ok(()) => Outcome { stdout: format!("Geschreven: {}", out.display()), ..outcome },
        Err(e) => Outcome::failed(format!("{}: {e}", out.display())),
    }
}
