//! What leaves about one child: `CaseAsk`, a request that names the child, and `CaseContent`. Minted here alone, from leave for exactly
//! this request and a durable entry of it.

use std::fmt;

use super::messages::{Belongs, CaseDocument, CaseRequest, seal_content};
use crate::crypto::{AgreementPublic, Digest, SigningKey};
use crate::policy::exchange::CasePermit;
use crate::service::api::{HandedOver, TraceContext};
use crate::storage::log::Logged;
use crate::translog::entry::{Phase, TransferId};
use crate::translog::receipt::SignedReceipt;

/// A request about a child on its way to who is asked.
pub struct CaseAsk {
    transfer: TransferId,
    intent: Digest,
    convenant: Digest,
    sealed: Vec<u8>,
    trace: TraceContext,
}

impl CaseAsk {
    /// The only road to a request: leave for it, and the durable entry that announces it. Seals it to who is asked. `None` when they do
    /// not belong together.
    #[must_use]
    pub fn new(
        permit: &CasePermit,
        logged: &Logged,
        request: &CaseRequest,
        (key, to, belongs): (&SigningKey, &AgreementPublic, &Belongs),
        trace: TraceContext,
    ) -> Option<Self> {
        let same = permit.request() == request.hash()
            && logged.query_hash() == Some(request.hash())
            && logged.phase() == Phase::Intent
            && logged.transfer_id() == belongs.transfer
            && permit.convenant().hash() == belongs.convenant;
        let (intent, sealed) = (logged.entry_hash(), request.seal(key, to, belongs));
        same.then_some(Self { transfer: belongs.transfer, intent, convenant: belongs.convenant, sealed, trace })
    }

    /// Transfer.
    #[must_use]
    pub fn transfer(&self) -> TransferId {
        self.transfer
    }

    /// Leaf hash of our entry.
    #[must_use]
    pub fn intent(&self) -> Digest {
        self.intent
    }

    /// The convenant that we go by.
    #[must_use]
    pub fn convenant(&self) -> Digest {
        self.convenant
    }

    /// The sealed request.
    #[must_use]
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    /// Names the call in both logs.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        self.trace
    }
}

impl fmt::Debug for CaseAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseAsk({})", self.transfer)
    }
}

/// Content about a child on its way to its receiver, sealed to it.
pub struct CaseContent {
    handed: HandedOver,
    receipt: Box<SignedReceipt>,
    salt: [u8; 16],
    sealed: Vec<u8>,
}

impl CaseContent {
    /// The only road to content: leave for its request, the durable entry that covers exactly this document, and our receipt of that
    /// entry. Seals it to the receiver. `None` when they do not belong together.
    #[must_use]
    pub fn new(
        permit: &CasePermit,
        logged: &Logged,
        document: &CaseDocument,
        (salt, receipt): ([u8; 16], SignedReceipt),
        (to, belongs): (&AgreementPublic, &Belongs),
    ) -> Option<Self> {
        let bytes = document.to_bytes();
        let allowed = &permit.situation().fields;
        let same = permit.request() == document.request
            && document.fields().iter().all(|field| allowed.contains(field))
            && logged.query_hash() == Some(document.request)
            && logged.phase() == Phase::Intent
            && logged.covers(&salt, &bytes)
            && receipt.receipt().entry == Some(logged.entry_hash());
        let handed = HandedOver { transfer: logged.transfer_id(), entry: logged.entry_hash() };
        let sealed = seal_content(&bytes, to, belongs);
        same.then(|| Self { handed, receipt: Box::new(receipt), salt, sealed })
    }

    /// Under which transfer and entry its outcome is logged.
    #[must_use]
    pub fn handed(&self) -> HandedOver {
        self.handed
    }

    /// Our receipt of the entry.
    #[must_use]
    pub fn receipt(&self) -> &SignedReceipt {
        &self.receipt
    }

    /// Salt of the commitment in the log.
    #[must_use]
    pub fn salt(&self) -> [u8; 16] {
        self.salt
    }

    /// The sealed document.
    #[must_use]
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }
}

impl fmt::Debug for CaseContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseContent({}, <{} bytes>)", self.handed.transfer, self.sealed.len())
    }
}
