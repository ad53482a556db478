//! Signing: when, what, and the thread that does it within a second of an append.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::open::{checkpoint_path, resume_path};
use super::{Inner, LogError, LogOptions, resume};
use crate::crypto::SigningKey;
use crate::storage::files;
use crate::storage::journal::JournalError;
use crate::translog::checkpoint::Checkpoint;

const MODE: u32 = 0o600;

#[derive(Debug)]
pub(super) struct Checkpoints {
    key: Arc<SigningKey>,
    options: LogOptions,
    /// What was signed last; held while signing, so that sizes on disk only grow.
    signed: Mutex<Signed>,
    wish: Mutex<Wish>,
    bell: Condvar,
}

#[derive(Debug)]
struct Signed {
    checkpoint: Checkpoint,
    note: String,
    /// Size at which `resume` was written last.
    resumed: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Wish {
    /// An entry was appended since the last signature began.
    dirty: bool,
    stop: bool,
}

impl Checkpoints {
    pub(super) fn new(key: Arc<SigningKey>, signed: (Checkpoint, String), resumed: u64, options: LogOptions) -> Self {
        let signed = Signed { checkpoint: signed.0, note: signed.1, resumed };
        Self { key, options, signed: Mutex::new(signed), wish: Mutex::default(), bell: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Signed> {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wish(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn key(&self) -> &SigningKey {
        &self.key
    }

    pub(super) fn signed(&self) -> Checkpoint {
        self.lock().checkpoint.clone()
    }

    /// The last signed checkpoint with its note.
    pub(super) fn last_signed(&self) -> (Checkpoint, String) {
        let signed = self.lock();
        (signed.checkpoint.clone(), signed.note.clone())
    }

    pub(super) fn last(&self) -> String {
        self.lock().note.clone()
    }

    /// Tells the thread that something was appended.
    pub(super) fn wake(&self) {
        let mut wish = self.wish();
        if !wish.dirty {
            wish.dirty = true;
            self.bell.notify_one();
        }
    }

    pub(super) fn stop(&self) {
        self.wish().stop = true;
        self.bell.notify_one();
    }

    /// Waits until something is to be signed, then as long as the options say so that one signature serves many entries;
    /// whether to go on.
    fn wait(&self) -> bool {
        let idle = self.bell.wait_while(self.wish(), |wish| !wish.dirty && !wish.stop);
        let idle = idle.unwrap_or_else(PoisonError::into_inner);
        let rest = self.bell.wait_timeout_while(idle, self.options.checkpoint_after, |wish| !wish.stop);
        let (mut wish, _) = rest.unwrap_or_else(PoisonError::into_inner);
        wish.dirty = false;
        !wish.stop
    }
}

/// Starts the thread; it ends, after a last signature, when the log is dropped.
pub(super) fn start(inner: &Arc<Inner>) -> Result<JoinHandle<()>, LogError> {
    let owned = Arc::clone(inner);
    let named = std::thread::Builder::new().name("checkpoint".to_owned());
    named
        .spawn(move || run(&owned))
        .map_err(|source| LogError::Journal(JournalError::Io { path: inner.dir.clone(), source }))
}

fn run(inner: &Inner) {
    if inner.state.size() > inner.checkpoints.signed().size {
        inner.checkpoints.wake();
    }
    loop {
        let on = inner.checkpoints.wait();
        if let Err(error) = inner.sign() {
            tracing::error!(%error, "checkpoint niet geschreven; de logregels staan wel vast");
            if on {
                // A full disk passes: try again after a pause, whether or not an entry comes.
                std::thread::sleep(Duration::from_millis(200));
                inner.checkpoints.wake();
            }
        }
        if !on {
            inner.write_resume(0);
            return;
        }
    }
}

impl Inner {
    /// Signs the durable entries unless that was done; checkpoint and note. Sizes only grow, and never past what is durable.
    pub(super) fn sign(&self) -> Result<(Checkpoint, String), LogError> {
        let mut signed = self.checkpoints.lock();
        let (size, root) = self.state.size_and_root();
        if size > signed.checkpoint.size {
            let checkpoint = Checkpoint { origin: self.origin.clone(), size, root };
            let note = checkpoint.sign(&self.checkpoints.key).encode();
            let disk = &self.checkpoints.options.journal.disk;
            files::write_on(disk, &checkpoint_path(&self.dir), note.as_bytes(), MODE)?;
            (signed.checkpoint, signed.note) = (checkpoint, note);
        }
        let result = (signed.checkpoint.clone(), signed.note.clone());
        drop(signed);
        self.write_resume(self.checkpoints.options.resume_every);
        Ok(result)
    }

    /// Writes `resume` when more than `every` entries came since. It only saves time: a fault is left for the next time.
    fn write_resume(&self, every: u64) {
        let mut signed = self.checkpoints.lock();
        if self.state.size() <= signed.resumed.saturating_add(every) || self.journal.failed() {
            return;
        }
        let snapshot = self.state.snapshot();
        // Opening believes `resume` only up to the signed size.
        if snapshot.tree.size() > signed.checkpoint.size {
            return;
        }
        let disk = &self.checkpoints.options.journal.disk;
        if files::write_on(disk, &resume_path(&self.dir), &resume::encode(&snapshot), MODE).is_ok() {
            signed.resumed = snapshot.tree.size();
        }
    }
}
