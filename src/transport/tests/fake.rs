//! A node that remembers what it was asked and told, and answers as it was bidden.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::PATIENCE;
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::api::{AggregateRequest, Answer, NodeService, Peer, Reply, StatusView};
use crate::translog::entry::TransferId;

pub(super) struct Fake {
    pub admitted: Mutex<BTreeMap<Oin, Digest>>,
    pub refused: Mutex<Vec<(ReasonCode, Option<Oin>)>>,
    pub asked: Mutex<Vec<(Peer, AggregateRequest)>>,
    pub document: Mutex<Vec<u8>>,
    pub says_no: Mutex<Option<ReasonCode>>,
    pub takes: Mutex<Duration>,
}

impl Fake {
    pub(super) fn admitting(parties: &[(Oin, Digest)]) -> Arc<Self> {
        Arc::new(Self {
            admitted: Mutex::new(parties.iter().copied().collect()),
            refused: Mutex::default(),
            asked: Mutex::default(),
            document: Mutex::new(b"{}".to_vec()),
            says_no: Mutex::default(),
            takes: Mutex::default(),
        })
    }

    /// Waits until exactly this refusal was told, and nothing else.
    pub(super) async fn was_told(&self, reason: ReasonCode, claimed: Option<Oin>) {
        self.was_told_among_others(reason, claimed).await;
        let told = self.refused.lock().unwrap().clone();
        assert!(told.iter().all(|each| *each == (reason, claimed)), "{told:?}");
    }

    /// Waits until this refusal was told.
    pub(super) async fn was_told_among_others(&self, reason: ReasonCode, claimed: Option<Oin>) {
        let told = async {
            while !self.refused.lock().unwrap().contains(&(reason, claimed)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, told).await;
        assert!(waited.is_ok(), "no {reason} of {claimed:?} in {:?}", self.refused.lock().unwrap());
    }
}

impl NodeService for Fake {
    fn admit(&self, oin: &Oin, pin: &Digest) -> Result<(), ReasonCode> {
        match self.admitted.lock().unwrap().get(oin) {
            None => Err(ReasonCode::OinNotInConvenant),
            Some(known) if known != pin => Err(ReasonCode::PinDiffers),
            Some(_) => Ok(()),
        }
    }

    fn aggregate(&self, peer: &Peer, request: AggregateRequest) -> Reply {
        let takes = *self.takes.lock().unwrap();
        std::thread::sleep(takes);
        self.asked.lock().unwrap().push((peer.clone(), request));
        match *self.says_no.lock().unwrap() {
            Some(reason) => Reply::Refused(reason),
            None => Reply::Answer(Answer::for_tests(self.document.lock().unwrap().clone(), [8; 64])),
        }
    }

    fn answered(&self, _: &Peer, _: TransferId, _: bool) {}

    fn status(&self, peer: &Peer) -> StatusView {
        StatusView { oin: peer.oin, version: "proef".into(), convenants: vec![Digest([5; 32])], ready: true }
    }

    fn connection_refused(&self, reason: ReasonCode, claimed: Option<Oin>) {
        self.refused.lock().unwrap().push((reason, claimed));
    }
}
