//! What a witness knows of one log, and what it says of a checkpoint that the log shows it (the rules of c2sp.org/tlog-witness,
//! with proofs from every size that was seen anywhere). Pure: the caller makes a changed record durable before it cosigns.

use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use super::merkle::empty_root;
use super::merkle::proof::verify_consistency;
use super::note::{InvalidNote, Note};
use crate::crypto::{Digest, VerifyingKey};
use crate::domain::oin::Oin;

/// Checkpoints of one log that wait for a proof, at most. With the one cosigned last their proofs fit in one message.
pub const MOST_PENDING: usize = 60;
/// Of these, those that one giver brought; of more, its first ones and its largest stay.
pub const MOST_GIVEN: usize = 4;
/// Earlier checkpoints of one log that are remembered, the largest ones.
const MOST_PROVEN: usize = 16;
/// Findings about one log that are kept; the first ones.
const MOST_FINDINGS: usize = 32;

/// A signed checkpoint: the note and what it says. Made by [`Shown::open`] only, so its signature was checked once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shown {
    checkpoint: Checkpoint,
    note: String,
    /// Who brought it, while this process lives; nobody when the log itself showed it.
    giver: Option<Oin>,
}

impl Shown {
    /// Reads a checkpoint of the log `origin`, signed under `key`; lines of other signers stay with it.
    ///
    /// # Errors
    /// [`InvalidNote`]: the form, another log or signer, or the signature; a tree without entries has one root only.
    pub fn open(note: &str, origin: &str, key: &VerifyingKey) -> Result<Self, InvalidNote> {
        let checkpoint = Checkpoint::open(note.as_bytes(), origin, key)?;
        if checkpoint.size == 0 && checkpoint.root != empty_root() {
            return Err(InvalidNote::Form);
        }
        Ok(Self { checkpoint, note: note.to_owned(), giver: None })
    }

    /// The same, brought by this party.
    #[must_use]
    pub fn given_by(self, giver: Oin) -> Self {
        Self { giver: Some(giver), ..self }
    }

    /// What it says.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note as text.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    fn size(&self) -> u64 {
        self.checkpoint.size
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.size(), self.checkpoint.root) == (other.size(), other.checkpoint.root)
    }

    fn contradicts(&self, other: &Self) -> bool {
        self.size() == other.size() && self.checkpoint.root != other.checkpoint.root
    }
}

/// From a record of our own disk: its signature was checked when it was written.
impl TryFrom<String> for Shown {
    type Error = InvalidNote;
    fn try_from(note: String) -> Result<Self, InvalidNote> {
        let checkpoint = Checkpoint::from_note(&Note::decode(note.as_bytes())?)?;
        Ok(Self { checkpoint, note, giver: None })
    }
}

impl From<Shown> for String {
    fn from(shown: Shown) -> Self {
        shown.note
    }
}

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wrong {
    /// Two signed checkpoints of one size have different roots: two faces of the log, proven by the notes themselves.
    #[serde(rename = "gevorkt")]
    Forked,
    /// The log could not prove that what it shows begins with what it signed before: rewritten or forked.
    #[serde(rename = "niet bewezen")]
    Unproven,
    /// This witness itself cosigned a checkpoint that it does not remember: its own records were lost or put back.
    #[serde(rename = "eigen getuigenis vergeten")]
    Forgotten,
}

/// Something wrong, with both signed notes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What.
    pub wrong: Wrong,
    /// The checkpoint that was known first.
    pub first: Shown,
    /// The one that does not agree with it.
    pub second: Shown,
    /// When it was found, milliseconds since 1970 UTC.
    pub at_ms: u64,
}

/// A consistency proof: from this size, and its hashes.
pub type SizedProof = (u64, Vec<Digest>);

/// What a witness says of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may be cosigned, once the record is durable.
    Cosign,
    /// Proofs from these sizes are needed, or the log is behind the first of them.
    Wanted(Vec<u64>),
    /// It contradicts a checkpoint that is known; the finding is in the record.
    Conflict,
    /// A proof does not hold; the finding is in the record.
    Unproven,
}

/// What a witness knows of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The checkpoint that was cosigned last, with our cosignature.
    pub cosigned: Option<Shown>,
    /// Checkpoints seen elsewhere of which the log has still to prove that they are its own past, ascending.
    pub pending: Vec<Shown>,
    /// Earlier checkpoints that were proven, ascending.
    pub proven: Vec<Shown>,
    /// A checkpoint that the log showed while a larger one was cosigned or seen; gone when it is past that again.
    pub behind: Option<Shown>,
    /// Since when it shows less than is known, milliseconds since 1970 UTC.
    pub behind_since: Option<u64>,
    /// What is wrong; never taken away.
    pub findings: Vec<Finding>,
    /// How many of the findings, from the first, stand in the witness's own transfer log.
    #[serde(default)]
    pub logged: usize,
}

impl Record {
    fn known(&self) -> impl Iterator<Item = &Shown> {
        self.cosigned.iter().chain(&self.pending).chain(&self.proven)
    }

    fn contradicted(&self, shown: &Shown) -> Option<Shown> {
        self.known().find(|known| known.contradicts(shown)).cloned()
    }

