//! `log verify`: an export alone, offline; or the log of a node, which is exported first.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};

use super::args::LogVerifyArgs;
use crate::crypto::{hex, random};
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
        let out = Fresh::for_node(node)?;
        let exported = super::ask(node, LogLocal::Export { out: out.0.clone() });
        let checked = if exported.exit == 0 { verify_export(&out.0, args) } else { Ok(exported) };
        return checked.map(|checked| with_audit(checked, super::ask(node, LogLocal::AuditCheck { json: args.json })));
    }
    let export = args.export.as_ref().ok_or("geef --export MAP of --node MAP")?;
    if !export.is_dir() {
        return Err(format!("{}: geen map", export.display()));
    }
    verify_export(export, args)
}

/// An empty directory among the temporary files, for its owner alone and under a name that nobody can foretell; removed when
/// it is dropped.
struct Fresh(PathBuf);

impl Fresh {
    /// One in which the process of this node can write, which may be another user's when root asks.
    fn for_node(node: &Path) -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("ketenpoort-verify-{}", hex(&random::<16>())));
        let made = || {
            DirBuilder::new().mode(0o700).create(&path)?;
            let fresh = Self(path.clone());
            // What is wrong with the node itself is said by who asks it.
            if let Ok(node) = std::fs::metadata(node)
                && node.uid() != std::fs::metadata(&path)?.uid()
            {
                chown(&path, Some(node.uid()), Some(node.gid()))?;
            }
            Ok(fresh)
        };
        made().map_err(|error: std::io::Error| format!("{}: {}", path.display(), said(&error)))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!("{}: {}", self.0.display(), said(&error));
        }
    }
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

/// The outcome about the log of a node with that about its audit log beside it.
fn with_audit(log: Outcome, audit: Outcome) -> Outcome {
    let stdout = match serde_json::from_str(&log.stdout) {
        Ok(serde_json::Value::Object(mut report)) => {
            report.insert("auditlog".to_owned(), serde_json::from_str(&audit.stdout).unwrap_or_default());
            serde_json::to_string_pretty(&report).unwrap_or_default()
        }
        _ => format!("{}\n{}", log.stdout.trim_end(), audit.stdout),
    };
    let stderr = [log.stderr, audit.stderr].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    Outcome { exit: log.exit.max(audit.exit), stdout, stderr }
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
