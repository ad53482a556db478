//! What may be asked by whom: node cards, the convenant, and the permits that follow from it. Pure: no clock, no IO.

mod breakdown;
pub mod bundle;
pub mod card;
pub mod case;
pub mod chain;
pub mod check;
pub mod convenant;
pub mod diff;
pub mod draft;
pub mod dsse;
pub mod exchange;
pub mod link;
pub mod permit;
pub mod rules;
pub mod witness;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
