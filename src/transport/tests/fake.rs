//! A node that remembers what it was asked and told, and answers as it was bidden.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

use super::PATIENCE;
use crate::crypto::Digest;
use crate::crypto::{Secret32, SigningKey};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::service::api::{
    AggregateRequest, Answer, HandedOver, NodeService, Peer, Refusal, Reply, StatusView, Verdict, WantedReceipts,
};
use crate::service::links::messages::{LinkAsked, LinkReply};
use crate::service::standards::RecordsRefused;
use crate::service::sums::messages::{ShareRequest, SumAsked, SumReply};
use crate::service::sums::share::Share;
use crate::service::witness::{Said, ShowReply, ShowRequest};
use crate::translog::checkpoint::{Checkpoint, origin};
use crate::translog::entry::TransferId;
use crate::translog::receipt::{Receipt, SignedReceipt};
use crate::translog::standards::fsc::{Page, RawQuestion};

/// What a node would have in its log about questions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Noted {
    Allow,
    Deny(ReasonCode),
    Ended { complete: bool },
}

/// Where the work on the next question stops until the test lets it go on.
pub(super) struct Pause {
    /// After the verdict was claimed, or before.
    claimed: bool,
    reached: oneshot::Sender<()>,
    go: oneshot::Receiver<()>,
}

