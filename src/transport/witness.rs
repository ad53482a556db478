//! The witness service on the wire: requests and replies read field by field, bounded, and written from plain types.

use std::sync::Arc;
use std::time::Duration;

use tonic::{Request, Response, Status};

use super::client::{Client, Failure, outgoing, unreadable};
use super::proto::witness_client::WitnessClient;
use super::proto::witness_server::Witness;
use super::proto::{self, add_checkpoint_reply};
use super::server::{Caller, Served};
use super::status::status;
use super::wire::{InvalidReply, MAX_MESSAGE};
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::api::{PeerError, TraceContext};
use crate::service::witness::{MOST_HASHES, MOST_PROOFS, MOST_SEEN, Said, ShowReply, ShowRequest};
use crate::translog::witness::SizedProof;

/// Notes take at most this many bytes of a message, so that it stays below its bound.
const MAX_NOTES: usize = MAX_MESSAGE / 2;

/// Reads a request; `None` for anything out of its bounds.
fn read_request(message: proto::AddCheckpointRequest) -> Option<ShowRequest> {
    let proto::AddCheckpointRequest { checkpoint, proofs, seen } = message;
    if proofs.len() > MOST_PROOFS || seen.len() > MOST_SEEN {
        return None;
    }
    let proofs = proofs.into_iter().map(read_proof).collect::<Option<_>>()?;
    Some(ShowRequest { checkpoint, proofs, seen })
}

fn read_proof(message: proto::ConsistencyProof) -> Option<SizedProof> {
    let proto::ConsistencyProof { old_size, hashes } = message;
    let hash = |bytes: Vec<u8>| Some(Digest(bytes.try_into().ok()?));
    let bounded = hashes.len() <= MOST_HASHES;
    bounded.then(|| hashes.into_iter().map(hash).collect::<Option<_>>().map(|hashes| (old_size, hashes)))?
}

fn write_request(request: &ShowRequest) -> proto::AddCheckpointRequest {
    let ShowRequest { checkpoint, proofs, seen } = request;
    let proof = |(old_size, hashes): &SizedProof| proto::ConsistencyProof {
        old_size: *old_size,
        hashes: hashes.iter().map(|hash| hash.0.to_vec()).collect(),
    };
    proto::AddCheckpointRequest {
        checkpoint: checkpoint.clone(),
        proofs: proofs.iter().map(proof).collect(),
        seen: fitting(seen),
    }
}

/// The first notes, as many as fit.
fn fitting(seen: &[String]) -> Vec<String> {
    let mut room = MAX_NOTES;
    let fits = |note: &&String| {
        room = room.saturating_sub(note.len() + 8);
        room > 0
    };
    seen.iter().take(MOST_SEEN).take_while(fits).cloned().collect()
}

/// Reads a reply.
fn read_reply(message: proto::AddCheckpointReply) -> Result<ShowReply, InvalidReply> {
    use add_checkpoint_reply::Said as Wire;
    let proto::AddCheckpointReply { said, seen } = message;
    if seen.len() > MOST_SEEN {
        return Err(InvalidReply::Field("seen"));
    }
    let said = match said.ok_or(InvalidReply::Field("said"))? {
        Wire::Cosignature(line) => Said::Cosigned(line),
        Wire::Wanted(wanted) if wanted.sizes.len() <= MOST_PROOFS => Said::Wanted(wanted.sizes),
        Wire::Wanted(_) => return Err(InvalidReply::Field("wanted")),
        Wire::Refused(code) => Said::Refused(ReasonCode::parse(&code).ok_or(InvalidReply::Field("refused"))?),
    };
    Ok(ShowReply { said, seen })
}

fn write_reply(reply: ShowReply) -> proto::AddCheckpointReply {
    use add_checkpoint_reply::Said as Wire;
    let ShowReply { said, seen } = reply;
    let said = match said {
        Said::Cosigned(line) => Wire::Cosignature(line),
        Said::Wanted(sizes) => Wire::Wanted(proto::WantedSizes { sizes }),
        Said::Refused(reason) => Wire::Refused(reason.code().to_owned()),
    };
    proto::AddCheckpointReply { said: Some(said), seen: fitting(&seen) }
}

