//! `log ..`: list, show and export on a node; verify on an export alone, offline.

use std::path::Path;

use super::args::{LogCommand, LogListArgs, LogVerifyArgs};
use super::local::on_node;
use crate::node::command::{ListForm, LocalCommand, LogListCommand, Outcome};
use crate::policy::card::SignedCard;
use crate::storage::log::ExportDirectory;
use crate::translog::verify::{Trust, verify};

/// Runs a log command.
pub fn run(command: &LogCommand) -> Outcome {
    match command {
        LogCommand::List(args) => on_node(&args.node, &LocalCommand::LogList(listed(args))),
        LogCommand::Show(args) => on_node(&args.node, &LocalCommand::LogShow { number: args.number, json: args.json }),
        LogCommand::Export(args) => {
            let out = std::path::absolute(&args.out).unwrap_or_else(|_| args.out.clone());
            on_node(&args.node, &LocalCommand::LogExport { out })
        }
        LogCommand::Verify(args) => verify_any(args).unwrap_or_else(Outcome::failed),
    }
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

fn verify_any(args: &LogVerifyArgs) -> Result<Outcome, String> {
    let trust = args.trust.as_deref().map(read_trust).transpose()?;
    if let Some(node) = &args.node {
        let out = std::env::temp_dir().join(format!("ketenpoort-verify-{}", std::process::id()));
        let exported = on_node(node, &LocalCommand::LogExport { out: out.clone() });
        let checked =
            if exported.exit == 0 { Ok(verify_export(&out, trust.as_ref(), args.json)) } else { Ok(exported) };
        let _ = std::fs::remove_dir_all(&out);
        return checked;
    }
    let export = args.export.as_ref().ok_or("geef --export MAP of --node MAP")?;
    if !export.is_dir() {
        return Err(format!("{}: geen map", export.display()));
    }
    Ok(verify_export(export, trust.as_ref(), args.json))
}

fn verify_export(dir: &Path, trust: Option<&Trust>, json: bool) -> Outcome {
    let report = verify(&ExportDirectory::new(dir), trust);
    let exit = u8::from(!report.is_intact());
    let text = if json { serde_json::to_string_pretty(&report).unwrap_or_default() } else { report.to_string() };
    Outcome { exit, stdout: text, stderr: String::new() }
}

/// The anchor: the checkpoint key on a node card.
fn read_trust(path: &Path) -> Result<Trust, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let card = SignedCard::parse(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(Trust { key: card.card().checkpoint, oin: Some(card.card().oin), earlier: None })
}
