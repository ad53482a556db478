//! Ketenpoort: a privacy-preserving data-exchange gateway for the Dutch youth-protection chain.
//!
//! # Layout
//! Each module is a room; a room names only rooms before it (`ARCHITECTURE.md`, held by `tests/it/tidy.rs`):
//! `crypto < domain < policy < {translog, linkage, indicator < disclosure} < {intake, storage} < service < transport
//! < monitor < console < synthetic < node, cli`.
//!
//! # Gates
//! The short cuts past the gates do not compile. A BSN has no text form and no copy:
//! ```compile_fail
//! fn tell(bsn: &ketenpoort::domain::bsn::Bsn) -> String { format!("{bsn}") }
//! ```
//! ```compile_fail
//! fn keep(bsn: &ketenpoort::domain::bsn::Bsn) -> ketenpoort::domain::bsn::Bsn { bsn.clone() }
//! ```
//! Exact figures have no serial form, and no room but `indicator` makes them:
//! ```compile_fail
//! fn send(table: &ketenpoort::indicator::raw::RawTable) { serde_json::to_string(table).ok(); }
//! ```
//! ```compile_fail
//! fn make(query: ketenpoort::domain::query::TableQuery, hash: ketenpoort::crypto::Digest) {
//!     ketenpoort::indicator::raw::RawTable::mint(query, hash, Vec::new());
//! }
//! ```
//! An answer needs what was released and the proof that it was logged, and neither can be made by hand:
//! ```compile_fail
//! use ketenpoort::{disclosure::release::Released, service::{answer::Payload, api::Answer}};
//! fn answer(released: &Released, payload: Payload) -> Option<Answer> { Answer::new(released, payload) }
//! ```
//! ```compile_fail
//! let _ = ketenpoort::storage::log::Logged { index: 0 };
//! ```
//! ```compile_fail
//! let _ = ketenpoort::disclosure::release::Released {
//!     query_hash: ketenpoort::crypto::digest(b""), tables: Vec::new()
//! };
//! ```
//! Own figures need the leave of the owner on the node's own machine, a question the permit of the convenant:
//! ```compile_fail
//! fn look(table: ketenpoort::indicator::raw::RawTable) { ketenpoort::disclosure::own::own_use(table); }
//! ```
//! ```compile_fail
//! let _ = ketenpoort::policy::permit::Permit {};
//! ```
//! What does compile, so that the above does not fail for a wrong path:
//! ```
//! use ketenpoort::{crypto::digest, disclosure::{own::own_use, release::Released}, domain::bsn::Bsn};
//! use ketenpoort::{indicator::raw::RawTable, policy::permit::Permit, service::{answer::Payload, api::Answer}};
//! use ketenpoort::storage::log::Logged;
//! fn answer(released: &Released, logged: &Logged, payload: Payload) -> Option<Answer> {
//!     Answer::new(released, logged, payload)
//! }
//! fn names(_: &Bsn, _: &RawTable, _: &Permit) { let _ = (digest(b""), own_use); }
//! ```

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
