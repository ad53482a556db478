//! The decision about one request: pure and total, from the rules and the described situation alone.

use serde::Serialize;

use super::consent::{self, Carried};
use super::ground::{self, Setting};
use super::rules::{Exchange, Ground, Named, Pair, Rules, nearest};
use super::situation::Situation;
use super::words::{Denied, Refused, plain, sentence};
use crate::crypto::Digest;
use crate::domain::reason::ReasonCode;

/// What was decided about one request. Made by [`decide`] alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    allowed: bool,
    rule: String,
    article: String,
    field: Option<String>,
    fact: Option<String>,
    reason: Option<ReasonCode>,
    of_request: bool,
    version: String,
    hash: Digest,
    zin: String,
}

impl Decision {
    /// Whether the fields may go.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.allowed
    }

    /// The rule that decided: `G-..` allows, `D-..` refuses.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The article that the rule rests on.
    #[must_use]
    pub fn article(&self) -> &str {
        &self.article
    }

    /// The first field that fails, when a field was the reason.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The fact that is missing or fails, as a path into the request. It may name a person: for the own operator only.
    #[must_use]
    pub fn fact(&self) -> Option<&str> {
        self.fact.as_deref()
    }

    /// The reason code of a refusal, for the own log. What a partner is told depends on [`Self::shows_in_request`].
    #[must_use]
    pub fn reason(&self) -> Option<ReasonCode> {
        self.reason
    }

    /// Whether the refusal follows from the request alone; then telling it says nothing about any child. Every other refusal must look the
    /// same to the other side.
    #[must_use]
    pub fn shows_in_request(&self) -> bool {
        self.of_request
    }

    /// Version of the rules.
    #[must_use]
    pub fn rules_version(&self) -> &str {
        &self.version
    }

    /// SHA-256 of the rules.
    #[must_use]
    pub fn rules_hash(&self) -> Digest {
        self.hash
    }

    /// The decision in a Dutch sentence, with rule, article and fact. It may name a person: for the own operator only.
    #[must_use]
    pub fn zin(&self) -> &str {
        &self.zin
    }
}

/// The JSON of `policy explain`.
#[derive(Serialize)]
struct Shape<'a> {
    decision: &'static str,
    rule: &'a str,
    article: &'a str,
    field: Option<&'a str>,
    rules_version: &'a str,
    reason_code: Option<ReasonCode>,
    zin: &'a str,
}

impl Serialize for Decision {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let decision = if self.allowed { "allow" } else { "deny" };
        let (rule, article, field) = (self.rule(), self.article(), self.field());
        let (rules_version, reason_code, zin) = (self.rules_version(), self.reason, self.zin());
        Shape { decision, rule, article, field, rules_version, reason_code, zin }.serialize(serializer)
    }
}

/// Decides about a request under these rules. Looks at nothing else: no clock, no node, no convenant.
#[must_use]
pub fn decide(rules: &Rules, situation: &Situation) -> Decision {
    match judge(rules, situation) {
        Ok(allowed) => allow(rules, &allowed),
        Err(denied) => deny(rules, situation, denied),
    }
}

struct Allowed<'a> {
    rule: &'a str,
    article: &'a str,
    zin: &'a str,
}

fn allow(rules: &Rules, allowed: &Allowed<'_>) -> Decision {
    Decision {
        allowed: true,
        rule: allowed.rule.to_owned(),
        article: allowed.article.to_owned(),
        field: None,
        fact: None,
        reason: None,
        of_request: false,
        version: rules.version.clone(),
        hash: rules.hash,
        zin: format!("{} Regel {}, {}.", allowed.zin, allowed.rule, grounded(allowed.article)),
    }
}

fn deny(rules: &Rules, situation: &Situation, denied: Denied) -> Decision {
    let name = denied.refused.name();
    let row = rules.refusals.get(name);
    let article = row.and_then(|row| row.article.clone()).unwrap_or_else(|| denied.article.clone());
    let said = row.map_or_else(String::new, |row| sentence(&row.zin, situation, &denied));
    let fact = denied.fact.as_ref().map_or_else(String::new, |fact| format!(" ({fact})"));
    Decision {
        allowed: false,
        rule: name.to_owned(),
        zin: format!("Geweigerd. {said} Regel {name}, {}{fact}.", grounded(&article)),
        article,
        field: denied.field.as_deref().map(plain),
        fact: denied.fact,
        reason: Some(row.map_or(ReasonCode::CaseGround, |row| row.code)),
        of_request: denied.refused.is_of_request(),
        version: rules.version.clone(),
        hash: rules.hash,
    }
}

fn grounded(article: &str) -> &str {
    if article == "-" { "geen artikel nodig" } else { article }
}

