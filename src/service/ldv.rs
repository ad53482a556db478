//! The export of the transfer log to the organisation's logboek dataverwerkingen (LDV): every line is confirmed by the
//! receiver or known to be refused, none is skipped. It reads what is durable and stands on nobody's road: when the receiver
//! is down, transfers go on and the backlog is visible.
//!
//! A durable mark says which entries are done with; it advances after the confirmation. A line that was confirmed just
//! before a crash is sent again: the receiver knows it by its trace and span.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::core::Core;
use crate::storage::files::{FileError, read_bounded, write_atomic};
use crate::storage::log::LogError;
use crate::translog::merkle::leaf_hash;
use crate::translog::standards::join::Joiner;
use crate::translog::standards::ldv::{self, Line};
use crate::translog::standards::lezen;

/// Lines in one delivery, and about how many bytes.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 512 << 10;
/// Lines that are offered again at a time.
const OFFERED: usize = 16;
/// Entries that are read in one step, so that a step ends also in a log of announcements.
const READ: u64 = 2_048;
/// Lines that the receiver refuses and that are kept aside; with more the export stands still.
const MOST_ASIDE: usize = 1_000;
/// How often some of the lines that are kept aside are offered again.
const OFFER_AGAIN_MS: u64 = 3_600_000;
/// Largest file that is read back.
const MAX_FILE: u64 = 64 << 20;
/// Pauses after failures: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Why lines are not confirmed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Undelivered {
    /// The receiver took the call and refuses lines: this many when it says so.
    #[error("de ontvanger weigert regels: {reason}")]
    Refused {
        /// How many.
        lines: Option<u64>,
        /// What it says.
        reason: String,
    },
    /// The delivery is larger than the receiver takes; a smaller one may pass.
    #[error("een levering is te groot voor de ontvanger ({0})")]
    TooLarge(String),
    /// Nothing is known: not reached, too slow, not ready.
    #[error("{reason}")]
    Unavailable {
        /// What happened.
        reason: String,
        /// When the receiver wants to be asked again.
        again: Option<Duration>,
    },
}

/// Who takes lines. Blocks: call it from a thread that may.
pub trait LineReceiver: Send + Sync {
    /// Hands over lines; returns when the receiver has confirmed every one of them.
    ///
    /// # Errors
    /// [`Undelivered`].
    fn deliver(&self, lines: &[Line]) -> Result<(), Undelivered>;
}

/// A line that the receiver refuses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Aside {
    /// Number of the entry.
    pub entry: u64,
    /// What the receiver says.
    pub reason: String,
    line: Value,
}

/// How the export stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ExportStatus {
    /// Entries that are not confirmed yet.
    pub behind: u64,
    /// When the oldest of them began, milliseconds since 1970 UTC.
    pub oldest_ms: Option<u64>,
    /// Entries that the receiver refuses, with its reason; every hour 16 of them are offered again, in turn.
    pub aside: Vec<(u64, String)>,
    /// When the receiver last confirmed, since this process started.
    pub confirmed_ms: Option<u64>,
    /// What is wrong now.
    pub failure: Option<String>,
}

/// The file of the mark.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    version: u32,
    /// Entries below this number are done with.
    next: u64,
    /// Where reading begins after a start: the oldest INTENT below `next` that was open.
    from: u64,
    /// Leaf hash of entry `next - 1`: another log is not gone on with.
    last: String,
    aside: Vec<Aside>,
}

/// The export cannot begin or go on.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The mark's file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The mark's file holds something else.
    #[error("{0}: geen merk van de uitvoer; verwijder het bestand, dan wordt het hele log opnieuw aangeboden")]
    Mark(String),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The receiver.
    #[error(transparent)]
    Receiver(#[from] Undelivered),
    /// Too much is refused.
    #[error("de ontvanger weigert meer dan {MOST_ASIDE} regels; de uitvoer staat stil")]
    TooManyAside,
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// There may be more at once.
    More,
    /// Everything is done with.
    Idle,
}

