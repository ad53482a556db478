//! The TLS state of a node: loaded from files, swapped as a whole, watched for changes; a broken file keeps the old
//! state. TLS 1.3 only, client certificates required, revocation checked with expiry enforced, no resumption.

mod apps;
mod gate;
mod identity;
mod living;
mod load;
mod receiver;
mod trust;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::pki_types::UnixTime;
use tokio::signal::unix::{SignalKind, signal};

pub use identity::Identity;
pub use load::{TlsError, TlsPaths};

pub(super) use apps::Known;
pub(super) use gate::{Expected, Seen, reason_of};
pub(super) use living::Place;
pub(super) use load::{TlsState, items, strong_provider};
pub(super) use receiver::ReceiverTls;
pub(super) use trust::Verified;

use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::domain::reason::ReasonCode;
use load::Files;
use trust::Role;

/// How often [`TlsHandle::watch`] looks at the files.
pub const POLL: Duration = Duration::from_secs(30);

/// The TLS state of a node, shared by server and client.
pub struct TlsHandle {
    paths: TlsPaths,
    state: ArcSwap<TlsState>,
    loaded: Mutex<Digest>,
    living: Arc<living::Living>,
}

/// What a look at the files did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reloaded {
    /// Whether other files are in use now.
    pub changed: bool,
    /// How many living connections were closed because their certificate is no longer good.
    pub closed: usize,
}

impl TlsHandle {
    /// Loads and checks the four files.
    ///
    /// # Errors
    /// [`TlsError`], in Dutch, naming the file.
    pub fn open(paths: TlsPaths) -> Result<Arc<Self>, TlsError> {
        let files = Files::read(&paths)?;
        let state = TlsState::load(&files, &paths, 0, UnixTime::now())?;
        Ok(Arc::new(Self {
            paths,
            state: ArcSwap::from_pointee(state),
            loaded: Mutex::new(files.fingerprint()),
            living: Arc::default(),
        }))
    }

    /// Our own OIN and identity, from our certificate.
    #[must_use]
    pub fn own(&self) -> (Oin, Identity) {
        let own = self.state.load().own();
        (own.oin, own.identity)
    }

    /// Looks at the files, and swaps the state when they changed and are good; then checks the certificates of all
    /// living connections again, by the lists and the clock of now. A list that expired ends them all. Reads files: call it from a thread that may block.
    ///
    /// # Errors
    /// [`TlsError`] when a file is broken; the old state stays in use (and is still swept).
    pub fn reload(&self) -> Result<Reloaded, TlsError> {
        let swapped = self.swap_if_changed();
        let closed = self.living.sweep(self.state.load().trust(), UnixTime::now());
        if closed > 0 {
            tracing::warn!(closed, "verbindingen gesloten: hun certificaat is niet meer goed");
        }
        let changed = swapped.inspect_err(|error| {
            tracing::error!(%error, "nieuwe TLS-bestanden zijn onbruikbaar; de oude blijven in gebruik");
        })?;
        Ok(Reloaded { changed, closed })
    }

    fn swap_if_changed(&self) -> Result<bool, TlsError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let files = Files::read(&self.paths)?;
        let fingerprint = files.fingerprint();
        if fingerprint == *loaded {
            return Ok(false);
        }
        let generation = self.state.load().generation() + 1;
        self.state.store(Arc::new(TlsState::load(&files, &self.paths, generation, UnixTime::now())?));
        *loaded = fingerprint;
        tracing::info!(generation, "TLS-bestanden vernieuwd");
        Ok(true)
    }

    /// Reloads at every SIGHUP and every `every` ([`POLL`] by default), for ever; drop it to stop.
    pub async fn watch(self: Arc<Self>, every: Duration) {
        let mut hangup = signal(SignalKind::hangup()).inspect_err(|error| tracing::error!(%error, "geen SIGHUP")).ok();
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let asked = match &mut hangup {
                Some(hangup) => tokio::select! { _ = ticks.tick() => false, _ = hangup.recv() => true },
                None => {
                    ticks.tick().await;
                    false
                }
            };
            let handle = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || handle.reload()).await;
            if let (true, Ok(Ok(Reloaded { changed, closed }))) = (asked, looked) {
                tracing::info!(changed, closed, "SIGHUP: TLS-bestanden nagelezen");
            }
        }
    }

    /// The state of now.
    pub(super) fn state(&self) -> Arc<TlsState> {
        self.state.load_full()
    }

    /// Counts the reloads: a connection made under another number trusts by older lists.
    pub(super) fn generation(&self) -> u64 {
        self.state.load().generation()
    }

    /// Enters a connection that was let in by `seen` under generation `under`.
    ///
    /// # Errors
    /// The reason, when its certificate stopped being good in the meantime.
    pub(super) fn enter(&self, seen: &Seen, under: u64) -> Result<Place, ReasonCode> {
        let place = self.living.enter(seen.chain.clone());
        let state = self.state.load();
        if state.generation() != under {
            state.trust().check(&seen.chain, Role::Client, UnixTime::now())?;
        }
        Ok(place)
    }
}
