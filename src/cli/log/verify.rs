//! `log verify`: an export alone, offline; or the log of a node, which is exported first.

use std::path::Path;

use super::args::LogVerifyArgs;
use crate::domain::fault::said;
use crate::node::command::Outcome;
use crate::node::log::command::LogLocal;
use crate::policy::card::SignedCard;
use crate::storage::log::ExportDirectory;
use crate::translog::verify::{Trust, verify};

/// Verifies what the arguments name.
pub(super) fn run(args: &LogVerifyArgs) -> Result<Outcome, String> {
    let trust = args.trust.as_deref().map(read_trust).transpose()?;
    if let Some(node) = &args.node {
        let out = std::env::temp_dir().join(format!("ketenpoort-verify-{}", std::process::id()));
        let exported = super::ask(node, LogLocal::Export { out: out.clone() });
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
pub(super) fn read_trust(path: &Path) -> Result<Trust, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {}", path.display(), said(&e)))?;
    let card = SignedCard::parse(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(Trust { key: card.card().checkpoint, oin: Some(card.card().oin), earlier: None })
}
