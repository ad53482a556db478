//! What cards, convenants, bundles and permits promise.

mod bundles;
mod cards;
mod documents;
mod permits;
mod witnesses;
