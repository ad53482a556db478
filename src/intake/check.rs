//! The rules of a row in their order (definitions 1.2): the first one that is broken decides, otherwise the row becomes
//! an event without its BSN.

use super::columns::Fields;
use super::dates::{read_date, registration_day};
use super::read::IntakeSettings;
use crate::crypto::{FingerprintKey, Tag};
use crate::domain::bsn::{Bsn, BsnReading, read_bsn};
use crate::domain::codes::{EventType, Geslacht, Kader, Maatregel, Reden, Uitkomst, is_melder};
use crate::domain::day::{Day, PartialDate, Precision};
use crate::domain::event::{Event, Gemeente};
use crate::domain::oin::Oin;
use crate::domain::row::{Accepted, Column, OriginalFields, Repairs, RowKind, RowRecord, Rule};

/// Longest `event_id`, in characters.
const MAX_EVENT_ID: usize = 64;
/// No event lies before this day.
const FIRST_DAY: &str = "1990-01-01";
/// An event may be registered this many days before it happens.
const DAYS_AHEAD: i32 = 366;

/// The rule that a row breaks, and the column that breaks it.
type Broken = (Rule, Column);

/// Checks the rows of one file.
pub(super) struct Checker<'a> {
    settings: &'a IntakeSettings<'a>,
    fingerprints: FingerprintKey,
    first_day: Option<Day>,
    scratch: Vec<u8>,
}

/// What a row says besides its subject and its dates.
struct Codes {
    maatregel: Option<Maatregel>,
    reden: Option<Reden>,
    kader: Option<Kader>,
    uitkomst: Option<Uitkomst>,
    melder: Option<u8>,
    geslacht: Option<Geslacht>,
    scheiding: Option<bool>,
    partij: Option<Oin>,
}

/// What is left of the BSN.
struct Subject {
    pseudonym: Option<Tag>,
    tokens: Vec<([u8; 16], Tag)>,
    repaired: bool,
}

impl<'a> Checker<'a> {
    pub fn new(settings: &'a IntakeSettings<'a>) -> Self {
        Self {
            settings,
            fingerprints: FingerprintKey::new(&settings.fingerprints),
            first_day: Day::parse(FIRST_DAY).ok(),
            scratch: Vec::with_capacity(512),
        }
    }

    /// The record of one row.
    pub fn check(&mut self, line: u32, fields: &Fields<'_, Column>) -> RowRecord {
        let event_id = fields.field(Column::EventId);
        let registered = registration_day(fields.field(Column::GeregistreerdOp));
        let kind = match self.kind(fields, registered) {
            Ok(kind) => kind,
            Err((rule, column)) => {
                RowKind::Quarantined { rule, column, fields: OriginalFields::new(fields.without_bsn()) }
            }
        };
        RowRecord { line, event_id_fp: self.fingerprint(b"event_id\0", event_id), registered, kind }
    }

    fn kind(&mut self, fields: &Fields<'_, Column>, registered: Option<Day>) -> Result<RowKind, Broken> {
        let event_id = fields.field(Column::EventId);
        if event_id.is_empty() || (event_id.len() > MAX_EVENT_ID && event_id.chars().count() > MAX_EVENT_ID) {
            return Err((Rule::EventIdOngeldig, Column::EventId));
        }
        match fields.field(Column::Status) {
            "3" => Ok(RowKind::Deletion { event_id: event_id.into() }),
            "1" => self.accept(fields, registered).map(|accepted| RowKind::Accepted(Box::new(accepted))),
            _ => Err((Rule::StatusOnbekend, Column::Status)),
        }
    }

