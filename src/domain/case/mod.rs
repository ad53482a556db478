//! What a node holds of one child for the exchange about that child: fields with their parts, and the rows that bring them
//! (docs/formats/casusvelden.md).

pub mod dictionary;
pub mod field;
pub mod row;