    /// Whether this checkpoint was cosigned or proven here, or is not larger than what was cosigned.
    #[must_use]
    pub fn remembers(&self, shown: &Shown) -> bool {
        let past = self.cosigned.as_ref().is_some_and(|cosigned| cosigned.size() >= shown.size());
        past || self.proven.iter().any(|known| known.is_same(shown))
    }

    /// Notes a finding once, whatever is shown again; whether it is new.
    pub fn find(&mut self, finding: Finding) -> bool {
        let same = |known: &Finding| {
            known.wrong == finding.wrong && known.first.is_same(&finding.first) && known.second.is_same(&finding.second)
        };
        let new = self.findings.len() < MOST_FINDINGS && !self.findings.iter().any(same);
        if new {
            self.findings.push(finding);
        }
        new
    }

    /// The findings that the witness's own log does not hold yet.
    #[must_use]
    pub fn unlogged(&self) -> &[Finding] {
        self.findings.get(self.logged..).unwrap_or_default()
    }

    /// Takes in a checkpoint that came by another road: with a message of a partner, or from another witness. The log must
    /// prove at its next show that it contains it. Where there is no room what came first stays, but the largest of the same
    /// giver gives way to a larger one: of a log that shows itself to others only, the newest is still told to those. Returns
    /// whether the record changed.
    pub fn seen(&mut self, shown: Shown, at_ms: u64) -> bool {
        if shown.size() == 0 || self.known().any(|known| known.is_same(&shown)) {
            return false;
        }
        if let Some(first) = self.contradicted(&shown) {
            return self.find(Finding { wrong: Wrong::Forked, first, second: shown, at_ms });
        }
        if !self.makes_room(&shown) {
            return false;
        }
        self.pending.push(shown);
        self.pending.sort_by_key(Shown::size);
        true
    }

    /// Whether there is room for a newcomer among what waits for a proof, made if need be.
    fn makes_room(&mut self, shown: &Shown) -> bool {
        let full = self.pending.len() >= MOST_PENDING;
        let given = |known: &Shown| known.giver.is_some() && known.giver == shown.giver;
        if !full && self.pending.iter().filter(|known| given(known)).count() < MOST_GIVEN {
            return true;
        }
        // Of what came before a restart nobody knows the giver any more; it would keep its places for ever.
        let before = || self.pending.iter().rposition(|known| known.giver.is_none());
        let largest = self.pending.iter().rposition(given).or_else(before);
        let Some(largest) = largest.filter(|at| self.pending.get(*at).is_some_and(|k| k.size() < shown.size())) else {
            return false;
        };
        self.pending.remove(largest);
        true
    }

    /// Judges a checkpoint that the log itself shows, and takes it into the record when it may be cosigned.
    pub fn show(&mut self, shown: &Shown, proofs: &[SizedProof], at_ms: u64) -> Judgement {
        if let Some(first) = self.contradicted(shown) {
            self.find(Finding { wrong: Wrong::Forked, first, second: shown.clone(), at_ms });
            return Judgement::Conflict;
        }
        let last = self.cosigned.as_ref().map_or(0, Shown::size);
        if shown.size() < last {
            self.show_less(shown, at_ms);
            return Judgement::Wanted(vec![last]);
        }
        let earlier: Vec<Shown> =
            self.cosigned.iter().chain(&self.pending).filter(|known| known.size() < shown.size()).cloned().collect();
        let wanted = || earlier.iter().map(Shown::size).collect();
        for known in &earlier {
            let Some((_, proof)) = proofs.iter().find(|(from, _)| *from == known.size()) else {
                return Judgement::Wanted(wanted());
            };
            let (old, new) = (known.checkpoint(), shown.checkpoint());
            if verify_consistency((old.size, &old.root), (new.size, &new.root), proof).is_err() {
                self.find(Finding { wrong: Wrong::Unproven, first: known.clone(), second: shown.clone(), at_ms });
                return Judgement::Unproven;
            }
        }
        self.accept(shown.clone());
        match self.pending.is_empty() {
            true => (self.behind, self.behind_since) = (None, None),
            false => self.show_less(shown, at_ms),
        }
        Judgement::Cosign
    }

    fn show_less(&mut self, shown: &Shown, at_ms: u64) {
        self.behind = Some(shown.clone());
        self.behind_since.get_or_insert(at_ms);
    }

    /// What was proven becomes the past of `shown`.
    fn accept(&mut self, shown: Shown) {
        let (past, later) = std::mem::take(&mut self.pending).into_iter().partition(|p| p.size() <= shown.size());
        self.pending = later;
        self.proven.extend::<Vec<Shown>>(past);
        self.proven.iter_mut().for_each(|past| past.giver = None);
        self.proven.extend(self.cosigned.take());
        self.proven.retain(|past| !past.is_same(&shown));
        self.proven.sort_by_key(Shown::size);
        self.proven.dedup_by(|a, b| a.is_same(b));
        let surplus = self.proven.len().saturating_sub(MOST_PROVEN);
        self.proven.drain(..surplus);
        self.cosigned = Some(shown);
    }

    /// The checkpoints that other witnesses should know of: the one cosigned last and the largest that waits for a proof.
    pub fn newest(&self) -> impl Iterator<Item = &Shown> {
        self.cosigned.iter().chain(self.pending.last())
    }
}

#[cfg(test)]
mod tests;
