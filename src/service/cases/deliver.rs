//! Intake of case fields: a file becomes one batch of sealed rows in the state journal, or nothing does.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::memory::{Stored, pack, sealed};
use crate::domain::case::row::{CaseColumn, CaseEntry, CaseOutcome, CaseRow, CaseRowKind, CaseRule};
use crate::intake::case::{CaseReport, CaseSettings, read_case_file};
use crate::intake::{FileRefusal, ReadError, RefusalCode};
use crate::service::core::{Core, CoreError};
use crate::service::deliver::IntakeError;
use crate::service::rows::BATCH_ROWS;
use crate::storage::state::StateKind;
use crate::storage::subjects::{SubjectKey, SubjectTag};

/// Rows in one file at most: a delivery is held in memory until it is written as a whole.
const MOST_ROWS: usize = 200_000;

/// What a row of this file comes to.
struct Step {
    row: u128,
    kind: StepKind,
}

enum StepKind {
    Put(Box<CaseEntry>),
    Remove,
}

/// The rows of one file, judged in their order.
#[derive(Default)]
struct Judged {
    steps: Vec<Step>,
    outcomes: Vec<CaseOutcome>,
    /// What this file says of a key: its row, and the content when it is there.
    said: HashMap<u128, (usize, Option<u128>)>,
    report: CaseReport,
}

/// More rows than a file may have.
struct TooMany;

impl Core {
    /// Takes in files of case fields in their order. Each is stored whole or refused whole. `progress` is told the bytes done and
    /// the bytes in all.
    ///
    /// # Errors
    /// [`IntakeError`]; a refused file is no error but a report that says so.
    pub fn intake_cases(
        &self,
        files: &[PathBuf],
        dry_run: bool,
        progress: &dyn Fn(u64, u64),
    ) -> Result<Vec<CaseReport>, IntakeError> {
        if self.identity.levert.is_empty() {
            return Err(IntakeError::NotDelivering);
        }
        let settings = CaseSettings {
            local: self.keys.local_key(),
            fingerprints: self.keys.fingerprint_key(),
            bases: self.chain_bases(),
        };
        let size = |file: &PathBuf| std::fs::metadata(file).map_or(0, |meta| meta.len());
        let total = files.iter().map(size).sum();
        let _one_at_a_time = self.writing();
        let mut done = 0;
        let mut reports = Vec::new();
        for file in files {
            reports.push(self.take_cases(file, &settings, dry_run, &|bytes| progress(done + bytes, total))?);
            done += size(file);
        }
        Ok(reports)
    }

    fn take_cases(
        &self,
        path: &Path,
        settings: &CaseSettings,
        dry_run: bool,
        tell: &dyn Fn(u64),
    ) -> Result<CaseReport, IntakeError> {
        let unreadable =
            |e: std::io::Error| IntakeError::File { path: path.display().to_string(), reason: e.to_string() };
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let bases: Vec<[u8; 16]> = settings.bases.iter().map(|(id, _)| *id).collect();
        let mut judged = Judged::default();
        let mut line = 0;
        let mut sink = |row: CaseRow| {
            line = row.line;
            if judged.outcomes.len() >= MOST_ROWS {
                return Err(TooMany);
            }
            let known = |key| self.memory().cases.known(key, &bases);
            judged.take(row, &known);
            Ok(())
        };
        let file = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
        let read = read_case_file(file, settings, &mut |bytes| tell(bytes), &mut sink);
        let refused =
            |refusal| Ok(CaseReport { file: name.clone(), refusal: Some(refusal), dry_run, ..CaseReport::default() });
        match read {
            Ok(_) => {}
            Err(ReadError::Refused(refusal)) => return refused(refusal),
            Err(ReadError::Io(error)) => return Err(unreadable(error)),
            Err(ReadError::Sink(TooMany)) => {
                let detail = format!("Hoogstens {MOST_ROWS} regels in een bestand.");
                return refused(FileRefusal { code: RefusalCode::TeVeelRegels, line, column: None, detail });
            }
        }
        let Judged { steps, outcomes, mut report, .. } = judged;
        if !dry_run {
            self.store_cases(&steps)?;
        }
        outcomes.into_iter().for_each(|outcome| report.note(outcome));
        report.file = name;
        report.dry_run = dry_run;
        report.children = self.memory().cases.children().len() as u64;
        Ok(report)
    }

