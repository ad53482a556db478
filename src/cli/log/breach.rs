//! `log breach`: the pack for a report of a data breach, from a node or from an export alone.

use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{since, until};
use super::offline::names;
use super::verify::read_trust;
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::node::SystemClock;
use crate::node::command::Outcome;
use crate::node::log::breach::{Setting, make};
use crate::node::log::command::LogLocal;
use crate::node::log::officer::{BreachCommand, OfficerLocal};
use crate::service::core::Clock;
use crate::storage::log::ExportDirectory;
use crate::translog::export::{MANIFEST, Manifest};
use crate::translog::verify::{Files, verify};

/// Arguments of `log breach`.
#[derive(Args, Debug)]
pub struct BreachArgs {
    /// Map van de node
    #[arg(long, conflicts_with = "export", required_unless_present = "export")]
    pub node: Option<PathBuf>,
    /// Map van een export; dan zonder aantal betrokkenen
    #[arg(long)]
    pub export: Option<PathBuf>,
    /// Visitekaart van de node, als anker voor de handtekening onder de export
    #[arg(long, requires = "export")]
    pub trust: Option<PathBuf>,
    /// Vanaf deze dag (JJJJ-MM-DD, Nederlandse tijd) of dit tijdstip (RFC 3339)
    #[arg(long, value_name = "MOMENT", value_parser = since)]
    pub since: u64,
    /// Tot en met deze dag, of voor dit tijdstip
    #[arg(long, value_name = "MOMENT", value_parser = until)]
    pub until: u64,
    /// Alleen met dit certificaat van de andere kant (SHA-256, 64 hexadecimale cijfers)
    #[arg(long, value_name = "SHA256", value_parser = fingerprint)]
    pub certificate: Option<Digest>,
    /// Alleen met deze sleutel van de andere kant (SHA-256 van de SubjectPublicKeyInfo)
    #[arg(long, value_name = "SHA256", value_parser = fingerprint)]
    pub key: Option<Digest>,
    /// Alleen met deze organisatie
    #[arg(long, value_name = "OIN")]
    pub partner: Option<Oin>,
    /// Wanneer het lek is ontdekt; zonder dit nu
    #[arg(long, value_name = "MOMENT", value_parser = since)]
    pub discovered: Option<u64>,
    /// Map voor het pakket (wordt gemaakt, moet leeg zijn)
    #[arg(long)]
    pub out: PathBuf,
    /// Uitkomst als JSON
    #[arg(long)]
    pub json: bool,
}

/// Makes the pack.
pub(super) fn run(args: &BreachArgs) -> Outcome {
    let command = BreachCommand {
        since: args.since,
        until: args.until,
        certificate: args.certificate,
        key: args.key,
        partner: args.partner,
        discovered: args.discovered,
        out: std::path::absolute(&args.out).unwrap_or_else(|_| args.out.clone()),
        json: args.json,
    };
    match (&args.node, &args.export) {
        (Some(node), _) => super::ask(node, LogLocal::Officer(OfficerLocal::Breach(command))),
        (None, Some(export)) => offline(args, export, &command).unwrap_or_else(Outcome::failed),
        (None, None) => Outcome { exit: 2, stderr: "geef --node of --export".to_owned(), ..Outcome::default() },
    }
}

/// Counts on an export. One that is not intact is counted all the same, says so, and ends with exit code 1.
fn offline(args: &BreachArgs, dir: &Path, command: &BreachCommand) -> Result<Outcome, String> {
    let trust = args.trust.as_deref().map(|path| read_trust(path, dir)).transpose()?;
    let export = ExportDirectory::new(dir);
    let report = verify(&export, trust.as_ref());
    let manifest: Manifest = export
        .read(MANIFEST)
        .map_err(|e| e.to_string())
        .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|e| format!("{MANIFEST}: {e}")))?;
    let names = names(&export);
    let oin = Oin::parse(&manifest.oin).ok();
    let known = oin.and_then(|oin| names.get(&oin)).cloned().unwrap_or_else(|| "naam onbekend".to_owned());
    let setting = Setting {
        organisation: format!("{known} ({})", manifest.oin),
        names,
        opener: None,
        later: None,
        verified: Some(format!("{} Het log heeft {} regels.", report.summary(), manifest.size)),
        now_ms: SystemClock.now_ms(),
    };
    let mut entries =
        export.entries(0..u64::MAX).map_err(|e| e.to_string())?.map(|entry| entry.map_err(|e| e.to_string()));
    let made = make(command, &setting, &mut entries);
    Ok(Outcome { exit: if made.exit == 0 { u8::from(!report.is_intact()) } else { made.exit }, ..made })
}

fn fingerprint(text: &str) -> Result<Digest, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text).to_lowercase();
    Digest::from_hex(&digits).ok_or_else(|| "verwacht 64 hexadecimale cijfers".to_owned())
}
