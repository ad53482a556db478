//! Checkpoints that come along with messages of partners: of other logs, and of our own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use super::{MOST_ASIDE, MOST_SEEN};
use crate::crypto::VerifyingKey;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::core::Core;
use crate::service::entries;
use crate::storage::log::LogError;
use crate::storage::witness::WitnessError;
use crate::translog::checkpoint::{Checkpoint, oin_of, origin};
use crate::translog::cosignature::{cosign, cosigners, witness_name};
use crate::translog::note::Note;
use crate::translog::witness::{Finding, Shown, Wrong};

/// Bytes of a note of another log that are kept: its text, the log's signature and our own.
const MOST_BYTES: usize = 4096;

/// A checkpoint of another log that came with a message.
struct Brought {
    log: Oin,
    shown: Shown,
    cosigned_by_us: bool,
}

impl Core {
    /// Takes in a signed checkpoint, of whatever log of a party, that came with a message (a receipt, an exchange between
    /// witnesses): it is compared with what this witness knows, and the log must prove it at its next show. A checkpoint of
    /// our own log is compared with the log itself.
    ///
    /// # Errors
    /// [`ReasonCode::NotItsLog`] when it is of no party, [`ReasonCode::CheckpointUnsigned`] when it is not signed by the
    /// party's key, [`ReasonCode::WitnessUnable`] when it cannot be kept.
    pub fn seen_checkpoint(&self, note: &str) -> Result<(), ReasonCode> {
        self.open_seen(note, None).and_then(|brought| self.keep_seen(brought.into_iter().collect()))
    }

    /// Reads a checkpoint that came along. Of our own log it is compared at once. What a partner says of its own log it says by
    /// showing it; of that only what bears our own cosignature is taken in.
    fn open_seen(&self, note: &str, giver: Option<Oin>) -> Result<Option<Brought>, ReasonCode> {
        let read = Note::decode(note.as_bytes()).map_err(|_| ReasonCode::CheckpointUnsigned)?;
        let named = Checkpoint::from_note(&read).map_err(|_| ReasonCode::CheckpointUnsigned)?;
        let log = oin_of(&named.origin).ok_or(ReasonCode::NotItsLog)?;
        let shown = self.open_shown(log, note)?.given_by(giver.unwrap_or(log));
        if log == self.identity.oin {
            return self.compare_own(shown).map(|()| None).map_err(|_| ReasonCode::WitnessUnable);
        }
        let ours = [(self.identity.oin, self.desk.key.verifying_key())];
        let cosigned_by_us = !cosigners(&read, &ours).is_empty();
        let told = giver != Some(log) || cosigned_by_us;
        Ok(told.then_some(Brought { log, shown, cosigned_by_us }))
    }

    /// Takes in what one message brought, with one write for all of it; a finding has its own.
    fn keep_seen(&self, brought: Vec<Brought>) -> Result<(), ReasonCode> {
        let now = self.clock.now_ms();
        let mut by_log: BTreeMap<Oin, Vec<Brought>> = BTreeMap::new();
        brought.into_iter().for_each(|one| by_log.entry(one.log).or_default().push(one));
        let logs: BTreeSet<Oin> = by_log.keys().copied().collect();
        let changed = self.desk.store.change_all(&logs, |log, record| {
            for Brought { shown, cosigned_by_us, .. } in by_log.remove(&log).unwrap_or_default() {
                if cosigned_by_us && !record.remembers(&shown) {
                    let (first, second) = (shown.clone(), shown.clone());
                    record.find(Finding { wrong: Wrong::Forgotten, first, second, at_ms: now });
                }
                record.seen(shown, now);
            }
        });
        // Also when not all of it could be written: what was found and is in a record is logged.
        self.log_findings();
        changed.map_err(|error| unable(&error))
    }

