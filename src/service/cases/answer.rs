//! The organisation that is asked: opens the request, decides on what it knows of the child, and answers or refuses. A child that is not
//! known takes every step that a known one takes; all refusals that hang on the child are one code, one entry and one receipt of one
//! length, and are held for the same time before they leave.

use std::borrow::Cow;

use super::exits::CaseContent;
use super::log::{self, Denied, why};
use super::messages::{Belongs, CaseAsked, CaseDocument, CaseRequest};
use super::wire::WireName;
use crate::crypto::{Tag, random};
use crate::domain::case::field::CaseField;
use crate::domain::day::Day;
use crate::domain::reason::ReasonCode;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::case::Rules;
use crate::policy::case::situation::{Child, Origin, Origins, Situation, Trigger};
use crate::policy::convenant::{Convenant, Purpose};
use crate::policy::exchange::{CasePermit, NoLeave, decide_case, purpose_of};
use crate::service::api::{Peer, Refusal};
use crate::service::core::Core;
use crate::service::lock;
use crate::storage::subjects::SubjectTag;
use crate::translog::entry::{TransferId, payload_commitment};
use crate::translog::sealed::SealedPart;

/// Bytes of a document at most, so that it fits a message.
const MOST_BYTES: usize = 900_000;

/// A refusal of a request about a child.
#[derive(Debug)]
pub struct CaseRefused {
    /// What may leave.
    pub refusal: Refusal,
    /// Whether it is held until the time of every such refusal.
    pub held: bool,
}

impl From<Refusal> for CaseRefused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, held: false }
    }
}

/// A child as a request names it: ours, or nobody.
pub(super) struct Meant {
    pub(super) tag: SubjectTag,
    pub(super) subject: Tag,
    pub(super) known: bool,
}

/// The situation that a request of a partner describes, without facts about the child. What makes the data go is not its word but the road
/// by which it came.
pub(super) fn described(request: &CaseRequest, today: Day, trigger: Trigger) -> Situation {
    Situation {
        exchange: Some(request.exchange.clone()),
        purpose: Some(request.purpose.clone()),
        sender: request.sender.clone(),
        receiver: request.receiver.clone(),
        fields: request.fields.clone(),
        date: Some(today),
        child: Child::default(),
        custody: Vec::new(),
        measure: request.measure.clone(),
        consents: Vec::new(),
        trigger: Some(trigger),
        overridden: None,
        origins: Origins { measure: Origin::Stated, ..Origins::default() },
    }
}

