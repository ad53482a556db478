//! The console of a running node: its listener, its files, and what it asks of the node's own commands.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Node;
use super::execute::Running;
use super::log::officer::BreachCommand;
use crate::config::console::ConsoleConfig;
use crate::console::office::{Breach, Expiring, Office, PartnerState, Room};
use crate::console::paper::Page;
use crate::console::{Console, Site, router};
use crate::crypto::Tag;
use crate::domain::fault::said;
use crate::domain::oin::Oin;
use crate::service::api::{PeerError, StatusView};
use crate::transport::certs;
use crate::transport::web::{self, WebPaths, WebTls};

/// How often certificate files are looked at.
const RELOAD: Duration = Duration::from_secs(5);

/// Starts the console when it is configured; the task that serves it. What is wrong with its files stops the start.
pub async fn open(running: &Arc<Running>) -> Result<JoinHandle<()>, String> {
    let node = &running.node;
    let Some(config) = node.config.console.clone() else { return Ok(tokio::spawn(async {})) };
    let tls = WebTls::open(paths(node, &config)).map_err(|e| format!("console: {e}"))?;
    let theme = config.theme.as_ref().map(|path| {
        std::fs::read_to_string(path).map_err(|e| format!("console.theme: {}: {}", path.display(), said(&e)))
    });
    let site = Site {
        name: node.config.name.clone(),
        oin: node.config.oin,
        listen: config.listen,
        theme: theme.transpose()?,
        certificates: config.employees.is_some(),
    };
    let office: Arc<dyn Office> = Arc::clone(running) as _;
    let service = router(&Console::new(Arc::clone(&node.core), site, office));
    let tls = Arc::new(tls);
    let first = TcpListener::bind(config.listen).await;
    Ok(tokio::spawn(async move {
        let listener = listener(config.listen, first).await;
        tracing::info!(listen = %config.listen, "console draait");
        tokio::select! {
            () = web::serve(listener, Arc::clone(&tls), service) => {}
            () = watch(tls) => {}
        }
    }))
}

/// The port of the console, as soon as it is free: who took it must not stop the exchange.
async fn listener(listen: SocketAddr, first: std::io::Result<TcpListener>) -> TcpListener {
    let mut tried = first;
    loop {
        match tried {
            Ok(listener) => return listener,
            Err(e) => {
                tracing::error!(
                    "console: {listen}: {}; draait er al iets op deze poort? De uitwisseling gaat door",
                    said(&e)
                );
                tokio::time::sleep(RELOAD).await;
                tried = TcpListener::bind(listen).await;
            }
        }
    }
}

fn paths(node: &Node, config: &ConsoleConfig) -> WebPaths {
    let own = || (node.config.certificate.clone(), node.config.tls_key.clone());
    let (cert, key) = config.certificate.clone().unwrap_or_else(own);
    WebPaths { cert, key, employees: config.employees.clone() }
}

