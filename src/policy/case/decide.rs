//! The decision about one request: pure and total, from the rules and the described situation alone.

use std::collections::BTreeMap;

use serde::Serialize;

use super::consent::{self, Carried};
use super::ground::{self, Setting};
use super::rules::{ChildTest, Exchange, Ground, Named, Pair, Rules, Source, nearest};
use super::situation::{CustodyKind, Origin, Situation};
use super::words::{Denied, Refused, hearsay, plain, sentence};
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
    source: Option<Source>,
    rests_on: Vec<(&'static str, Origin)>,
    overridden: bool,
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

    /// Whether an override allowed it.
    #[must_use]
    pub fn is_override(&self) -> bool {
        self.overridden
    }

    /// How sure the article of an allowing rule is; none of a refusal.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        self.source
    }

    /// The facts that an allowing rule looked at (`child`, `custody`, `measure`, `consents`), and from whom each is.
    #[must_use]
    pub fn rests_on(&self) -> &[(&'static str, Origin)] {
        &self.rests_on
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
    rules_hash: String,
    source: Option<Source>,
    facts: BTreeMap<&'static str, Origin>,
    reason_code: Option<ReasonCode>,
    zin: &'a str,
}

impl Serialize for Decision {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let decision = if self.allowed { "allow" } else { "deny" };
        let (rule, article, field) = (self.rule(), self.article(), self.field());
        let (rules_version, reason_code, zin) = (self.rules_version(), self.reason, self.zin());
        let (rules_hash, source) = (self.hash.to_hex(), self.source);
        let facts = self.rests_on.iter().copied().collect();
        let shape =
            Shape { decision, rule, article, field, rules_version, rules_hash, source, facts, reason_code, zin };
        shape.serialize(serializer)
    }
}

/// Decides about a request under these rules. Looks at nothing else: no clock, no node, no convenant.
#[must_use]
pub fn decide(rules: &Rules, situation: &Situation) -> Decision {
    match judge(rules, situation) {
        Ok(allowed) => allow(rules, allowed),
        Err(denied) => deny(rules, situation, denied),
    }
}

struct Allowed<'a> {
    rule: &'a str,
    article: &'a str,
    source: Source,
    zin: &'a str,
    rests_on: Vec<(&'static str, Origin)>,
}

fn allow(rules: &Rules, allowed: Allowed<'_>) -> Decision {
    let Allowed { rule, article, source, zin, rests_on } = allowed;
    let doubt = match source {
        Source::U => " Let op: deze grondslag is niet bevestigd in een bron.",
        Source::V | Source::M | Source::D => "",
    };
    Decision {
        allowed: true,
        rule: rule.to_owned(),
        article: article.to_owned(),
        field: None,
        fact: None,
        reason: None,
        of_request: false,
        version: rules.version.clone(),
        hash: rules.hash,
        source: Some(source),
        overridden: rules.overrides.iter().any(|row| row.name == rule),
        zin: format!("{zin}{}{doubt} Regel {rule}, {}.", hearsay(&rests_on), grounded(article)),
        rests_on,
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
        source: None,
        rests_on: Vec::new(),
        overridden: false,
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
        return Err(Denied::new(Refused::PurposeForbidden).about(&row.title).by(Some(&row.article)));
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
    if let Some(row) = asked.iter().find_map(|field| rules.never.iter().find(|row| row.name == *field)) {
        return Err(Denied::new(Refused::Source).field(&row.name).by(Some(&row.article)));
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
            Ok(Carried::ByOverride(rule)) => {
                let (source, rests_on) = (rule.source, rests_on(setting, ground, situation));
                return Ok(Allowed { rule: &rule.name, article: &rule.article, source, zin: &rule.zin, rests_on });
            }
            Ok(Carried::ByConsent) => {
                let source = setting.pair.source.unwrap_or(ground.source);
                let rests_on = rests_on(setting, ground, situation);
                return Ok(Allowed { rule: &ground.name, article, source, zin: &ground.zin, rests_on });
            }
            Err(denied) if denied.article.is_empty() => last = denied.by(Some(article)),
            Err(denied) => last = denied,
        }
    }
    Err(last)
}

/// Whether a ground holds, and whether by an override.
fn stands<'a>(setting: &Setting<'a>, ground: &Ground, situation: &Situation) -> Result<Carried<'a>, Denied> {
    let known = ground::test(setting, ground, situation)?;
    if ground.consent { consent::judge(setting.rules, situation, &known) } else { Ok(Carried::ByConsent) }
}

/// The facts that a ground looked at.
fn rests_on(setting: &Setting<'_>, ground: &Ground, situation: &Situation) -> Vec<(&'static str, Origin)> {
    let from = &situation.origins;
    let guardian = ground.consent && situation.custody.iter().any(|entry| entry.kind == CustodyKind::Voogdij);
    let looked = [
        (ground.child != ChildTest::Any, ("child", from.child)),
        (ground.consent, ("custody", from.custody)),
        (ground.measure.is_some() || setting.pair.executor.is_some() || guardian, ("measure", from.measure)),
        (ground.consent, ("consents", from.consents)),
    ];
    looked.into_iter().filter_map(|(at, fact)| at.then_some(fact)).collect()
}
