//! The file with fields of children (docs/formats/casusvelden.md): read as a stream, each row checked and its BSN ended as keyed
//! hashes. A row that breaks a rule leaves nothing of its content behind.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::Serialize;

use super::columns::Fields;
use super::dates::{read_date, registration_day};
use super::read::{FileRead, ReadError, read_with};
use super::refusal::FileRefusal;
use crate::crypto::{FingerprintKey, MacKey};
use crate::domain::bsn::{BsnReading, read_bsn};
use crate::domain::case::dictionary::{Wrong, part};
use crate::domain::case::field::{CaseField, CaseValue, FieldClass};
use crate::domain::case::row::{CaseColumn as Column, CaseEntry, CaseOutcome, CaseRow, CaseRowKind, CaseRule as Rule};
use crate::domain::day::{Day, PartialDate};
use crate::domain::row::printable;

/// Longest `record_id`, in characters.
const MAX_RECORD_ID: usize = 64;

/// What a node must know to read its own case fields.
pub struct CaseSettings {
    /// Key of the local pseudonyms.
    pub local: MacKey,
    /// Key of the fingerprints.
    pub fingerprints: MacKey,
    /// Each chain base in force: its id and its key.
    pub bases: Vec<([u8; 16], MacKey)>,
}

/// Reads a file of case fields as a stream and gives every row to `sink` in order.
///
/// # Errors
/// As [`super::read_file`].
pub fn read_case_file<E>(
    reader: impl Read,
    settings: &CaseSettings,
    progress: &mut dyn FnMut(u64),
    sink: &mut dyn FnMut(CaseRow) -> Result<(), E>,
) -> Result<FileRead, ReadError<E>> {
    let fingerprints = FingerprintKey::new(&settings.fingerprints);
    let mut check = |line: u32, fields: &Fields<'_, Column>| {
        let id = fields.field(Column::RecordId);
        let key = fingerprints.of(&[b"record_id\0", id.as_bytes()].concat());
        let kind = kind_of(settings, &fingerprints, fields);
        let kind = kind.unwrap_or_else(|(rule, column)| CaseRowKind::Quarantined(rule, column));
        CaseRow { line, shown: printable(id), key, kind }
    };
    read_with(reader, &mut check, progress, sink)
}

/// The rules in their order: the first one that is broken decides.
fn kind_of(
    settings: &CaseSettings,
    fingerprints: &FingerprintKey,
    fields: &Fields<'_, Column>,
) -> Result<CaseRowKind, (Rule, Column)> {
    let id = fields.field(Column::RecordId);
    if id.is_empty() || id.chars().count() > MAX_RECORD_ID {
        return Err((Rule::RecordIdOngeldig, Column::RecordId));
    }
    match fields.field(Column::Status) {
        "1" => {}
        "3" => return Ok(CaseRowKind::Deletion),
        _ => return Err((Rule::StatusOnbekend, Column::Status)),
    }
    let field = CaseField::parse(fields.field(Column::Veld)).ok_or((Rule::VeldOnbekend, Column::Veld))?;
    if field.class() == FieldClass::Never {
        return Err((Rule::VeldNooit, Column::Veld));
    }
    let part = part(field, fields.field(Column::Onderdeel)).ok_or((Rule::OnderdeelOnbekend, Column::Onderdeel))?;
    let (bsn, repaired) = match read_bsn(fields.field(Column::Bsn)) {
        BsnReading::Subject { bsn, repaired } => (bsn, repaired),
        BsnReading::Invalid => return Err((Rule::BsnOngeldig, Column::Bsn)),
        BsnReading::None => return Err((Rule::BsnOntbreekt, Column::Bsn)),
    };
    let value = part.normal(fields.field(Column::Waarde), &exact).map_err(|wrong| match wrong {
        Wrong::Form => (Rule::WaardeOngeldig, Column::Waarde),
        Wrong::HoldsBsn => (Rule::WaardeBevatBsn, Column::Waarde),
    })?;
    let day = |column| match fields.field(column) {
        "" => Ok(None),
        text => exact(text).map(Some).ok_or((Rule::DatumOngeldig, column)),
    };
    let (from, to) = (day(Column::Van)?, day(Column::Tot)?);
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err((Rule::DatumOngeldig, Column::Tot));
    }
    let registered = registration_day(fields.field(Column::GeregistreerdOp));
    registered.ok_or((Rule::RegistratieOngeldig, Column::GeregistreerdOp))?;
    let subject = bsn.local_pseudonym(&settings.local);
    let tokens = settings.bases.iter().map(|(base, key)| (*base, bsn.chain_token(key))).collect();
    let value = CaseValue { field, part: part.name.to_owned(), value, from, to };
    let content = fingerprints.of(&content(subject.expose(), &value));
    Ok(CaseRowKind::Value(Box::new(CaseEntry { subject, tokens, value, content, repaired })))
}

fn exact(text: &str) -> Option<Day> {
    read_date(text).and_then(PartialDate::exact_day)
}

