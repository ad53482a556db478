//! The entries of an exchange about one child. What they say of the child, and why it was refused, is sealed under the key of the child;
//! of a child that is not known, under the key of nobody, by the same steps.

use super::messages::{CaseAsked, CaseDocument, CaseRequest};
use crate::crypto::{Digest, Tag};
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::case::Decision;
use crate::policy::case::rules::Rules;
use crate::policy::case::situation::Origin;
use crate::policy::exchange::CasePermit;
use crate::service::answer::log_reason;
use crate::service::api::{Peer, Refusal};
use crate::service::append::NextStep;
use crate::service::core::Core;
use crate::service::entries::{self, retention_until};
use crate::service::subjects::SubjectError;
use crate::storage::log::Logged;
use crate::translog::entry::{Confidentiality, Decision as Verdict, Direction, Entry, Outcome, Phase, TransferId};
use crate::translog::sealed::SealedPart;

/// Name of the exchange service in the log.
pub const CASES: &str = "ketenpoort.v1.Cases/Ask";
/// The same for what is given without being asked: whoever reads the log sees which way it began.
pub const OFFERS: &str = "ketenpoort.v1.Cases/Offer";
/// Name of the inbox in the log.
pub const INBOX: &str = "casus-postvak";
/// Name of the door for applications in the log.
pub const APPLICATION: &str = "casus-toepassing";
/// Name of the watch over refusals in the log.
pub const WATCH: &str = "casus-bewaking";
/// Bytes of the reason in a sealed part: every refusal has as many.
const REASON_BYTES: usize = 240;

/// A sealed text of one length: cut or filled with spaces.
fn fixed(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if out.len() + c.len_utf8() > REASON_BYTES {
            break;
        }
        out.push(c);
    }
    while out.len() < REASON_BYTES {
        out.push(' ');
    }
    out
}

/// A decision in the words of the sealed part.
pub(super) fn why(decision: &Decision) -> String {
    format!("{} ({}): {}", decision.rule(), decision.article(), decision.fact().or(decision.field()).unwrap_or("-"))
}

/// Why it was allowed, in the words of the sealed part: from whom the facts are, and for an override the reason and the people.
pub(super) fn allowed(permit: &CasePermit) -> String {
    let decision = permit.decision();
    let facts = decision.rests_on().iter().map(|(fact, from)| format!("{fact} {}", said(*from)));
    let mut out = facts.collect::<Vec<_>>().join(", ");
    let leave = permit.situation().overridden.as_ref().filter(|_| decision.is_override());
    if let Some(leave) = leave {
        let who = [leave.approved_by.join(" en "), leave.refused.join(" en ")];
        out = format!(
            "{}; besloten door {}; geweigerd door {}; {}; {out}",
            leave.reason, who[0], who[1], leave.explanation
        );
    }
    out.chars().filter(|c| !c.is_control()).take(REASON_BYTES).collect()
}

fn said(from: Origin) -> &'static str {
    match from {
        Origin::Known => "bekend",
        Origin::Told => "opgegeven",
        Origin::Stated => "verklaard door de andere partij",
        Origin::Described => "beschreven",
    }
}

pub(super) fn subject_reason(error: &SubjectError) -> ReasonCode {
    match error {
        SubjectError::Log(error) => log_reason(error),
        SubjectError::Keys(crate::storage::subjects::SubjectsError::Full) => ReasonCode::DiskFull,
        _ => ReasonCode::LogUnavailable,
    }
}

fn of(direction: Direction, phase: Phase, (transfer, now_ms): (TransferId, u64), request: &CaseRequest) -> Entry {
    let mut entry = Entry::new(transfer, direction, phase, now_ms);
    (entry.sender_oin, entry.receiver_oin) = (Some(request.sender.oin), Some(request.receiver.oin));
    // A request names a child, an offer none.
    let service = if request.child.is_some() { CASES } else { OFFERS };
    entry.service = format!("{service}/{}", request.exchange);
    entry.confidentiality = Some(Confidentiality::Normal);
    entry.purpose.clone_from(&request.purpose);
    entry.query_hash = Some(request.hash());
    entry
}

fn under(entry: &mut Entry, convenant: &ConvenantInForce, decision: Option<&Decision>) {
    let terms = convenant.convenant();
    entry.convenant_id.clone_from(&terms.id);
    entry.convenant_hash = Some(convenant.hash());
    entry.retention_until = Some(retention_until(entry.start_ms, terms));
    entry.data_categories = vec!["gegevens over een kind".to_owned()];
    if let Some(decision) = decision {
        entry.ground_article = decision.article().to_owned();
        let hash: String = decision.rules_hash().to_hex().chars().take(12).collect();
        entry.rules_version = format!("{} {hash} {}", decision.rules_version(), decision.rule());
    }
}

