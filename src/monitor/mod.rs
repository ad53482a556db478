//! The ketenmonitor: adds up what nodes released and makes the report.

pub mod merge;
mod quantile;
