//! Released figures cannot be made by hand.

use ketenpoort::crypto::digest;
use ketenpoort::disclosure::release::Released;

fn main() {
    let _ = Released { query_hash: digest(b""), tables: Vec::new() };
}
