//! The console of a running node: its listener, its files, and what it asks of the node's own commands.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Node;
use super::execute::Running;
use crate::config::console::ConsoleConfig;
use crate::console::office::{Expiring, Office, PartnerState};
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

/// Starts the console when it is configured; the task that serves it. What is wrong with its address or files stops the start.
pub async fn open(running: &Arc<Running>) -> Result<JoinHandle<()>, String> {
    let node = &running.node;
    let Some(config) = node.config.console.clone() else { return Ok(tokio::spawn(async {})) };
    let tls = WebTls::open(paths(node, &config)).map_err(|e| format!("console: {e}"))?;
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|e| format!("console: {}: {}; draait er al iets op deze poort?", config.listen, said(&e)))?;
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
    tracing::info!(listen = %config.listen, "console draait");
    Ok(tokio::spawn(async move {
        let tls = Arc::new(tls);
        tokio::select! {
            () = web::serve(listener, Arc::clone(&tls), service) => {}
            () = watch(tls) => {}
        }
    }))
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
            Err(_) => return,
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

    fn certificates(&self) -> Vec<Expiring> {
        let config = &self.node.config;
        let certificate = |what: &str, path: &Path| {
            let facts = std::fs::read_to_string(path).ok().and_then(|pem| certs::facts(&pem).ok());
            Expiring { what: what.to_owned(), until_s: facts.map(|facts| facts.validity.until) }
        };
        let list = std::fs::read_to_string(&config.crl).ok().and_then(|pem| certs::crl_until(&pem));
        let mut found = vec![
            certificate("Certificaat naar partijen", &config.certificate),
            Expiring { what: "Intrekkingslijst (CRL)".to_owned(), until_s: list },
        ];
        let own = config.console.as_ref().and_then(|console| console.certificate.as_ref());
        found.extend(own.map(|(cert, _)| certificate("Certificaat van de console", cert)));
        found
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
