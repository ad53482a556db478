//! The few operations by which storage changes a disk, each with a place where a test can make it fail.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A kind of change to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Making a new file.
    Create,
    /// Writing bytes at a position.
    Write,
    /// `fdatasync` of a file.
    Sync,
    /// Giving a file its final name.
    Rename,
    /// `fsync` of a directory.
    SyncDir,
    /// Cutting a file back to a length.
    Truncate,
}

impl Step {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 6] = [Self::Create, Self::Write, Self::Sync, Self::Rename, Self::SyncDir, Self::Truncate];
}

/// Where in a step a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nothing of the step happened.
    Before,
    /// Half of the bytes were written (for [`Step::Write`]; any other step: nothing happened).
    Halfway,
    /// The step happened, yet it reports an error.
    After,
}

/// One planned failure.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The kind of step that fails.
    pub step: Step,
    /// Which one of its kind, counted from 1 since the plan was made.
    pub nth: u64,
    /// Where in the step.
    pub moment: Moment,
    /// The error that it reports; `StorageFull` plays a full disk.
    pub error: io::ErrorKind,
}

#[derive(Debug, Default)]
struct Plan {
    faults: Vec<Fault>,
    counts: [u64; Step::ALL.len()],
}

/// The disk as storage uses it: plain system calls, or the same with planned failures.
#[derive(Debug, Clone, Default)]
pub struct Disk(Option<Arc<Mutex<Plan>>>);

impl Disk {
    /// The real disk.
    #[must_use]
    pub fn plain() -> Self {
        Self(None)
    }

    /// The real disk, counting its steps and failing those that `faults` names.
    #[must_use]
    pub fn failing(faults: Vec<Fault>) -> Self {
        Self(Some(Arc::new(Mutex::new(Plan { faults, counts: [0; Step::ALL.len()] }))))
    }

    /// How many steps of this kind were begun; 0 on a plain disk.
    #[must_use]
    pub fn count(&self, step: Step) -> u64 {
        self.0.as_ref().map_or(0, |plan| plan.lock().unwrap_or_else(PoisonError::into_inner).counts[step as usize])
    }

    /// Plans one more failure, `nth` counted from now; nothing happens on a plain disk.
    pub fn plan(&self, fault: Fault) {
        if let Some(plan) = &self.0 {
            let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
            let nth = plan.counts[fault.step as usize] + fault.nth;
            plan.faults.push(Fault { nth, ..fault });
        }
    }

    fn fault(&self, step: Step) -> Option<Fault> {
        let mut plan = self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        plan.counts[step as usize] += 1;
        let count = plan.counts[step as usize];
        plan.faults.iter().find(|fault| fault.step == step && fault.nth == count).copied()
    }

    fn step<T>(&self, step: Step, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.fault(step) {
            None => act(),
            Some(fault) if fault.moment == Moment::After => act().and(Err(fault.error.into())),
            Some(fault) => Err(fault.error.into()),
        }
    }

    pub(crate) fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
        self.step(Step::Create, || OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(path))
    }

    pub(crate) fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.fault(Step::Write) {
            None => file.write_all_at(bytes, offset),
            Some(fault) => {
                let written = match fault.moment {
                    Moment::Before => 0,
                    Moment::Halfway => bytes.len() / 2,
                    Moment::After => bytes.len(),
                };
                file.write_all_at(&bytes[..written], offset)?;
                Err(fault.error.into())
            }
        }
    }

    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        self.step(Step::Sync, || file.sync_data())
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Step::Rename, || fs::rename(from, to))
    }

    pub(crate) fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.step(Step::SyncDir, || File::open(dir)?.sync_all())
    }

    pub(crate) fn truncate(&self, file: &File, len: u64) -> io::Result<()> {
        self.step(Step::Truncate, || file.set_len(len))
    }
}

/// Whether an error means that the disk or the quota is full, which passes when space returns.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