/// We ask, or take up an offer, about which only the other side decides on the child.
pub(super) fn asked(
    request: &CaseRequest,
    (convenant, decision): (&ConvenantInForce, Option<&Decision>),
    (transfer, now_ms): (TransferId, u64),
    step: &NextStep,
) -> Entry {
    let mut entry = of(Direction::Incoming, Phase::Intent, (transfer, now_ms), request);
    entry.action = "Gegevens over een kind vragen".to_owned();
    under(&mut entry, convenant, decision);
    entry.decision = Some(Verdict::Allow);
    entry.field_names.clone_from(&request.fields);
    (entry.trace_id, entry.span_id) = (Some(step.trace.trace_id), Some(step.trace.span_id));
    entry.parent_span_id = step.parent;
    entry
}

/// An offer is about to leave: nothing of the child is in it.
pub(super) fn offered(
    request: &CaseRequest,
    permit: &CasePermit,
    (transfer, now_ms): (TransferId, u64),
    step: &NextStep,
) -> Entry {
    let mut entry = of(Direction::Outgoing, Phase::Intent, (transfer, now_ms), request);
    entry.action = "Gegevens over een kind aanbieden".to_owned();
    under(&mut entry, permit.convenant(), Some(permit.decision()));
    entry.decision = Some(Verdict::Allow);
    entry.field_names.clone_from(&request.fields);
    (entry.trace_id, entry.span_id) = (Some(step.trace.trace_id), Some(step.trace.span_id));
    entry.parent_span_id = step.parent;
    entry
}

/// Content is about to leave.
pub(super) fn content(
    request: &CaseRequest,
    permit: &CasePermit,
    document: &CaseDocument,
    (transfer, now_ms): (TransferId, u64),
) -> Entry {
    let mut entry = of(Direction::Outgoing, Phase::Intent, (transfer, now_ms), request);
    entry.action = "Gegevens over een kind verstrekken".to_owned();
    under(&mut entry, permit.convenant(), Some(permit.decision()));
    entry.decision = Some(Verdict::Allow);
    entry.field_names = document.fields();
    entry.row_count = Some(document.values.len() as u64);
    entry
}

impl Core {
    /// Whom the log says a child is that nobody knows: a pseudonym of no person, so that both take the same steps. Another one each day,
    /// so that none has many more entries than a child has.
    pub(super) fn nobody(&self) -> Tag {
        self.keys.local_key().tag(&[b"nobody\0", &self.clock.today().0.to_be_bytes()])
    }

    /// Seals a part about a child into an entry, and appends it.
    pub(super) fn log_case(&self, entry: &mut Entry, part: &SealedPart) -> Result<Logged, ReasonCode> {
        self.seal(entry, part).map_err(|e| subject_reason(&e))?;
        self.append(entry).map_err(|e| log_reason(&e))
    }

    /// Refuses a request of a partner, in the log; `why` is for our own operator, and as long for every refusal.
    pub(super) fn deny_case(&self, peer: &Peer, asked: &CaseAsked, denied: &Denied<'_>) -> Refusal {
        let now = self.clock.now_ms();
        let (ours, theirs) = (Some(self.identity.oin), Some(peer.oin));
        let (direction, sides, service, action) = match denied.offered {
            true => (Direction::Incoming, (theirs, ours), OFFERS, "Gegevens over een kind aannemen"),
            false => (Direction::Outgoing, (ours, theirs), CASES, "Gegevens over een kind verstrekken"),
        };
        let mut entry = Entry::new(asked.transfer, direction, Phase::Deny, now);
        (entry.sender_oin, entry.receiver_oin) = sides;
        service.clone_into(&mut entry.service);
        action.clone_into(&mut entry.action);
        (entry.peer_certificate, entry.peer_spki) = (Some(peer.certificate), Some(peer.pin));
        entry.confidentiality = Some(Confidentiality::Normal);
        entry.decision = Some(Verdict::Deny);
        entry.reason_codes = vec![denied.reason.code().to_owned()];
        entry.convenant_hash = Some(asked.convenant);
        let known = self.memory().convenants.get(&asked.convenant.0).map(|bundle| bundle.convenant().clone());
        entry.retention_until = known.map(|convenant| retention_until(now, &convenant));
        entry.query_hash = denied.query;
        (entry.trace_id, entry.parent_span_id) = (Some(asked.trace.trace_id), Some(asked.trace.span_id));
        entry.peer_entry_hash = asked.intent;
        let part = SealedPart { subject: denied.subject, reference: fixed(&denied.why), ..SealedPart::default() };
        if let Err(error) = self.seal(&mut entry, &part) {
            tracing::error!("transferlog: {error}");
            return self.unlogged(peer.oin, subject_reason(&error));
        }
        self.denied(peer, entry, denied.reason)
    }

