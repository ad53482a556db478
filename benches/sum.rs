//! A secure sum of 400 nodes over 1,000 cells: what every party computes and what travels, against the additions alone, in CPU time.
//! Sealing, signing, logging and the network are left out. Beside `Prio3SumVec` in one run: `benches/peers/prio`.

use ketenpoort::crypto::Secret32;
use ketenpoort::indicator::shares::{GateShare, GateSum, MaskSum};

#[path = "setup/summing.rs"]
mod summing;

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if !std::env::args().any(|argument| argument == "--test") {
        summing::measure();
    }
}
