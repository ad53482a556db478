//! `log ..`: list, show and export on a node; verify on an export alone, offline.

pub mod args;
mod breach;
mod erase;
mod evidence;
mod officer;
mod person;
mod reconcile;
mod search;
mod standards;
mod subject;
mod verify;

use std::path::Path;

use self::args::{LogCommand, LogListArgs};
use super::local::on_node;
use crate::node::command::{LocalCommand, Outcome};
use crate::node::log::command::{AuditCommand, ListForm, LogListCommand, LogLocal};
use crate::node::log::evidence::EvidenceLocal;

/// Runs a log command.
pub fn run(command: &LogCommand) -> Outcome {
    match command {
        LogCommand::List(args) if args.one_sided => {
            ask(&args.node, LogLocal::Evidence(EvidenceLocal::OneSided { json: args.json }))
        }
        LogCommand::List(args) => search::run(args),
        LogCommand::Show(args) => ask(&args.node, LogLocal::Show { number: args.number, json: args.json }),
        LogCommand::Status(args) => ask(&args.node, LogLocal::Status { json: args.json }),
        LogCommand::Export(args) => {
            let out = std::path::absolute(&args.out).unwrap_or_else(|_| args.out.clone());
            ask(&args.node, LogLocal::Export { out })
        }
        LogCommand::Standard(args) => ask(&args.node, standards::standard(args)),
        LogCommand::Audit(args) => {
            let command = AuditCommand { since: args.since, until: args.until, json: args.json };
            ask(&args.node, LogLocal::Audit(command))
        }
        LogCommand::ExportStatus(args) => ask(&args.node, LogLocal::ExportStatus { json: args.json }),
        LogCommand::Fsc(args) => ask(&args.node, standards::fsc(args)),
        LogCommand::Evidence(command) => evidence::run(command),
        LogCommand::Officer(command) => officer::run(command),
        LogCommand::Verify(args) => verify::run(args).unwrap_or_else(Outcome::failed),
    }
}

/// Asks a node, running or stopped.
fn ask(node: &Path, command: LogLocal) -> Outcome {
    on_node(node, &LocalCommand::Log(command))
}

fn listed(args: &LogListArgs) -> LogListCommand {
    LogListCommand {
        limit: args.limit,
        partner: args.partner,
        since: args.since,
        until: args.until,
        purpose: args.purpose.clone(),
        denied: args.decision.as_deref().map(|decision| decision == "DENY"),
        ground: args.ground.clone(),
        field: args.field.clone(),
        before: args.before,
        form: match (args.json, args.csv) {
            (true, _) => ListForm::Json,
            (_, true) => ListForm::Csv,
            _ => ListForm::Text,
        },
    }
}
