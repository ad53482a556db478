//! A BSN cannot be copied to live longer than the reading step.

use ketenpoort::domain::bsn::Bsn;

fn keep(bsn: &Bsn) -> Bsn {
    bsn.clone()
}

fn main() {}
