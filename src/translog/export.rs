//! An export: a log as a directory that anyone can verify offline.
//!
//! `checkpoint`, `tile/**`, `attachments/**`, `manifest.json` with length and SHA-256 of all of these, and `manifest.sig`,
//! a note over the manifest by the checkpoint key. So every byte of every file is under a signature.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::checkpoint::{Checkpoint, oin_of};
use super::entry::{Entry, InvalidEntry};
use super::note::{InvalidNote, Note};
use super::tiles::{TILE_WIDTH, TileFile, TileWriter, put_in_bundle, receipts_path};
use crate::crypto::{Digest, SigningKey, VerifyingKey, digest};

/// Name of the signed checkpoint in an export.
pub const CHECKPOINT: &str = "checkpoint";
/// Name of the checkpoint that a quorum of witnesses cosigned, when there is one.
pub const COSIGNED: &str = "cosigned";
/// Name of the list of files in an export.
pub const MANIFEST: &str = "manifest.json";
/// Name of the note over the manifest.
pub const MANIFEST_NOTE: &str = "manifest.sig";
/// Directory of the receipts of partners.
pub const RECEIPTS: &str = "receipts/";
/// An empty file that says: entries name receipts, and this export was made without them.
pub const WITHOUT_RECEIPTS: &str = "receipts/without";
/// Directory of the copies of cards and convenants.
pub const ATTACHMENTS: &str = "attachments/";
/// The format that this program writes and reads.
pub const FORMAT: &str = "ketenpoort-export/v1";

/// What an export says of itself, and every file in it except the manifest and its note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// Name of the log.
    pub origin: String,
    /// OIN of the organisation.
    pub oin: String,
    /// The checkpoint key (Ed25519), 64 hexadecimal characters.
    pub key: String,
    /// [`key_fingerprint`] of that key, for reading out.
    pub key_fingerprint: String,
    /// Number of entries.
    pub size: u64,
    /// Earliest `start_ms` of an entry; null in an empty log.
    pub from_ms: Option<u64>,
    /// Latest `start_ms` of an entry; null in an empty log.
    pub to_ms: Option<u64>,
    /// When the export was made, milliseconds since 1970 UTC.
    pub exported_ms: u64,
    /// Every other file, sorted by path.
    pub files: Vec<FileRecord>,
}

/// One file of an export.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Path inside the export, with `/`.
    pub path: String,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256, 64 hexadecimal characters.
    pub sha256: String,
}

impl FileRecord {
    /// The record of a file with this content.
    #[must_use]
    pub fn of(path: &str, bytes: &[u8]) -> Self {
        Self { path: path.to_owned(), length: bytes.len() as u64, sha256: digest(bytes).to_hex() }
    }
}

/// The fingerprint of a checkpoint key: `sha256:` and the hash of its 32 bytes.
#[must_use]
pub fn key_fingerprint(key: &VerifyingKey) -> String {
    digest(&key.0).to_string()
}

impl Manifest {
    /// The bytes of `manifest.json`; the same manifest always has the same bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = serde_json::to_vec_pretty(self).unwrap_or_default();
        out.push(b'\n');
        out
    }

    /// Reads a manifest; accepts exactly what [`Manifest::encode`] writes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let manifest: Self = serde_json::from_slice(bytes).ok()?;
        let sorted = manifest.files.is_sorted_by(|a, b| a.path < b.path);
        (sorted && manifest.encode() == bytes).then_some(manifest)
    }

    /// The key that the manifest names; an export does not prove that it is the right one.
    #[must_use]
    pub fn verifying_key(&self) -> Option<VerifyingKey> {
        Digest::from_hex(&self.key).map(|key| VerifyingKey(key.0))
    }
}

/// The first lines of `manifest.sig`: not those of a checkpoint, so that neither can pass for the other.
pub(super) fn manifest_head(origin: &str) -> String {
    format!("ketenpoort.nl/export/v1\n{origin}\n")
}

/// The text of `manifest.sig`.
#[must_use]
pub fn manifest_text(origin: &str, manifest: &[u8]) -> String {
    format!("{}{}\n", manifest_head(origin), STANDARD.encode(digest(manifest).0))
}

/// An export cannot be made.
#[derive(Debug, Error)]
pub enum ExportError<E> {
    /// The place that takes the files refused one.
    #[error(transparent)]
    Put(E),
    /// An entry of the log does not decode.
    #[error("logregel {0}: {1}")]
    Entry(u64, InvalidEntry),
    /// An attachment's name is not a plain file name.
    #[error("de bijlage {0:?} heeft geen gewone bestandsnaam (letters, cijfers, punt, streepje)")]
    Name(String),
    /// The checkpoint is not one.
    #[error("het checkpoint: {0}")]
    Checkpoint(#[from] InvalidNote),
    /// The entries are not those of the checkpoint.
    #[error("de logregels horen niet bij het checkpoint (omvang of wortel verschilt)")]
    Mismatch,
}

/// Makes an export: entries in order, then attachments, then [`Exporter::finish`].
pub struct Exporter<P> {
    put: P,
    tiles: TileWriter,
    files: Vec<FileRecord>,
    range: Option<(u64, u64)>,
    receipts: Option<Bundle>,
    /// Whether an entry names a receipt.
    named: bool,
}

/// Receipts that fill the next bundle.
#[derive(Default)]
struct Bundle {
    index: u64,
    count: u16,
    bytes: Vec<u8>,
}

impl<E, P: FnMut(&str, &[u8]) -> Result<(), E>> Exporter<P> {
    /// An export whose files go to `put` (path, bytes), each once.
    pub fn new(put: P) -> Self {
        Self { put, tiles: TileWriter::new(), files: Vec::new(), range: None, receipts: None, named: false }
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), ExportError<E>> {
        self.files.push(FileRecord::of(path, bytes));
        (self.put)(path, bytes).map_err(ExportError::Put)
    }

