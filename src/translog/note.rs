//! C2SP signed notes with Ed25519: a text, an empty line, and one line per signature (c2sp.org/signed-note).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::crypto::{SigningKey, VerifyingKey, digest_parts};

/// Signature type Ed25519 of the C2SP registry.
const ED25519: u8 = 1;
/// Signature type of Ed25519 cosignatures with a time (c2sp.org/tlog-cosignature).
pub(super) const COSIGNATURE: u8 = 4;
/// The longest note that is read, in bytes.
const MAX_NOTE_BYTES: usize = 65_536;

/// A note that was read or made: text and signatures, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The signed text, with its final newline.
    pub text: String,
    /// At least one signature.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// First four bytes of the hash of name and key.
    pub key_id: [u8; 4],
    /// The signature.
    pub bytes: Vec<u8>,
}

/// Bytes that are no note in its one form, or a signature that does not hold.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum InvalidNote {
    /// Not the form of a signed note.
    #[error("geen geldige ondertekende notitie (vorm)")]
    Form,
    /// No line of this key.
    #[error("de notitie is niet door deze sleutel ondertekend")]
    OtherSigner,
    /// The line of this key does not verify.
    #[error("de handtekening op de notitie klopt niet")]
    Signature,
}

/// The key id of an Ed25519 key under this name.
#[must_use]
pub fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    key_id_of(ED25519, name, key)
}

/// The key id for one type of signature.
pub(super) fn key_id_of(kind: u8, name: &str, key: &VerifyingKey) -> [u8; 4] {
    let hash = digest_parts(&[name.as_bytes(), b"\n", &[kind], &key.0]);
    let mut id = [0; 4];
    id.copy_from_slice(&hash.0[..4]);
    id
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('+') && !name.chars().any(|c| c.is_whitespace() || c.is_control())
}

impl Note {
    /// Signs `text`, which ends in a newline, under this key name.
    #[must_use]
    pub fn sign(text: String, name: &str, key: &SigningKey) -> Self {
        let bytes = key.sign(text.as_bytes()).to_vec();
        let signature = NoteSignature { name: name.to_owned(), key_id: key_id(name, &key.verifying_key()), bytes };
        Self { text, signatures: vec![signature] }
    }

    /// The note as text.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut out = format!("{}\n", self.text);
        for signature in &self.signatures {
            out.push_str(&signature.line());
            out.push('\n');
        }
        out
    }

    /// Reads a note; accepts exactly what [`Note::encode`] writes.
    ///
    /// # Errors
    /// [`InvalidNote::Form`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidNote> {
        let note = Self::read(bytes).ok_or(InvalidNote::Form)?;
        if note.encode().as_bytes() == bytes { Ok(note) } else { Err(InvalidNote::Form) }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_NOTE_BYTES {
            return None;
        }
        let all = std::str::from_utf8(bytes).ok()?;
        if all.chars().any(|c| c.is_control() && c != '\n') {
            return None;
        }
        let (text, lines) = all.strip_suffix('\n')?.rsplit_once("\n\n")?;
        let signatures = lines.split('\n').map(NoteSignature::read).collect::<Option<Vec<_>>>()?;
        Some(Self { text: format!("{text}\n"), signatures })
    }

    /// Checks the line of this key; lines of other keys are left alone, as C2SP asks.
    ///
    /// # Errors
    /// [`InvalidNote`] when the key has no line, or its line does not verify.
    pub fn verify(&self, name: &str, key: &VerifyingKey) -> Result<(), InvalidNote> {
        let id = key_id(name, key);
        let line = self.signatures.iter().find(|s| s.name == name && s.key_id == id).ok_or(InvalidNote::OtherSigner)?;
        key.verify(self.text.as_bytes(), &line.bytes).map_err(|_| InvalidNote::Signature)
    }
}

impl NoteSignature {
    /// The line without its newline.
    #[must_use]
    pub fn line(&self) -> String {
        let mut blob = self.key_id.to_vec();
        blob.extend_from_slice(&self.bytes);
        format!("\u{2014} {} {}", self.name, STANDARD.encode(blob))
    }

    /// Reads one line; accepts exactly what [`NoteSignature::line`] writes.
    ///
    /// # Errors
    /// [`InvalidNote::Form`] for anything else.
    pub fn parse(line: &str) -> Result<Self, InvalidNote> {
        Self::read(line).filter(|read| read.line() == line).ok_or(InvalidNote::Form)
    }

    fn read(line: &str) -> Option<Self> {
        let (name, blob) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let blob = STANDARD.decode(blob).ok()?;
        let (key_id, bytes) = blob.split_first_chunk::<4>()?;
        let whole = is_key_name(name) && !bytes.is_empty();
        whole.then(|| Self { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() })
    }
}
