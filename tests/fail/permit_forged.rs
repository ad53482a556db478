//! A permit comes from the convenant alone.

use ketenpoort::policy::permit::Permit;

fn main() {
    let _ = Permit {};
}
