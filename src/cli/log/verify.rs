//! `log verify`: an export alone, offline; or the log of a node, which is exported first.

use std::path::Path;

use super::args::LogVerifyArgs;
use crate::domain::fault::said;
use crate::domain::oin::Oin;
use crate::node::command::Outcome;
use crate::node::log::command::LogLocal;
use crate::policy::bundle::ConvenantBundle;
use crate::policy::card::SignedCard;
use crate::policy::witness::Quorum;
use crate::storage::log::ExportDirectory;
use crate::translog::checkpoint::{Checkpoint, oin_of};
use crate::translog::export::CHECKPOINT;
use crate::translog::note::{InvalidNote, Note};
use crate::translog::verify::{Trust, verify, verify_against};

/// Verifies what the arguments name.
pub(super) fn run(args: &LogVerifyArgs) -> Result<Outcome, String> {
    if let Some(node) = &args.node {
        let out = std::env::temp_dir().join(format!("ketenpoort-verify-{}", std::process::id()));
        let exported = super::ask(node, LogLocal::Export { out: out.clone() });
        let checked = if exported.exit == 0 { verify_export(&out, args) } else { Ok(exported) };
        let _ = std::fs::remove_dir_all(&out);
        return checked;
    }
    let export = args.export.as_ref().ok_or("geef --export MAP of --node MAP")?;
    if !export.is_dir() {
        return Err(format!("{}: geen map", export.display()));
    }
    verify_export(export, args)
}

fn verify_export(dir: &Path, args: &LogVerifyArgs) -> Result<Outcome, String> {
    let trust = args.trust.as_deref().map(|path| read_trust(path, dir)).transpose()?;
    let earlier = args.checkpoint.as_deref().map(|path| read_checkpoint(path, trust.as_ref())).transpose()?;
    let report = match trust {
        Some(trust) => verify(&ExportDirectory::new(dir), Some(&Trust { earlier, ..trust })),
        None => verify_against(&ExportDirectory::new(dir), earlier),
    };
    let exit = u8::from(!report.is_intact());
    let text = if args.json { serde_json::to_string_pretty(&report).unwrap_or_default() } else { report.to_string() };
    Ok(Outcome { exit, stdout: text, stderr: String::new() })
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {}", path.display(), said(&e)))
}

/// The anchor: the checkpoint key on a node card, or in a convenant the key of the log's owner and those of its witnesses.
pub(super) fn read_trust(path: &Path, export: &Path) -> Result<Trust, String> {
    let text = read(path)?;
    let in_file = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let Ok(card) = SignedCard::parse(&text) else {
        let bundle = ConvenantBundle::parse(&text);
        let bundle =
            bundle.map_err(|e| format!("{}: geen geldige kaart en geen geldig convenant ({e})", path.display()))?;
        if !bundle.missing().is_empty() {
            return Err(in_file(&"niet alle partijen hebben dit convenant getekend; het is geen anker"));
        }
        let oin = owner_of(export)?;
        let party = bundle.convenant().party(&oin).ok_or_else(|| in_file(&format!("{oin} is geen partij")))?;
        let quorum = Some(Quorum::of(bundle.convenant(), oin)).filter(|quorum| quorum.needed > 0);
        let parties = bundle.convenant().parties.iter().map(|p| (*p.oin(), p.card.card().signing)).collect();
        return Ok(Trust { key: party.card.card().checkpoint, oin: Some(oin), earlier: None, quorum, parties });
    };
    let (key, oin) = (card.card().checkpoint, Some(card.card().oin));
    Ok(Trust { key, oin, earlier: None, quorum: None, parties: Vec::new() })
}

/// Whose log an export says it is; the key of that party must then verify it.
fn owner_of(export: &Path) -> Result<Oin, String> {
    let text = read(&export.join(CHECKPOINT))?;
    let oin = text.lines().next().and_then(oin_of);
    oin.ok_or_else(|| format!("{}: geen checkpoint van een Ketenpoort-log", export.join(CHECKPOINT).display()))
}

/// A checkpoint that was kept elsewhere. With an anchor it must be signed by the log's key.
fn read_checkpoint(path: &Path, trust: Option<&Trust>) -> Result<Checkpoint, String> {
    let of_file = |error: InvalidNote| format!("{}: {error}", path.display());
    let note = Note::decode(read(path)?.as_bytes()).map_err(of_file)?;
    let checkpoint = Checkpoint::from_note(&note).map_err(of_file)?;
    if let Some(trust) = trust {
        note.verify(&checkpoint.origin, &trust.key).map_err(of_file)?;
    }
    Ok(checkpoint)
}