    fn accept(&mut self, fields: &Fields<'_, Column>, registered: Option<Day>) -> Result<Accepted, Broken> {
        let bsn = match read_bsn(fields.field(Column::Bsn)) {
            BsnReading::Invalid => return Err((Rule::BsnOngeldig, Column::Bsn)),
            BsnReading::None => None,
            BsnReading::Subject { bsn, repaired } => Some((bsn, repaired)),
        };
        let event_type = EventType::parse(fields.field(Column::Type)).ok_or((Rule::TypeOnbekend, Column::Type))?;
        if !self.settings.levert.contains(&event_type.owner()) {
            return Err((Rule::TypeNietEigen, Column::Type));
        }
        let codes = read_codes(event_type, fields).map_err(|column| (Rule::CodeOnbekend, column))?;
        let registered = registered.ok_or((Rule::RegistratieOngeldig, Column::GeregistreerdOp))?;
        let datum = read_date(fields.field(Column::Datum))
            .filter(|datum| datum.precision == Precision::U || self.in_bounds(datum.lo, registered))
            .ok_or((Rule::DatumOngeldig, Column::Datum))?;
        let gemeente = Gemeente::parse(fields.field(Column::Gemeente))
            .filter(|code| self.is_valid(*code, datum))
            .ok_or((Rule::GemeenteOngeldig, Column::Gemeente))?;
        let subject = self.pseudonymise(bsn);
        let birth = fields.field(Column::Geboortedatum);
        let birth_date = read_date(birth);
        let repairs = Repairs {
            bsn_voorloopnul: subject.repaired,
            geboortedatum_onbruikbaar: !birth.is_empty() && birth_date.is_none(),
        };
        let event = Event {
            event_id: fields.field(Column::EventId).into(),
            subject: subject.pseudonym,
            event_type,
            datum,
            registered,
            gemeente,
            maatregel: codes.maatregel,
            reden: codes.reden,
            kader: codes.kader,
            uitkomst: codes.uitkomst,
            melder: codes.melder,
            partij: codes.partij,
            zaak: self.name(b"zaak\0", fields.field(Column::Zaak)),
            gezin: self.name(b"gezin\0", fields.field(Column::Gezin)),
            geslacht: codes.geslacht,
            scheiding: codes.scheiding,
            born: birth_date.and_then(PartialDate::exact_day),
        };
        let content_fp = self.content(&event, birth_date, fields);
        let dup_fp = self.duplicate_key(&event);
        Ok(Accepted { event, content_fp, dup_fp, repairs, tokens: subject.tokens })
    }

    fn in_bounds(&self, lo: Day, registered: Day) -> bool {
        self.first_day.is_some_and(|first| lo >= first) && lo.0 <= registered.0 + DAYS_AHEAD
    }

    fn is_valid(&self, code: Gemeente, datum: PartialDate) -> bool {
        match datum.precision {
            Precision::U => self.settings.gemeenten.known(code),
            _ => self.settings.gemeenten.valid_on(code, datum.lo),
        }
    }

    /// The only two uses of a BSN: its pseudonym here, and its token for each base in force. The number ends here.
    fn pseudonymise(&self, bsn: Option<(Bsn, bool)>) -> Subject {
        let Some((bsn, repaired)) = bsn else {
            return Subject { pseudonym: None, tokens: Vec::new(), repaired: false };
        };
        let tokens = self.settings.bases.iter().map(|(base, key)| (*base, bsn.chain_token(key))).collect();
        Subject { pseudonym: Some(bsn.local_pseudonym(&self.settings.local)), tokens, repaired }
    }

    fn fingerprint(&mut self, use_of: &[u8], text: &str) -> u128 {
        self.scratch.clear();
        self.scratch.extend_from_slice(use_of);
        self.scratch.extend_from_slice(text.as_bytes());
        self.fingerprints.of(&self.scratch)
    }

    /// Fingerprint of a name that may be empty: 0 is the empty one.
    fn name(&mut self, use_of: &[u8], text: &str) -> u128 {
        if text.is_empty() { 0 } else { self.fingerprint(use_of, text) }
    }

    /// Fingerprint of the normal form: all columns but `event_id` and `status` (definitions 1.3.2). Every part has a
    /// fixed length or its length in front.
    fn content(&mut self, event: &Event, birth: Option<PartialDate>, fields: &Fields<'_, Column>) -> u128 {
        let out = &mut self.scratch;
        out.clear();
        out.extend_from_slice(b"content\0");
        match &event.subject {
            Some(subject) => {
                out.push(1);
                out.extend_from_slice(subject.expose());
            }
            None => {
                out.push(0);
                put_text(out, fields.field(Column::Bsn));
            }
        }
        put_text(out, fields.field(Column::GeregistreerdOp));
        put_date(out, birth);
        put_date(out, Some(event.datum));
        out.extend_from_slice(&event.gemeente.0.to_le_bytes());
        let code = |c: Option<u8>| c.unwrap_or(u8::MAX);
        out.extend_from_slice(&[
            event.event_type as u8,
            code(event.geslacht.map(|c| c as u8)),
            code(event.maatregel.map(|c| c as u8)),
            code(event.reden.map(|c| c as u8)),
            code(event.kader.map(|c| c as u8)),
            code(event.uitkomst.map(|c| c as u8)),
            code(event.melder),
            code(event.scheiding.map(u8::from)),
        ]);
        put_text(out, event.partij.as_ref().map_or("", Oin::as_str));
        out.extend_from_slice(&event.zaak.to_le_bytes());
        out.extend_from_slice(&event.gezin.to_le_bytes());
        self.fingerprints.of(&self.scratch)
    }

