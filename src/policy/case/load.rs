//! Reads a rule file and judges it: a file with one fault is no rule file.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde::Deserialize;
use thiserror::Error;

use super::rules::{
    Age, AgeLimit, ChildTest, CustodyRule, Dated, DurationRule, Exchange, Field, Ground, GuardianRule, Named,
    OverrideRule, Pair, Refusal, Rules, UnbornRule, Validity,
};
use super::situation::CustodyKind;
use super::words::{PLACES, Refused};
use crate::crypto::digest;
use crate::policy::card::is_line;

/// The national rules of this version of the program.
const NATIONAL: &str = include_str!("rules.toml");

/// The roles in which an organisation acts.
const ROLES: &[&str] = &["LT", "GEM", "VT", "RVDK", "GI", "JHA", "POLITIE", "LEERPLICHT"];

/// The codes of measures.
const MEASURES: &[&str] = &["11", "12", "21", "22", "23", "31"];

/// The closed list of purposes.
const PURPOSES: &[&str] = &["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"];

/// The order of the tests and what each means: what a file counts on. Another number is another program.
const PROGRAM: u32 = 2;

/// The text is no rule file.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidRules {
    /// It cannot be read.
    #[error("de regels zijn niet leesbaar: {0}")]
    Unreadable(String),
    /// It contradicts itself or leaves something out; every fault, with its place.
    #[error("de regels kloppen niet:\n- {}", .0.join("\n- "))]
    Unsound(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    program: u32,
    title: String,
    purpose: Vec<Named>,
    forbidden: Vec<Named>,
    never: Vec<Named>,
    age: Vec<Age>,
    custody: Vec<CustodyRule>,
    unborn: Vec<UnbornRule>,
    guardian: Vec<GuardianRule>,
    #[serde(rename = "duration")]
    durations: Vec<DurationRule>,
    #[serde(rename = "override")]
    overrides: Vec<OverrideRule>,
    field: Vec<Field>,
    ground: Vec<Ground>,
    exchange: Vec<Exchange>,
    refusal: Vec<Refusal>,
}

impl Rules {
    /// The national rules of this version of the program.
    ///
    /// # Panics
    /// Never for a program that passed its tests, which load the file.
    #[must_use]
    pub fn national() -> &'static Self {
        static RULES: OnceLock<Rules> = OnceLock::new();
        RULES.get_or_init(|| Self::from_toml(NATIONAL).expect("the built-in rules are sound"))
    }

    /// The text of the national rules.
    #[must_use]
    pub fn national_text() -> &'static str {
        NATIONAL
    }

    /// Reads and judges a rule file.
    ///
    /// # Errors
    /// [`InvalidRules`] with every fault.
    pub fn from_toml(text: &str) -> Result<Self, InvalidRules> {
        let file: File = toml::from_str(text).map_err(|e| InvalidRules::Unreadable(e.to_string()))?;
        let (names, program) = (file.refusal.len(), file.program);
        let rules = Self {
            version: file.version,
            title: file.title,
            hash: digest(text.as_bytes()),
            purposes: file.purpose,
            forbidden: file.forbidden,
            never: file.never,
            ages: file.age,
            custody: file.custody,
            unborn: file.unborn,
            guardian: file.guardian,
            durations: file.durations,
            overrides: file.overrides,
            fields: file.field,
            grounds: file.ground,
            exchanges: file.exchange,
            refusals: file.refusal.into_iter().map(|row| (row.name.clone(), row)).collect(),
        };
        let mut faults = Faults::default();
        faults.when(names != rules.refusals.len(), "refusal", "een naam staat er dubbel in");
        faults.when(program != PROGRAM, "program", "deze regels zijn voor een ander programma geschreven");
        faults.head(&rules);
        faults.dated(&rules);
        faults.vocabulary(&rules);
        faults.people(&rules);
        rules.grounds.iter().for_each(|ground| faults.ground(&rules, ground));
        rules.exchanges.iter().for_each(|exchange| faults.exchange(&rules, exchange));
        faults.refusals(&rules);
        if faults.0.is_empty() { Ok(rules) } else { Err(InvalidRules::Unsound(faults.0)) }
    }
}

