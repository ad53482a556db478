//! The register of processing activities (AVG 30) from the convenants, in the words of the LDV register. What a convenant
//! does not say is absent here and named as missing: this program invents nothing.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::core::Core;
use crate::domain::activity::ActivityBase;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::policy::bundle::{ConvenantBundle, State};
use crate::policy::convenant::{Convenant, Purpose, Role};

/// One processing activity: one purpose under one convenant, in all its versions.
#[derive(Clone, Debug, Serialize)]
pub struct Activity {
    /// Name of the convenant and purpose.
    pub name: String,
    /// Its versions, oldest first; none is ever changed.
    pub versions: Vec<ActivityVersion>,
}

/// One version of a processing activity, with the field names of the LDV register (version 0.1).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivityVersion {
    /// Identifier of this version, and no other: log lines name it.
    pub id: String,
    /// Name.
    pub name: String,
    /// Version of the convenant.
    pub version: u32,
    /// First day.
    pub valid_from: Day,
    /// Last day.
    pub valid_until: Day,
    /// How the convenant stands, in Dutch.
    pub state: String,
    /// The purpose.
    pub purpose: String,
    /// Terms of the Data Privacy Vocabulary; only when the convenant names a ground of AVG 6(1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub legal_basis: Vec<&'static str>,
    /// The legal basis in the words of the convenant.
    pub legal_basis_text: String,
    /// What data, and how long it is kept.
    pub personal_data: Json,
    /// What our roles in the convenant amount to.
    pub processing_options: Vec<&'static str>,
    /// Who receives.
    pub recipients: Vec<Json>,
    /// Measures that the convenant lays down.
    pub measures: Vec<Json>,
    /// What AVG 30 asks and the convenant does not say, in Dutch.
    pub missing: Vec<&'static str>,
}

impl Core {
    /// The register of this organisation: every convenant to which it is a party and that all have signed.
    #[must_use]
    pub fn processing_register(&self) -> Vec<Activity> {
        register_of(&self.convenants(), (self.identity.oin, &self.identity.activities))
    }
}

/// The register of `ours`, whose activities begin with `base`, from these convenants.
#[must_use]
pub fn register_of(convenants: &[(ConvenantBundle, State)], (ours, base): (Oin, &ActivityBase)) -> Vec<Activity> {
    let mut found: BTreeMap<(String, Purpose), Vec<ActivityVersion>> = BTreeMap::new();
    for (bundle, state) in convenants {
        let convenant = bundle.convenant();
        if matches!(state, State::Proposed { .. }) || convenant.party(&ours).is_none() {
            continue;
        }
        for term in &convenant.purposes {
            let version = version_of(convenant, (term.purpose, &term.legal_basis), state, (ours, base));
            found.entry((convenant.id.clone(), term.purpose)).or_default().push(version);
        }
    }
    let activity = |((convenant, purpose), mut versions): ((String, Purpose), Vec<ActivityVersion>)| {
        versions.sort_by_key(|version| version.version);
        Activity { name: format!("{convenant}: {}", purpose_name(purpose)), versions }
    };
    found.into_iter().map(activity).collect()
}

fn version_of(
    convenant: &Convenant,
    (purpose, legal): (Purpose, &str),
    state: &State,
    (ours, base): (Oin, &ActivityBase),
) -> ActivityVersion {
    let legal_basis = dpv_terms(legal);
    let mut missing = vec![
        "soorten betrokkenen",
        "rol van de ontvanger (verwerkingsverantwoordelijke of verwerker, AVG 26 en 28)",
        "contactgegevens van de functionaris gegevensbescherming",
        "risico's bij de maatregelen",
    ];
    if legal_basis.is_empty() {
        missing.push("grond van artikel 6 lid 1 AVG");
    }
    let released: Vec<String> = convenant.indicators.iter().map(|grant| grant.indicator.to_string()).collect();
    let categories = if purpose == Purpose::P1 {
        released.into_iter().map(|id| format!("geaggregeerde cijfers {id}")).collect()
    } else {
        missing.push("categorieën van gegevens");
        Vec::new()
    };
    let period = |years: u32| format!("P{years}Y");
    let recipients = convenant.with_role(Role::Monitor).filter(|card| card.oin != ours || purpose != Purpose::P1);
    ActivityVersion {
        id: base.under(&convenant.id, &format!("{purpose:?}"), convenant.version),
        name: format!("{}: {}", convenant.title, purpose_name(purpose)),
        version: convenant.version,
        valid_from: convenant.valid_from,
        valid_until: convenant.valid_to,
        state: state_name(state).to_owned(),
        purpose: format!("{purpose:?} {}", purpose_name(purpose)),
        legal_basis,
        legal_basis_text: legal.to_owned(),
        personal_data: json!({
            "categories": categories,
            "retentionPeriod": period(convenant.retention.events_years),
            "logRetentionPeriod": period(convenant.retention.log_years),
        }),
        processing_options: options_of(convenant, ours),
        recipients: recipients
            .map(|card| json!({"entityId": format!("urn:oin:{}", card.oin), "name": card.name}))
            .collect(),
        measures: measures_of(convenant),
        missing,
    }
}

