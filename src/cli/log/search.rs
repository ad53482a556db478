//! More conditions of `log list`.

use std::path::Path;

use clap::Args;

use super::args::LogListArgs;
use super::offline::Verified;
use super::person;
use crate::node::command::Outcome;
use crate::node::log::command::LogLocal;
use crate::node::log::evidence::EvidenceLocal;
use crate::node::log::person::Person;
use crate::node::log::search::{self, MoreCommand, SearchCommand};

/// Conditions on a transfer, its trace, what is sealed, and free text.
#[derive(Args, Debug)]
pub struct MoreConditions {
    /// Alleen over één persoon; het BSN wordt gevraagd en niet getoond
    #[arg(long)]
    pub subject: bool,
    /// Lees het BSN van deze bestandsdescriptor in plaats van het toetsenbord
    #[arg(long = "bsn-fd", value_name = "NUMMER", requires = "subject")]
    pub bsn_fd: Option<u32>,
    /// Alleen met dit zaaknummer
    #[arg(long, value_name = "NUMMER")]
    pub case: Option<String>,
    /// Alleen met dit eigen kenmerk
    #[arg(long, value_name = "KENMERK")]
    pub reference: Option<String>,
    /// Alleen van deze overdracht, of regels die ernaar verwijzen
    #[arg(long, value_name = "UUID")]
    pub transfer: Option<String>,
    /// Alleen van deze stap
    #[arg(long, value_name = "FASE", value_parser = ["INTENT", "OUTCOME", "DENY", "RECEIVED", "CONNECTION"])]
    pub phase: Option<String>,
    /// Alleen met deze afloop
    #[arg(long, value_name = "AFLOOP", value_parser = ["SENT", "CONFIRMED", "FAILED", "UNKNOWN"])]
    pub outcome: Option<String>,
    /// Alleen van deze verwerkingsactiviteit
    #[arg(long, value_name = "URI")]
    pub activity: Option<String>,
    /// Alleen met dit trace-nummer (32 hexadecimale cijfers)
    #[arg(long, value_name = "TRACE")]
    pub trace: Option<String>,
    /// Alleen met deze tekst in handeling, dienst of redencode
    #[arg(long, value_name = "TEKST")]
    pub text: Option<String>,
}

/// Lists the entries that meet every condition.
pub(super) fn run(args: &LogListArgs) -> Outcome {
    super::read(&args.source, |node| on_node(args, node), |log| on_export(args, &log))
}

fn on_node(args: &LogListArgs, node: &Path) -> Outcome {
    if args.one_sided {
        return super::ask(node, LogLocal::Evidence(EvidenceLocal::OneSided { json: args.json }));
    }
    match args.more.subject.then(|| person::ask(node, args.more.bsn_fd)).transpose() {
        Ok(person) => super::ask(node, LogLocal::List(Box::new(command(args, person)))),
        Err(outcome) => outcome,
    }
}

fn on_export(args: &LogListArgs, log: &Verified) -> Outcome {
    if args.one_sided {
        return log.one_sided(args.json);
    }
    if args.more.subject {
        let stderr = "dat weet alleen de node zelf: gebruik --node";
        return Outcome { exit: 2, stderr: stderr.to_owned(), ..Outcome::default() };
    }
    log.entries().map_or_else(Outcome::failed, |entries| search::offline(entries, &command(args, None)))
}

fn command(args: &LogListArgs, person: Option<Person>) -> SearchCommand {
    let more = &args.more;
    let more = MoreCommand {
        person,
        case: more.case.clone(),
        reference: more.reference.clone(),
        transfer: more.transfer.clone(),
        phase: more.phase.clone(),
        outcome: more.outcome.clone(),
        activity: more.activity.clone(),
        trace: more.trace.clone(),
        text: more.text.clone(),
    };
    SearchCommand { list: super::listed(args), more }
}
