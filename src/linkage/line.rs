//! The line of a node in the run document: how many elements it will have blinded, signed by itself. Nobody spends its quota for it.

use serde::{Deserialize, Serialize};

use super::document::RunDocument;
use crate::crypto::{Digest, SigningKey, VerifyingKey, from_hex, hex};
use crate::domain::oin::Oin;

const LABEL: &[u8] = b"ketenpoort/v1/link-line\0";

/// The run that a node offers its elements to.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'a> {
    /// Id of the run, 32 hexadecimal characters.
    pub run: &'a str,
    /// Hash of the convenant.
    pub convenant: Digest,
    /// Hash of the run before it; none for the first.
    pub previous: Option<Digest>,
}

impl<'a> Offered<'a> {
    /// The run of a document.
    #[must_use]
    pub fn of(document: &'a RunDocument) -> Self {
        Self { run: &document.run, convenant: document.convenant, previous: document.previous }
    }

    /// What a node signs.
    fn bytes(&self, oin: Oin, elements: u32) -> Vec<u8> {
        let previous = self.previous.map_or([0; 32], |hash| hash.0);
        let parts: [&[u8]; 6] = [
            LABEL,
            self.run.as_bytes(),
            &self.convenant.0,
            &previous,
            oin.as_str().as_bytes(),
            &elements.to_be_bytes(),
        ];
        parts.concat()
    }

    /// Offers so many elements of a node.
    #[must_use]
    pub fn sign(&self, oin: Oin, elements: u32, key: &SigningKey) -> [u8; 64] {
        key.sign(&self.bytes(oin, elements))
    }
}

/// A node with the elements that it offered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeLine {
    /// Which node.
    pub oin: Oin,
    /// How many elements it will have blinded, padding included.
    pub elements: u32,
    /// Its signature, 128 hexadecimal characters.
    pub signature: String,
}

impl NodeLine {
    /// A line with its signature.
    #[must_use]
    pub fn new(oin: Oin, elements: u32, signature: &[u8; 64]) -> Self {
        Self { oin, elements, signature: hex(signature) }
    }

    /// Whether its form is right.
    pub(super) fn is_sound(&self, padding: u32) -> bool {
        self.elements > 0 && self.elements.is_multiple_of(padding) && from_hex::<64>(&self.signature).is_some()
    }

    /// Whether the node signed it for this run.
    #[must_use]
    pub fn is_signed(&self, offered: &Offered<'_>, key: &VerifyingKey) -> bool {
        let signature = from_hex::<64>(&self.signature);
        signature.is_some_and(|signature| key.verify(&offered.bytes(self.oin, self.elements), &signature).is_ok())
    }
}