/// The export of one node; one at a time.
pub struct LdvExport {
    path: PathBuf,
    mark: Mark,
    joiner: Joiner,
    /// Lines that were read and are not done with, each with the number of its entry; entries below `read` are in them.
    waiting: Vec<(u64, Line)>,
    read: u64,
    offered_ms: u64,
    failures: u32,
}

/// Where the mark is.
fn file(data: &Path) -> PathBuf {
    data.join("ldv").join("mark.json")
}

fn read_mark(path: &Path) -> Result<Mark, ExportError> {
    if !path.exists() {
        return Ok(Mark { version: 1, ..Mark::default() });
    }
    let bytes = read_bounded(path, MAX_FILE)?;
    let mark: Option<Mark> = serde_json::from_slice(&bytes).ok();
    mark.filter(|mark| mark.version == 1).ok_or_else(|| ExportError::Mark(path.display().to_string()))
}

/// Leaf hash of the entry before this number; empty at the first.
fn leaf_before(core: &Core, number: u64) -> Result<String, LogError> {
    let Some(before) = number.checked_sub(1) else { return Ok(String::new()) };
    let bytes = core.transfer_log().raw_entries(before..number).next().transpose()?;
    Ok(bytes.map_or_else(String::new, |(_, bytes)| leaf_hash(&bytes).to_hex()))
}

