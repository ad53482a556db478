//! Checkpoints (c2sp.org/tlog-checkpoint): the log's name, size and root, signed by the checkpoint key of the node.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::note::{InvalidNote, Note};
use crate::crypto::{Digest, SigningKey, VerifyingKey};
use crate::domain::oin::Oin;

/// Start of the name of every log, followed by the OIN; the checkpoint key bears the same name.
pub const ORIGIN_PREFIX: &str = "ketenpoort.nl/log/";

/// The name of this organisation's log.
#[must_use]
pub fn origin(oin: Oin) -> String {
    format!("{ORIGIN_PREFIX}{oin}")
}

/// The organisation whose log bears this name.
#[must_use]
pub fn oin_of(origin: &str) -> Option<Oin> {
    Oin::parse(origin.strip_prefix(ORIGIN_PREFIX)?).ok()
}

/// What a node says of its log at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree of these entries.
    pub root: Digest,
}

impl Checkpoint {
    /// The three lines that are signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.0))
    }

    /// Signs this checkpoint with the key that bears the log's name.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Note {
        Note::sign(self.text(), &self.origin, key)
    }

    /// Reads the text of a note; extension lines are refused, since this version writes none.
    ///
    /// # Errors
    /// [`InvalidNote::Form`] for anything but the text that [`Checkpoint::text`] makes.
    pub fn from_note(note: &Note) -> Result<Self, InvalidNote> {
        let read = || {
            let mut lines = note.text.split('\n');
            let origin = lines.next()?.to_owned();
            let size = lines.next()?.parse().ok()?;
            let root = Digest(STANDARD.decode(lines.next()?).ok()?.try_into().ok()?);
            Some(Self { origin, size, root })
        };
        let checkpoint = read().ok_or(InvalidNote::Form)?;
        if checkpoint.text() == note.text { Ok(checkpoint) } else { Err(InvalidNote::Form) }
    }

    /// Reads a signed checkpoint of the log `origin` and checks its signature under `key`.
    ///
    /// # Errors
    /// [`InvalidNote`]: the form, another log or signer, or the signature.
    pub fn open(bytes: &[u8], origin: &str, key: &VerifyingKey) -> Result<Self, InvalidNote> {
        let note = Note::decode(bytes)?;
        let checkpoint = Self::from_note(&note)?;
        if checkpoint.origin != origin {
            return Err(InvalidNote::OtherSigner);
        }
        note.verify(origin, key)?;
        Ok(checkpoint)
    }
}
