//! Verification of an export, offline and on the export alone: every byte of every file, the tree, the signature, and the
//! order of entries.

mod cosigned;
mod entries;
mod receipts;
pub mod report;

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use self::entries::Entries;
use self::receipts::Receipts;
pub use self::report::{CosignedReport, Cosigner, Finding, OpenTransfer, ReceiptKeys, ReceiptsReport, Report, Signer};
use super::checkpoint::{Checkpoint, oin_of};
use super::export::{
    ATTACHMENTS, CHECKPOINT, COSIGNED, FileRecord, MANIFEST, MANIFEST_NOTE, Manifest, RECEIPTS, key_fingerprint,
    manifest_head, manifest_text,
};
use super::note::Note;
use super::tiles::{bundle_path, bundles_of, tile_path, tiles_of};
use crate::crypto::VerifyingKey;
use crate::domain::oin::Oin;
use crate::policy::witness::Quorum;

/// The files of an export, wherever they are.
pub trait Files {
    /// Paths of all files, with `/`, in any order.
    ///
    /// # Errors
    /// [`Unreadable`] when the export cannot be listed.
    fn list(&self) -> Result<Vec<String>, Unreadable>;

    /// The bytes of one file.
    ///
    /// # Errors
    /// [`Unreadable`] when it is not there or cannot be read.
    fn read(&self, path: &str) -> Result<Vec<u8>, Unreadable>;
}

/// A file or directory that cannot be read, with the reason.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("niet te lezen: {0}")]
pub struct Unreadable(pub String);

/// Files in memory.
impl Files for BTreeMap<String, Vec<u8>> {
    fn list(&self) -> Result<Vec<String>, Unreadable> {
        Ok(self.keys().cloned().collect())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Unreadable> {
        self.get(path).cloned().ok_or_else(|| Unreadable("het bestand ontbreekt".to_owned()))
    }
}

/// What the verifier knows from elsewhere.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The checkpoint key of the node.
    pub key: VerifyingKey,
    /// The organisation whose log it must be, if known (a node card says so).
    pub oin: Option<Oin>,
    /// An earlier checkpoint, kept elsewhere: the export must contain exactly its entries first.
    pub earlier: Option<Checkpoint>,
    /// The witnesses of the log, from a trusted convenant: their cosignatures must be a quorum.
    pub quorum: Option<Quorum>,
    /// The signing keys of the parties of a trusted convenant: receipts must be signed by them.
    pub parties: Vec<(Oin, VerifyingKey)>,
}

/// An earlier checkpoint that the entries must begin with.
struct Earlier {
    checkpoint: Checkpoint,
    /// The file that is named when they do not.
    file: &'static str,
    /// What kind of checkpoint, in Dutch.
    what: &'static str,
}

/// Verifies an export. Without `trust` the signature is checked under the key that the export names, and the report says
/// that the signer was not checked.
#[must_use]
pub fn verify(export: &dyn Files, trust: Option<&Trust>) -> Report {
    let earlier = trust.and_then(|trust| trust.earlier.clone());
    examine(export, trust, earlier)
}

/// As [`verify`] without an anchor, against a checkpoint that was kept elsewhere.
#[must_use]
pub fn verify_against(export: &dyn Files, earlier: Option<Checkpoint>) -> Report {
    examine(export, None, earlier)
}

