//! Intake: a file becomes one atomic delivery in the state journal, or nothing does.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use super::core::{Core, CoreError};
use super::memory::HeadRecord;
use super::rows::{BATCH_ROWS, pack};
use crate::domain::day::Day;
use crate::domain::register::{DeliveryHead, Register};
use crate::domain::row::RowRecord;
use crate::intake::{IntakeReport, IntakeSettings, ReadError, ReportBuilder, file_digest, read_file};
use crate::storage::state::{DeliveryWriter, StateError, StateKind};

/// Where a delivery is read from, twice: for its hash and for its rows.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// A file.
    Path(&'a Path),
    /// What was uploaded, under this name: it is never written to a disk.
    Bytes(&'a str, &'a [u8]),
}

impl<'a> Source<'a> {
    fn name(&self) -> String {
        match self {
            Self::Path(path) => path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
            Self::Bytes(name, _) => (*name).to_owned(),
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::Path(path) => std::fs::metadata(path).map_or(0, |meta| meta.len()),
            Self::Bytes(_, bytes) => bytes.len() as u64,
        }
    }

    fn open(&self) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Path(path) => Box::new(BufReader::with_capacity(1 << 16, File::open(path)?)),
            Self::Bytes(_, bytes) => Box::new(*bytes),
        })
    }

    fn unreadable(&self, e: &io::Error) -> IntakeError {
        let path = match self {
            Self::Path(path) => path.display().to_string(),
            Self::Bytes(name, _) => (*name).to_owned(),
        };
        IntakeError::File { path, reason: e.to_string() }
    }
}

/// How files are taken in.
#[derive(Clone, Copy, Debug, Default)]
pub struct IntakeOptions {
    /// Only check and count; store nothing.
    pub dry_run: bool,
    /// Full replacement of this period.
    pub replaces: Option<(Day, Day)>,
    /// The data window of the delivery.
    pub window: Option<(Day, Day)>,
}

/// An intake stopped; what was committed before stays.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// This node delivers nothing.
    #[error("deze node levert geen gegevens (organisation.levert in node.toml is leeg)")]
    NotDelivering,
    /// The node.
    #[error(transparent)]
    Core(#[from] CoreError),
}

impl From<StateError> for IntakeError {
    fn from(error: StateError) -> Self {
        Self::Core(error.into())
    }
}

impl Core {
    /// Takes in files in their order. Each is one delivery: stored whole, or refused whole and recorded as refused.
    /// `progress` is told the bytes done and the bytes in all.
    ///
    /// # Errors
    /// [`IntakeError`]; a refused file is no error but a report that says so.
    pub fn intake(
        &self,
        files: &[std::path::PathBuf],
        options: IntakeOptions,
        progress: &dyn Fn(u64, u64),
    ) -> Result<Vec<IntakeReport>, IntakeError> {
        let sources: Vec<Source<'_>> = files.iter().map(|path| Source::Path(path)).collect();
        self.intake_of(&sources, options, progress)
    }

    /// As [`Core::intake`], of files or of what was uploaded.
    ///
    /// # Errors
    /// [`IntakeError`].
    pub fn intake_of(
        &self,
        sources: &[Source<'_>],
        options: IntakeOptions,
        progress: &dyn Fn(u64, u64),
    ) -> Result<Vec<IntakeReport>, IntakeError> {
        if self.identity.levert.is_empty() {
            return Err(IntakeError::NotDelivering);
        }
        self.freeze_settled()?;
        let settings = IntakeSettings {
            levert: &self.identity.levert,
            gemeenten: &self.gemeenten,
            local: self.keys.local_key(),
            fingerprints: self.keys.fingerprint_key(),
            bases: self.chain_bases(),
        };
        let total = sources.iter().map(Source::len).sum();
        let mut register = self.writing();
        let mut done = 0;
        let mut take = |source: &Source<'_>| {
            let mut delivery = Delivery { core: self, register: &mut register, settings: &settings, options };
            let report = delivery.take(source, &|bytes| progress(done + bytes, total))?;
            done += source.len();
            Ok(report)
        };
        let reports: Result<Vec<IntakeReport>, IntakeError> = sources.iter().map(&mut take).collect();
        #[cfg(feature = "defect-plant-bsn")]
        tracing::warn!("levering ingenomen {}", crate::domain::plant::text("stderr"));
        // Also after a fault: what was committed before it counts.
        if !options.dry_run {
            self.refresh(&mut register)?;
        }
        reports
    }
}

