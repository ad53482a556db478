//! Leave to exchange about one child: the convenant, the roles of both parties and the rules, in this order. Minted here alone.

use super::decide::{Decision, decide};
use super::rules::Rules;
use super::situation::Situation;
use super::terms::{CaseTerms, may_act};
use crate::crypto::Digest;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use crate::policy::bundle::ConvenantInForce;
use crate::policy::convenant::Convenant;

/// A request about one child as a node judges it: its own, or one that came.
#[derive(Clone, Copy, Debug)]
pub struct CaseQuestion<'a> {
    /// What is asked, with every fact that this side knows.
    pub situation: &'a Situation,
    /// Hash of the request's canonical bytes.
    pub request: Digest,
    /// Hash of the convenant that the request names.
    pub convenant: Digest,
}

/// Leave to send the fields of one request about one child to its receiver, or to ask for them.
#[derive(Clone, Debug)]
pub struct CasePermit {
    request: Digest,
    convenant: ConvenantInForce,
    exchange: String,
    purpose: String,
    sender: Oin,
    receiver: Oin,
    fields: Vec<String>,
    decision: Decision,
}

impl CasePermit {
    /// Hash of the request that it is for.
    #[must_use]
    pub fn request(&self) -> Digest {
        self.request
    }

    /// The convenant under which it is given.
    #[must_use]
    pub fn convenant(&self) -> &ConvenantInForce {
        &self.convenant
    }

    /// The exchange type.
    #[must_use]
    pub fn exchange(&self) -> &str {
        &self.exchange
    }

    /// The purpose.
    #[must_use]
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// Who gives the data.
    #[must_use]
    pub fn sender(&self) -> &Oin {
        &self.sender
    }

    /// Who receives the data.
    #[must_use]
    pub fn receiver(&self) -> &Oin {
        &self.receiver
    }

    /// Exactly the fields that may go, in the order of the request.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The rule, article and version that allow it.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Whether two people let it pass without a consent: it stands out in the log.
    #[must_use]
    pub fn is_override(&self) -> bool {
        self.decision.rule() == OVERRIDE
    }
}

/// The rule of an override.
pub const OVERRIDE: &str = "G-OVERRIDE";

/// Why there is no leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseRefusal {
    /// The reason, for the own log.
    pub reason: ReasonCode,
    /// What the rules said, when it came that far; for the own operator only.
    pub decision: Option<Box<Decision>>,
}

impl CaseRefusal {
    /// What the other side may be told: the reason when the request alone shows it, else one code for everything that can hang on the
    /// child.
    #[must_use]
    pub fn told(&self) -> ReasonCode {
        match &self.decision {
            Some(decision) if !decision.shows_in_request() => ReasonCode::CaseRefused,
            _ => self.reason,
        }
    }
}

impl From<ReasonCode> for CaseRefusal {
    fn from(reason: ReasonCode) -> Self {
        Self { reason, decision: None }
    }
}

/// Decides whether a request may be made or answered today. The date of the situation must be today: a permit is for now.
///
/// # Errors
/// [`CaseRefusal`] of the first that refuses: version, validity, rules, parties and roles, exchange type and fields of the convenant, the
/// rules themselves.
pub fn decide_case(
    convenant: &ConvenantInForce,
    rules: &Rules,
    question: &CaseQuestion<'_>,
    today: Day,
) -> Result<CasePermit, CaseRefusal> {
    if question.convenant != convenant.hash() {
        return Err(ReasonCode::OtherConvenant.into());
    }
    let terms = convenant.convenant();
    if !terms.valid_on(today) {
        return Err(ReasonCode::ConvenantNotValid.into());
    }
    let situation = question.situation;
    let cases = terms.cases.as_ref().ok_or(ReasonCode::CaseExchange)?;
    if cases.rules_hash != rules.hash() {
        return Err(ReasonCode::CaseRules.into());
    }
    if situation.date != Some(today) {
        return Err(ReasonCode::MessageMalformed.into());
    }
    parties(convenant, situation)?;
    let decision = decide(rules, situation);
    if !decision.allowed() && decision.shows_in_request() {
        return Err(refusal(decision));
    }
    let (exchange, purpose) =
        (situation.exchange.clone().unwrap_or_default(), situation.purpose.clone().unwrap_or_default());
    granted(terms, cases, (&exchange, &purpose), &situation.fields)?;
    if !decision.allowed() {
        return Err(refusal(decision));
    }
    Ok(CasePermit {
        request: question.request,
        convenant: convenant.clone(),
        exchange,
        purpose,
        sender: situation.sender.oin,
        receiver: situation.receiver.oin,
        fields: situation.fields.clone(),
        decision,
    })
}

/// Whether both are parties that may act in these roles, and two different ones.
fn parties(convenant: &ConvenantInForce, situation: &Situation) -> Result<(), ReasonCode> {
    for actor in [&situation.sender, &situation.receiver] {
        let party = convenant.convenant().party(&actor.oin).ok_or(ReasonCode::OinNotInConvenant)?;
        if !may_act(party.card.card().org_type, actor.role.as_deref().unwrap_or_default()) {
            return Err(ReasonCode::CaseExchange);
        }
    }
    if situation.sender.oin == situation.receiver.oin { Err(ReasonCode::CaseExchange) } else { Ok(()) }
}

/// Whether the convenant grants the exchange type for this purpose with these fields.
fn granted(
    terms: &Convenant,
    cases: &CaseTerms,
    (exchange, purpose): (&str, &str),
    fields: &[String],
) -> Result<(), ReasonCode> {
    let grant = cases.grant(exchange).ok_or(ReasonCode::CaseExchange)?;
    let beyond = fields.iter().any(|field| !grant.maximum.contains(field));
    if beyond || !grant.minimum.iter().all(|field| fields.contains(field)) {
        return Err(ReasonCode::CaseFields);
    }
    let stated = terms.purposes.iter().any(|term| format!("{:?}", term.purpose) == purpose);
    if stated { Ok(()) } else { Err(ReasonCode::CasePurpose) }
}

fn refusal(decision: Decision) -> CaseRefusal {
    CaseRefusal { reason: decision.reason().unwrap_or(ReasonCode::CaseGround), decision: Some(Box::new(decision)) }
}
