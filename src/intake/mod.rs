//! Files of an organisation -> checked rows: the canonical event file (input contract 1) is read as a stream, every row
//! is tested and pseudonymised, and a BSN never leaves this step. Names no storage; what happens to the rows is the
//! caller's business.

mod bytes;
pub mod case;
mod check;
mod columns;
mod dates;
mod read;
mod refusal;
mod report;
mod scan;

pub use read::{FileRead, IntakeSettings, ReadError, file_digest, read_file};
pub use refusal::{FileRefusal, RefusalCode};
pub use report::{IntakeReport, Problem, ReportBuilder, advice_on};