fn judge<'a>(rules: &'a Rules, situation: &Situation) -> Result<Allowed<'a>, Denied> {
    let purpose = purpose(rules, situation)?;
    let exchange = exchange(rules, situation, purpose)?;
    let pairs = pairs(exchange, situation)?;
    fields(rules, exchange, situation)?;
    let pair = pairs.into_iter().find(|pair| pair.is_for(&situation.fields));
    let pair = pair.ok_or_else(|| Denied::new(Refused::Pair))?;
    grounds(&Setting { rules, exchange, purpose, pair }, situation)
}

fn purpose<'a>(rules: &'a Rules, situation: &Situation) -> Result<&'a Named, Denied> {
    let Some(name) = situation.purpose.as_ref().filter(|name| !name.is_empty()) else {
        return Err(Denied::new(Refused::PurposeUnknown).fact("purpose"));
    };
    if let Some(row) = rules.forbidden.iter().find(|row| row.name == *name) {
        return Err(Denied::new(Refused::PurposeForbidden).about(&row.title));
    }
    let rows = rules.purposes.iter().filter(|row| row.name == *name);
    nearest(rows, situation.date).ok_or_else(|| Denied::new(Refused::PurposeUnknown))
}

fn exchange<'a>(rules: &'a Rules, situation: &Situation, purpose: &Named) -> Result<&'a Exchange, Denied> {
    let Some(name) = situation.exchange.as_ref().filter(|name| !name.is_empty()) else {
        return Err(Denied::new(Refused::Exchange).fact("exchange"));
    };
    let exchange = rules.exchange(name, situation.date).ok_or_else(|| Denied::new(Refused::Exchange))?;
    if exchange.purposes.contains(&purpose.name) { Ok(exchange) } else { Err(Denied::new(Refused::Purpose)) }
}

fn pairs<'a>(exchange: &'a Exchange, situation: &Situation) -> Result<Vec<&'a Pair>, Denied> {
    let role = |role: &Option<String>| role.clone().unwrap_or_default();
    let (sender, receiver) = (role(&situation.sender.role), role(&situation.receiver.role));
    let pairs: Vec<&Pair> = exchange.pairs.iter().filter(|pair| pair.joins(&sender, &receiver)).collect();
    if pairs.is_empty() {
        return Err(Denied::new(Refused::Pair));
    }
    let off = pairs.iter().find_map(|pair| pair.off.as_ref());
    off.map_or(Ok(pairs), |reason| Err(Denied::new(Refused::Off).about(reason)))
}

fn fields(rules: &Rules, exchange: &Exchange, situation: &Situation) -> Result<(), Denied> {
    let asked = &situation.fields;
    let first = |fails: &dyn Fn(&String) -> bool| asked.iter().find(|field| fails(field));
    let refuse = |refused: Refused, field: &String| Err(Denied::new(refused).field(field));
    if let Some(field) = first(&|field| rules.never_leaves(field)) {
        return refuse(Refused::Source, field);
    }
    if let Some(field) = first(&|field| !rules.fields.iter().any(|row| row.name == *field)) {
        return refuse(Refused::FieldUnknown, field);
    }
    if let Some(field) = first(&|field| !exchange.maximum.contains(field)) {
        return refuse(Refused::FieldMax, field);
    }
    let missing = exchange.minimum.iter().find(|field| !asked.contains(field));
    missing.map_or(Ok(()), |field| refuse(Refused::FieldMin, field))
}

/// Tries the grounds of a pair in their order; the refusal of the last is the answer when none holds.
fn grounds<'a>(setting: &Setting<'a>, situation: &Situation) -> Result<Allowed<'a>, Denied> {
    let mut last = Denied::new(Refused::Off);
    for name in &setting.pair.grounds {
        let Some(ground) = setting.rules.ground(name, situation.date) else { continue };
        let article = setting.pair.article.as_ref().unwrap_or(&ground.article);
        match stands(setting, ground, situation) {
            Ok(None) => return Ok(Allowed { rule: &ground.name, article, zin: &ground.zin }),
            Ok(Some(allowed)) => return Ok(allowed),
            Err(denied) => last = Denied { article: article.clone(), ..denied },
        }
    }
    Err(last)
}

/// Whether a ground holds; with an override it is that rule which allows.
fn stands<'a>(setting: &Setting<'a>, ground: &Ground, situation: &Situation) -> Result<Option<Allowed<'a>>, Denied> {
    let known = ground::test(setting, ground, situation)?;
    if !ground.consent {
        return Ok(None);
    }
    Ok(match consent::judge(setting.rules, situation, &known)? {
        Carried::ByConsent => None,
        Carried::ByOverride(rule) => Some(Allowed { rule: &rule.name, article: &rule.article, zin: &rule.zin }),
    })
}
