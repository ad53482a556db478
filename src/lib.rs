//! Ketenpoort: a privacy-preserving data-exchange gateway for the Dutch youth-protection chain.
//!
//! # Layout
//! Each module is a room; a room names only rooms before it (`ARCHITECTURE.md`, held by `tests/it/tidy.rs`):
//! `crypto < domain < policy < {translog, linkage, indicator < disclosure} < {intake, storage} < service < transport
//! < monitor < console < synthetic < node, cli`.
//!
//! # Gates
//! The short cuts past the gates do not compile (docs/adr/0005). Each block below breaks one rule and names the compiler's
//! error, which `RUSTDOC=$PWD/tests/rustdoc-codes cargo test --doc` compares. A program that does nearly the same and
//! compiles follows every group.
//!
//! A BSN has no text form, no copy, and cannot be made or opened by hand; no more can a key:
//! ```compile_fail,E0277
//! fn tell(bsn: &ketenpoort::domain::bsn::Bsn) -> String { format!("{bsn}") }
//! ```
//! ```compile_fail,E0277
//! fn write(bsn: &ketenpoort::domain::bsn::Bsn) { serde_json::to_string(bsn).ok(); }
//! ```
//! ```compile_fail,E0277
//! fn copy<T: Clone>(one: &T) -> T { one.clone() }
//! fn keep(bsn: &ketenpoort::domain::bsn::Bsn) { copy(bsn); }
//! ```
//! ```compile_fail,E0507
//! fn keep(bsn: &ketenpoort::domain::bsn::Bsn) -> ketenpoort::domain::bsn::Bsn { *bsn }
//! ```
//! ```compile_fail,E0616
//! fn open(bsn: &ketenpoort::domain::bsn::Bsn) -> [u8; 9] { bsn.0 }
//! ```
//! ```compile_fail,E0603
//! fn make() -> ketenpoort::domain::bsn::Bsn { ketenpoort::domain::bsn::Bsn(*b"111222333") }
//! ```
//! ```compile_fail,E0277
//! fn tell(key: &ketenpoort::crypto::Secret32) -> String { format!("{key}") }
//! ```
//! ```compile_fail,E0277
//! fn write(keys: &ketenpoort::crypto::KeyTree) { serde_json::to_string(keys).ok(); }
//! ```
//! ```compile_fail,E0277
//! fn copy<T: Clone>(one: &T) -> T { one.clone() }
//! fn keep(key: &ketenpoort::crypto::Secret32) { copy(key); }
//! ```
//! ```
//! use ketenpoort::{crypto::{Digest, KeyTree, Secret32}, domain::{bsn::{Bsn, BsnReading, read_bsn}, oin::Oin}};
//! fn tell(bsn: &Bsn, key: &Secret32) -> String { format!("{bsn:?} {key:?}") }
//! fn write(oin: &Oin) { serde_json::to_string(oin).ok(); }
//! fn keep(bsn: Bsn, key: Secret32, keys: KeyTree) -> (Bsn, Secret32, KeyTree) { (bsn, key, keys) }
//! fn copy<T: Clone>(one: &T) -> T { one.clone() }
//! fn copies(digest: &Digest) -> Digest { copy(digest); *digest }
//! fn open(digest: &Digest) -> [u8; 32] { digest.0 }
//! fn make() -> BsnReading { read_bsn("111222333") }
//! ```
//!
//! A permit comes from `policy::decide` alone, exact figures from `indicator` alone, and exact figures have no serial form:
//! ```compile_fail,E0451
//! use ketenpoort::policy::permit::Permit;
//! fn forge(old: Permit) -> Permit { Permit { ..old } }
//! ```
//! ```compile_fail,E0624
//! fn make(query: ketenpoort::domain::query::TableQuery, hash: ketenpoort::crypto::Digest) {
//!     ketenpoort::indicator::raw::RawTable::mint(query, hash, Vec::new());
//! }
//! ```
//! ```compile_fail,E0451
//! use ketenpoort::indicator::raw::RawTable;
//! fn forge(old: RawTable) -> RawTable { RawTable { ..old } }
//! ```
//! ```compile_fail,E0277
//! fn send(table: &ketenpoort::indicator::raw::RawTable) { serde_json::to_string(table).ok(); }
//! ```
//! ```
//! use ketenpoort::{domain::{query::TableQuery, table::Table}, indicator::raw::{RawCell, RawTable}, policy::permit::Permit};
//! fn change(old: TableQuery) -> TableQuery { TableQuery { by: Vec::new(), ..old } }
//! fn look<'a>(table: &'a RawTable, permit: &Permit) -> &'a [RawCell] { permit.query_hash(); table.cells() }
//! fn send(table: &Table) { serde_json::to_string(table).ok(); }
//! ```
//!
//! A share of a regional sum needs a permit and the proof that it was logged, and neither share nor what the monitor passes on can be
//! made by hand or printed:
//! ```compile_fail,E0451
//! use ketenpoort::service::sums::share::Share;
//! fn forge(old: Share) -> Share { Share { ..old } }
//! ```
//! ```compile_fail,E0451
//! use ketenpoort::service::sums::share::Passed;
//! fn forge(old: Passed) -> Passed { Passed { ..old } }
//! ```
//! ```compile_fail,E0277
//! fn send(share: &ketenpoort::service::sums::share::Share) { serde_json::to_string(share).ok(); }
//! ```
//! ```compile_fail,E0277
//! fn tell(part: &ketenpoort::indicator::shares::GateShare) -> String { format!("{part}") }
//! ```
//! ```
//! use ketenpoort::{indicator::shares::GateShare, service::sums::{messages::Delivery, share::{Passed, Share}}};
//! fn forge(old: Delivery) -> Delivery { Delivery { ..old } }
//! fn tell(share: &Share, passed: &Passed, part: &GateShare) -> String { format!("{share:?} {passed:?} {part:?}") }
//! ```
//!
//! No more can what leaves in a linked run:
//! ```compile_fail,E0423
//! use ketenpoort::{linkage::passage::Passage, service::links::exits::Blinded};
//! fn forge(passage: Passage) -> Blinded { Blinded(passage) }
//! ```
//! ```compile_fail,E0423
//! use ketenpoort::{linkage::passage::Passage, service::links::exits::LinkRows};
//! fn forge(passage: Passage) -> LinkRows { LinkRows(passage) }
//! ```
//! ```compile_fail,E0603
//! fn forge(tags: Vec<u8>) -> ketenpoort::service::links::exits::TagBatch {
//!     ketenpoort::service::links::exits::TagBatch(tags)
//! }
//! ```
//! ```compile_fail,E0603
//! fn forge(groups: Vec<u8>) -> ketenpoort::service::links::exits::Groups {
//!     ketenpoort::service::links::exits::Groups(groups)
//! }
//! ```
//! ```
//! use ketenpoort::{linkage::passage::Passage, service::links::exits::{Blinded, Groups, LinkRows, TagBatch}};
//! fn travels<'a>(blinded: &'a Blinded, rows: &'a LinkRows) -> [&'a Passage; 2] { [blinded.content(), rows.content()] }
//! fn leaves<'a>(tags: &'a TagBatch, groups: &'a Groups) -> [&'a [u8]; 2] { [tags.content(), groups.content()] }
//! ```
//!
//! Nor a request about a child, its content, or the leave for them:
//! ```compile_fail,E0451
//! use ketenpoort::service::cases::exits::CaseAsk;
//! fn forge(old: CaseAsk) -> CaseAsk { CaseAsk { ..old } }
//! ```
//! ```compile_fail,E0451
//! use ketenpoort::service::cases::exits::CaseContent;
//! fn forge(old: CaseContent) -> CaseContent { CaseContent { ..old } }
//! ```
//! ```compile_fail,E0451
//! use ketenpoort::policy::exchange::CasePermit;
//! fn forge(old: CasePermit) -> CasePermit { CasePermit { ..old } }
//! ```
//! ```compile_fail,E0277
//! fn tell(value: &ketenpoort::domain::case::field::CaseValue) -> String { format!("{value}") }
//! ```
//! ```
//! use ketenpoort::{domain::case::field::CaseValue, policy::exchange::CasePermit, service::cases::messages::CaseDelivery};
//! fn forge(old: CaseDelivery) -> CaseDelivery { CaseDelivery { ..old } }
//! fn tell(value: &CaseValue, permit: &CasePermit) -> String { format!("{value:?} {:?}", permit.purpose()) }
//! ```
//!
//! An answer needs what was released and the proof that it was logged, and none of the three can be made by hand:
//! ```compile_fail,E0451
//! use ketenpoort::disclosure::release::Released;
//! fn forge(old: Released) -> Released { Released { ..old } }
//! ```
//! ```compile_fail,E0451
//! use ketenpoort::storage::log::Logged;
//! fn forge(old: Logged) -> Logged { Logged { ..old } }
//! ```
//! ```compile_fail,E0451
//! use ketenpoort::service::api::Answer;
//! fn forge(old: Answer) -> Answer { Answer { ..old } }
//! ```
//! ```compile_fail,E0061
//! use ketenpoort::{disclosure::release::Released, service::{answer::Payload, api::Answer}};
//! fn answer(released: &Released, payload: Payload) -> Option<Answer> { Answer::new(released, payload) }
//! ```
//! ```compile_fail,E0308
//! use ketenpoort::{domain::table::Table, service::{answer::Payload, api::Answer}, storage::log::Logged};
//! fn answer(table: &Table, logged: &Logged, payload: Payload) -> Option<Answer> { Answer::new(table, logged, payload) }
//! ```
//! ```
//! use ketenpoort::disclosure::release::Released;
//! use ketenpoort::service::{answer::Payload, api::Answer};
//! use ketenpoort::storage::log::Logged;
//! fn answer(released: &Released, logged: &Logged, payload: Payload) -> Option<Answer> {
//!     Answer::new(released, logged, payload)
//! }
//! ```
//!
//! Own figures need the leave of the owner on the node's own machine, and have no serial form:
//! ```compile_fail,E0061
//! fn look(table: ketenpoort::indicator::raw::RawTable) { ketenpoort::disclosure::own::own_use(table); }
//! ```
//! ```compile_fail,E0423
//! use ketenpoort::policy::permit::{LocalAccess, OwnUse};
//! fn leave() -> OwnUse { OwnUse(LocalAccess::Socket) }
//! ```
//! ```compile_fail,E0451
//! use ketenpoort::disclosure::own::OwnFigures;
//! fn forge(old: OwnFigures) -> OwnFigures { OwnFigures { ..old } }
//! ```
//! ```compile_fail,E0277
//! fn send(figures: &ketenpoort::disclosure::own::OwnFigures) { serde_json::to_string(figures).ok(); }
//! ```
//! ```compile_fail,E0308
//! use ketenpoort::{disclosure::own::OwnFigures, monitor::csv};
//! fn print(figures: &OwnFigures) -> String { csv::write(figures) }
//! ```
//! ```compile_fail,E0308
//! use ketenpoort::{disclosure::own::OwnFigures, monitor::{html, report::Setting}};
//! fn print(figures: &OwnFigures, setting: &Setting) -> String { html::write(figures, setting) }
//! ```
//! ```compile_fail,E0308
//! use ketenpoort::{indicator::raw::RawTable, service::document::AnswerDocument};
//! fn answer(table: RawTable, old: AnswerDocument) -> AnswerDocument { AnswerDocument { tables: vec![table], ..old } }
//! ```
//! ```
//! use ketenpoort::{disclosure::own::{OwnFigures, own_use}, indicator::raw::RawTable, policy::permit::{LocalAccess, OwnUse}};
//! fn look(table: RawTable, leave: &OwnUse) -> OwnFigures { own_use(table, leave) }
//! fn how(leave: &OwnUse) -> bool { leave.access() == LocalAccess::Socket }
//! use ketenpoort::{domain::table::Table, monitor::{csv, html, report::{Report, Setting}}, service::document::AnswerDocument};
//! fn print(report: &Report, setting: &Setting) -> [String; 2] { [csv::write(report), html::write(report, setting)] }
//! fn answer(table: Table, old: AnswerDocument) -> AnswerDocument { AnswerDocument { tables: vec![table], ..old } }
//! ```

pub mod cli;
pub mod config;
pub mod console;
pub mod crypto;
pub mod disclosure;
pub mod domain;
pub mod indicator;
pub mod intake;
pub mod linkage;
pub mod monitor;
pub mod node;
pub mod policy;
pub mod service;
pub mod storage;
pub mod synthetic;
pub mod translog;
pub mod transport;
