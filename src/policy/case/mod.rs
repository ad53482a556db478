//! May these fields about one child go from this organisation to that one? Rules as data with dates, and one pure decision over them.

mod consent;
pub mod decide;
pub mod fhir;
mod ground;
pub mod load;
pub mod registry;
mod rows;
pub mod rules;
pub mod situation;
pub mod terms;
mod words;

pub use decide::{Decision, decide};
pub use rules::Rules;
pub use situation::Situation;