impl LdvExport {
    /// Goes on where the mark under `data` stands; without a mark at the first entry.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn open(core: &Core, data: &Path) -> Result<Self, ExportError> {
        let path = file(data);
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|source| FileError::Io { path: dir.to_owned(), source })?;
        }
        let mut mark = read_mark(&path)?;
        if mark.next > core.transfer_log().len() || mark.last != leaf_before(core, mark.next)? {
            tracing::error!(
                mark = mark.next,
                "het transferlog is een ander dan wat al is uitgevoerd; alles wordt opnieuw aangeboden"
            );
            (mark.next, mark.from) = (0, 0);
        }
        let mut joiner = Joiner::default();
        for entry in core.transfer_log().entries(mark.from..mark.next) {
            let (number, entry) = entry?;
            joiner.push(number, entry);
        }
        Ok(Self { path, read: mark.next, mark, joiner, waiting: Vec::new(), offered_ms: 0, failures: 0 })
    }

    /// Delivers what is next. After an error [`LdvExport::pause`] says how long to wait; nothing was passed over.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn step(&mut self, core: &Core, receiver: &dyn LineReceiver, now_ms: u64) -> Result<Step, ExportError> {
        let offered = self.offer_again(receiver, now_ms);
        if !matches!(offered, Ok(0)) {
            // What comes may last long, or there may be nothing more to say this hour.
            core.export.tell(now_ms, &offered.as_ref().map(|_| Step::More).map_err(ToString::to_string));
        }
        let done = offered.and_then(|_| self.advance(core, receiver));
        self.failures = if done.is_ok() { 0 } else { self.failures.saturating_add(1) };
        core.export.tell(now_ms, &done.as_ref().copied().map_err(ToString::to_string));
        done
    }

    fn advance(&mut self, core: &Core, receiver: &dyn LineReceiver) -> Result<Step, ExportError> {
        self.read_on(core)?;
        if self.read == self.mark.next {
            return Ok(Step::Idle);
        }
        let refused = self.deliver(receiver)?;
        if self.mark.aside.len() + refused.len() > MOST_ASIDE {
            return Err(ExportError::TooManyAside);
        }
        for aside in &refused {
            tracing::error!(
                entry = aside.entry,
                reason = aside.reason,
                "de ontvanger weigert een regel van het transferlog"
            );
        }
        let mut aside = self.mark.aside.clone();
        aside.extend(refused);
        let from = self.joiner.oldest_open().unwrap_or(self.read);
        let last = leaf_before(core, self.read)?;
        self.keep(Mark { version: 1, next: self.read, from, last, aside })?;
        self.waiting.clear();
        Ok(Step::More)
    }

    /// Makes a mark durable, and only then goes by it.
    fn keep(&mut self, mark: Mark) -> Result<(), ExportError> {
        let bytes = serde_json::to_vec(&mark).unwrap_or_default();
        // When the mark cannot be written, what was delivered is delivered again.
        write_atomic(&self.path, &bytes, 0o600)?;
        self.mark = mark;
        Ok(())
    }

    fn read_on(&mut self, core: &Core) -> Result<(), ExportError> {
        let setting = core.log_setting();
        let end = core.transfer_log().len().min(self.read.saturating_add(READ));
        if self.waiting.len() >= BATCH {
            return Ok(());
        }
        let mut bytes = 0;
        for entry in core.transfer_log().entries(self.read..end) {
            let (number, entry) = entry?;
            for action in self.joiner.push(number, entry) {
                let subjects = core.subjects_of(&action);
                let lines = ldv::lines(&action, &setting, &subjects);
                bytes += lines.iter().map(|line| lezen::write(line).to_string().len()).sum::<usize>();
                self.waiting.extend(lines.into_iter().map(|line| (number, line)));
            }
            self.read = number + 1;
            if self.waiting.len() >= BATCH || bytes >= BATCH_BYTES {
                break;
            }
        }
        Ok(())
    }

    /// Delivers what waits; the lines that are refused while others are taken. Refused once, a delivery is tried again, and
    /// then in halves. A receiver that takes nothing at all is one that is out of order, and nothing is passed over for it.
    fn deliver(&self, receiver: &dyn LineReceiver) -> Result<Vec<Aside>, ExportError> {
        if self.waiting.is_empty() {
            return Ok(Vec::new());
        }
        let lines: Vec<Line> = self.waiting.iter().map(|(_, line)| line.clone()).collect();
        let again = match receiver.deliver(&lines) {
            Err(Undelivered::Refused { .. }) => receiver.deliver(&lines),
            done => done,
        };
        match again {
            Ok(()) => Ok(Vec::new()),
            Err(refusal @ (Undelivered::Refused { .. } | Undelivered::TooLarge(_))) => {
                let mut refused = Vec::new();
                sift(receiver, &self.waiting, &lines, &refusal, &mut refused)?;
                if refused.len() == lines.len() { Err(refusal.into()) } else { alone(receiver, refused) }
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Offers some of what is aside again, one by one; what is taken now is no longer aside: how many. A receiver that is away
    /// is an error, and left alone with these until the next time.
    fn offer_again(&mut self, receiver: &dyn LineReceiver, now_ms: u64) -> Result<usize, ExportError> {
        if self.mark.aside.is_empty() || now_ms.abs_diff(self.offered_ms) < OFFER_AGAIN_MS {
            return Ok(0);
        }
        self.offered_ms = now_ms;
        let (mut still, mut taken, mut away) = (Vec::new(), 0, None);
        let mut rest = self.mark.aside.clone().into_iter();
        for aside in rest.by_ref().take(OFFERED) {
            match lezen::read(aside.line.clone()).map(|line| receiver.deliver(&[line])) {
                Ok(Ok(())) => taken += 1,
                Ok(Err(error @ Undelivered::Unavailable { .. })) => {
                    still.push(aside);
                    away = Some(error);
                    break;
                }
                Ok(Err(_)) | Err(_) => still.push(aside),
            }
        }
        // Those that were not offered stand first the next time.
        let aside: Vec<Aside> = rest.chain(still).collect();
        if taken > 0 {
            let Mark { next, from, ref last, .. } = self.mark;
            self.keep(Mark { version: 1, next, from, last: last.clone(), aside })?;
        } else {
            self.mark.aside = aside;
        }
        away.map_or(Ok(taken), |error| Err(error.into()))
    }

    /// How long to wait after this many failures: doubled each time up to five minutes, and some chance in it.
    #[must_use]
    pub fn pause(&self, error: &ExportError) -> Duration {
        let doubled = PAUSE.0.saturating_mul(1 << self.failures.saturating_sub(1).min(10)).min(PAUSE.1);
        let [chance]: [u8; 1] = crate::crypto::random();
        let pause = doubled.mul_f64(0.75 + f64::from(chance) / 1024.0);
        match error {
            ExportError::Receiver(Undelivered::Unavailable { again: Some(again), .. }) => {
                pause.max((*again).min(PAUSE.1))
            }
            _ => pause,
        }
    }
}

/// The lines that are refused also when each is offered alone.
fn alone(receiver: &dyn LineReceiver, refused: Vec<Aside>) -> Result<Vec<Aside>, ExportError> {
    let mut still = Vec::new();
    for aside in refused {
        match lezen::read(aside.line.clone()).map(|line| receiver.deliver(&[line])) {
            Ok(Ok(())) => {}
            Ok(Err(other @ Undelivered::Unavailable { .. })) => return Err(other.into()),
            Ok(Err(Undelivered::Refused { .. } | Undelivered::TooLarge(_))) | Err(_) => still.push(aside),
        }
    }
    Ok(still)
}

/// Finds the lines that are refused, in halves. `refusal` is what the receiver said of all of `lines`.
fn sift(
    receiver: &dyn LineReceiver,
    numbered: &[(u64, Line)],
    lines: &[Line],
    refusal: &Undelivered,
    refused: &mut Vec<Aside>,
) -> Result<(), Undelivered> {
    let (count, reason) = match refusal {
        Undelivered::Refused { lines, reason } => (*lines, reason),
        Undelivered::TooLarge(reason) => (None, reason),
        Undelivered::Unavailable { .. } => return Err(refusal.clone()),
    };
    if lines.len() == 1 || count.is_some_and(|count| count >= lines.len() as u64) {
        let aside =
            |(entry, line): &(u64, Line)| Aside { entry: *entry, reason: reason.clone(), line: lezen::write(line) };
        refused.extend(numbered.iter().map(aside));
        return Ok(());
    }
    let middle = lines.len() / 2;
    for (numbered, lines) in [(&numbered[..middle], &lines[..middle]), (&numbered[middle..], &lines[middle..])] {
        match receiver.deliver(lines) {
            Ok(()) => {}
            Err(other @ Undelivered::Unavailable { .. }) => return Err(other),
            Err(refusal) => sift(receiver, numbered, lines, &refusal, refused)?,
        }
    }
    Ok(())
}

/// What the running export last told, for the operator.
#[derive(Default)]
pub(in crate::service) struct Told(std::sync::Mutex<(Option<u64>, Option<String>)>);

impl Told {
    fn tell(&self, now_ms: u64, done: &Result<Step, String>) {
        let mut told = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let failure = done.as_ref().err().cloned();
        match (&failure, &told.1) {
            (Some(now), None) => {
                tracing::warn!(reason = now, "de uitvoer van het transferlog hapert; overdrachten gaan door")
            }
            (None, Some(_)) => tracing::info!("de uitvoer van het transferlog loopt weer"),
            _ => {}
        }
        if matches!(done, Ok(Step::More)) {
            told.0 = Some(now_ms);
        }
        told.1 = failure;
    }
}

impl Core {
    /// Tells the operator that the export could not begin.
    pub fn export_failed(&self, error: &ExportError) {
        let mut told = self.export.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        told.1 = Some(error.to_string());
    }

    /// How the export stands: from its mark under `data`, whether the node runs or not.
    ///
    /// # Errors
    /// When mark or log cannot be read.
    pub fn export_status(&self, data: &Path) -> Result<ExportStatus, ExportError> {
        let mark = read_mark(&file(data))?;
        let behind = self.log.len().saturating_sub(mark.next);
        let oldest = if behind > 0 { self.log.entry(mark.next)? } else { None };
        let told = self.export.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        Ok(ExportStatus {
            behind,
            oldest_ms: oldest.map(|entry| entry.start_ms),
            aside: mark.aside.into_iter().map(|aside| (aside.entry, aside.reason)).collect(),
            confirmed_ms: told.0,
            failure: told.1,
        })
    }
}