/// Takes over new certificate files.
async fn watch(tls: Arc<WebTls>) {
    let mut every = tokio::time::interval(RELOAD);
    loop {
        every.tick().await;
        let looking = Arc::clone(&tls);
        match tokio::task::spawn_blocking(move || looking.reload()).await {
            Ok(Ok(true)) => tracing::info!("certificaat van de console vernieuwd"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => tracing::error!(%error, "nieuwe bestanden van de console zijn onbruikbaar"),
            Err(_) => tracing::error!("nalezen van de bestanden van de console brak af"),
        }
    }
}

/// A partner that is silent this long does not answer.
const PATIENCE: Duration = Duration::from_secs(3);

impl Office for Running {
    fn subject(&self, subject: &Tag, all: bool) -> Result<Page, String> {
        self.node.subject_page(subject, all)
    }

    fn register(&self) -> Page {
        self.node.register_page()
    }

    fn retention(&self) -> Result<String, String> {
        let outcome = self.node.retention(false);
        if outcome.exit == 0 { Ok(outcome.stdout) } else { Err(outcome.stderr) }
    }

    fn breach(&self, breach: &Breach) -> Result<(Page, String), String> {
        let Breach { span: (since, until), certificate, key, partner, discovered } = *breach;
        let (out, json) = (std::path::PathBuf::new(), false);
        self.node.breach_page(&BreachCommand { since, until, certificate, key, partner, discovered, out, json })
    }

    fn certificates(&self) -> Vec<Expiring> {
        let config = &self.node.config;
        let read = |path: &Path| std::fs::read_to_string(path).ok();
        let certificate = |what: &str, path: &Path| {
            let facts = read(path).and_then(|pem| certs::facts(&pem).ok());
            Expiring { what: what.to_owned(), list: false, until_s: facts.map(|facts| facts.validity.until) }
        };
        let list = |what: &str, path: &Path| {
            let until_s = read(path).and_then(|pem| certs::crl_until(&pem));
            Expiring { what: what.to_owned(), list: true, until_s }
        };
        let mut found = vec![
            certificate("Certificaat naar partijen", &config.certificate),
            list("Intrekkingslijst (CRL) van partijen", &config.crl),
        ];
        let console = config.console.as_ref();
        let own = console.and_then(|console| console.certificate.as_ref());
        found.extend(own.map(|(cert, _)| certificate("Certificaat van de console", cert)));
        if let Some((issuers, crl)) = console.and_then(|console| console.employees.as_ref()) {
            found.push(certificate("Uitgever van certificaten van medewerkers", issuers));
            found.push(list("Intrekkingslijst (CRL) van medewerkers", crl));
        }
        found
    }

    fn room(&self) -> Room {
        let data = self.node.config.dir.join("data");
        let parts = [
            ("gebeurtenissen en vrijgaven", "state"),
            ("transferlog", "translog"),
            ("index", "index"),
            ("auditlog", "audit"),
            ("ontvangstbewijzen", "receipts"),
        ];
        Room { free: free_on(&data), parts: parts.map(|(what, name)| (what, size_of(&data.join(name)))).into() }
    }

    fn partners(&self) -> Vec<PartnerState> {
        let ours = self.node.config.oin;
        let names = self.node.core.party_names();
        std::thread::scope(|scope| {
            let asked: Vec<_> = names
                .iter()
                .filter(|(oin, _)| **oin != ours)
                .map(|(oin, name)| (oin, name, scope.spawn(|| self.peers.status(oin, PATIENCE))))
                .collect();
            let state = |(oin, name, said): (&Oin, &String, std::thread::ScopedJoinHandle<'_, _>)| PartnerState {
                name: name.clone(),
                oin: oin.to_string(),
                said: match said.join() {
                    Ok(Ok(StatusView { version, ready, .. })) => Ok((version, ready)),
                    Ok(Err(e)) => Err(PeerError::to_string(&e)),
                    Err(_) => Err("de vraag brak af".to_owned()),
                },
            };
            asked.into_iter().map(state).collect()
        })
    }

    fn report(&self) -> Option<(String, String)> {
        let dir = super::pull::kept_in(&self.node.config);
        let report = std::fs::read_to_string(dir.join("report.json")).ok()?;
        Some((report, std::fs::read_to_string(dir.join("setting.json")).unwrap_or_default()))
    }
}

/// Free bytes and all bytes of the file system of a folder, as `df` tells.
fn free_on(dir: &Path) -> Option<(u64, u64)> {
    let asked =
        Command::new("df").args(["-P", "-k", "--"]).arg(dir).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let said = String::from_utf8(asked.ok()?.stdout).ok()?;
    // file system, 1024-blocks, used, available, ..
    let mut fields = said.lines().nth(1)?.split_whitespace().skip(1);
    let (whole, _, free) = (fields.next()?, fields.next()?, fields.next()?);
    Some((free.parse::<u64>().ok()?.saturating_mul(1024), whole.parse::<u64>().ok()?.saturating_mul(1024)))
}

/// Bytes of the files under a folder.
fn size_of(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let one = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size_of(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(one).sum()
}