/// What each role does by its definition in the convenant.
fn options_of(convenant: &Convenant, ours: Oin) -> Vec<&'static str> {
    let roles = convenant.party(&ours).map(|party| party.roles.clone()).unwrap_or_default();
    let of = |role: &Role| match role {
        Role::Delivering => vec!["Store", "Use", "Disclose"],
        Role::Monitor => vec!["Obtain", "Use"],
        Role::Gate => vec!["Use"],
    };
    let mut options: Vec<&str> = roles.iter().flat_map(of).collect();
    options.sort_unstable();
    options.dedup();
    options
}

fn measures_of(convenant: &Convenant) -> Vec<Json> {
    let rules = &convenant.disclosure;
    let measure = |kind: &str, text: String| json!({"measureType": kind, "measure": text});
    vec![
        measure("vrijgavetoets", format!("drempel {}, afronding op {}", rules.threshold, rules.rounding)),
        measure("vaststelling", format!("een kwartaal staat vast na {} dagen", convenant.settlement_days)),
        measure("toegang", "alleen partijen met het OIN en de sleutel uit het convenant, over TLS".to_owned()),
    ]
}

/// Terms of DPV for the grounds of AVG 6(1) that a text names, as `AVG 6 lid 1 onder e` or `AVG 6(1)(e)`.
fn dpv_terms(text: &str) -> Vec<&'static str> {
    const TERMS: [(&str, &str); 6] = [
        ("a", "Consent"),
        ("b", "Contract"),
        ("c", "LegalObligation"),
        ("d", "VitalInterest"),
        ("e", "OfficialAuthorityOfController"),
        ("f", "LegitimateInterest"),
    ];
    let words = words_of(text);
    let named = |letter: &str| {
        (0..words.len()).any(|at| {
            let mut rest =
                words[at..].iter().map(String::as_str).filter(|word| !["lid", "onder", "sub"].contains(word));
            [Some("avg"), Some("6"), Some("1"), Some(letter)].into_iter().all(|wanted| rest.next() == wanted)
        })
    };
    TERMS.iter().filter(|(letter, _)| named(letter)).map(|(_, term)| *term).collect()
}

/// Runs of letters and runs of digits, in lower case.
fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in text.to_lowercase().chars() {
        let goes_on = before.is_alphabetic() && c.is_alphabetic() || before.is_ascii_digit() && c.is_ascii_digit();
        match words.last_mut() {
            Some(word) if goes_on => word.push(c),
            _ if c.is_alphanumeric() => words.push(c.to_string()),
            _ => {}
        }
        before = c;
    }
    words
}

fn state_name(state: &State) -> &'static str {
    match state {
        State::Proposed { .. } => "voorgesteld",
        State::NotYetValid => "nog niet begonnen",
        State::InForce => "in werking",
        State::Superseded => "vervangen",
        State::Withdrawn { .. } => "ingetrokken",
        State::Expired => "verlopen",
    }
}

/// The closed list of purposes in Dutch.
#[must_use]
pub fn purpose_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::P1 => "ketenmonitor: beleid en sturing",
        Purpose::P2 => "kwaliteit van gegevens",
        Purpose::P3 => "toeleiding naar hulp, jeugdbeschermingstafel",
        Purpose::P4 => "raadsonderzoek",
        Purpose::P5 => "uitvoering van een maatregel",
        Purpose::P6 => "vrijwillige hulp en overdracht",
        Purpose::P7 => "melding bij Veilig Thuis",
        Purpose::P8 => "toezicht en controle",
        Purpose::P9 => "rechten van de betrokkene",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_ground_that_is_named_becomes_a_term() {
        for (text, terms) in [
            ("Jeugdwet 7.4.1 lid 2", vec![]),
            ("AVG 6 lid 1 onder e; Jeugdwet 7.4.1", vec!["OfficialAuthorityOfController"]),
            ("AVG 6(1)(c) en AVG 6(1)(e)", vec!["LegalObligation", "OfficialAuthorityOfController"]),
            ("AVG 6.1d", vec!["VitalInterest"]),
            ("AVG 6 lid 1 en bijlage", vec![]),
            ("AVG 6", vec![]),
        ] {
            assert_eq!(dpv_terms(text), terms, "{text}");
        }
    }
}
