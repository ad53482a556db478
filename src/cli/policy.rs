//! `policy explain`: what the rules decide about a described situation. Opens no node and touches no data.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::domain::fault::said;
use crate::node::command::Outcome;
use crate::node::consent::decided;
use crate::policy::case::situation::Situation;
use crate::policy::case::{Decision, Rules, decide};

/// Commands on the rules of exchange about one child.
#[derive(Subcommand, Debug)]
pub enum PolicyCommand {
    /// Zeg wat de regels over een beschreven situatie besluiten, met regel en artikel; er worden geen gegevens geraakt
    #[command(after_help = "Voorbeelden: ketenpoort policy explain --request situatie.json --json\n            \
                            ketenpoort policy explain --request - < situatie.json\n\nHet formaat staat in \
                            docs/formats/casussituatie.md. Exitcode 0, ook als het antwoord nee is.")]
    Explain(ExplainArgs),
    /// Toon de landelijke regels: versie, hash en de tekst zelf
    #[command(after_help = "Voorbeeld: ketenpoort policy rules > regels.toml")]
    Rules(RulesArgs),
}

/// Arguments of `policy explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// De situatie als JSON; `-` leest van de standaardinvoer
    #[arg(long)]
    pub request: PathBuf,
    /// Andere regels dan de ingebouwde landelijke
    #[arg(long)]
    pub rules: Option<PathBuf>,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `policy rules`.
#[derive(Args, Debug)]
pub struct RulesArgs {
    /// Controleer deze regels, in plaats van de ingebouwde te tonen
    #[arg(long)]
    pub check: Option<PathBuf>,
    /// Alleen versie en hash, als JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs a policy command.
pub fn run(command: &PolicyCommand) -> Outcome {
    match command {
        PolicyCommand::Explain(args) => explain(args),
        PolicyCommand::Rules(args) => rules(args),
    }
    .unwrap_or_else(|outcome| outcome)
}

/// Longest situation that is read: far more than any that makes sense.
const LONGEST: u64 = 1 << 20;

fn read(path: &Path) -> Result<String, Outcome> {
    let failed = |e: std::io::Error| Outcome::failed(format!("{}: {}", path.display(), said(&e)));
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    if bytes.len() as u64 > LONGEST {
        return Err(wrong(format!("{}: groter dan 1 MiB", path.display())));
    }
    String::from_utf8(bytes).map_err(|_| wrong(format!("{}: geen UTF-8", path.display())))
}

fn wrong(text: String) -> Outcome {
    Outcome { exit: 2, stdout: String::new(), stderr: text }
}

/// Reads a described situation.
pub(super) fn situation_of(path: &Path) -> Result<Situation, Outcome> {
    Situation::from_json(&read(path)?).map_err(|e| wrong(e.to_string()))
}

fn of_file(path: &Path) -> Result<Rules, Outcome> {
    Rules::from_toml(&read(path)?).map_err(|e| Outcome::refused(format!("{}: {e}", path.display())))
}

fn explain(args: &ExplainArgs) -> Result<Outcome, Outcome> {
    let situation = situation_of(&args.request)?;
    let decision = match &args.rules {
        Some(path) => decide(&of_file(path)?, &situation),
        None => decide(Rules::national(), &situation),
    };
    Ok(Outcome::done(if args.json { json(&decision) } else { decided(&decision) }))
}

fn json(decision: &Decision) -> String {
    serde_json::to_string_pretty(decision).unwrap_or_default()
}

fn rules(args: &RulesArgs) -> Result<Outcome, Outcome> {
    let other = args.check.as_deref().map(of_file).transpose()?;
    let rules = other.as_ref().unwrap_or_else(|| Rules::national());
    if args.json {
        let head = serde_json::json!({
            "version": rules.version(), "title": rules.title(), "sha256": rules.hash().to_hex(),
        });
        return Ok(Outcome::done(serde_json::to_string_pretty(&head).unwrap_or_default()));
    }
    Ok(Outcome::done(match other {
        Some(rules) => format!("geen fouten gevonden: {} ({})", rules.version(), rules.hash()),
        None => Rules::national_text().to_owned(),
    }))
}
