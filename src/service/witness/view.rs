//! How it stands with our log and its witnesses, and with the logs that we witness: for the operator.

use serde::{Deserialize, Serialize};

use super::{ALARM_MS, Tried};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::policy::witness::Quorum;
use crate::service::anchor::AuditView;
use crate::service::core::Core;
use crate::translog::cosignature::cosigners;
use crate::translog::note::Note;
use crate::translog::witness::{Record, Shown, Wrong};

/// The state of the log as evidence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogStatus {
    /// Name of the log.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Entries that a quorum cosigned; none when no quorum ever did.
    pub cosigned: Option<Cosigned>,
    /// How long the oldest entry waits that no quorum cosigned, in milliseconds.
    pub waiting_ms: Option<u64>,
    /// Whether that is too long.
    pub alarm: bool,
    /// Why nothing may leave, as far as the log and its witnesses are concerned.
    pub stopped: Option<ReasonCode>,
    /// A size that our own key signed and of which our log does not hold the entries.
    pub contradicted_at: Option<u64>,
    /// Our witnesses, per convenant; empty when no other party can witness.
    pub quorums: Vec<QuorumView>,
    /// The logs of other parties as we know them.
    pub witnessed: Vec<Witnessed>,
    /// Files with checkpoints of others that could not be read and were put aside, as long as they are there.
    pub put_aside: Vec<String>,
    /// The audit log beside this log.
    pub audit: AuditView,
}

/// The checkpoint that a quorum cosigned last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cosigned {
    /// Its size.
    pub size: u64,
    /// The earliest time of its cosignatures, seconds since 1970.
    pub time_s: u64,
}

/// The witnesses under one convenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QuorumView {
    /// Name of the convenant.
    pub convenant: String,
    /// How many are needed.
    pub needed: usize,
    /// Each of them.
    pub witnesses: Vec<WitnessView>,
}

/// One of our witnesses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WitnessView {
    /// Whose.
    pub oin: Oin,
    /// Its name.
    pub name: String,
    /// Size that it cosigned last, as far as this process knows or the kept checkpoint shows.
    pub size: Option<u64>,
    /// When that was, seconds since 1970.
    pub time_s: Option<u64>,
    /// Seconds that our clock was ahead of its clock when it last cosigned, call included; none when it did not since the start.
    #[serde(default)]
    pub ahead_s: Option<i64>,
    /// Why it did not cosign the last time.
    pub fault: Option<String>,
}

/// A log that we witness.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Witnessed {
    /// Whose.
    pub oin: Oin,
    /// Its name.
    pub name: String,
    /// Size that we cosigned last.
    pub size: Option<u64>,
    /// Sizes that were seen elsewhere and that it has still to prove.
    pub pending: Vec<u64>,
    /// A smaller size that it showed after a larger one was cosigned or seen.
    pub behind: Option<u64>,
    /// Whether it does so for longer than the witnesses' alarm.
    pub overdue: bool,
    /// Whether our own record of it cannot be read.
    pub unreadable: bool,
    /// What is wrong with it.
    pub findings: Vec<FindingView>,
}

/// Something wrong with a log, with the notes that show it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FindingView {
    /// What.
    pub wrong: Wrong,
    /// When it was found, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The signed checkpoint that was known first.
    pub first: String,
    /// The signed checkpoint that does not agree with it.
    pub second: String,
}

impl Core {
    /// How it stands with our log and its witnesses.
    #[must_use]
    pub fn log_status(&self) -> LogStatus {
        let quorums = self.quorums();
        let waiting_ms = self.waiting_ms();
        let kept = self.desk.store.cosigned();
        let contradicted_at = self.desk.contradiction().as_ref().map(|shown| shown.checkpoint().size);
        LogStatus {
            origin: self.log.origin().to_owned(),
            size: self.log.len(),
            cosigned: kept.as_ref().map(|shown| cosigned(shown, &quorums)),
            alarm: contradicted_at.is_some() || waiting_ms.is_some_and(|waiting| waiting > ALARM_MS),
            waiting_ms,
            stopped: self.may_transfer().err(),
            contradicted_at,
            quorums: quorums.iter().map(|quorum| self.quorum_view(quorum, kept.as_ref())).collect(),
            witnessed: self.witnessed(),
            put_aside: self.desk.store.put_aside().iter().map(|path| path.display().to_string()).collect(),
            audit: self.audit_view(),
        }
    }

