//! As a witness: a partner shows the checkpoint of its log, and gets a cosignature, a wish for proofs, or a refusal.

use super::{Said, ShowReply, ShowRequest};
use crate::domain::reason::ReasonCode;
use crate::service::api::Peer;
use crate::service::core::Core;
use crate::translog::cosignature::{cosign, witness_name};
use crate::translog::note::Note;
use crate::translog::witness::Judgement;

impl Core {
    /// Judges the checkpoint that a partner shows of its own log. What was cosigned is durable before the cosignature exists.
    ///
    /// # Errors
    /// [`ReasonCode::NotItsLog`], [`ReasonCode::CheckpointUnsigned`], [`ReasonCode::WitnessUnable`].
    pub(in crate::service) fn judge(&self, peer: &Peer, request: &ShowRequest) -> Result<ShowReply, ReasonCode> {
        let note = Note::decode(request.checkpoint.as_bytes()).map_err(|_| ReasonCode::CheckpointUnsigned)?;
        if note.text.lines().next() != Some(crate::translog::checkpoint::origin(peer.oin).as_str()) {
            return Err(ReasonCode::NotItsLog);
        }
        let shown = self.open_shown(peer.oin, &request.checkpoint)?;
        let _kept = self.take_seen(&request.seen, Some(peer.oin));
        if self.desk.contradiction().is_some() {
            return Err(ReasonCode::WitnessUnable);
        }
        let seen = self.newest_seen(peer.oin);
        if !self.is_awake(peer.oin) {
            return Ok(ShowReply { said: Said::Wanted(Vec::new()), seen });
        }
        let now = self.clock.now_ms();
        let judged = self.with_record(peer.oin, |record| record.show(&shown, &request.proofs, now))?;
        let said = match judged {
            Judgement::Cosign => {
                let name = witness_name(self.identity.oin);
                Said::Cosigned(cosign(&note.text, &name, &self.desk.key, now / 1000).line())
            }
            Judgement::Wanted(sizes) => Said::Wanted(sizes),
            Judgement::Conflict => Said::Refused(ReasonCode::CheckpointConflict),
            Judgement::Unproven => Said::Refused(ReasonCode::ConsistencyUnproven),
        };
        Ok(ShowReply { said, seen })
    }
}
