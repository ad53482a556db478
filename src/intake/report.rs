//! What the operator is told of a delivery, as Dutch text and as JSON. It names lines, columns and rules, never the
//! content of a field, and an `event_id` only when it holds no BSN.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::refusal::FileRefusal;
use crate::domain::register::Effects;
use crate::domain::row::{Outcome, RowKind, RowRecord, Rule, printable};

/// A row that the operator can do something about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Problem {
    /// Line on which the row begins; the header is line 1.
    pub line: u32,
    /// The row's `event_id`, or `***` when it holds digits that are a BSN.
    pub event_id: String,
    /// The column that breaks the rule.
    pub column: &'static str,
    /// The rule, as in the outcome.
    pub rule: &'static str,
    /// What to do, in Dutch.
    pub zin: &'static str,
}

/// What became of one delivery.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct IntakeReport {
    /// File name.
    pub file: String,
    /// Why the file was refused whole; then nothing of it is stored.
    pub refusal: Option<FileRefusal>,
    /// Whether this was a dry run (`--proef`): nothing is stored.
    pub dry_run: bool,
    /// Rows read.
    pub rows: u64,
    /// Rows of this file per outcome class; only classes that occur.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Rows of this file per rule of a repair or quarantine.
    pub rules: BTreeMap<&'static str, u64>,
    /// Rows, of this file or an earlier one, superseded by a later version in this file.
    pub superseded: u32,
    /// Events taken away by deletion rows.
    pub deleted: u32,
    /// The fully replaced period, as `jjjj-mm-dd..jjjj-mm-dd`.
    pub replaces: Option<String>,
    /// Events taken away because the replaced period leaves them out.
    pub removed: u32,
    /// Events that only overlap the replaced period, or have an unknown date, and therefore stay.
    pub overlapping: u32,
    /// Events added, altered or taken away in quarters that are frozen: released figures do not follow them.
    pub frozen: u32,
    /// The first problems, at most [`IntakeReport::MAX_PROBLEMS`].
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub problems_total: u64,
}

/// Collects a report while rows go by.
#[derive(Debug, Default)]
pub struct ReportBuilder {
    report: IntakeReport,
}

impl ReportBuilder {
    /// A report on this file.
    #[must_use]
    pub fn new(file: &str) -> Self {
        Self { report: IntakeReport { file: file.to_owned(), ..IntakeReport::default() } }
    }

    /// Notes a row with the outcome that the register gave it.
    pub fn note(&mut self, record: &RowRecord, outcome: Option<Outcome>) {
        let report = &mut self.report;
        report.rows += 1;
        let mut add = |column, rule, zin| {
            report.problems_total += 1;
            if report.problems.len() < IntakeReport::MAX_PROBLEMS {
                let event_id = printable(record.event_id());
                report.problems.push(Problem { line: record.line, event_id, column, rule, zin });
            }
        };
        match (&record.kind, outcome) {
            (RowKind::Quarantined { rule, column, .. }, _) => add(column.as_str(), rule.as_str(), advice(*rule)),
            (RowKind::Deletion { .. }, Some(Outcome::Quarantaine(rule))) => {
                add("event_id", rule.as_str(), advice(rule));
            }
            (RowKind::Accepted(accepted), _) => {
                if accepted.repairs.bsn_voorloopnul {
                    add("bsn", "bsn_voorloopnul", LEADING);
                }
                if accepted.repairs.geboortedatum_onbruikbaar {
                    add("geboortedatum", "geboortedatum_onbruikbaar", BIRTH);
                }
            }
            (RowKind::Deletion { .. }, _) => {}
        }
    }

    /// The report of a file that was read; `outcomes` are the final ones of its rows.
    #[must_use]
    pub fn finish(mut self, outcomes: impl IntoIterator<Item = Outcome>, effects: &Effects) -> IntakeReport {
        for outcome in outcomes {
            *self.report.outcomes.entry(outcome.class()).or_default() += 1;
            if let Some(rule) = outcome.rule() {
                *self.report.rules.entry(rule).or_default() += 1;
            }
        }
        self.report.superseded = effects.superseded;
        self.report.deleted = effects.deleted;
        self.report.removed = effects.removed;
        self.report.overlapping = effects.overlapping;
        self.report
    }