    /// The checkpoint of our log that a quorum cosigned last, a note.
    #[must_use]
    pub fn cosigned_note(&self) -> Option<String> {
        self.desk.store.cosigned().map(String::from)
    }

    fn name_of(&self, oin: &Oin) -> String {
        let standing = self.standing();
        let party = standing.in_force.iter().flatten().find_map(|c| c.convenant().party(oin).cloned());
        party.map_or_else(String::new, |party| party.card.card().name.clone())
    }

    fn quorum_view(&self, quorum: &Quorum, kept: Option<&Shown>) -> QuorumView {
        let tried = self.desk.tried();
        let in_kept = kept.and_then(|shown| {
            let note = Note::decode(shown.note().as_bytes()).ok()?;
            Some((shown.checkpoint().size, cosigners(&note, &quorum.witnesses)))
        });
        let view = |oin: &Oin| {
            let Tried { at_ms, cosigned, fault } = tried.get(oin).cloned().unwrap_or_default();
            let seconds = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
            let ahead = cosigned.filter(|_| fault.is_none()).map(|(_, time)| seconds(at_ms / 1000) - seconds(time));
            let kept = || in_kept.as_ref().and_then(|(size, by)| Some((*size, *by.get(oin)?)));
            let last = cosigned.or_else(kept);
            WitnessView {
                oin: *oin,
                name: self.name_of(oin),
                size: last.map(|(size, _)| size),
                time_s: last.map(|(_, time)| time),
                ahead_s: ahead,
                fault,
            }
        };
        let witnesses = quorum.witnesses.iter().map(|(oin, _)| view(oin)).collect();
        QuorumView { convenant: quorum.convenant.clone(), needed: quorum.needed, witnesses }
    }

    fn witnessed(&self) -> Vec<Witnessed> {
        let records = self.desk.store.records();
        let unreadable = self.desk.store.unreadable().into_iter().map(|oin| (oin, None));
        let known = records.iter().filter(|(oin, _)| **oin != self.identity.oin).map(|(oin, r)| (*oin, Some(r)));
        known.chain(unreadable).map(|(oin, record)| self.witnessed_log(oin, record)).collect()
    }

    fn witnessed_log(&self, oin: Oin, record: Option<&Record>) -> Witnessed {
        let unreadable = record.is_none();
        let record = record.cloned().unwrap_or_default();
        let size = |shown: &Shown| shown.checkpoint().size;
        let finding = |finding: &crate::translog::witness::Finding| FindingView {
            wrong: finding.wrong,
            at_ms: finding.at_ms,
            first: finding.first.note().to_owned(),
            second: finding.second.note().to_owned(),
        };
        Witnessed {
            oin,
            name: self.name_of(&oin),
            size: record.cosigned.as_ref().map(size),
            pending: record.pending.iter().map(size).collect(),
            behind: record.behind.as_ref().map(size),
            overdue: record.behind_since.is_some_and(|since| self.clock.now_ms().saturating_sub(since) > ALARM_MS),
            unreadable,
            findings: record.findings.iter().map(finding).collect(),
        }
    }
}

fn cosigned(shown: &Shown, quorums: &[Quorum]) -> Cosigned {
    let note = Note::decode(shown.note().as_bytes()).ok();
    let times = |quorum: &Quorum| note.as_ref().map(|note| cosigners(note, &quorum.witnesses)).unwrap_or_default();
    let earliest = quorums.iter().flat_map(|quorum| times(quorum).into_values()).min();
    Cosigned { size: shown.checkpoint().size, time_s: earliest.unwrap_or(0) }
}