/// One file on its way in.
struct Delivery<'a> {
    core: &'a Core,
    register: &'a mut Register,
    settings: &'a IntakeSettings<'a>,
    options: IntakeOptions,
}

impl Delivery<'_> {
    fn take(&mut self, source: &Source<'_>, tell: &dyn Fn(u64)) -> Result<IntakeReport, IntakeError> {
        let unreadable = |e: io::Error| source.unreadable(&e);
        let (sha256, _) = source.open().and_then(file_digest).map_err(unreadable)?;
        let name = source.name();
        let head = DeliveryHead {
            file: name.clone(),
            sha256,
            at: i64::try_from(self.core.clock.now_ms()).unwrap_or(i64::MAX),
            replaces: self.options.replaces,
            window: self.options.window,
        };
        let delivery = self.register.begin(head.clone());
        let mut batch = Batch::begin(self.core, self.options.dry_run, &head)?;
        let mut report = ReportBuilder::new(&name);
        let register = &mut *self.register;
        let mut sink = |record: RowRecord| -> Result<(), StateError> {
            let outcome = register.apply(&record);
            report.note(&record, outcome);
            batch.push(&record)
        };
        let file = source.open().map_err(unreadable)?;
        let read = read_file(file, self.settings, &mut |bytes| tell(bytes), &mut sink);
        match read {
            Ok(_) => {
                let effects = self.register.finish();
                let outcomes = self.register.delivery_outcomes(delivery);
                let mut report = report.finish(outcomes.into_iter().filter_map(|(_, o)| o), &effects);
                report.dry_run = self.options.dry_run;
                let frozen = Arc::clone(&self.core.memory().frozen);
                report.frozen = self.register.changes_where(|datum| frozen.covers(datum));
                report.replaces = self.options.replaces.map(|(a, b)| format!("{a}..{b}"));
                let committed = batch.commit();
                if matches!(committed, Ok(true)) {
                    self.register.end();
                } else {
                    self.register.abandon();
                }
                committed?;
                Ok(report)
            }
            Err(ReadError::Refused(refusal)) => {
                drop(batch);
                self.register.abandon();
                if !self.options.dry_run {
                    self.core.state.append(StateKind::DeliveryRefused, HeadRecord::encode(&head))?;
                    self.register.refuse(head);
                }
                let mut report = report.refuse(refusal);
                report.dry_run = self.options.dry_run;
                Ok(report)
            }
            Err(error) => {
                drop(batch);
                self.register.abandon();
                match error {
                    ReadError::Sink(error) => Err(error.into()),
                    other => Err(source.unreadable(&io::Error::other(other.to_string()))),
                }
            }
        }
    }
}

/// Rows on their way to the journal; nothing in a dry run.
struct Batch<'a> {
    writer: Option<DeliveryWriter<'a>>,
    bytes: Vec<u8>,
    rows: usize,
}

impl<'a> Batch<'a> {
    fn begin(core: &'a Core, dry_run: bool, head: &DeliveryHead) -> Result<Self, StateError> {
        let writer = if dry_run { None } else { Some(core.state.begin_delivery(HeadRecord::encode(head))?) };
        Ok(Self { writer, bytes: Vec::new(), rows: 0 })
    }

    fn push(&mut self, record: &RowRecord) -> Result<(), StateError> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        pack(&mut self.bytes, record);
        self.rows += 1;
        if self.rows < BATCH_ROWS {
            return Ok(());
        }
        self.rows = 0;
        writer.push(std::mem::take(&mut self.bytes))
    }

    /// Makes the delivery durable; whether there was one to make.
    fn commit(mut self) -> Result<bool, StateError> {
        let Some(mut writer) = self.writer.take() else { return Ok(false) };
        if !self.bytes.is_empty() {
            writer.push(std::mem::take(&mut self.bytes))?;
        }
        writer.commit(Vec::new())?;
        Ok(true)
    }
}
