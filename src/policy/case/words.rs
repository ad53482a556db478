//! The refusals by name, and how a sentence of the rule file is filled in.

use super::situation::{Origin, Situation};
use crate::domain::bsn::holds_typed_bsn;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;

macro_rules! refusals {
    ($($variant:ident = $name:literal,)+) => {
        /// Why a request about one child is refused. Article and sentence are in the rule file.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Refused { $($variant),+ }

        impl Refused {
            /// Every refusal.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in the rule file.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

refusals! {
    PurposeForbidden = "D-PURPOSE-FORBIDDEN",
    PurposeUnknown = "D-PURPOSE-UNKNOWN",
    Exchange = "D-EXCHANGE",
    Purpose = "D-PURPOSE",
    Pair = "D-PAIR",
    Off = "D-OFF",
    Source = "D-SOURCE",
    FieldUnknown = "D-FIELD-UNKNOWN",
    FieldMax = "D-FIELD-MAX",
    FieldMin = "D-FIELD-MIN",
    Law = "D-LAW",
    Trigger = "D-TRIGGER",
    Anon = "D-ANON",
    BornMissing = "D-BORN-MISSING",
    BornFuture = "D-BORN-FUTURE",
    Unborn = "D-UNBORN",
    Youth = "D-YOUTH",
    Minor = "D-MINOR",
    MeasureMissing = "D-MEASURE-MISSING",
    MeasureCode = "D-MEASURE-CODE",
    MeasureNotYet = "D-MEASURE-NOT-YET",
    MeasureEnded = "D-MEASURE-ENDED",
    MeasureLong = "D-MEASURE-LONG",
    Facts = "D-FACTS",
    Executor = "D-EXECUTOR",
    Custody = "D-CUSTODY",
    ConsentNone = "D-CONSENT-NONE",
    ConsentKind = "D-CONSENT-KIND",
    ConsentCapacity = "D-CONSENT-CAPACITY",
    ConsentAge = "D-CONSENT-AGE",
    ConsentReceiver = "D-CONSENT-RECEIVER",
    ConsentPurpose = "D-CONSENT-PURPOSE",
    ConsentNotYet = "D-CONSENT-NOT-YET",
    ConsentExpired = "D-CONSENT-EXPIRED",
    ConsentWithdrawn = "D-CONSENT-WITHDRAWN",
    ConsentField = "D-CONSENT-FIELD",
    Override = "D-OVERRIDE",
}

impl Refused {
    /// The reason code of the registry that goes with it.
    pub(super) fn code(self) -> ReasonCode {
        use Refused::{
            ConsentAge, ConsentCapacity, ConsentExpired, ConsentField, ConsentKind, ConsentNone, ConsentNotYet,
            ConsentPurpose, ConsentReceiver, ConsentWithdrawn, Custody, Exchange, FieldMax, FieldMin, FieldUnknown,
            Off, Override, Pair, Purpose, PurposeForbidden, PurposeUnknown, Source,
        };
        match self {
            PurposeForbidden | PurposeUnknown | Purpose => ReasonCode::CasePurpose,
            Exchange | Pair | Off => ReasonCode::CaseExchange,
            Source | FieldUnknown | FieldMax | FieldMin => ReasonCode::CaseFields,
            Custody | ConsentNone | ConsentKind | ConsentCapacity | ConsentAge | ConsentReceiver | ConsentPurpose
            | ConsentNotYet | ConsentExpired | ConsentWithdrawn | ConsentField | Override => ReasonCode::CaseConsent,
            _ => ReasonCode::CaseGround,
        }
    }

    /// Whether the request alone shows it, without any fact about the child, measure, consent or day.
    pub(super) fn is_of_request(self) -> bool {
        use Refused::{
            Exchange, FieldMax, FieldMin, FieldUnknown, Off, Pair, Purpose, PurposeForbidden, PurposeUnknown, Source,
        };
        matches!(
            self,
            PurposeForbidden
                | PurposeUnknown
                | Exchange
                | Purpose
                | Pair
                | Off
                | Source
                | FieldUnknown
                | FieldMax
                | FieldMin
        )
    }
}

/// A refusal with what it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Denied {
    pub refused: Refused,
    /// Article of the row that refused; empty for that of the ground that failed.
    pub article: String,
    pub field: Option<String>,
    /// Path into the request of the fact that is missing or fails.
    pub fact: Option<String>,
    /// What `{who}` or `{reason}` stands for: no refusal names both.
    pub about: String,
}

impl Denied {
    pub(super) fn new(refused: Refused) -> Self {
        let none = String::new;
        Self { refused, article: none(), field: None, fact: None, about: none() }
    }

    pub(super) fn fact(mut self, fact: impl Into<String>) -> Self {
        self.fact = Some(fact.into());
        self
    }

    /// The article of the row that refused.
    pub(super) fn by(mut self, article: Option<&str>) -> Self {
        self.article = article.unwrap_or_default().to_owned();
        self
    }

    pub(super) fn field(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    pub(super) fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }
}

/// What a sentence may name between braces.
pub(super) const PLACES: &[&str] = &["exchange", "purpose", "sender", "receiver", "field", "who", "date", "reason"];

/// The sentence of a refusal, filled in once: what is filled in is never read as a place itself.
pub(super) fn sentence(template: &str, situation: &Situation, denied: &Denied) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((place, behind)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str(&value(place, situation, denied));
        rest = behind;
    }
    out.push_str(rest);
    let mut letters = out.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn value(place: &str, situation: &Situation, denied: &Denied) -> String {
    let or_none =
        |text: Option<&String>| text.filter(|t| !t.is_empty()).map_or_else(|| "(niets)".to_owned(), |t| plain(t));
    match place {
        "exchange" => or_none(situation.exchange.as_ref()),
        "purpose" => or_none(situation.purpose.as_ref()),
        "sender" => or_none(situation.sender.role.as_ref()),
        "receiver" => or_none(situation.receiver.role.as_ref()),
        "field" => or_none(denied.field.as_ref()),
        "who" if denied.about == super::situation::CHILD => "het kind".to_owned(),
        "who" => plain(&denied.about),
        "date" => situation.date.map_or_else(|| "een onbekende dag".to_owned(), |day| day.to_string()),
        _ => denied.about.clone(),
    }
}

/// Text of the request as it may stand on a screen and in a log: no control characters, not longer than a line, and no number that may be
/// a BSN.
pub(super) fn plain(text: &str) -> String {
    let named = Oin::parse(text).is_ok();
    if !named && holds_typed_bsn(text) {
        return "***".to_owned();
    }
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// What an allowing sentence says of facts that the organisation that decides does not hold itself.
pub(super) fn hearsay(facts: &[(&'static str, Origin)]) -> String {
    let said = [
        (Origin::Stated, "volgens verklaring van de andere organisatie"),
        (Origin::Told, "volgens opgave van wie de opdracht gaf"),
    ];
    let mut out = String::new();
    for (origin, how) in said {
        let titles: Vec<&str> = facts.iter().filter(|(_, from)| *from == origin).map(|(fact, _)| title(fact)).collect();
        if !titles.is_empty() {
            out += &format!(" Niet uit de eigen gegevens maar {how}: {}.", titles.join(", "));
        }
    }
    out
}

fn title(fact: &str) -> &'static str {
    match fact {
        "child" => "de geboortedatum",
        "custody" => "wie het gezag heeft",
        "measure" => "de maatregel",
        _ => "de toestemming",
    }
}
