//! The nouns of the chain, without input or output, without a clock and without async.

pub mod activity;
pub mod bsn;
pub mod case;
pub mod codes;
pub mod csv;
pub mod day;
pub mod event;
pub mod fault;
pub mod gemeente;
pub mod linked;
pub mod moment;
pub mod oin;
pub mod period;
#[cfg(feature = "defect-plant-bsn")]
pub mod plant;
pub mod query;
pub mod reason;
pub mod register;
pub mod row;
pub mod table;
