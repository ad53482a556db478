//! The console: web pages for the people of one organisation, made on the server and working without scripts. It calls the
//! services of the node in process; what is a command of the node too goes through [`Office`]. Nothing here leaves to a partner.

pub mod answer;
pub mod assets;
pub mod check;
pub mod office;
pub mod paper;
pub mod route;
pub mod session;
pub mod visit;
pub mod words;

mod account;
mod audit;
mod breach;
mod cases;
mod checks;
mod child;
mod consents;
mod deliveries;
mod frame;
mod login;
mod overview;
mod pace;
mod person;
mod releases;
mod report;
mod serve;
mod start;
mod status;
mod transfer;
mod transfers;
mod upload;

use std::net::SocketAddr;
use std::sync::Arc;

use self::office::Office;
pub use self::serve::router;
use self::session::Sessions;
use crate::crypto::{SealKey, Secret32, random};
use crate::domain::oin::Oin;
use crate::service::core::Core;

/// What the console knows of the node besides its core.
#[derive(Clone, Debug)]
pub struct Site {
    /// The organisation.
    pub name: String,
    /// Its number.
    pub oin: Oin,
    /// Where the console listens.
    pub listen: SocketAddr,
    /// The style tokens of the organisation; none for those of Ketenpoort.
    pub theme: Option<String>,
    /// Whether employees may show a client certificate.
    pub certificates: bool,
}

/// The console of one node.
pub struct Console {
    core: Arc<Core>,
    site: Site,
    sessions: Sessions,
    assets: assets::Assets,
    office: Arc<dyn Office>,
    /// Name of the session cookie: cookies know no port, and two consoles on one host must not take each other's.
    cookie: String,
    attempts: pace::Attempts,
    persons: pace::Lookups,
    /// Seals what a form says of a child; drawn at the start.
    child: SealKey,
    /// One file at a time: each is held in memory.
    uploads: Arc<tokio::sync::Semaphore>,
}

impl Console {
    /// The console over an open node.
    #[must_use]
    pub fn new(core: Arc<Core>, site: Site, office: Arc<dyn Office>) -> Arc<Self> {
        let assets = assets::Assets::new(site.theme.as_deref());
        let (cookie, attempts) = (format!("__Host-ketenpoort-{}", site.oin), pace::Attempts::default());
        let child = SealKey::new(Secret32::new(random()));
        let uploads = Arc::new(tokio::sync::Semaphore::new(1));
        Arc::new(Self {
            cookie,
            attempts,
            persons: pace::Lookups::default(),
            child,
            uploads,
            core,
            site,
            sessions: Sessions::default(),
            assets,
            office,
        })
    }
}
