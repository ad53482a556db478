//! A BSN has no text form: it cannot be printed.

use ketenpoort::domain::bsn::Bsn;

fn tell(bsn: &Bsn) -> String {
    format!("{bsn}")
}

fn main() {}
