//! The use cases: the one place that fixes the order of steps, and what the rooms around it serve and call.

pub mod accounts;
pub mod anchor;
pub mod answer;
pub mod api;
pub mod append;
pub mod audit;
pub mod breach;
pub mod cases;
mod columns;
pub mod confidential;
pub mod consent;
pub mod convenants;
pub mod core;
pub mod deliver;
pub mod delivered;
pub mod disclosure;
pub mod document;
pub mod entries;
pub mod evidence;
mod exact;
pub mod informed;
pub mod ldv;
pub mod links;
pub mod memory;
pub mod notices;
pub mod overrides;
pub mod own;
mod pace;
pub mod person;
pub mod receipts;
pub mod refused;
pub mod register;
pub mod release;
mod requests;
pub mod retention;
pub mod revision;
pub mod rows;
pub mod search;
pub mod settle;
pub mod standards;
pub mod subjects;
pub mod sums;
mod trace;
mod verdict;
mod walk;
pub mod witness;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a mutex guards, also after a thread that held it panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
