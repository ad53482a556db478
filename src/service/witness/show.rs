//! As the witnessed log: showing our checkpoint to our witnesses and gathering their cosignatures.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Said, ShowRequest, Tried};
use crate::crypto::VerifyingKey;
use crate::domain::oin::Oin;
use crate::service::api::{PeerError, Peers};
use crate::service::core::Core;
use crate::storage::log::LogError;
use crate::translog::checkpoint::{Checkpoint, origin};
use crate::translog::cosignature::{cosigners, verify, witness_name};
use crate::translog::note::{Note, NoteSignature};
use crate::translog::witness::{Shown, SizedProof};

/// One call to a witness may take this long, connecting included.
const CALL: Duration = Duration::from_secs(15);
/// Calls to one witness in a round: it may first ask for proofs, and may meanwhile have heard of more.
const CALLS: usize = 3;

/// Why a witness did not cosign.
enum Declined {
    Peer(PeerError),
    /// It has just started.
    NotReady,
    /// It knows more of our log than there is.
    Behind(u64),
    /// What it sent is no cosignature of it.
    NoCosignature,
    /// Our own log.
    Log(LogError),
}

impl From<PeerError> for Declined {
    fn from(error: PeerError) -> Self {
        Self::Peer(error)
    }
}

impl From<LogError> for Declined {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl Declined {
    fn text(&self) -> String {
        match self {
            Self::Peer(error) => error.to_string(),
            Self::NotReady => "de getuige is net gestart en raadpleegt eerst haar eigen getuigen".to_owned(),
            Self::Behind(size) => format!("de getuige kent van ons logboek al {size} regels"),
            Self::NoCosignature => "de getuige stuurde geen geldige medeondertekening".to_owned(),
            Self::Log(error) => error.to_string(),
        }
    }
}

impl Core {
    /// Whether the log has entries that were not shown in the last round, or that round brought no quorum.
    #[must_use]
    pub fn wants_round(&self) -> bool {
        self.desk.shown_size.load(Ordering::Acquire) != self.log.len() || self.waiting_ms().is_some()
    }

    /// Shows the newest checkpoint to all witnesses at once and keeps it when a quorum of every convenant cosigned it; whether
    /// that is so. Blocks; never on the road of an append.
    ///
    /// # Errors
    /// When the checkpoint cannot be signed or the cosigned one not be kept.
    pub fn show_to_witnesses(&self, peers: &dyn Peers) -> Result<bool, LogError> {
        let _one_at_a_time = self.desk.one_round.lock().unwrap_or_else(PoisonError::into_inner);
        self.compare_kept()?;
        let quorums = self.quorums();
        let mut witnesses: BTreeMap<Oin, Vec<VerifyingKey>> = BTreeMap::new();
        for (oin, key) in quorums.iter().flat_map(|quorum| &quorum.witnesses) {
            witnesses.entry(*oin).or_default().push(*key);
        }
        if witnesses.is_empty() {
            return Ok(true);
        }
        self.log.checkpoint()?;
        let text = self.log.last_checkpoint();
        let checkpoint = Checkpoint::open(text.as_bytes(), self.log.origin(), &self.log.verifying_key());
        let (checkpoint, mut note) = checkpoint
            .and_then(|checkpoint| Ok((checkpoint, Note::decode(text.as_bytes())?)))
            .map_err(LogError::Checkpoint)?;
        self.desk.shown_size.store(checkpoint.size, Ordering::Release);
        let mut lines: Vec<(Oin, NoteSignature)> = std::thread::scope(|scope| {
            let (note, text, checkpoint) = (&note, &text, &checkpoint);
            let show = |(oin, keys): (&Oin, &Vec<VerifyingKey>)| {
                let (oin, keys) = (*oin, keys.clone());
                scope.spawn(move || Some((oin, self.show_to(peers, (oin, &keys), (text, note, checkpoint))?)))
            };
            let calls: Vec<_> = witnesses.iter().map(show).collect();
            calls.into_iter().filter_map(|call| call.join().ok().flatten()).collect()
        });
        lines.sort_by_key(|(oin, _)| *oin);
        note.signatures.extend(lines.into_iter().map(|(_, line)| line));
        // Each convenant counts under the keys of its own cards.
        let met = quorums.iter().all(|quorum| {
            let held = cosigners(&note, &quorum.witnesses);
            quorum.is_met(|oin| held.contains_key(oin))
        });
        if met {
            let shown = Shown::open(&note.encode(), &origin(self.identity.oin), &self.log.verifying_key());
            if let Err(error) = self.desk.store.keep_cosigned(shown.map_err(LogError::Checkpoint)?) {
                tracing::error!(%error, "medeondertekend checkpoint niet bewaard");
            }
        }
        Ok(met)
    }

    /// Shows the checkpoint to one witness and notes how it went; its cosignature.
    fn show_to(
        &self,
        peers: &dyn Peers,
        witness: (Oin, &[VerifyingKey]),
        shown: (&str, &Note, &Checkpoint),
    ) -> Option<NoteSignature> {
        let result = self.ask_witness(peers, witness, shown);
        let mut tried = self.desk.tried();
        let tried: &mut Tried = tried.entry(witness.0).or_default();
        tried.at_ms = self.clock.now_ms();
        match result {
            Ok((line, time_s)) => {
                (tried.cosigned, tried.fault) = (Some((shown.2.size, time_s)), None);
                Some(line)
            }
            Err(declined) => {
                tried.fault = Some(declined.text());
                None
            }
        }
    }

    fn ask_witness(
        &self,
        peers: &dyn Peers,
        (oin, keys): (Oin, &[VerifyingKey]),
        (text, note, checkpoint): (&str, &Note, &Checkpoint),
    ) -> Result<(NoteSignature, u64), Declined> {
        let known = self.desk.tried().get(&oin).and_then(|tried| tried.cosigned).map(|(size, _)| size);
        let mut sizes: Vec<u64> = known.into_iter().collect();
        for _ in 0..CALLS {
            let proofs = self.proofs_to(&sizes, checkpoint.size)?;
            let request = ShowRequest { checkpoint: text.to_owned(), proofs, seen: self.newest_seen(oin) };
            let reply = peers.show_checkpoint(&oin, &request, CALL)?;
            // What could not be kept would be cosigned without it: it is not heard.
            if self.take_seen(&reply.seen, Some(oin)) {
                self.desk.has_heard(oin);
            }
            match reply.said {
                Said::Cosigned(line) => {
                    let line = NoteSignature::parse(&line).map_err(|_| Declined::NoCosignature)?;
                    let name = witness_name(oin);
                    let time = keys.iter().find_map(|key| verify(&note.text, &line, &name, key).ok());
                    return Ok((line, time.ok_or(Declined::NoCosignature)?));
                }
                Said::Refused(reason) => return Err(PeerError::Refused(reason).into()),
                Said::Wanted(wanted) if wanted.is_empty() => return Err(Declined::NotReady),
                Said::Wanted(wanted) => sizes = wanted,
            }
            if let Some(more) = sizes.iter().find(|size| **size > checkpoint.size) {
                return Err(Declined::Behind(*more));
            }
        }
        Err(Declined::NoCosignature)
    }

    fn proofs_to(&self, sizes: &[u64], size: u64) -> Result<Vec<SizedProof>, LogError> {
        let mut proofs = Vec::new();
        for old in sizes.iter().filter(|old| **old < size).take(super::MOST_PROOFS) {
            if let Some(proof) = self.desk.proofs.consistency(&self.log, *old, size)? {
                proofs.push((*old, proof));
            }
        }
        Ok(proofs)
    }
}