    fn unlogged(&self, peer: Oin, reason: ReasonCode) -> Refusal {
        self.refused.count(reason, self.clock.now_ms());
        tracing::warn!(oin = %peer, code = %reason, "weigering niet vastgelegd");
        reason.into()
    }

    /// Refuses ourselves, before anything was said to anybody.
    pub(super) fn deny_own(
        &self,
        request: &CaseRequest,
        (transfer, subject): (TransferId, Tag),
        (reason, why): (ReasonCode, &str),
    ) -> Result<(), ReasonCode> {
        // Nothing was asked of anybody, so nothing is to be reconciled.
        let mut entry = of(Direction::Local, Phase::Deny, (transfer, self.clock.now_ms()), request);
        (entry.sender_oin, entry.receiver_oin) = (Some(self.identity.oin), Some(self.identity.oin));
        entry.action = "Uitwisseling over een kind, door de eigen node geweigerd".to_owned();
        entry.decision = Some(Verdict::Deny);
        entry.reason_codes = vec![reason.code().to_owned()];
        let part = SealedPart { subject: Some(subject), reference: fixed(why), ..SealedPart::default() };
        self.log_case(&mut entry, &part).map(drop)
    }

    /// What came is about to go from the inbox.
    pub(super) fn announce_destroyed(&self, transfer: TransferId) -> Result<Entry, ReasonCode> {
        let mut entry = self.local_entry(INBOX, "Inhoud over een kind vernietigen");
        entry.purpose.clear();
        entry.refers_to = Some(transfer);
        self.append(&entry).map(|_logged| entry).map_err(|e| log_reason(&e))
    }

    /// What came was taken over, or its time is up: gone from the inbox.
    pub(super) fn note_destroyed(&self, intent: &Entry, confirmed: bool) -> Result<(), ReasonCode> {
        let outcome = if confirmed { Outcome::Confirmed } else { Outcome::Failed };
        let mut entry = entries::outcome(intent, outcome, self.clock.now_ms());
        entry.refers_to = intent.refers_to;
        if !confirmed {
            entry.reason_codes = vec![ReasonCode::CaseExpired.code().to_owned()];
        }
        self.note(&entry).map_err(|e| log_reason(&e))
    }

    /// An application of our own asked for what it may not. Its words stand in the log only where they name an exchange type:
    /// a field that it filled in wrongly may hold anything.
    pub fn refuse_application(&self, name: &str, exchange: &str) {
        let plain =
            |text: &str| text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect::<String>();
        let mut entry = self.local_entry(APPLICATION, &format!("Toepassing {} buiten haar bereik", plain(name)));
        let exchange = Rules::national().exchange_names().get(exchange).copied().unwrap_or("onbekend");
        entry.service = format!("{APPLICATION}/{exchange}");
        entry.purpose.clear();
        (entry.phase, entry.decision) = (Phase::Deny, Some(Verdict::Deny));
        entry.reason_codes = vec![ReasonCode::RoleNotAllowed.code().to_owned()];
        tracing::warn!(toepassing = plain(name), soort = exchange, "toepassing buiten haar bereik geweigerd");
        if let Err(error) = self.note(&entry) {
            tracing::error!("transferlog: {error}");
        }
    }

    /// A partner is refused so often that it may be trying children.
    pub(super) fn note_enumeration(&self, partner: Oin) {
        let now = self.clock.now_ms();
        let mut entry = Entry::new(entries::transfer_id(now), Direction::Local, Phase::Deny, now);
        (entry.sender_oin, entry.receiver_oin) = (Some(partner), Some(self.identity.oin));
        entry.service = WATCH.to_owned();
        entry.action = "Opvallend veel geweigerde verzoeken van een partij".to_owned();
        entry.decision = Some(Verdict::Deny);
        entry.reason_codes = vec![ReasonCode::CaseEnumeration.code().to_owned()];
        tracing::error!(oin = %partner, code = %ReasonCode::CaseEnumeration, "opvallend veel geweigerde verzoeken over kinderen");
        if let Err(error) = self.note(&entry) {
            tracing::error!("transferlog: {error}");
        }
    }
}

/// A refusal of a request of a partner.
pub(super) struct Denied<'a> {
    /// The code that the partner gets.
    pub(super) reason: ReasonCode,
    /// The reason in words, for ourselves.
    pub(super) why: std::borrow::Cow<'a, str>,
    /// Hash of the request, when it could be read.
    pub(super) query: Option<Digest>,
    /// Whom it is about; none when it could not be read.
    pub(super) subject: Option<Tag>,
    /// Whether it was offered to us, not asked of us.
    pub(super) offered: bool,
}
