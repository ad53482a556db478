//! Regional sums: cores in one process with the monitor between them, the whole road from files to a released sum.

pub mod region;

mod exact;
pub mod processes;
mod steps;
