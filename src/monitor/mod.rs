//! The ketenmonitor: adds up what nodes released and makes the report.

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
pub mod report;
pub mod summary;
pub mod sums;
mod text;
