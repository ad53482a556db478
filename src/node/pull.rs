//! `monitor pull`: questions out, answers checked and added up, the report written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Node;
use super::command::{Outcome, PullCommand};
use super::run::tls_paths;
use crate::config::Config;
use crate::monitor::produce::{Produced, Question, produce};
use crate::service::api::Peers;
use crate::service::core::Core;
use crate::storage::files::{FileError, write_atomic};
use crate::transport::client::Client;
use crate::transport::tls::TlsHandle;

/// Pulls with the partners of a running node.
pub fn run(core: &Core, peers: &dyn Peers, command: &PullCommand, console: &Path) -> Outcome {
    let question = Question {
        periods: command.periods.clone(),
        indicators: command.indicators.clone(),
        by: command.by.clone(),
        example: command.example,
        without: command.without.clone(),
    };
    let produced = match produce(core, peers, &question) {
        Ok(produced) => produced,
        Err(reason) => return Outcome::refused(reason),
    };
    if let Err(e) = produced.write(&command.out) {
        return Outcome::failed(format!("{}: {e}", command.out.display()));
    }
    if let Err(e) = keep(&produced, console) {
        return Outcome::failed(format!("{}: {e}", console.display()));
    }
    #[cfg(feature = "defect-plant-bsn")]
    let _ = std::fs::write(command.out.join("plant"), crate::domain::plant::bytes("report"));
    Outcome::done(if command.json { produced.json() } else { produced.summary() })
}

/// Works with the partners of a stopped node: the connections live as long as the command.
pub fn with_partners(node: &Node, work: impl FnOnce(&Core, &dyn Peers) -> Outcome) -> Outcome {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return Outcome::failed(e.to_string()),
    };
    let tls = match TlsHandle::open(tls_paths(&node.config)) {
        Ok(tls) => tls,
        Err(e) => return Outcome::failed(e.to_string()),
    };
    let core: &Arc<Core> = &node.core;
    let client = Client::new(tls, super::directory(core), runtime.handle().clone());
    work(core, &client)
}

/// Where the last report lies for the console.
pub fn kept_in(config: &Config) -> PathBuf {
    config.data.join("report")
}

/// Keeps the report for the console, readable by the node alone.
fn keep(produced: &Produced, dir: &Path) -> Result<(), FileError> {
    std::fs::create_dir_all(dir).map_err(|source| FileError::Io { path: dir.to_owned(), source })?;
    write_atomic(&dir.join("setting.json"), produced.setting().as_bytes(), 0o600)?;
    write_atomic(&dir.join("report.json"), produced.json().as_bytes(), 0o600)
}
