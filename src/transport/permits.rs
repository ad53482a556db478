//! How many calls the node works on at a time, and how many of these for one partner: who asks much waits for itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::oin::Oin;

/// The right to be worked on; given back when it is dropped.
pub(super) struct Permit {
    _own: OwnedSemaphorePermit,
    _shared: OwnedSemaphorePermit,
}

/// Permits of one kind of call.
pub(super) struct Permits {
    all: Arc<Semaphore>,
    share: usize,
    /// Per partner; only who was admitted comes here, so there are no more than parties.
    partners: Mutex<HashMap<Oin, Arc<Semaphore>>>,
}

impl Permits {
    /// `all` at a time, of which at most `share` for one partner.
    pub(super) fn new(all: usize, share: usize) -> Arc<Self> {
        Arc::new(Self { all: Arc::new(Semaphore::new(all)), share: share.min(all), partners: Mutex::default() })
    }

    /// Waits for a permit: first for the partner's own, so that nobody else waits for it. `None` when there are no more.
    pub(super) async fn acquire(&self, partner: Oin) -> Option<Permit> {
        let own = self.partner(partner).acquire_owned().await.ok()?;
        let shared = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Permit { _own: own, _shared: shared })
    }

    fn partner(&self, partner: Oin) -> Arc<Semaphore> {
        let mut partners = self.partners.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(partners.entry(partner).or_insert_with(|| Arc::new(Semaphore::new(self.share))))
    }
}
