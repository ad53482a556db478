//! Bad partners at the door of a running node under a convenant: each gets nothing but its own code, is in the node's
//! transfer log, and keeps nobody else out.

mod asker;
mod connections;
mod convenants;
mod crash;
mod liar;
pub mod links;
mod questions;
mod reasons;
mod receipts;
mod records;
mod reload;
mod siege;
mod sum_crash;
mod sums;
mod witness;

pub use asker::{AGGREGATE, Got, proto};
pub use siege::{NODE, Siege, fresh_id};
