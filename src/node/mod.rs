//! The composition root: configuration to an open node, and the node as a running process.

pub mod command;
mod execute;
pub mod gemeenten;
pub mod local;
mod partners;
mod pull;
mod run;
pub mod show;

use std::sync::Arc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

pub use self::partners::directory;
pub use self::run::{serve, stop_signal, tls_paths};
use crate::config::Config;
use crate::crypto::{KeyTree, Secret32};
use crate::domain::day::Day;
use crate::policy::permit::LocalAccess;
use crate::service::core::{Clock, Core, Identity};
use crate::storage::lock::{DirLock, LockError};

/// How long a command waits for another one that holds the directory.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

/// The machine's clock; days are those of Europe/Amsterdam.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
    }

    fn today(&self) -> Day {
        let zone = jiff::tz::TimeZone::get("Europe/Amsterdam").unwrap_or(jiff::tz::TimeZone::UTC);
        let date = jiff::Timestamp::now().to_zoned(zone).date();
        Day::from_ymd(date.year(), date.month(), date.day()).unwrap_or(Day(0))
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

/// Opens a node's directory under its lock.
///
/// # Errors
/// A Dutch sentence: in use, a key that does not fit, a damaged journal.
pub fn open(config: Config) -> Result<Node, String> {
    open_for(config, LocalAccess::DirectoryLock)
}

fn open_for(config: Config, access: LocalAccess) -> Result<Node, String> {
    let purpose = if access == LocalAccess::Socket { "serve" } else { "opdracht" };
    let lock = acquire(&config, purpose)?;
    #[cfg(feature = "defect-plant-bsn")]
    let _ = std::fs::write(config.data.join("plant"), crate::domain::plant::bytes("file"));
    let keys = KeyTree::new(read_root(&config)?);
    let list = std::fs::read(&config.gemeenten).map_err(|e| format!("{}: {e}", config.gemeenten.display()))?;
    let identity = Identity {
        oin: config.oin,
        name: config.name.clone(),
        org_type: config.org_type,
        levert: config.levert.clone(),
    };
    let core = Core::open(&config.data, identity, keys, gemeenten::parse(&list)?, Arc::new(SystemClock));
    Ok(Node { config, core: Arc::new(core.map_err(|e| e.to_string())?), access, _lock: lock })
}

/// Takes the lock; another command of a moment gets a few seconds to finish.
fn acquire(config: &Config, purpose: &str) -> Result<DirLock, String> {
    let end = Instant::now() + LOCK_PATIENCE;
    loop {
        match DirLock::acquire(&config.dir, purpose) {
            Err(LockError::Held { .. }) if Instant::now() < end => std::thread::sleep(Duration::from_millis(50)),
            other => return other.map_err(|e| e.to_string()),
        }
    }
}

/// Reads the node root: 32 bytes.
fn read_root(config: &Config) -> Result<Secret32, String> {
    let path = config.root_key.display();
    let bytes = Zeroizing::new(std::fs::read(&config.root_key).map_err(|e| format!("{path}: {e}"))?);
    let root: [u8; 32] = bytes.as_slice().try_into().map_err(|_| format!("{path}: een nodesleutel heeft 32 bytes"))?;
    Ok(Secret32::new(root))
}
