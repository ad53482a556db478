//! May these fields about one child go from this organisation to that one? Rules as data with dates, and one pure decision over them.

mod consent;
pub mod decide;
mod ground;
pub mod load;
pub mod rules;
pub mod situation;
mod words;

pub use decide::{Decision, decide};
pub use rules::Rules;
pub use situation::Situation;
