//! Who must vouch for our log, how old the oldest entry is for which nobody does, and what follows from that.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::policy::witness::Quorum;
use crate::service::core::Core;

/// An entry that no quorum cosigned for this long raises an alarm.
pub const ALARM_MS: u64 = 15 * 60 * 1000;
/// An entry that no quorum cosigned for this long stops transfers.
pub const STOP_MS: u64 = 24 * 60 * 60 * 1000;
/// After a start the witnesses get this long before transfers stop.
pub const GRACE_MS: u64 = 15 * 60 * 1000;

impl Core {
    /// The witnesses of our log: per convenant in force in which we are a party and that has others with a witness key.
    #[must_use]
    pub fn quorums(&self) -> Vec<Quorum> {
        let standing = self.standing();
        let ours = standing.in_force.iter().flatten().map(|c| c.convenant());
        let ours = ours.filter(|convenant| convenant.party(&self.identity.oin).is_some());
        ours.map(|convenant| Quorum::of(convenant, self.identity.oin)).filter(|q| q.needed > 0).collect()
    }

    /// Whether, since the start, a quorum of our witnesses was heard that does not count `shower`: whose log they may know better
    /// than we do and than it says itself. With no other witness than `shower`: always.
    pub(super) fn is_awake(&self, shower: Oin) -> bool {
        let heard = self.desk.heard().clone();
        self.quorums().iter().all(|quorum| {
            let others = || quorum.witnesses.iter().filter(|(oin, _)| *oin != shower);
            others().filter(|(oin, _)| heard.contains(oin)).count() >= quorum.needed.min(others().count())
        })
    }

    /// When the oldest entry began that no quorum cosigned, milliseconds since 1970 UTC; none when all are cosigned.
    pub(super) fn oldest_uncosigned(&self) -> Option<u64> {
        let cosigned = self.desk.store.cosigned().map_or(0, |shown| shown.checkpoint().size);
        if cosigned >= self.log.len() {
            return None;
        }
        let mut kept = self.desk.oldest.lock().unwrap_or_else(PoisonError::into_inner);
        let start = match *kept {
            Some((size, start)) if size == cosigned => start,
            _ => self.log.entry(cosigned).ok().flatten()?.start_ms,
        };
        // One from a clock that was ahead waits from now on, not only when its own time has come.
        let start = start.min(self.clock.now_ms());
        *kept = Some((cosigned, start));
        Some(start)
    }

    /// How long the oldest entry waits for a quorum, in milliseconds; none when nothing waits or no witness is required.
    pub(super) fn waiting_ms(&self) -> Option<u64> {
        if self.quorums().is_empty() {
            return None;
        }
        Some(self.clock.now_ms().saturating_sub(self.oldest_uncosigned()?))
    }

    /// Whether something may leave or be asked: not when our log was put back or rewritten, and not when for a day no quorum
    /// cosigned it (within some minutes after a start: still).
    ///
    /// # Errors
    /// [`ReasonCode::LogRolledBack`], [`ReasonCode::WitnessesGone`].
    pub fn may_transfer(&self) -> Result<(), ReasonCode> {
        if self.desk.contradiction().is_some() {
            return Err(ReasonCode::LogRolledBack);
        }
        let started = self.clock.now_ms().saturating_sub(self.desk.started_ms);
        match self.waiting_ms() {
            Some(waiting) if waiting > STOP_MS && started > GRACE_MS => Err(ReasonCode::WitnessesGone),
            _ => Ok(()),
        }
    }

    /// Takes in checkpoints that came with messages, logs findings that are not in our log yet; says once when entries wait too long for a quorum, and once when they no
    /// longer do. Called every second.
    pub fn tend_witnesses(&self) {
        self.take_aside();
        self.log_findings();
        let waiting = self.waiting_ms().filter(|waiting| *waiting > ALARM_MS);
        let before = self.desk.alarmed.swap(waiting.is_some(), Ordering::AcqRel);
        match waiting {
            Some(waiting) if !before => tracing::warn!(
                minutes = waiting / 60_000,
                "het logboek is al lang niet door een quorum van getuigen medeondertekend; zie log status"
            ),
            None if before => tracing::info!("het logboek is weer door een quorum van getuigen medeondertekend"),
            _ => {}
        }
    }
}