    /// Makes keys, rows and memory of what was judged, in this order.
    fn store_cases(&self, steps: &[Step]) -> Result<(), IntakeError> {
        if steps.is_empty() {
            return Ok(());
        }
        let subjects: Vec<_> = steps.iter().filter_map(Step::entry).map(|entry| entry.subject).collect();
        let keys = self.subjects.ensure(&subjects, self.clock.today()).map_err(CoreError::from)?;
        let rows: Vec<Stored> = steps.iter().filter_map(|step| self.stored(step, &keys)).collect();
        let records = rows.chunks(BATCH_ROWS).map(|some| (StateKind::CaseRows, pack(some))).collect();
        self.state.append_batch(records)?;
        self.change(|memory| {
            for (step, row) in steps.iter().zip(rows) {
                match (step.entry(), row) {
                    (Some(entry), Stored::Value(child, key, sealed)) => memory.cases.put((child, key), entry, sealed),
                    (_, Stored::Deletion(key)) => memory.cases.remove(key),
                    (None, Stored::Value(..)) => {}
                }
            }
        });
        Ok(())
    }

    fn stored(&self, step: &Step, keys: &BTreeMap<SubjectTag, SubjectKey>) -> Option<Stored> {
        let Some(entry) = step.entry() else { return Some(Stored::Deletion(step.row)) };
        let key = keys.get(&self.subjects.tag(&entry.subject))?;
        Some(Stored::Value(key.tag(), step.row, sealed(key, step.row, entry)))
    }
}

impl Step {
    fn entry(&self) -> Option<&CaseEntry> {
        match &self.kind {
            StepKind::Put(entry) => Some(entry),
            StepKind::Remove => None,
        }
    }
}

impl Judged {
    /// Judges the next row; `known` says what is held under a key before this file.
    fn take(&mut self, row: CaseRow, known: &dyn Fn(u128) -> Option<(u128, bool)>) {
        let CaseRow { line, shown, key, kind } = row;
        let at = self.outcomes.len();
        let before = match self.said.get(&key) {
            Some((_, content)) => content.map(|content| (content, true)),
            None => known(key),
        };
        let outcome = match kind {
            CaseRowKind::Quarantined(rule, column) => {
                self.report.problem((line, &shown), rule, column);
                CaseOutcome::Quarantined(rule)
            }
            CaseRowKind::Deletion if before.is_none() => {
                let rule = CaseRule::VerwijderingZonderOrigineel;
                self.report.problem((line, &shown), rule, CaseColumn::RecordId);
                CaseOutcome::Quarantined(rule)
            }
            CaseRowKind::Deletion => {
                self.end_earlier(key, CaseOutcome::Deleted);
                self.said.insert(key, (at, None));
                self.steps.push(Step { row: key, kind: StepKind::Remove });
                CaseOutcome::Deletion
            }
            CaseRowKind::Value(entry) => {
                let same = before.filter(|(content, _)| *content == entry.content);
                // The same row brings a token that was missing.
                if same.is_some_and(|(_, complete)| complete) {
                    CaseOutcome::Unchanged
                } else {
                    if same.is_none() {
                        self.end_earlier(key, CaseOutcome::Superseded);
                        self.said.insert(key, (at, Some(entry.content)));
                    }
                    let repaired = entry.repaired;
                    self.steps.push(Step { row: key, kind: StepKind::Put(entry) });
                    match (same.is_some(), repaired) {
                        (true, _) => CaseOutcome::Unchanged,
                        (false, true) => CaseOutcome::Repaired,
                        (false, false) => CaseOutcome::Stored,
                    }
                }
            }
        };
        self.outcomes.push(outcome);
    }

    /// The row of this file that had a key until now has another outcome.
    fn end_earlier(&mut self, key: u128, outcome: CaseOutcome) {
        if let Some((at, Some(_))) = self.said.get(&key)
            && let Some(earlier) = self.outcomes.get_mut(*at)
        {
            *earlier = outcome;
        }
    }
}
