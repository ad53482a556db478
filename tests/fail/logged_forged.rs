//! The proof of logging cannot be made by hand.

use ketenpoort::storage::log::Logged;

fn main() {
    let _ = Logged { index: 0 };
}
