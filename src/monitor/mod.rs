//! The ketenmonitor: adds up what nodes released and makes the report.

mod breaks;
pub mod csv;
mod figures;
pub mod html;
mod later;
pub mod linked;
pub mod links;
pub mod merge;
pub mod produce;
pub mod pull;
mod quantile;
pub mod rates;
pub mod report;
pub mod summary;
pub mod sums;
mod text;
pub mod xlsx;