    fn put_all(&mut self, files: Vec<TileFile>) -> Result<(), ExportError<E>> {
        files.into_iter().try_for_each(|(path, bytes)| self.put(&path, &bytes))
    }

    /// Adds the bytes of the next entry.
    ///
    /// # Errors
    /// [`ExportError`] when the entry does not decode or a file is refused.
    pub fn entry(&mut self, bytes: &[u8]) -> Result<(), ExportError<E>> {
        let number = self.tiles.tree().size();
        let entry = Entry::decode(bytes).map_err(|error| ExportError::Entry(number, error))?;
        let (from, to) = self.range.unwrap_or((entry.start_ms, entry.start_ms));
        self.range = Some((from.min(entry.start_ms), to.max(entry.start_ms)));
        self.named |= entry.names_receipt();
        let full = self.tiles.push(bytes);
        self.put_all(full)
    }

    /// Says that the export holds the receipts of partners, also when there are none.
    pub fn with_receipts(&mut self) {
        self.receipts.get_or_insert_default();
    }

    /// Adds the next receipt of a partner, in the order of the entries that name them.
    ///
    /// # Errors
    /// [`ExportError::Put`] when a file is refused.
    pub fn receipt(&mut self, bytes: &[u8]) -> Result<(), ExportError<E>> {
        let bundle = self.receipts.get_or_insert_default();
        put_in_bundle(&mut bundle.bytes, bytes);
        bundle.count += 1;
        if bundle.count < TILE_WIDTH {
            return Ok(());
        }
        let (path, bytes) = (receipts_path(bundle.index, TILE_WIDTH), std::mem::take(&mut bundle.bytes));
        (bundle.index, bundle.count) = (bundle.index + 1, 0);
        self.put(&path, &bytes)
    }

    /// Adds the copy of a card or convenant under `attachments/`; `name` has ASCII letters, digits, `.`, `-` and `_` only
    /// and does not start with a dot.
    ///
    /// # Errors
    /// [`ExportError::Name`]; [`ExportError::Put`] when the file is refused.
    pub fn attach(&mut self, name: &str, bytes: &[u8]) -> Result<(), ExportError<E>> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !plain || name.is_empty() || name.starts_with('.') {
            return Err(ExportError::Name(name.to_owned()));
        }
        self.put(&format!("{ATTACHMENTS}{name}"), bytes)
    }

    /// Adds the checkpoint that a quorum of witnesses cosigned, a note; it may be of fewer entries than the export.
    ///
    /// # Errors
    /// [`ExportError::Put`] when the file is refused.
    pub fn cosigned(&mut self, note: &str) -> Result<(), ExportError<E>> {
        self.put(COSIGNED, note.as_bytes())
    }

    /// Writes the last files and the manifest. `checkpoint` must be of exactly these entries and of `key`'s log.
    ///
    /// # Errors
    /// [`ExportError`] when checkpoint and entries differ or a file is refused.
    pub fn finish(mut self, note: &Note, key: &SigningKey, exported_ms: u64) -> Result<Manifest, ExportError<E>> {
        let checkpoint = Checkpoint::from_note(note)?;
        note.verify(&checkpoint.origin, &key.verifying_key())?;
        let oin = oin_of(&checkpoint.origin).ok_or(InvalidNote::Form)?;
        let tree = self.tiles.tree();
        if (checkpoint.size, checkpoint.root) != (tree.size(), tree.root()) {
            return Err(ExportError::Mismatch);
        }
        let rest = std::mem::take(&mut self.tiles).finish();
        self.put_all(rest)?;
        match self.receipts.take() {
            Some(last) => self.put(&receipts_path(last.index, last.count), &last.bytes)?,
            None if self.named => self.put(WITHOUT_RECEIPTS, b"")?,
            None => {}
        }
        self.put(CHECKPOINT, note.encode().as_bytes())?;
        self.files.sort();
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            oin: oin.to_string(),
            key: Digest(key.verifying_key().0).to_hex(),
            key_fingerprint: key_fingerprint(&key.verifying_key()),
            size: checkpoint.size,
            from_ms: self.range.map(|r| r.0),
            to_ms: self.range.map(|r| r.1),
            exported_ms,
            files: std::mem::take(&mut self.files),
            origin: checkpoint.origin,
        };
        let bytes = manifest.encode();
        let signed = Note::sign(manifest_text(&manifest.origin, &bytes), &manifest.origin, key);
        (self.put)(MANIFEST, &bytes).map_err(ExportError::Put)?;
        (self.put)(MANIFEST_NOTE, signed.encode().as_bytes()).map_err(ExportError::Put)?;
        Ok(manifest)
    }
}