pub(super) struct Fake {
    pub noted: Mutex<Vec<Noted>>,
    pub pause: Mutex<Option<Pause>>,
    pub worked: AtomicUsize,
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
            noted: Mutex::default(),
            pause: Mutex::default(),
            worked: AtomicUsize::default(),
            admitted: Mutex::new(parties.iter().copied().collect()),
            refused: Mutex::default(),
            asked: Mutex::default(),
            document: Mutex::new(b"{}".to_vec()),
            says_no: Mutex::default(),
            takes: Mutex::default(),
        })
    }

    /// The work on the next question stops before or after it claims the verdict; what tells that it did, and lets it go.
    pub(super) fn pause(&self, claimed: bool) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let ((reached, tells), (lets, go)) = (oneshot::channel(), oneshot::channel());
        *self.pause.lock().unwrap() = Some(Pause { claimed, reached, go });
        (tells, lets)
    }

    fn note(&self, what: Noted) {
        self.noted.lock().unwrap().push(what);
    }

    /// Waits until exactly this is noted.
    pub(super) async fn has_noted(&self, wanted: &[Noted]) {
        let noted = async {
            while *self.noted.lock().unwrap() != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, noted).await;
        assert!(waited.is_ok(), "{:?} instead of {wanted:?}", self.noted.lock().unwrap());
    }

    /// Waits until the work on this many questions has ended.
    pub(super) async fn has_worked(&self, times: usize) {
        let worked = async {
            while self.worked.load(Ordering::Acquire) < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, worked).await.is_ok(), "the work goes on");
    }

    fn work(&self, peer: &Peer, request: &AggregateRequest, verdict: &Verdict) -> Reply {
        let (before, after) = match self.pause.lock().unwrap().take() {
            Some(pause) if pause.claimed => (None, Some(pause)),
            pause => (pause, None),
        };
        hold(before);
        let takes = *self.takes.lock().unwrap();
        std::thread::sleep(takes);
        self.asked.lock().unwrap().push((peer.clone(), request.clone()));
        if !verdict.claim() {
            return Reply::Refused(ReasonCode::TooSlow.into());
        }
        if let Some(reason) = *self.says_no.lock().unwrap() {
            self.note(Noted::Deny(reason));
            return Reply::Refused(reason.into());
        }
        self.note(Noted::Allow);
        hold(after);
        Reply::Answer(Answer::for_tests(self.document.lock().unwrap().clone(), [8; 64], receipt()))
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

/// A receipt about nothing.
pub(in crate::transport) fn receipt() -> SignedReceipt {
    let oin = |n: u8| Oin::parse(&format!("000000990000000000{n:02}")).unwrap();
    let key = SigningKey::from_seed(&Secret32::new([1; 32]));
    let checkpoint = Checkpoint { origin: origin(oin(1)), size: 0, root: Digest([0; 32]) }.sign(&key).encode();
    Receipt::nothing(oin(1), oin(2), TransferId::new(1, [1; 10]), (1, &checkpoint)).sign(&key).unwrap()
}

fn hold(pause: Option<Pause>) {
    if let Some(pause) = pause {
        pause.reached.send(()).unwrap();
        let _ = pause.go.blocking_recv();
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

    fn aggregate(&self, peer: &Peer, request: &AggregateRequest, verdict: &Verdict) -> Reply {
        let reply = self.work(peer, request, verdict);
        self.worked.fetch_add(1, Ordering::AcqRel);
        reply
    }

    fn refuse(&self, _: &Peer, _: &AggregateRequest, reason: ReasonCode) -> Refusal {
        self.note(Noted::Deny(reason));
        Refusal { reason, receipt: Some(Box::new(receipt())) }
    }

    fn answered(&self, _: &Peer, _: HandedOver, complete: bool) {
        self.note(Noted::Ended { complete });
    }

    fn witness(&self, _peer: &Peer, request: &ShowRequest) -> Result<ShowReply, ReasonCode> {
        if request.checkpoint == "wait" {
            let pause = self.pause.lock().unwrap().take();
            hold(pause);
        }
        let seen = request.seen.clone();
        match request.proofs.first() {
            Some((size, _)) => Ok(ShowReply { said: Said::Wanted(vec![*size]), seen }),
            None if request.checkpoint == "refuse" => Err(ReasonCode::CheckpointUnsigned),
            None => Ok(ShowReply { said: Said::Cosigned(request.checkpoint.clone()), seen }),
        }
    }

    fn confirm(&self, _: &Peer, taken: &[u8]) -> Result<(), ReasonCode> {
        if taken == receipt().bytes() { Ok(()) } else { Err(ReasonCode::ReceiptInvalid) }
    }

    fn receipts(&self, _: &Peer, wanted: &WantedReceipts) -> Result<Vec<SignedReceipt>, ReasonCode> {
        Ok(wanted.answers.iter().chain(&wanted.received).map(|_| receipt()).collect())
    }

    fn status(&self, peer: &Peer) -> StatusView {
        StatusView { oin: peer.oin, version: "proef".into(), convenants: vec![Digest([5; 32])], ready: true }
    }

    fn fsc_records(&self, peer: &Peer, question: &RawQuestion) -> Result<Page, RecordsRefused> {
        let _none_is_kept_here = (peer, question);
        Ok(Page::default())
    }

    fn sum(&self, _: &Peer, asked: SumAsked) -> Result<SumReply, Refusal> {
        match asked {
            SumAsked::Due { .. } => Ok(SumReply::Due(Vec::new())),
            SumAsked::Able { plan, .. } => Ok(SumReply::Able(plan.tables)),
            SumAsked::Agree(body) => Ok(SumReply::List(body, Box::new([3; 64]))),
            SumAsked::Part(_) => Ok(SumReply::Taken),
            SumAsked::Total(total) => Ok(SumReply::Released(total.receipt)),
        }
    }

    fn share(&self, _: &Peer, _: &ShareRequest) -> Result<Share, Refusal> {
        Err(Refusal { reason: ReasonCode::SumRunUnknown, receipt: Some(Box::new(receipt())) })
    }

    fn link(&self, _: &Peer, _: LinkAsked) -> Result<LinkReply, Refusal> {
        Err(Refusal { reason: ReasonCode::LinkRunUnknown, receipt: None })
    }

    fn connection_refused(&self, reason: ReasonCode, claimed: Option<Oin>) {
        self.refused.lock().unwrap().push((reason, claimed));
    }
}
