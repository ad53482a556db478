//! May this organisation ask for, or give, these fields about one child? The one place that mints leave for case-level exchange.

use super::bundle::ConvenantInForce;
use super::case::terms::granted;
use super::case::{Decision, Rules, Situation, decide};
use super::convenant::{Party, Purpose};
use crate::crypto::Digest;
use crate::domain::codes::Owner;
use crate::domain::day::Day;
use crate::domain::reason::ReasonCode;

/// Leave for one exchange about one child, with the rule that gives it.
pub struct CasePermit {
    request: Digest,
    situation: Situation,
    decision: Decision,
    convenant: ConvenantInForce,
    purpose: Purpose,
}

impl CasePermit {
    /// Hash of the request that it is for.
    #[must_use]
    pub fn request(&self) -> Digest {
        self.request
    }

    /// What was decided on.
    #[must_use]
    pub fn situation(&self) -> &Situation {
        &self.situation
    }

    /// The decision: rule, article and version.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The convenant under which it is given.
    #[must_use]
    pub fn convenant(&self) -> &ConvenantInForce {
        &self.convenant
    }

    /// For what.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }
}

/// Why there is no leave.
pub enum NoLeave {
    /// The convenant, a role or the request itself; says nothing of any child.
    Request(ReasonCode, Option<Box<Decision>>),
    /// The facts about the child; every such refusal looks the same to the other side.
    Child(Box<Decision>),
}

/// The purpose that a request names, as the convenant writes it.
#[must_use]
pub fn purpose_of(situation: &Situation) -> Option<Purpose> {
    let name = situation.purpose.as_deref()?;
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

/// Decides on one exchange today: the convenant and the request first, then what the facts about the child allow.
///
/// # Errors
/// [`NoLeave`]; which of the two follows from the request alone, whatever is known of the child.
pub fn decide_case(
    rules: &Rules,
    convenant: &ConvenantInForce,
    (request, requested): (Digest, &Digest),
    mut situation: Situation,
    today: Day,
) -> Result<CasePermit, NoLeave> {
    let of_request = |reason| NoLeave::Request(reason, None);
    if *requested != convenant.hash() {
        return Err(of_request(ReasonCode::OtherConvenant));
    }
    let terms = convenant.convenant();
    if !terms.valid_on(today) || situation.date != Some(today) {
        return Err(of_request(ReasonCode::ConvenantNotValid));
    }
    for actor in [&situation.sender, &situation.receiver] {
        let party = terms.party(&actor.oin).ok_or(of_request(ReasonCode::OinNotInConvenant))?;
        if !acts_as(party, actor.role.as_deref()) {
            return Err(of_request(ReasonCode::RoleNotAllowed));
        }
    }
    let purpose = purpose_of(&situation).ok_or(of_request(ReasonCode::CasePurpose))?;
    if !terms.purposes.iter().any(|term| term.purpose == purpose) {
        return Err(of_request(ReasonCode::CasePurpose));
    }
    granted(terms, rules, &situation).map_err(of_request)?;
    // Every exchange between nodes says who the child is.
    situation.child.named = true;
    let decision = decide(rules, &situation);
    match decision.allowed() {
        true => Ok(CasePermit { request, situation, decision, convenant: convenant.clone(), purpose }),
        false if decision.shows_in_request() => {
            let reason = decision.reason().unwrap_or(ReasonCode::CaseExchange);
            Err(NoLeave::Request(reason, Some(Box::new(decision))))
        }
        false => Err(NoLeave::Child(Box::new(decision))),
    }
}

/// An organisation acts in a role whose events it delivers.
fn acts_as(party: &Party, role: Option<&str>) -> bool {
    role.and_then(Owner::parse).is_some_and(|role| party.card.card().levert.contains(&role))
}