    /// As [`Core::seen_checkpoint`], for a note that `signer` brought of its own log, but only put by, for the road of an answer:
    /// [`Core::tend_witnesses`] takes it in within a second. When very many come at once the first ones and the newest stay.
    pub fn hear_checkpoint(&self, signer: Oin, note: String) {
        let mut aside = self.desk.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let of_signer = aside.entry(signer).or_default();
        if !of_signer.contains(&note) {
            of_signer.truncate(MOST_ASIDE - 1);
            of_signer.push(note);
        }
    }

    /// Takes in what was put by.
    pub(super) fn take_aside(&self) {
        let aside = std::mem::take(&mut *self.desk.aside.lock().unwrap_or_else(PoisonError::into_inner));
        for notes in aside.into_values() {
            let _kept = self.take_seen(&notes, None);
        }
    }

    /// Takes in what a partner has seen, and returns whether all of it was kept; what cannot be used is left.
    pub(super) fn take_seen(&self, notes: &[String], giver: Option<Oin>) -> bool {
        let (mut brought, mut compared) = (Vec::new(), true);
        for note in notes.iter().take(MOST_SEEN) {
            match self.open_seen(note, giver) {
                Ok(one) => brought.extend(one),
                Err(reason) => {
                    compared &= reason != ReasonCode::WitnessUnable;
                    tracing::debug!(code = %reason, "meegestuurd checkpoint niet gebruikt");
                }
            }
        }
        let kept = self.keep_seen(brought);
        let kept = kept.inspect_err(|reason| tracing::warn!(code = %reason, "meegestuurde checkpoints niet bewaard"));
        kept.is_ok() && compared
    }

    /// The newest checkpoints for a partner: of the logs of parties with which it shares a convenant in force, ours included
    /// as our quorum cosigned it. Those that we cosigned bear our cosignature.
    pub(in crate::service) fn newest_seen(&self, partner: Oin) -> Vec<String> {
        let standing = self.standing();
        let shared: Vec<_> =
            standing.in_force.iter().flatten().map(|c| c.convenant()).filter(|c| c.party(&partner).is_some()).collect();
        let shares = |oin: &Oin| shared.iter().any(|convenant| convenant.party(oin).is_some());
        let (name, now) = (witness_name(self.identity.oin), self.clock.now_ms() / 1000);
        let ours = self.desk.store.cosigned().filter(|_| shares(&self.identity.oin));
        let mut notes: Vec<String> = ours.map(String::from).into_iter().collect();
        for (_, record) in self.desk.store.records().iter().filter(|(oin, _)| shares(oin)) {
            for shown in record.newest() {
                let Ok(mut note) = Note::decode(shown.note().as_bytes()) else { continue };
                if record.cosigned.as_ref() == Some(shown) {
                    note.signatures.push(cosign(&note.text, &name, &self.desk.key, now));
                }
                notes.push(note.encode());
            }
        }
        notes.truncate(MOST_SEEN);
        notes
    }

    /// Works on what we know of one log; a new finding is an entry of our own log.
    pub(super) fn with_record<T>(
        &self,
        oin: Oin,
        work: impl FnOnce(&mut crate::translog::witness::Record) -> T,
    ) -> Result<T, ReasonCode> {
        let changed = self.desk.store.change(oin, work);
        self.log_findings();
        changed.map_err(|error| unable(&error))
    }

