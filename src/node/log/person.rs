//! `Person`: whom a command is about, as this node calls that person; made where the BSN is read.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::config::Config;
use crate::crypto::{KeyTree, Tag, from_hex, hex};
use crate::domain::bsn::Bsn;

/// The local pseudonym S of a person, on its way over the local socket of the node's owner. `Debug` shows nothing.
#[derive(Clone)]
pub struct Person(Tag);

impl Person {
    /// What the node of this configuration calls the person with this BSN.
    ///
    /// # Errors
    /// When the node's key cannot be read, in words.
    pub fn of(config: &Config, bsn: &Bsn) -> Result<Self, String> {
        let keys = KeyTree::new(crate::node::read_root(config)?);
        Ok(Self(bsn.local_pseudonym(&keys.local_key())))
    }

    /// The local pseudonym.
    #[must_use]
    pub fn subject(&self) -> &Tag {
        &self.0
    }
}

impl Serialize for Person {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(self.0.expose()))
    }
}

impl<'de> Deserialize<'de> for Person {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_hex(&text).map(|bytes| Self(Tag::from_bytes(bytes))).ok_or_else(|| D::Error::custom("geen persoon"))
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(<redacted>)")
    }
}
