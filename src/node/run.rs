//! `serve`: the running node. Partners over TLS, the owner over the local socket, housekeeping every second.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::command::{LocalCommand, Outcome};
use super::execute::Running;
use super::witness::show_by_itself;
use super::{Node, local, open_for};
use crate::config::Config;
use crate::domain::fault::said;
use crate::policy::permit::LocalAccess;
use crate::service::api::Peers;
use crate::service::core::Core;
use crate::transport::client::Client;
use crate::transport::server::{self, Limits};
use crate::transport::tls::{TlsHandle, TlsPaths};

/// How long calls that are under way may take when the node stops.
const GRACE: Duration = Duration::from_secs(10);
/// A question that comes before the node has released by itself waits for the audit; others are answered from the store.
const CALL: Duration = Duration::from_secs(900);
/// How often certificate files are looked at.
const RELOAD: Duration = Duration::from_secs(2);
/// How often at least the head of the audit log is logged, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// Runs the node until it is asked to stop.
pub fn serve(dir: &Path) -> Outcome {
    init_tracing();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return Outcome::failed(e.to_string()),
    };
    // A SIGHUP during a long start must not end the process; later ones are answered by `TlsHandle::watch`.
    let _hangup = runtime.block_on(async { signal(SignalKind::hangup()) });
    let done = Config::load(dir)
        .map_err(|e| e.to_string())
        .and_then(|config| open_for(config, LocalAccess::Socket).map_err(|e| e.to_string()))
        .and_then(|node| runtime.block_on(run(node)));
    runtime.shutdown_timeout(Duration::from_secs(2));
    match done {
        Ok(()) => Outcome::default(),
        Err(reason) => Outcome::failed(reason),
    }
}

async fn run(node: Node) -> Result<(), String> {
    let tls = TlsHandle::open(tls_paths(&node.config)).map_err(|e| e.to_string())?;
    let listener = TcpListener::bind(node.config.listen)
        .await
        .map_err(|e| format!("{}: {}; draait er al een node op deze poort?", node.config.listen, said(&e)))?;
    let stop = Arc::new(Notify::new());
    let core = Arc::clone(&node.core);
    anchor_audit(&core)?;
    let client = Client::new(Arc::clone(&tls), super::directory(&core), tokio::runtime::Handle::current());
    let socket = node.config.socket();
    let running = Arc::new(Running { node, peers: Arc::new(client), stop: Arc::clone(&stop) });
    let console = super::console::open(&running).await?;
    let applications = super::apps::open(&running, &tls).await?;
    let executing = Arc::clone(&running);
    let execute: local::Execute =
        Arc::new(move |caller, command: LocalCommand, progress| executing.execute(caller, command, progress));
    let local = tokio::spawn(local::serve(socket.clone(), execute));
    let watching = tokio::spawn(Arc::clone(&tls).watch(RELOAD));
    let housekeeping = tokio::spawn(keep_house(Arc::clone(&core), Arc::clone(&stop)));
    let releasing = tokio::spawn(release_by_itself(Arc::clone(&core)));
    let exporting = tokio::spawn(super::export::run(Arc::clone(&core), running.node.config.clone()));
    let pace = running.node.config.witness;
    let showing = tokio::spawn(show_by_itself(Arc::clone(&core), Arc::clone(&running.peers), pace));
    let chasing = tokio::spawn(chase(Arc::clone(&core), Arc::clone(&running.peers)));
    tracing::info!(oin = %core.identity.oin, listen = %running.node.config.listen, "node draait");
    let stopping = Arc::new(Notify::new());
    let shutdown = {
        let (stop, stopping) = (Arc::clone(&stop), Arc::clone(&stopping));
        async move {
            tokio::select! {
                () = stop.notified() => {}
                _ = stop_signal() => {}
            }
            stopping.notify_one();
        }
    };
    let service: Arc<dyn crate::service::api::NodeService> = Arc::clone(&core) as _;
    let limits = Limits { call: CALL, ..Limits::default() };
    let mut serving = tokio::spawn(server::serve(listener, tls, service, limits, shutdown));
    let served = tokio::select! {
        served = &mut serving => served.map_err(|e| e.to_string())?.map_err(|e| e.to_string()),
        () = async { stopping.notified().await; tokio::time::sleep(grace(&core)).await } => {
            serving.abort();
            Ok(())
        }
    };
    for task in [&console, &applications, &watching, &housekeeping, &releasing, &chasing, &exporting, &showing] {
        task.abort();
    }
    local.abort();
    let _ = std::fs::remove_file(socket);
    let last = tokio::task::spawn_blocking(move || core.close_down().map(|()| core.failed())).await;
    match last.map_err(|e| e.to_string())?.map_err(|e| e.to_string())? {
        true => Err("een schrijfactie is mislukt; herstel de schijf en start de node opnieuw".to_owned()),
        false => served,
    }
}

