//! More conditions of `log list`.

use clap::Args;

use super::args::LogListArgs;
use super::person;
use crate::node::command::Outcome;
use crate::node::log::command::LogLocal;
use crate::node::log::search::{MoreCommand, SearchCommand};

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

/// Asks a node for the entries that meet every condition.
pub(super) fn run(args: &LogListArgs) -> Outcome {
    let more = &args.more;
    let person = match more.subject.then(|| person::ask(&args.node, more.bsn_fd)).transpose() {
        Ok(person) => person,
        Err(outcome) => return outcome,
    };
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
    super::ask(&args.node, LogLocal::List(Box::new(SearchCommand { list: super::listed(args), more })))
}
