//! The composition root: configuration to an open node, and the node as a running process.

pub mod apps;
mod audit;
pub mod command;
pub mod consent;
mod console;
pub mod disclosure;
pub mod exchange;
mod execute;
mod export;
pub mod gemeenten;
mod link;
pub mod local;
pub mod log;
mod partners;
mod pull;
mod run;
pub mod show;
mod witness;

use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use zeroize::Zeroizing;

use self::command::{LocalCommand, Outcome, Progress};
pub use self::partners::directory;
pub use self::run::{serve, stop_signal, tls_paths};
use crate::config::Config;
use crate::crypto::{KeyTree, Secret32};
use crate::domain::day::Day;
use crate::domain::fault::said;
use crate::domain::moment::day_in_amsterdam;
use crate::policy::permit::LocalAccess;
use crate::service::core::{Clock, Core, Identity};
use crate::storage::lock::{DirLock, LockError};

/// How long a command waits for another one that holds the directory, or for a node that is starting.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);
/// How long a command waits in all: a node with much data takes some seconds to start.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// The machine's clock; days are those of Europe/Amsterdam.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
    }

    fn today(&self) -> Day {
        day_in_amsterdam(self.now_ms())
    }
}

/// An open node: its lock is held while this lives.
pub struct Node {
    /// Configuration.
    pub config: Config,
    /// Keys, journals and memory.
    pub core: Arc<Core>,
    access: LocalAccess,
    _lock: DirLock,
}

/// Runs a command on a node: over the local socket when it runs, else on its directory under the lock. A node that is
/// starting holds the lock and has no socket yet; the command waits for it.
pub fn on(config: &Config, command: &LocalCommand, progress: &dyn Fn(Progress)) -> Outcome {
    let end = Instant::now() + START_PATIENCE;
    loop {
        if let Some(answer) = local::call(&config.socket(), command, progress) {
            return answer.unwrap_or_else(|e| Outcome::failed(format!("de draaiende node antwoordt niet: {e}")));
        }
        match open(config.clone()) {
            Ok(node) => return node.execute(command.clone(), progress),
            Err(OpenError::Busy(holder)) if holder.contains("(serve)") && Instant::now() < end => {}
            Err(error) => return Outcome::failed(error.to_string()),
        }
    }
}

/// Opens the directory of a stopped node under its lock.
///
/// # Errors
/// [`OpenError`].
pub fn open(config: Config) -> Result<Node, OpenError> {
    open_for(config, LocalAccess::DirectoryLock)
}

/// A node's directory cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process works in it.
    #[error("{0}")]
    Busy(String),
    /// Anything else: a key that does not fit, a damaged journal.
    #[error("{0}")]
    Failed(String),
}

impl From<String> for OpenError {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

/// Opens a node's directory under its lock.
fn open_for(config: Config, access: LocalAccess) -> Result<Node, OpenError> {
    let purpose = if access == LocalAccess::Socket { "serve" } else { "opdracht" };
    let lock = acquire(&config, purpose)?;
    #[cfg(feature = "defect-plant-bsn")]
    let _ = std::fs::write(config.data.join("plant"), crate::domain::plant::bytes("file"));
    let keys = KeyTree::new(read_root(&config)?);
    let (list, _) = gemeenten::read(&config.gemeenten)?;
    let core = Core::open(&config.data, identity(&config), keys, list, Arc::new(SystemClock));
    Ok(Node { config, core: Arc::new(core.map_err(|e| OpenError::Failed(e.to_string()))?), access, _lock: lock })
}

/// Who the node is by its configuration.
#[must_use]
pub fn identity(config: &Config) -> Identity {
    Identity {
        oin: config.oin,
        name: config.name.clone(),
        org_type: config.org_type,
        levert: config.levert.clone(),
        activities: config.activities.clone(),
    }
}

/// Takes the lock; another command of a moment gets a few seconds to finish.
fn acquire(config: &Config, purpose: &str) -> Result<DirLock, OpenError> {
    let end = Instant::now() + LOCK_PATIENCE;
    loop {
        match DirLock::acquire(&config.dir, purpose) {
            Err(LockError::Held { .. }) if Instant::now() < end => std::thread::sleep(Duration::from_millis(50)),
            Err(busy @ LockError::Held { .. }) => return Err(OpenError::Busy(busy.to_string())),
            other => return other.map_err(|e| OpenError::Failed(e.to_string())),
        }
    }
}

/// Reads the node root: 32 bytes.
pub(in crate::node) fn read_root(config: &Config) -> Result<Secret32, String> {
    let path = config.root_key.display();
    let bytes = Zeroizing::new(std::fs::read(&config.root_key).map_err(|e| format!("{path}: {}", said(&e)))?);
    let root: [u8; 32] = bytes.as_slice().try_into().map_err(|_| format!("{path}: een nodesleutel heeft 32 bytes"))?;
    Ok(Secret32::new(root))
}