/// Logs how far the audit log is, or says that it is not what it was.
fn anchor_audit(core: &Core) -> Result<(), String> {
    if let Some(alarm) = super::log::audit::alarm(&core.audit_view()) {
        tracing::error!("{alarm}");
    }
    core.anchor_audit(0).map_err(|e| e.to_string())
}

/// After a failed write nothing may be answered any more, so nobody is waited for.
fn grace(core: &Core) -> Duration {
    if core.failed() { Duration::ZERO } else { GRACE }
}

/// Releases what is due some time after the last delivery, so that the audits are done before anybody asks.
async fn release_by_itself(core: Arc<Core>) {
    let mut every = tokio::time::interval(Duration::from_secs(60));
    let mut done = None;
    loop {
        every.tick().await;
        let working = Arc::clone(&core);
        let released = tokio::task::spawn_blocking(move || {
            working.release_when_quiet(&mut done);
            done
        });
        match released.await {
            Ok(state) => done = state,
            Err(_) => return,
        }
    }
}

/// Asks partners for receipts that did not come, and closes with them what a crash left open.
async fn chase(core: Arc<Core>, peers: Arc<dyn Peers>) {
    let mut every = tokio::time::interval(Duration::from_secs(5));
    loop {
        every.tick().await;
        let (working, peers) = (Arc::clone(&core), Arc::clone(&peers));
        match tokio::task::spawn_blocking(move || working.chase_receipts(peers.as_ref())).await {
            Ok(Err(reason)) => tracing::error!(code = %reason, "ontvangstbewijzen niet vastgelegd"),
            Ok(Ok(_)) => {}
            Err(_) => return,
        }
    }
}

/// Closes answers that nobody confirmed, logs the head of the audit log, sums refused connections, renews what is in force at midnight, and stops the process after a failed write.
async fn keep_house(core: Arc<Core>, stop: Arc<Notify>) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    loop {
        every.tick().await;
        let working = Arc::clone(&core);
        let kept = tokio::task::spawn_blocking(move || {
            let _ = working.standing();
            working.follow_log();
            working.tend_witnesses();
            if let Err(code) = working.tend_inbox() {
                tracing::error!(%code, "postvak");
            }
            working.close_unconfirmed(false)?;
            working.anchor_audit(DAY_MS)?;
            working.summarise_refused()
        });
        if let Ok(Err(e)) = kept.await {
            tracing::error!("transferlog: {e}");
        }
        if core.failed() {
            tracing::error!("een schrijfactie is mislukt; de node stopt om niets te verliezen");
            stop.notify_one();
            return;
        }
    }
}

/// Completes when the process is asked to stop: Ctrl-C or SIGTERM.
///
/// # Errors
/// When signals cannot be received.
pub async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
    }
}

/// Paths of the TLS files of a node.
pub fn tls_paths(config: &Config) -> TlsPaths {
    TlsPaths {
        cert: config.certificate.clone(),
        key: config.tls_key.clone(),
        trust: config.trust.clone(),
        crl: config.crl.clone(),
    }
}

fn init_tracing() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        // What goes wrong with the index we say ourselves, once.
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,h2=warn,sled=off"));
    let _ = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