/// Child and value as bytes of one meaning.
fn content(subject: &[u8; 32], value: &CaseValue) -> Vec<u8> {
    let day = |day: Option<Day>| day.map_or(i64::MIN, |day| i64::from(day.0)).to_le_bytes();
    let length = |text: &str| (text.len() as u64).to_le_bytes();
    let parts: [&[u8]; 9] = [
        b"case\0",
        subject,
        &[value.field as u8],
        &length(&value.part),
        value.part.as_bytes(),
        &length(&value.value),
        value.value.as_bytes(),
        &day(value.from),
        &day(value.to),
    ];
    parts.concat()
}

/// A row that the operator can do something about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CaseProblem {
    /// Line on which the row begins; the header is line 1.
    pub line: u32,
    /// The row's `record_id`, or `***` when it holds digits that are a BSN.
    pub record_id: String,
    /// The column that breaks the rule.
    pub column: &'static str,
    /// The rule.
    pub rule: &'static str,
    /// What to do, in Dutch.
    pub zin: &'static str,
}

/// What became of one delivery of case fields.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct CaseReport {
    /// File name.
    pub file: String,
    /// Why the file was refused whole; then nothing of it is stored.
    pub refusal: Option<FileRefusal>,
    /// Whether this was a dry run: nothing is stored.
    pub dry_run: bool,
    /// Rows read.
    pub rows: u64,
    /// Rows of this file per outcome; only outcomes that occur.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Rows of this file per rule of a repair or quarantine.
    pub rules: BTreeMap<&'static str, u64>,
    /// Children of whom fields are held after this delivery.
    pub children: u64,
    /// The first problems, at most a hundred.
    pub problems: Vec<CaseProblem>,
    /// How many problems there are in all.
    pub problems_total: u64,
}

impl CaseReport {
    /// Most problems listed.
    pub const MAX_PROBLEMS: usize = 100;

    /// Counts a row by its final outcome.
    pub fn note(&mut self, outcome: CaseOutcome) {
        self.rows += 1;
        *self.outcomes.entry(outcome.class()).or_default() += 1;
        if let Some(rule) = outcome.rule() {
            *self.rules.entry(rule).or_default() += 1;
        }
    }

    /// Lists a row in quarantine.
    pub fn problem(&mut self, (line, record_id): (u32, &str), rule: Rule, column: Column) {
        self.problems_total += 1;
        if self.problems.len() < Self::MAX_PROBLEMS {
            let (record_id, column) = (record_id.to_owned(), column.as_str());
            self.problems.push(CaseProblem { line, record_id, column, rule: rule.as_str(), zin: advice(rule) });
        }
    }
}

fn advice(rule: Rule) -> &'static str {
    match rule {
        Rule::RecordIdOngeldig => "Geef elke regel een record_id van 1 tot 64 tekens.",
        Rule::StatusOnbekend => "Gebruik status 1 (nieuw of vervangend) of 3 (verwijderen).",
        Rule::VeldOnbekend => "Dit veld staat niet in het veldenboek (casusvelden). Kijk de spelling na.",
        Rule::VeldNooit => {
            "Dit veld wordt nooit bewaard of verstrekt (bron van een melding, Uitvoeringsbesluit Wmo 2015 4.1.8 lid 3). \
             Haal het uit de aanlevering."
        }
        Rule::OnderdeelOnbekend => "Dit onderdeel hoort niet bij dit veld. Kijk het veldenboek na.",
        Rule::BsnOngeldig => "Dit is geen geldig BSN. Verbeter het in het bronsysteem.",
        Rule::BsnOntbreekt => {
            "Zonder BSN kan over een kind niets worden uitgewisseld. Stel het BSN vast en lever opnieuw aan."
        }
        Rule::WaardeOngeldig => "De waarde heeft niet de vorm van het veldenboek.",
        Rule::WaardeBevatBsn => {
            "In de waarde staat een nummer dat een BSN kan zijn. Haal het eruit: het BSN hoort alleen in de kolom bsn."
        }
        Rule::DatumOngeldig => "Dit is geen volledige datum, of de laatste dag ligt voor de eerste.",
        Rule::RegistratieOngeldig => "Dit is geen tijdstip volgens RFC 3339, zoals 2024-03-01T12:00:00+01:00.",
        Rule::VerwijderingZonderOrigineel => "Er is geen regel met dit record_id om te verwijderen.",
    }
}

impl fmt::Display for CaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trial = if self.dry_run { " (proef: er is niets opgeslagen)" } else { "" };
        if let Some(refusal) = &self.refusal {
            writeln!(f, "{}: geweigerd{trial}, er is niets van opgeslagen", self.file)?;
            return writeln!(f, "  {refusal}");
        }
        writeln!(f, "{}: {} regels met casusvelden gelezen{trial}", self.file, self.rows)?;
        for (class, n) in &self.outcomes {
            writeln!(f, "  {class:<16} {n:>9}")?;
        }
        for (rule, n) in &self.rules {
            writeln!(f, "    {rule:<30} {n:>9}")?;
        }
        writeln!(f, "  kinderen met velden: {}", self.children)?;
        for CaseProblem { line, record_id, column, rule, zin } in &self.problems {
            writeln!(f, "  regel {line}, record_id {record_id}, kolom {column}: {rule}. {zin}")?;
        }
        let more = self.problems_total.saturating_sub(self.problems.len() as u64);
        if more > 0 {
            writeln!(f, "  en nog {more} andere")?;
        }
        Ok(())
    }
}