#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn when(&mut self, wrong: bool, place: &str, text: &str) {
        if wrong {
            self.0.push(format!("{place}: {text}"));
        }
    }

    fn head(&mut self, rules: &Rules) {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        let version = !rules.version.is_empty() && rules.version.len() <= 20 && rules.version.bytes().all(plain);
        self.when(!version, "version", "gebruik hoogstens 20 letters, cijfers, punten en koppeltekens");
        self.when(!is_line(&rules.title, 200), "title", "de titel is leeg, te lang of bevat stuurtekens");
    }

    /// Articles, first and last days, and no overlap of rows with the same name.
    fn dated(&mut self, rules: &Rules) {
        let mut rows: Vec<(String, &str, Validity)> = Vec::new();
        let lists = [("purpose", &rules.purposes), ("forbidden", &rules.forbidden), ("never", &rules.never)];
        for (list, named) in lists {
            rows.extend(named.iter().map(|row| (format!("{list}.{}", row.name), row.article.as_str(), row.validity())));
        }
        rows.extend(rules.ages.iter().map(|row| (format!("age.{:?}", row.name), row.article.as_str(), row.validity())));
        let custody = |row: &CustodyRule| format!("custody.{:?}", row.kind);
        rows.extend(rules.custody.iter().map(|row| (custody(row), row.article.as_str(), row.validity())));
        rows.extend(rules.unborn.iter().map(|row| ("unborn".to_owned(), row.article.as_str(), row.validity())));
        rows.extend(rules.guardian.iter().map(|row| ("guardian".to_owned(), row.article.as_str(), row.validity())));
        let duration = |row: &DurationRule| format!("duration.{}", row.code);
        rows.extend(rules.durations.iter().map(|row| (duration(row), row.article.as_str(), row.validity())));
        rows.extend(rules.overrides.iter().map(|row| ("override".to_owned(), row.article.as_str(), row.validity())));
        for ground in &rules.grounds {
            let place = format!("ground.{}", ground.name);
            let without = ground.article == "-";
            let told = ground.no_article.as_ref().is_some_and(|reason| is_line(reason, 200));
            self.when(without != told, &place, "een grond heeft een artikel, of zegt waarom er geen is");
            rows.push((place, if without { "AVG" } else { &ground.article }, ground.validity()));
        }
        rows.extend(rules.exchanges.iter().map(|row| (format!("exchange.{}", row.name), "AVG", row.validity())));
        for (at, (place, article, validity)) in rows.iter().enumerate() {
            self.when(!is_line(article, 200) || *article == "-", place, "het artikel ontbreekt");
            self.when(validity.to.is_some_and(|to| to < validity.from), place, "de laatste dag ligt vóór de eerste");
            let other = rows[..at].iter().any(|(name, _, earlier)| name == place && earlier.overlaps(validity));
            self.when(other, place, "twee regels met deze naam gelden op dezelfde dag");
        }
    }

    /// What decisions count on: every limit, kind of custody and override, and a dictionary without loose ends.
    fn vocabulary(&mut self, rules: &Rules) {
        for limit in [AgeLimit::ChildConsents, AgeLimit::ChildAlone, AgeLimit::Majority, AgeLimit::NoYouth] {
            let rows = rules.ages.iter().filter(|row| row.name == limit);
            self.when(!unbroken(rows.map(Dated::validity)), "age", "elke leeftijdsgrens geldt zonder gat of einde");
        }
        let names = [AgeLimit::ChildConsents, AgeLimit::ChildAlone, AgeLimit::Majority, AgeLimit::NoYouth];
        for day in rules.ages.iter().map(|row| row.from) {
            let rising = names.windows(2).all(|pair| rules.age(pair[0], day) <= rules.age(pair[1], day));
            self.when(
                !rising,
                "age",
                "wie alleen instemt stemt ook in: de grenzen lopen op van child_consents tot no_youth",
            );
        }
        self.when(
            !unbroken(rules.unborn.iter().map(Dated::validity)),
            "unborn",
            "de regel voor het ongeboren kind geldt zonder gat",
        );
        let bounded = |row: &UnbornRule| (0..=70).contains(&row.days_late) && (0..=310).contains(&row.days_ahead);
        self.when(!rules.unborn.iter().all(bounded), "unborn", "hoogstens 70 dagen over tijd en 310 dagen vooruit");
        let years = rules.ages.iter().all(|row| (1..=30).contains(&row.years));
        self.when(!years, "age", "een leeftijdsgrens is 1 tot en met 30 jaar");
        for kind in [CustodyKind::Gezag, CustodyKind::Voogdij] {
            let rows = rules.custody.iter().filter(|row| row.kind == kind);
            self.when(!unbroken(rows.map(Dated::validity)), "custody", "elke soort gezag geldt zonder gat of einde");
        }
        let mut known = BTreeSet::new();
        for field in &rules.fields {
            let place = format!("field.{}", field.name);
            self.when(!known.insert(field.name.as_str()), &place, "dit veld staat er dubbel in");
            self.when(!is_line(&field.title, 200), &place, "de omschrijving ontbreekt");
            let used = rules.exchanges.iter().any(|exchange| exchange.maximum.contains(&field.name));
            self.when(!used, &place, "geen uitwisseling noemt dit veld");
            self.when(rules.never_leaves(&field.name), &place, "dit veld gaat nooit naar buiten");
        }
        for purpose in &rules.purposes {
            let both = rules.forbidden.iter().any(|row| row.name == purpose.name);
            let place = format!("purpose.{}", purpose.name);
            self.when(both, &place, "een verboden doel is geen doel");
            self.when(
                !PURPOSES.contains(&purpose.name.as_str()),
                &place,
                "de lijst van doelen is gesloten: P1 tot en met P9",
            );
        }
    }

    /// Guardians, how long measures last, and what an override asks.
    fn people(&mut self, rules: &Rules) {
        let listed = |code: &String| MEASURES.contains(&code.as_str());
        let guardians = unbroken(rules.guardian.iter().map(Dated::validity))
            && rules.guardian.iter().all(|row| !row.codes.is_empty() && row.codes.iter().all(listed));
        self.when(!guardians, "guardian", "de codes van voogdij staan op de lijst, zonder gat of einde");
        let lasting = rules.durations.iter().all(|row| listed(&row.code) && (1..=24).contains(&row.months));
        self.when(!lasting, "duration", "een maatregel van de lijst duurt 1 tot en met 24 maanden");
        for row in &rules.overrides {
            let sound = row.people >= 2 && row.name.starts_with("G-") && is_line(&row.zin, 300);
            self.when(!sound, "override", "minstens twee mensen, een naam met G- en een zin");
            let code = |code: &str| !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let reasons = row.reasons.iter().all(|reason| code(&reason.code) && is_line(&reason.title, 200));
            self.when(!reasons || row.reasons.is_empty(), "override", "noem de redenen, elk met code en titel");
        }
        self.when(rules.overrides.is_empty(), "override", "zonder regel voor de doorbreking is er geen");
    }

    fn ground(&mut self, rules: &Rules, ground: &Ground) {
        let place = format!("ground.{}", ground.name);
        self.when(!ground.name.starts_with("G-"), &place, "de naam van een grond begint met G-");
        self.when(!is_line(&ground.zin, 300), &place, "de zin ontbreekt");
        self.when(
            ground.trigger.is_empty(),
            &place,
            "zeg of de grond een vraag beantwoordt, of alleen uit eigen beweging",
        );
        let ageless = ground.consent && ground.child == ChildTest::Any;
        self.when(ageless, &place, "toestemming vraagt een leeftijd: `youth` of `minor`");
        let listed = |code: &String| MEASURES.contains(&code.as_str());
        let codes = ground.measure.as_ref().is_none_or(|test| !test.codes.is_empty() && test.codes.iter().all(listed));
        self.when(!codes, &place, "noem codes van maatregelen die op de lijst staan");
        let nobody = ground.child == ChildTest::Any && ground.measure.is_none() && !ground.consent;
        let fits = if ground.anonymous { nobody && ground.article == "-" } else { ground.article != "-" };
        self.when(!fits, &place, "alleen een anonieme grond heeft geen artikel, en die vraagt niets over een kind");
        let used = rules.exchanges.iter().flat_map(|row| &row.pairs).any(|pair| pair.grounds.contains(&ground.name));
        self.when(!used, &place, "geen paar gebruikt deze grond");
    }

    fn exchange(&mut self, rules: &Rules, exchange: &Exchange) {
        let place = format!("exchange.{}", exchange.name);
        let known = |field: &String| rules.fields.iter().any(|row| row.name == *field);
        self.when(!exchange.maximum.iter().all(known), &place, "een veld van de lijst staat niet in het woordenboek");
        let within = exchange.minimum.iter().all(|field| exchange.maximum.contains(field));
        self.when(
            !within || exchange.minimum.is_empty(),
            &place,
            "het minimum is niet leeg en ligt binnen het maximum",
        );
        let purpose = |name: &String| rules.purposes.iter().any(|row| row.name == *name);
        let purposes = !exchange.purposes.is_empty() && exchange.purposes.iter().all(purpose);
        self.when(!purposes, &place, "noem doelen uit de gesloten lijst");
        self.when(exchange.pairs.is_empty(), &place, "noem wie aan wie mag geven");
        for (at, pair) in exchange.pairs.iter().enumerate() {
            self.pair(rules, exchange, &place, pair);
            let other = exchange.pairs[..at].iter().any(|earlier| meet(earlier, pair));
            self.when(other, &place, "twee regels gaan over dezelfde verzender, ontvanger en velden");
        }
    }

    fn pair(&mut self, rules: &Rules, exchange: &Exchange, place: &str, pair: &Pair) {
        let off = pair.off.as_ref().is_some_and(|reason| is_line(reason, 300));
        self.when(off != pair.grounds.is_empty(), place, "een paar heeft gronden, of zegt waarom het uit staat");
        let known = |name: &String| rules.grounds.iter().any(|row| row.name == *name);
        self.when(!pair.grounds.iter().all(known), place, "een grond van een paar bestaat niet");
        let anonymous = |name: &String| rules.grounds.iter().any(|row| row.name == *name && row.anonymous);
        let identified = exchange.maximum.iter().any(|field| field == "identity")
            && pair.without_field.as_deref() != Some("identity");
        let named = identified && pair.grounds.iter().any(anonymous);
        self.when(named, place, "een anonieme grond en het veld `identity` gaan niet samen");
        let listed = |field: &Option<String>| field.as_ref().is_none_or(|field| exchange.maximum.contains(field));
        let both = listed(&pair.with_field) && listed(&pair.without_field);
        self.when(!both, place, "een paar hangt af van een veld dat niet in het maximum staat");
        let role = |role: &String| ROLES.contains(&role.as_str());
        let roles = pair.senders.iter().chain(&pair.receivers).all(role);
        self.when(!roles, place, "een paar noemt een rol die niet bestaat");
        let article = pair.article.as_ref().is_none_or(|article| is_line(article, 200));
        self.when(!article, place, "het artikel van een paar is leeg");
    }

    fn refusals(&mut self, rules: &Rules) {
        let named: BTreeSet<&str> = rules.refusals.keys().map(String::as_str).collect();
        let needed: BTreeSet<&str> = Refused::ALL.iter().map(|refused| refused.name()).collect();
        for name in named.symmetric_difference(&needed) {
            self.when(
                true,
                &format!("refusal.{name}"),
                "elke weigering van het programma komt één keer voor, en geen andere",
            );
        }
        for (name, row) in &rules.refusals {
            let place = format!("refusal.{name}");
            let article = row.article.as_ref().is_none_or(|article| is_line(article, 200));
            self.when(!article || !is_line(&row.zin, 300), &place, "artikel of zin ontbreekt");
            let code = Refused::ALL.iter().find(|refused| refused.name() == name).map(|refused| refused.code());
            self.when(code.is_some_and(|code| code != row.code), &place, "de code hoort niet bij deze weigering");
            let unknown = places(&row.zin).any(|name| !PLACES.contains(&name));
            self.when(unknown, &place, "de zin noemt iets dat het programma niet kan invullen");
        }
    }
}

/// Whether rows follow one another without a gap, and the last has no end.
fn unbroken(rows: impl Iterator<Item = Validity>) -> bool {
    let mut rows: Vec<Validity> = rows.collect();
    rows.sort_by_key(|row| row.from);
    let joined = rows.windows(2).all(|pair| pair[0].to.is_some_and(|to| to.0.saturating_add(1) == pair[1].from.0));
    joined && rows.last().is_some_and(|row| row.to.is_none())
}

/// What stands between braces in a sentence.
fn places(zin: &str) -> impl Iterator<Item = &str> {
    zin.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default())
}

/// Whether one request can be about both pairs.
fn meet(one: &Pair, other: &Pair) -> bool {
    let shares = |a: &[String], b: &[String]| a.iter().any(|role| b.contains(role));
    let apart = |a: &Pair, b: &Pair| a.with_field.is_some() && a.with_field == b.without_field;
    shares(&one.senders, &other.senders)
        && shares(&one.receivers, &other.receivers)
        && !apart(one, other)
        && !apart(other, one)
}