    /// Findings stand in our own log too, so that they cannot be taken back: those in the records that it does not hold yet,
    /// of now or of before a crash. One may stand there twice after a crash in between; none is missing.
    pub(super) fn log_findings(&self) {
        let _one_at_a_time = self.desk.one_logging.lock().unwrap_or_else(PoisonError::into_inner);
        for (oin, wrongs, count) in self.desk.store.unlogged() {
            if oin == self.identity.oin {
                continue;
            }
            let logged = wrongs.into_iter().try_for_each(|wrong| self.log_finding(oin, wrong));
            let marked = logged.map(|()| self.desk.store.change(oin, |record| record.logged = count));
            match marked {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "getuigenbestand"),
                Err(error) => tracing::error!("transferlog: {error}"),
            }
        }
    }

    fn log_finding(&self, oin: Oin, wrong: Wrong) -> Result<(), LogError> {
        let reason = reason_of(wrong);
        tracing::error!(code = %reason, %oin, "bevinding over een logboek: {}", reason.sentence());
        let entry = entries::witness_finding(self.identity.oin, oin, reason, self.clock.now_ms());
        self.note(&entry)
    }

    /// The checkpoint of a party's log, its signature checked under the key on the party's card. Of the lines under it only the
    /// log's own and ours stay.
    pub(super) fn open_shown(&self, oin: Oin, note: &str) -> Result<Shown, ReasonCode> {
        let keys = self.checkpoint_keys(oin);
        if keys.is_empty() {
            return Err(ReasonCode::NotItsLog);
        }
        let mut trimmed = Note::decode(note.as_bytes()).map_err(|_| ReasonCode::CheckpointUnsigned)?;
        let names = [origin(oin), witness_name(self.identity.oin)];
        trimmed.signatures.retain(|line| names.contains(&line.name));
        let note = &trimmed.encode();
        if note.len() > MOST_BYTES {
            return Err(ReasonCode::CheckpointUnsigned);
        }
        let opened = keys.iter().find_map(|key| Shown::open(note, &origin(oin), key).ok());
        opened.ok_or(ReasonCode::CheckpointUnsigned)
    }

    fn checkpoint_keys(&self, oin: Oin) -> Vec<VerifyingKey> {
        let standing = self.standing();
        let parties = standing.in_force.iter().flatten().filter_map(|c| c.convenant().party(&oin));
        parties.map(|party| party.card.card().checkpoint).collect()
    }

    /// Compares a checkpoint that our own key signed with our log: when the log is shorter or different it was put back or
    /// rewritten, or somebody else has our key.
    pub(super) fn compare_own(&self, shown: Shown) -> Result<(), LogError> {
        let checkpoint = shown.checkpoint();
        if self.desk.proofs.root(&self.log, checkpoint.size)? == Some(checkpoint.root) {
            return Ok(());
        }
        let mut known = self.desk.contradiction();
        if known.is_none() {
            tracing::error!(
                code = %ReasonCode::LogRolledBack, signed = checkpoint.size, entries = self.log.len(),
                "{}", ReasonCode::LogRolledBack.sentence()
            );
            *known = Some(shown.clone());
            drop(known);
            // Kept, so that a restart does not forget it.
            if let Err(error) =
                self.desk.store.change(self.identity.oin, |record| record.seen(shown, self.clock.now_ms()))
            {
                tracing::error!(%error, "getuigenbestand");
            }
        }
        Ok(())
    }

    fn kept(&self) -> Vec<Shown> {
        let records = self.desk.store.records();
        let own = records.get(&self.identity.oin).map(|record| record.pending.clone()).unwrap_or_default();
        own.into_iter().chain(self.desk.store.cosigned()).collect()
    }

    /// Compares our log with every checkpoint of it that we kept; with each round.
    pub(super) fn compare_kept(&self) -> Result<(), LogError> {
        self.kept().into_iter().try_for_each(|shown| self.compare_own(shown))
    }

    /// At the start: whether the log is shorter than a checkpoint of it that we kept. The rest takes reading it, and waits
    /// for the first round.
    pub(in crate::service) fn compare_length(&self) -> Result<(), LogError> {
        let longer = self.kept().into_iter().filter(|shown| shown.checkpoint().size > self.log.len());
        longer.into_iter().try_for_each(|shown| self.compare_own(shown))
    }
}

fn unable(error: &WitnessError) -> ReasonCode {
    tracing::error!(%error, "getuigenbestand");
    ReasonCode::WitnessUnable
}

fn reason_of(wrong: Wrong) -> ReasonCode {
    match wrong {
        Wrong::Forked => ReasonCode::CheckpointConflict,
        Wrong::Unproven => ReasonCode::ConsistencyUnproven,
        Wrong::Forgotten => ReasonCode::WitnessUnable,
    }
}