#[tonic::async_trait]
impl Witness for Served {
    async fn add_checkpoint(
        &self,
        request: Request<proto::AddCheckpointRequest>,
    ) -> Result<Response<proto::AddCheckpointReply>, Status> {
        let caller = Caller::of(&request)?;
        let (service, peer) = (Arc::clone(&self.service), Arc::clone(&caller.peer));
        let judged = match read_request(request.into_inner()) {
            Some(shown) => self.blocking(&self.witness_calls, &caller, move || service.witness(&peer, &shown)).await?,
            None => Err(ReasonCode::MessageMalformed),
        };
        judged.map(|reply| Response::new(write_reply(reply))).map_err(|reason| {
            tracing::warn!(code = %reason, oin = %caller.peer.oin, "checkpoint geweigerd: {}", reason.sentence());
            self.service.connection_refused(reason, Some(caller.peer.oin));
            status(reason, &caller.trace)
        })
    }
}

impl Client {
    /// As [`crate::service::api::Peers::show_checkpoint`], for async callers.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn ask_witness(
        &self,
        to: &Oin,
        request: &ShowRequest,
        deadline: Duration,
    ) -> Result<ShowReply, PeerError> {
        let message = outgoing(write_request(request), &TraceContext::random(), deadline);
        self.within_channel(to, deadline, async |channel| {
            let mut witness = WitnessClient::new(channel)
                .max_decoding_message_size(MAX_MESSAGE)
                .max_encoding_message_size(MAX_MESSAGE);
            let reply = witness.add_checkpoint(message).await.map_err(Failure::from)?.into_inner();
            read_reply(reply).map_err(unreadable)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::Message;

    fn request() -> impl Strategy<Value = ShowRequest> {
        let hash = any::<[u8; 32]>().prop_map(Digest);
        let proofs = prop::collection::vec((any::<u64>(), prop::collection::vec(hash, 0..5)), 0..5);
        ("\\PC{0,40}", proofs, prop::collection::vec("\\PC{0,40}", 0..5))
            .prop_map(|(checkpoint, proofs, seen)| ShowRequest { checkpoint, proofs, seen })
    }

    fn said() -> impl Strategy<Value = Said> {
        prop_oneof![
            "\\PC{0,40}".prop_map(Said::Cosigned),
            prop::collection::vec(any::<u64>(), 0..9).prop_map(Said::Wanted),
            prop::sample::select(ReasonCode::ALL).prop_map(Said::Refused),
        ]
    }

    proptest! {
        #[test]
        fn messages_come_back_the_same(request in request(), said in said(), seen in prop::collection::vec("\\PC{0,40}", 0..5)) {
            prop_assert_eq!(read_request(write_request(&request)), Some(request));
            let reply = ShowReply { said, seen };
            prop_assert_eq!(read_reply(write_reply(reply.clone())), Ok(reply));
        }

        #[test]
        fn garbage_is_refused_or_read_but_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(message) = proto::AddCheckpointRequest::decode(bytes.as_slice()) {
                let _either = read_request(message);
            }
            if let Ok(message) = proto::AddCheckpointReply::decode(bytes.as_slice()) {
                let _either = read_reply(message);
            }
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_and_never_sent() {
        let plain = ShowRequest { checkpoint: String::new(), proofs: vec![], seen: vec![] };
        let proof = |hashes| proto::ConsistencyProof { old_size: 1, hashes };
        let with = |proofs| read_request(proto::AddCheckpointRequest { proofs, ..write_request(&plain) });
        assert!(with(vec![proof(vec![vec![0; 32]; MOST_HASHES]); MOST_PROOFS]).is_some());
        assert_eq!(with(vec![proof(vec![vec![0; 31]])]), None);
        assert_eq!(with(vec![proof(vec![vec![0; 32]; MOST_HASHES + 1])]), None);
        assert_eq!(with(vec![proof(vec![]); MOST_PROOFS + 1]), None);
        let many = ShowRequest { seen: vec!["x".repeat(60_000); MOST_SEEN + 9], ..plain };
        let sent = write_request(&many);
        assert!(sent.encoded_len() < MAX_MESSAGE && sent.seen.len() > 5);
        let seen = vec![String::new(); MOST_SEEN + 1];
        assert_eq!(read_request(proto::AddCheckpointRequest { seen, ..sent }), None);
    }
}
