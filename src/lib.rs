//! Ketenpoort: a privacy-preserving data-exchange gateway for the Dutch youth-protection chain.
//!
//! # Layout
//! Each module is a room; a room names only rooms before it (`ARCHITECTURE.md`, held by `tests/it/tidy.rs`):
//! `crypto < domain < policy < {translog, linkage, indicator < disclosure} < {intake, storage} < service < transport
//! < monitor < console < synthetic < node, cli`.

pub mod cli;
pub mod config;
pub mod crypto;
pub mod disclosure;
pub mod domain;
pub mod indicator;
pub mod intake;
pub mod monitor;
pub mod node;
pub mod policy;
pub mod service;
pub mod storage;
pub mod synthetic;
pub mod translog;
pub mod transport;
