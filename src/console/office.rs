//! What the console asks of the node's own commands, so that a page and a command say the same.

use super::paper::Page;
use crate::crypto::Tag;

/// A certificate or list with its end.
#[derive(Clone, Debug)]
pub struct Expiring {
    /// What it is, in Dutch.
    pub what: String,
    /// Last second, since 1970; none when it cannot be read.
    pub until_s: Option<u64>,
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

    /// Certificates and revocation lists that the node uses.
    fn certificates(&self) -> Vec<Expiring>;

    /// Asks every partner for its state; takes some seconds when one is silent.
    fn partners(&self) -> Vec<PartnerState>;

    /// The last report of the ketenmonitor and what its readable forms need, both as JSON; none when there is none.
    fn report(&self) -> Option<(String, String)>;
}
