//! What the console asks of the node's own commands, so that a page and a command say the same.

use super::paper::Page;
use crate::crypto::{Digest, Tag};
use crate::domain::oin::Oin;

/// A certificate or list with its end.
#[derive(Clone, Debug)]
pub struct Expiring {
    /// What it is, in Dutch.
    pub what: String,
    /// Whether it is a revocation list, which lives for days.
    pub list: bool,
    /// Last second, since 1970; none when it cannot be read.
    pub until_s: Option<u64>,
}

/// What a breach may have touched.
#[derive(Clone, Debug)]
pub struct Breach {
    /// Begun at or after the first and before the second, milliseconds since 1970 UTC.
    pub span: (u64, u64),
    /// Only with this certificate of the other side, by its SHA-256.
    pub certificate: Option<Digest>,
    /// Only with this key of the other side, by its SHA-256.
    pub key: Option<Digest>,
    /// Only with this organisation.
    pub partner: Option<Oin>,
    /// When it was found; none is now.
    pub discovered: Option<u64>,
}

/// Room on the disk of the node.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// Bytes that are free to the node, and of the whole file system; none when the system does not tell.
    pub free: Option<(u64, u64)>,
    /// What the node keeps, in Dutch, and its bytes.
    pub parts: Vec<(&'static str, u64)>,
}

/// How a partner answers now.
#[derive(Clone, Debug)]
pub struct PartnerState {
    /// Its name.
    pub name: String,
    /// Its number.
    pub oin: String,
    /// Its version and whether it is ready, or why it does not answer.
    pub said: Result<(String, bool), String>,
}

/// The commands of an open node.
pub trait Office: Send + Sync {
    /// What a person may know; with what is confidential when `all`. Logged before it returns.
    ///
    /// # Errors
    /// Why not, in Dutch.
    fn subject(&self, subject: &Tag, all: bool) -> Result<Page, String>;

    /// The register of processing activities.
    fn register(&self) -> Page;

    /// Whose retention is past; nothing is destroyed.
    ///
    /// # Errors
    /// Why not, in Dutch.
    fn retention(&self) -> Result<String, String>;

    /// The draft of a report of a breach (AVG 33) and the entries that it may have touched, as CSV.
    ///
    /// # Errors
    /// Why not, in Dutch.
    fn breach(&self, breach: &Breach) -> Result<(Page, String), String>;

    /// Certificates and revocation lists that the node uses.
    fn certificates(&self) -> Vec<Expiring>;

    /// Room on the disk and what the node uses of it.
    fn room(&self) -> Room;

    /// Asks every partner for its state; takes some seconds when one is silent.
    fn partners(&self) -> Vec<PartnerState>;

    /// The last report of the ketenmonitor and what its readable forms need, both as JSON; none when there is none.
    fn report(&self) -> Option<(String, String)>;
}
