//! Exact figures have no serial form.

use ketenpoort::indicator::raw::RawTable;

fn send(table: &RawTable) -> String {
    serde_json::to_string(table).unwrap()
}

fn main() {}
