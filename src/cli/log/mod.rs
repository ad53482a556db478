//! `log ..`: list, show and export on a node; verify on an export alone, offline.

pub mod args;
mod breach;
mod erase;
mod evidence;
mod notices;
mod officer;
mod offline;
pub(in crate::cli) mod person;
mod reconcile;
mod search;
mod standards;
mod subject;
mod verify;

use std::path::Path;

use self::args::{LogCommand, LogListArgs, Source};
pub(in crate::cli) use self::erase::names as two_names;
use self::offline::Verified;
use super::local::on_node;
use crate::node::command::{LocalCommand, Outcome};
use crate::node::log::command::{AuditCommand, ListForm, LogListCommand, LogLocal};

/// Runs a log command.
pub fn run(command: &LogCommand) -> Outcome {
    match command {
        LogCommand::List(args) => search::run(args),
        LogCommand::Show(args) => read(
            &args.source,
            |node| ask(node, LogLocal::Show { number: args.number, json: args.json }),
            |log| log.show(args.number, args.json),
        ),
        LogCommand::Status(args) => ask(&args.node, LogLocal::Status { json: args.json }),
        LogCommand::Export(args) => {
            let out = std::path::absolute(&args.out).unwrap_or_else(|_| args.out.clone());
            ask(&args.node, LogLocal::Export { out })
        }
        LogCommand::Standard(args) => standards::standard(args),
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

/// Reads the log of a node, or an export that was verified first; one that does not verify is refused.
fn read(
    source: &Source,
    on_node: impl FnOnce(&Path) -> Outcome,
    on_export: impl FnOnce(Verified) -> Outcome,
) -> Outcome {
    match (&source.node, &source.export) {
        (Some(node), _) => on_node(node),
        (None, Some(export)) => match Verified::open(export, source.trust.as_deref()) {
            Ok(log) => {
                let said = log.summary();
                let outcome = on_export(log);
                Outcome { stderr: format!("{said}\n{}", outcome.stderr).trim_end().to_owned(), ..outcome }
            }
            Err(refused) => refused,
        },
        (None, None) => Outcome { exit: 2, stderr: "geef --node of --export".to_owned(), ..Outcome::default() },
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
