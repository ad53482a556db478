//! Regional sums: cores in one process with the monitor between them, the whole road from files to a released sum.

pub mod region;

mod exact;
mod processes;
mod steps;
