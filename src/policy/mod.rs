//! What may be asked by whom: node cards, the convenant, and the permits that follow from it. Pure: no clock, no IO.

pub mod rules;
