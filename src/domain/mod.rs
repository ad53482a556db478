//! The nouns of the chain, without input or output, without a clock and without async.

pub mod codes;
pub mod day;
pub mod event;
pub mod oin;
pub mod period;
pub mod query;
pub mod reason;
pub mod table;