    /// The report of a file that is refused whole: of the rows read until then nothing is left.
    #[must_use]
    pub fn refuse(self, refusal: FileRefusal) -> IntakeReport {
        IntakeReport { file: self.report.file, refusal: Some(refusal), ..IntakeReport::default() }
    }
}

impl IntakeReport {
    /// Most problems listed.
    pub const MAX_PROBLEMS: usize = 100;
}

/// What to do about a row that the register holds with this outcome; none when nothing needs doing.
#[must_use]
pub fn advice_on(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Quarantaine(rule) => Some(advice(rule)),
        Outcome::Hersteld(repairs) if repairs.geboortedatum_onbruikbaar => Some(BIRTH),
        Outcome::Hersteld(_) => Some(LEADING),
        _ => None,
    }
}

const LEADING: &str = "De voorloopnul is teruggezet. Exporteer het BSN als tekst.";
const BIRTH: &str = "De geboortedatum is geen datum en is weggelaten. Verbeter haar in het bronsysteem.";

/// What to do about a row in quarantine.
fn advice(rule: Rule) -> &'static str {
    match rule {
        Rule::EventIdOngeldig => "Geef elke regel een event_id van 1 tot 64 tekens.",
        Rule::StatusOnbekend => "Gebruik status 1 (nieuw of vervangend) of 3 (verwijderen).",
        Rule::BsnOngeldig => "Dit is geen geldig BSN. Verbeter het in het bronsysteem; onbekend is leeg of 000000000.",
        Rule::TypeOnbekend => "Dit type staat niet in het invoercontract. Kijk de spelling na.",
        Rule::TypeNietEigen => "Dit type hoort bij een andere soort organisatie. Laat het weg of pas 'levert' aan.",
        Rule::CodeOnbekend => "Deze code is bij dit type niet toegestaan, of ontbreekt. Gebruik een code van de lijst.",
        Rule::RegistratieOngeldig => "Dit is geen tijdstip volgens RFC 3339, zoals 2024-03-01T12:00:00+01:00.",
        Rule::DatumOngeldig => {
            "Dit is geen datum, of hij ligt voor 1990 of meer dan een jaar na de registratie. Verbeter hem."
        }
        Rule::GemeenteOngeldig => "Deze gemeentecode is op deze datum niet geldig. Gebruik de code van die dag.",
        Rule::VerwijderingZonderOrigineel => "Er is geen gebeurtenis met dit event_id om te verwijderen.",
    }
}

impl fmt::Display for IntakeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trial = if self.dry_run { " (proef: er is niets opgeslagen)" } else { "" };
        if let Some(refusal) = &self.refusal {
            writeln!(f, "{}: geweigerd{trial}, er is niets van opgeslagen", self.file)?;
            return writeln!(f, "  {refusal}");
        }
        writeln!(f, "{}: {} regels gelezen{trial}", self.file, self.rows)?;
        for class in Outcome::CLASSES {
            if let Some(n) = self.outcomes.get(class) {
                writeln!(f, "  {class:<16} {n:>9}")?;
            }
        }
        for (rule, n) in &self.rules {
            writeln!(f, "    {rule:<30} {n:>9}")?;
        }
        if self.superseded > 0 || self.deleted > 0 {
            writeln!(f, "  vervangen door een latere versie: {}; verwijderd: {}", self.superseded, self.deleted)?;
        }
        if let Some(period) = &self.replaces {
            let verb = if self.dry_run { "zouden verdwijnen" } else { "zijn verwijderd" };
            writeln!(f, "  vervangt {period}: {} gebeurtenissen {verb}", self.removed)?;
            if self.overlapping > 0 {
                writeln!(f, "  {} gebeurtenissen overlappen de periode alleen en blijven staan", self.overlapping)?;
            }
        }
        if self.frozen > 0 {
            let verb = if self.dry_run { "zouden" } else { "komen" };
            let end = if self.dry_run { " komen" } else { "" };
            writeln!(f, "  {} wijzigingen in bevroren kwartalen {verb} niet in vrijgegeven cijfers{end}", self.frozen)?;
        }
        for problem in &self.problems {
            let Problem { line, event_id, column, rule, zin } = problem;
            writeln!(f, "  regel {line}, event_id {event_id}, kolom {column}: {rule}. {zin}")?;
        }
        let more = self.problems_total.saturating_sub(self.problems.len() as u64);
        if more > 0 {
            writeln!(f, "  en nog {more} andere")?;
        }
        Ok(())
    }
}