impl Core {
    /// Answers a request, or refuses it in the log.
    pub(in crate::service) fn answer_case(&self, peer: &Peer, asked: &CaseAsked) -> Result<CaseContent, CaseRefused> {
        let refuse = |reason, query, why: &'static str| {
            let denied =
                Denied { reason, why: Cow::Borrowed(why), query, subject: Some(self.nobody()), offered: false };
            CaseRefused::from(self.deny_case(peer, asked, &denied))
        };
        if !lock(&self.watch).admits(peer.oin, self.clock.now_ms()) {
            return Err(refuse(ReasonCode::CaseTooOften, None, "te vaak gevraagd of geweigerd"));
        }
        let read = self.may_transfer().and_then(|()| self.read_request(peer, asked));
        let (convenant, request) = read.map_err(|reason| refuse(reason, None, "verzoek niet te lezen"))?;
        let query = Some(request.hash());
        let name = request.child.ok_or_else(|| refuse(ReasonCode::MessageMalformed, query, "geen kind genoemd"))?;
        let claimed = self.claim((peer.oin, asked.transfer), (request.hash(), convenant.hash()));
        claimed.map_err(|reason| refuse(reason, query, "nummer hergebruikt"))?;
        #[cfg(feature = "defect-early-deny")]
        if self.is_unknown(&convenant, peer, &request, name) {
            // Broken on purpose: answers early, without an entry.
            return Err(CaseRefused { refusal: ReasonCode::CaseRefused.into(), held: false });
        }
        self.decide_and_send(peer, asked, (&convenant, &request), name)
    }

    #[cfg(feature = "defect-early-deny")]
    fn is_unknown(&self, convenant: &ConvenantInForce, peer: &Peer, request: &CaseRequest, name: WireName) -> bool {
        let situation = described(request, self.clock.today(), Trigger::Desgevraagd);
        let purpose = purpose_of(&situation);
        purpose.is_some_and(|purpose| !self.meant(convenant.convenant(), peer, purpose, name).known)
    }

    fn decide_and_send(
        &self,
        peer: &Peer,
        asked: &CaseAsked,
        (convenant, request): (&ConvenantInForce, &CaseRequest),
        name: WireName,
    ) -> Result<CaseContent, CaseRefused> {
        let today = self.clock.today();
        let mut situation = described(request, today, Trigger::Desgevraagd);
        let purpose = purpose_of(&situation).unwrap_or(Purpose::P9);
        let meant = self.meant(convenant.convenant(), peer, purpose, name);
        let deny = |reason, why: String, held| {
            let (query, subject) = (Some(request.hash()), Some(meant.subject));
            let denied = Denied { reason, why: Cow::Owned(why), query, subject, offered: false };
            CaseRefused { refusal: self.deny_case(peer, asked, &denied), held }
        };
        let facts = self.facts(&meant.tag, &meant.subject, today);
        let facts = facts.map_err(|reason| deny(reason, "sleutels niet te lezen".to_owned(), false))?;
        if !facts.knows_measure() {
            // What only the requester says of a measure is no ground for an answer by itself.
            situation.measure = None;
        }
        facts.into_situation(&mut situation);
        let request_of = (request.hash(), &asked.convenant);
        let refused = match decide_case(Rules::national(), convenant, request_of, situation, today) {
            Ok(permit) if meant.known => {
                let sent = self.send_content(peer, asked, request, (&permit, &meant, name));
                return sent.map_err(|reason| deny(reason, "niet te verstrekken".to_owned(), false));
            }
            Ok(_) => "kind niet bekend".to_owned(),
            Err(NoLeave::Request(reason, decision)) => {
                let said = decision.map_or_else(String::new, |decision| why(&decision));
                return Err(deny(reason, said, false));
            }
            Err(NoLeave::Child(decision)) => why(&decision),
        };
        let denied = deny(ReasonCode::CaseRefused, refused, true);
        if lock(&self.watch).refused(peer.oin, self.clock.now_ms()) {
            self.note_enumeration(peer.oin);
        }
        Err(denied)
    }

    /// The child that a partner names; nobody when it is not known.
    pub(super) fn meant(&self, terms: &Convenant, peer: &Peer, purpose: Purpose, name: WireName) -> Meant {
        let nobody = self.nobody();
        let of_nobody = self.subjects.tag(&nobody);
        let names = self.wire_names(terms, peer.oin, purpose);
        let found = names.and_then(|names| names.get(&name).copied());
        let tag = found.unwrap_or(of_nobody);
        let known = self.memory().cases.child(&tag).map(|child| child.subject);
        Meant { tag, subject: known.unwrap_or(nobody), known: known.is_some() }
    }

    /// Reads a request: under a convenant in force, sealed to us, signed by the partner, about this transfer.
    pub(super) fn read_request(
        &self,
        peer: &Peer,
        asked: &CaseAsked,
    ) -> Result<(ConvenantInForce, CaseRequest), ReasonCode> {
        let convenant = self.named(asked.convenant)?;
        let party = convenant.convenant().party(&peer.oin).ok_or(ReasonCode::OinNotInConvenant)?;
        let belongs =
            Belongs { transfer: asked.transfer, convenant: asked.convenant, from: peer.oin, to: self.identity.oin };
        let own = self.keys.agreement_key(super::wire::EPOCH);
        let request = CaseRequest::open(&asked.sealed, &own, &party.card.card().signing, &belongs);
        Ok((convenant, request.ok_or(ReasonCode::MessageMalformed)?))
    }

    fn send_content(
        &self,
        peer: &Peer,
        asked: &CaseAsked,
        request: &CaseRequest,
        (permit, meant, name): (&CasePermit, &Meant, WireName),
    ) -> Result<CaseContent, ReasonCode> {
        let sending = Sending {
            to: peer.oin,
            transfer: asked.transfer,
            answers: asked.intent.ok_or(ReasonCode::MessageMalformed)?,
            peer: Some(peer),
        };
        let document = self.document(request, asked.transfer, (meant, name))?;
        self.log_content(&sending, (request, permit), meant, &document)
    }

    /// The values of the fields that were asked, as they hold today.
    pub(super) fn document(
        &self,
        request: &CaseRequest,
        transfer: TransferId,
        (meant, name): (&Meant, WireName),
    ) -> Result<CaseDocument, ReasonCode> {
        let today = self.clock.today();
        let wanted = |field: CaseField| request.fields.iter().any(|asked| asked == field.as_str());
        let values = self.open_fields(&meant.tag, &wanted).map_err(|_| ReasonCode::LogUnavailable)?;
        let values = values.into_iter().filter(|value| value.holds_on(today)).collect();
        Ok(CaseDocument::answer(request, transfer, (today, name), values))
    }

    /// Logs that content leaves, and mints it: INTENT, receipt, content, in this order.
    pub(super) fn log_content(
        &self,
        sending: &Sending<'_>,
        (request, permit): (&CaseRequest, &CasePermit),
        meant: &Meant,
        document: &CaseDocument,
    ) -> Result<CaseContent, ReasonCode> {
        let bytes = document.to_bytes();
        if bytes.len() > MOST_BYTES {
            return Err(ReasonCode::MessageTooLarge);
        }
        let convenant = permit.convenant();
        let card = convenant.convenant().party(&sending.to).ok_or(ReasonCode::OinNotInConvenant)?.card.card();
        self.named(convenant.hash())?;
        let salt: [u8; 16] = random();
        let mut intent = log::content(request, permit, document, (sending.transfer, self.clock.now_ms()));
        intent.peer_entry_hash = Some(sending.answers);
        intent.payload_commitment = Some(payload_commitment(&salt, &bytes));
        intent.counter = Some(self.next_counter(sending.to));
        (intent.peer_certificate, intent.peer_spki) =
            (sending.peer.map(|peer| peer.certificate), sending.peer.map(|peer| peer.pin));
        let part = SealedPart {
            subject: Some(meant.subject),
            salt: Some(salt),
            reference: log::allowed(permit),
            ..SealedPart::default()
        };
        let logged = self.log_case(&mut intent, &part)?;
        let receipt = self.receipt_of(&intent, logged.entry_hash())?;
        self.await_receipt(&receipt);
        let belongs = Belongs {
            transfer: sending.transfer,
            convenant: convenant.hash(),
            from: self.identity.oin,
            to: sending.to,
        };
        let content = CaseContent::new(permit, &logged, document, (salt, receipt), (&card.agreement, &belongs));
        content.ok_or(ReasonCode::Internal)
    }
}

/// Where content goes.
pub(super) struct Sending<'a> {
    pub(super) to: crate::domain::oin::Oin,
    pub(super) transfer: TransferId,
    /// Leaf hash of the entry of who receives it.
    pub(super) answers: crate::crypto::Digest,
    pub(super) peer: Option<&'a Peer>,
}