fn examine(export: &dyn Files, trust: Option<&Trust>, kept: Option<Checkpoint>) -> Report {
    let mut report = Report::default();
    let names = match export.list() {
        Ok(names) => names.into_iter().collect::<BTreeSet<_>>(),
        Err(error) => {
            report.fault(".", None, error.to_string());
            return report;
        }
    };
    let manifest = read_manifest(export, &mut report);
    if let Some((manifest, _)) = &manifest {
        check_files(export, manifest, &names, &mut report);
    }
    let key = trust.map(|trust| trust.key).or_else(|| manifest.as_ref().and_then(|(m, _)| m.verifying_key()));
    report.signer = if trust.is_some() { Signer::Trusted } else { Signer::NotChecked };
    report.key_fingerprint = key.as_ref().map(key_fingerprint);
    if let Some((manifest, bytes)) = &manifest {
        check_manifest_note(export, (&manifest.origin, bytes), key.as_ref(), &mut report);
    }
    let Some((checkpoint, note)) = read_checkpoint(export, &mut report) else { return report };
    check_signer(&checkpoint, &note, key.as_ref(), &mut report);
    check_layout(&checkpoint, &names, &mut report);
    check_trust(&checkpoint, trust, kept.as_ref(), &mut report);
    let kept = kept.map(|checkpoint| Earlier { checkpoint, file: CHECKPOINT, what: "bewaarde" });
    let cosigned = cosigned::check(export, &checkpoint, key.as_ref(), trust, &mut report);
    let earlier: Vec<Earlier> = kept.into_iter().chain(cosigned).collect();
    let receipts = Receipts::begin(export, &names, trust, oin_of(&checkpoint.origin), &mut report);
    let entries = Entries::walk(export, &checkpoint, &earlier, receipts, &mut report);
    if let Some((manifest, _)) = &manifest {
        check_manifest(manifest, &checkpoint, &entries, &mut report);
        cosigned::check_age(entries.waiting, manifest.exported_ms, &mut report);
    }
    report
}

fn read_manifest(export: &dyn Files, report: &mut Report) -> Option<(Manifest, Vec<u8>)> {
    let bytes = export.read(MANIFEST).map_err(|error| report.fault(MANIFEST, None, error.to_string())).ok()?;
    let manifest = Manifest::decode(&bytes);
    if manifest.is_none() {
        report.fault(MANIFEST, None, "geen geldig manifest van Ketenpoort (vorm)");
    }
    Some((manifest?, bytes))
}

/// Every file is the one of the manifest, and there is no other.
fn check_files(export: &dyn Files, manifest: &Manifest, names: &BTreeSet<String>, report: &mut Report) {
    for record in &manifest.files {
        match export.read(&record.path) {
            Err(error) => report.fault(&record.path, None, error.to_string()),
            Ok(bytes) if bytes.len() as u64 != record.length => {
                report.fault(&record.path, None, format!("{} bytes in plaats van {}", bytes.len(), record.length));
            }
            Ok(bytes) if FileRecord::of(&record.path, &bytes) != *record => {
                report.fault(&record.path, None, "de inhoud is veranderd (SHA-256 wijkt af van het manifest)");
            }
            Ok(_) => {}
        }
    }
    let known: BTreeSet<&str> = manifest.files.iter().map(|record| record.path.as_str()).collect();
    for name in names.iter().filter(|name| ![MANIFEST, MANIFEST_NOTE].contains(&name.as_str())) {
        if !known.contains(name.as_str()) {
            report.fault(name, None, "onbekend bestand (staat niet in het manifest)");
        }
    }
}

fn read_checkpoint(export: &dyn Files, report: &mut Report) -> Option<(Checkpoint, Note)> {
    let bytes = export.read(CHECKPOINT).map_err(|error| report.fault(CHECKPOINT, None, error.to_string())).ok()?;
    let read = Note::decode(&bytes).and_then(|note| Ok((Checkpoint::from_note(&note)?, note)));
    let (checkpoint, note) = read.map_err(|error| report.fault(CHECKPOINT, None, error.to_string())).ok()?;
    report.origin = Some(checkpoint.origin.clone());
    report.size = checkpoint.size;
    report.root = Some(checkpoint.root.to_string());
    Some((checkpoint, note))
}

fn check_signer(checkpoint: &Checkpoint, note: &Note, key: Option<&VerifyingKey>, report: &mut Report) {
    match key.map(|key| note.verify(&checkpoint.origin, key)) {
        Some(Ok(())) => {}
        Some(Err(error)) => report.fault(CHECKPOINT, None, error.to_string()),
        None => report.fault(CHECKPOINT, None, "geen sleutel om de handtekening mee te controleren"),
    }
}

