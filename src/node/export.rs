//! The export of the transfer log beside the running node, and how it stands.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::runtime::Handle;

use super::command::Outcome;
use super::show::pretty;
use crate::config::Config;
use crate::config::ldv::{LdvConfig, LdvProtocol};
use crate::service::core::Core;
use crate::service::ldv::{LdvExport, Step};
use crate::transport::otlp::{OtlpReceiver, Protocol, Target};

/// How often the log is looked at when everything was confirmed.
const LOOK: Duration = Duration::from_secs(1);

/// Exports for ever; drop the task to stop. Nothing waits for it, and a fault here stops nothing else.
pub async fn run(core: Arc<Core>, config: Config) {
    let Some(ldv) = &config.ldv else { return };
    let receiver: Arc<OtlpReceiver> = Arc::new(OtlpReceiver::new(target(ldv), Handle::current()));
    let (opening, data) = (Arc::clone(&core), config.data.clone());
    let mut export = loop {
        let (core, data) = (Arc::clone(&opening), data.clone());
        match tokio::task::spawn_blocking(move || LdvExport::open(&core, &data)).await {
            Ok(Ok(export)) => break export,
            Ok(Err(e)) => {
                tracing::error!("uitvoer van het transferlog: {e}");
                opening.export_failed(&e);
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            Err(_) => return,
        }
    };
    loop {
        let (core, receiver) = (Arc::clone(&core), Arc::clone(&receiver));
        let stepped = tokio::task::spawn_blocking(move || {
            let done = export.step(&core, receiver.as_ref(), core.clock.now_ms());
            let pause = match &done {
                Ok(Step::More) => Duration::ZERO,
                Ok(Step::Idle) => LOOK,
                Err(e) => export.pause(e),
            };
            (export, pause)
        });
        let Ok((same, pause)) = stepped.await else { return };
        export = same;
        tokio::time::sleep(pause).await;
    }
}

fn target(ldv: &LdvConfig) -> Target {
    Target {
        protocol: match ldv.protocol {
            LdvProtocol::Grpc => Protocol::Grpc,
            LdvProtocol::HttpProtobuf => Protocol::Http,
        },
        host: ldv.host.clone(),
        port: ldv.port,
        path: ldv.path.clone(),
        tls: ldv.trust.clone().filter(|_| ldv.tls).map(|trust| (trust, ldv.client.clone())),
        deadline: ldv.deadline,
    }
}

/// `log export-status`: refused when something is wrong.
pub fn status(core: &Core, config: &Config, as_json: bool) -> Outcome {
    let Some(ldv) = &config.ldv else {
        let text = if as_json { pretty(&json!({"aan": false})) } else { "uit: node.toml heeft geen [ldv]".to_owned() };
        return Outcome::done(text);
    };
    let status = match core.export_status(&config.data) {
        Ok(status) => status,
        Err(e) => return Outcome::failed(e.to_string()),
    };
    let age = status.oldest_ms.map(|ms| core.clock.now_ms().saturating_sub(ms) / 1000);
    let exit = u8::from(status.failure.is_some() || !status.aside.is_empty());
    if as_json {
        let aside: Vec<_> = status.aside.iter().map(|(entry, why)| json!({"regel": entry, "reden": why})).collect();
        let value = json!({
            "aan": true, "ontvanger": ldv.shown(), "achterstand_regels": status.behind,
            "achterstand_seconden": age, "geweigerd": aside, "storing": status.failure,
            "laatst_bevestigd_ms": status.confirmed_ms,
        });
        return Outcome { exit, stdout: pretty(&value), stderr: String::new() };
    }
    let mut text = match (status.behind, age) {
        (0, _) | (_, None) => format!("{}: alles is bevestigd\n", ldv.shown()),
        (n, Some(age)) => format!("{}: {n} regels achter, de oudste is {age} seconden oud\n", ldv.shown()),
    };
    if let Some(failure) = &status.failure {
        text.push_str(&format!("storing: {failure}\n"));
    }
    for (entry, reason) in &status.aside {
        text.push_str(&format!("regel {entry} wordt geweigerd door de ontvanger: {reason}\n"));
    }
    Outcome { exit, stdout: text, stderr: String::new() }
}
