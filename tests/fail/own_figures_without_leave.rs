//! Own figures need the leave of the owner on the node's own machine.

use ketenpoort::disclosure::own::own_use;
use ketenpoort::indicator::raw::RawTable;

fn look(table: RawTable) {
    let _ = own_use(table);
}

fn main() {}