/// The files are exactly those of a log of this size.
fn check_layout(checkpoint: &Checkpoint, names: &BTreeSet<String>, report: &mut Report) {
    if checkpoint.size > 256 * names.len() as u64 {
        report.fault(CHECKPOINT, None, "er zijn veel minder bestanden dan bij deze omvang horen");
        return;
    }
    let mut expected: BTreeSet<String> = tiles_of(checkpoint.size).map(|(l, n, w)| tile_path(l, n, w)).collect();
    expected.extend(bundles_of(checkpoint.size).map(|(n, w)| bundle_path(n, w)));
    expected.extend([CHECKPOINT, MANIFEST, MANIFEST_NOTE].map(str::to_owned));
    for name in expected.difference(names) {
        report.fault(name, None, "het bestand ontbreekt");
    }
    let elsewhere = |name: &str| name.starts_with(ATTACHMENTS) || name.starts_with(RECEIPTS) || name == COSIGNED;
    for name in names.difference(&expected).filter(|name| !elsewhere(name)) {
        report.fault(name, None, "onbekend bestand (hoort niet bij een log van deze omvang)");
    }
}

fn check_trust(checkpoint: &Checkpoint, trust: Option<&Trust>, kept: Option<&Checkpoint>, report: &mut Report) {
    let oin = oin_of(&checkpoint.origin);
    if oin.is_none() {
        report.fault(CHECKPOINT, None, "de naam van het log is niet die van een Ketenpoort-log");
    }
    if trust.and_then(|trust| trust.oin).is_some_and(|expected| oin != Some(expected)) {
        report.fault(CHECKPOINT, None, "dit is het log van een andere organisatie");
    }
    if let Some(earlier) = kept
        && (earlier.origin != checkpoint.origin || earlier.size > checkpoint.size)
    {
        report.fault(CHECKPOINT, None, "het bewaarde checkpoint is van een ander of een langer log (log teruggezet?)");
    }
}

/// What the manifest says of itself is what the checkpoint and the entries say.
fn check_manifest(manifest: &Manifest, checkpoint: &Checkpoint, entries: &Entries, report: &mut Report) {
    let oin = oin_of(&checkpoint.origin).map(|oin| oin.to_string());
    let claims = [
        (manifest.format == super::export::FORMAT, "format"),
        (manifest.origin == checkpoint.origin, "origin"),
        (Some(&manifest.oin) == oin.as_ref(), "oin"),
        (manifest.size == checkpoint.size, "size"),
        (manifest.from_ms == entries.times.map(|t| t.0), "from_ms"),
        (manifest.to_ms == entries.times.map(|t| t.1), "to_ms"),
        (manifest.verifying_key().as_ref().map(key_fingerprint) == report.key_fingerprint, "key"),
        (Some(&manifest.key_fingerprint) == report.key_fingerprint.as_ref(), "key_fingerprint"),
    ];
    for (_, name) in claims.iter().filter(|(holds, _)| !holds) {
        report.fault(MANIFEST, None, format!("het veld {name} klopt niet met de rest van de export"));
    }
}

/// The note is a good one by this key, and it is about this manifest.
fn check_manifest_note(export: &dyn Files, signed: (&str, &[u8]), key: Option<&VerifyingKey>, report: &mut Report) {
    let (origin, manifest) = signed;
    let read = || {
        let bytes = export.read(MANIFEST_NOTE).map_err(|error| error.to_string())?;
        let note = Note::decode(&bytes).map_err(|error| error.to_string())?;
        let key = key.ok_or("geen sleutel om de handtekening mee te controleren")?;
        note.verify(origin, key).map_err(|error| error.to_string())?;
        if note.signatures.len() == 1 {
            Ok(note)
        } else {
            Err("er hoort precies één handtekening te staan".to_owned())
        }
    };
    match read() {
        Err(text) => report.fault(MANIFEST_NOTE, None, text),
        Ok(note) if !note.text.starts_with(&manifest_head(origin)) => {
            report.fault(MANIFEST_NOTE, None, "dit is niet de notitie bij een manifest van dit log");
        }
        Ok(note) if note.text != manifest_text(origin, manifest) => {
            report.fault(MANIFEST, None, format!("dit is niet het manifest dat in {MANIFEST_NOTE} is ondertekend"));
        }
        Ok(_) => {}
    }
}
