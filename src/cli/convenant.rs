//! `convenant ..`: files in, the node signs, files out.

use std::path::Path;

use super::args::{
    ConvenantCommand, ConvenantDiffArgs, ConvenantFileArgs, ConvenantNewArgs, ConvenantShowArgs, ConvenantSignArgs,
};
use super::local::on_node;
use crate::domain::fault::said;
use crate::node::command::{LocalCommand, NewConvenant, Outcome};
use crate::node::show;
use crate::policy::bundle::ConvenantBundle;
use crate::policy::check::check;
use crate::policy::convenant::Convenant;
use crate::policy::diff::diff;
use crate::storage::files::write_atomic;

/// Runs a convenant command.
pub fn run(command: &ConvenantCommand) -> Outcome {
    let done = match command {
        ConvenantCommand::New(args) => new(args),
        ConvenantCommand::Check(args) => check_file(args),
        ConvenantCommand::Propose(args) => sign(args, |draft| LocalCommand::ConvenantPropose { draft }),
        ConvenantCommand::Accept(args) => sign(args, |bundle| LocalCommand::ConvenantAccept { bundle }),
        ConvenantCommand::Withdraw(args) => sign(args, |bundle| LocalCommand::ConvenantWithdraw { bundle }),
        ConvenantCommand::Show(args) => show_any(args),
        ConvenantCommand::Diff(args) => difference(args),
    };
    done.unwrap_or_else(Outcome::failed)
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {}", path.display(), said(&e)))
}

fn new(args: &ConvenantNewArgs) -> Result<Outcome, String> {
    let cards: Result<Vec<String>, String> = args.cards.iter().map(|p| read(p)).collect();
    let command = NewConvenant {
        id: args.id.clone(),
        cards: cards?,
        monitor: args.monitor,
        gate: args.gate,
        from: args.from,
        until: args.until,
        sums: args.sums.clone(),
        links: args.links.clone(),
        areas: args.areas.clone(),
        cohorts: args.cohorts.clone(),
    };
    let outcome = on_node(&args.node, &LocalCommand::ConvenantNew(command));
    store(outcome, &args.out, "concept")
}

fn sign(args: &ConvenantSignArgs, command: impl Fn(String) -> LocalCommand) -> Result<Outcome, String> {
    let outcome = on_node(&args.node, &command(read(&args.file)?));
    let out = args.out.as_ref().unwrap_or(&args.file);
    if outcome.exit == 0 && args.out.is_none() && args.file.extension().is_some_and(|e| e == "toml") {
        return Err("geef met --out aan waar de bundel komt (een concept wordt niet overschreven)".to_owned());
    }
    store(outcome, out, "bundel")
}

/// Writes what the node answered to `out`; says where.
fn store(outcome: Outcome, out: &Path, what: &str) -> Result<Outcome, String> {
    if outcome.exit != 0 {
        return Ok(outcome);
    }
    write_atomic(out, outcome.stdout.as_bytes(), 0o644).map_err(|e| e.to_string())?;
    let state = if outcome.stderr.is_empty() { String::new() } else { format!("; {}", outcome.stderr) };
    Ok(Outcome::done(format!("{what} geschreven: {}{state}", out.display())))
}

/// A draft (.toml) or the document in a bundle.
fn document(path: &Path) -> Result<Convenant, String> {
    let text = read(path)?;
    if path.extension().is_some_and(|e| e == "toml") {
        return Convenant::from_toml(&text).map_err(|e| format!("{}: {e}", path.display()));
    }
    let bundle = ConvenantBundle::parse(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(bundle.convenant().clone())
}

fn check_file(args: &ConvenantFileArgs) -> Result<Outcome, String> {
    let faults = check(&document(&args.file)?);
    if args.json {
        let list: Vec<_> = faults.iter().map(|f| serde_json::json!({"plaats": f.place, "fout": f.text})).collect();
        let text = serde_json::to_string_pretty(&list).unwrap_or_default();
        return Ok(Outcome { exit: u8::from(!faults.is_empty()), stdout: text, stderr: String::new() });
    }
    if faults.is_empty() {
        return Ok(Outcome::done("geen fouten gevonden"));
    }
    let lines: Vec<String> = faults.iter().map(|f| format!("- {}: {}", f.place, f.text)).collect();
    Ok(Outcome::refused(format!("{} fout(en):\n{}", faults.len(), lines.join("\n"))))
}

fn show_any(args: &ConvenantShowArgs) -> Result<Outcome, String> {
    match (&args.file, &args.node) {
        (Some(file), _) => Ok(show::document(&document(file)?, args.json)),
        (None, Some(node)) => Ok(on_node(node, &LocalCommand::ConvenantShow { json: args.json })),
        (None, None) => Err("geef een bestand of --node".to_owned()),
    }
}

fn difference(args: &ConvenantDiffArgs) -> Result<Outcome, String> {
    let lines = diff(&document(&args.old)?, &document(&args.new)?);
    Ok(Outcome::done(if lines.is_empty() { "geen verschillen".to_owned() } else { lines.join("\n") }))
}