    /// Fingerprint of (subject, type, datum, maatregel, zaak); none without a subject (definitions 1.3.5).
    fn duplicate_key(&mut self, event: &Event) -> Option<u128> {
        let subject = event.subject.as_ref()?;
        let out = &mut self.scratch;
        out.clear();
        out.extend_from_slice(b"dup\0");
        out.extend_from_slice(subject.expose());
        out.extend_from_slice(&[event.event_type as u8, event.maatregel.map_or(u8::MAX, |c| c as u8)]);
        put_date(out, Some(event.datum));
        out.extend_from_slice(&event.zaak.to_le_bytes());
        Some(self.fingerprints.of(&self.scratch))
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// A date in its precision; no date is a value like another.
fn put_date(out: &mut Vec<u8>, date: Option<PartialDate>) {
    out.push(date.map_or(u8::MAX, |d| d.precision as u8));
    out.extend_from_slice(&date.map_or(0, |d| d.lo.0).to_le_bytes());
}

/// Reads every coded column; a coded column that the type does not use is read as empty. Fails with the first column
/// that holds a code that is not allowed, or that is empty though required.
fn read_codes(event_type: EventType, fields: &Fields<'_, Column>) -> Result<Codes, Column> {
    use EventType as T;
    let (allowed, required) = measures(event_type);
    let maatregel = match coded(fields, Column::Maatregel, !allowed.is_empty(), Maatregel::parse)? {
        Some(code) if !allowed.contains(&code) => return Err(Column::Maatregel),
        None if required => return Err(Column::Maatregel),
        _ if matches!(event_type, T::GiPjbStart | T::GiPjbEinde) => Some(Maatregel::Pjb),
        code => code,
    };
    let uses_kader = matches!(event_type, T::LtAanmelding | T::LtStart | T::LtEinde | T::LtOverdracht);
    let kader = coded(fields, Column::Kader, uses_kader, Kader::parse)?;
    let outcomes = event_type.outcomes();
    let uitkomst = coded(fields, Column::Uitkomst, !outcomes.is_empty(), Uitkomst::parse)?;
    if !outcomes.is_empty() && !uitkomst.is_some_and(|code| outcomes.contains(&code)) {
        return Err(Column::Uitkomst);
    }
    let uses_melder = matches!(event_type, T::JbtAanmelding | T::VtAdvies | T::VtMelding);
    let melder = coded(fields, Column::Melder, uses_melder, read_melder)?;
    let uses_reden = matches!(event_type, T::GiMaatregelEinde | T::GiPjbEinde);
    let reden = coded(fields, Column::Reden, uses_reden, Reden::parse)?;
    if reden.is_some_and(|code| !maatregel.is_some_and(|m| m.reasons().contains(&code))) {
        return Err(Column::Reden);
    }
    let geslacht = coded(fields, Column::Geslacht, true, read_sex)?;
    let scheiding = coded(fields, Column::Scheiding, true, |text| match text {
        "J" => Some(true),
        "N" => Some(false),
        _ => None,
    })?;
    let partij = coded(fields, Column::Partij, true, |text| Oin::parse(text).ok())?;
    Ok(Codes { maatregel, reden, kader, uitkomst, melder, geslacht, scheiding, partij })
}

/// A code, none when empty or not used, or a failure.
fn coded<T>(
    fields: &Fields<'_, Column>,
    column: Column,
    used: bool,
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, Column> {
    match fields.field(column) {
        "" => Ok(None),
        text if used => read(text).map(Some).ok_or(column),
        _ => Ok(None),
    }
}

/// The measures that a type allows, none when it uses none, and whether one is required.
fn measures(event_type: EventType) -> (&'static [Maatregel], bool) {
    use EventType as T;
    match event_type {
        T::RechtUitspraak => (Maatregel::JB, false),
        T::GiMaatregelStart | T::GiMaatregelEinde | T::GiOvergedragen | T::GiOvergenomen => (Maatregel::JB, true),
        T::GiPjbStart | T::GiPjbEinde => (&[Maatregel::Pjb], false),
        T::GiKennisgeving
        | T::GiInstroomlijst
        | T::GiToewijzingWerker
        | T::GiEersteContact
        | T::GiPlan
        | T::GiHulpvraag => (Maatregel::ALL, false),
        _ => (&[], false),
    }
}

fn read_melder(text: &str) -> Option<u8> {
    if is_melder(text) { text.parse().ok() } else { None }
}

fn read_sex(text: &str) -> Option<Geslacht> {
    match text {
        "M" | "1" => Some(Geslacht::M),
        "V" | "2" => Some(Geslacht::V),
        "O" | "0" => Some(Geslacht::O),
        _ => None,
    }
}
