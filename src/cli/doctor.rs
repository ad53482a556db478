//! `check-config` and `doctor`: what is wrong, and what to do about it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::args::{DoctorArgs, NodeArgs};
use super::local::on_node;
use crate::config::Config;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::node::command::{LocalCommand, Outcome};
use crate::node::log::command::LogLocal;
use crate::node::{SystemClock, local, tls_paths};
use crate::policy::bundle::ConvenantBundle;
use crate::policy::card::SignedCard;
use crate::policy::case::Rules;
use crate::service::api::Peers;
use crate::service::core::Clock;
use crate::service::witness::view::LogStatus;
use crate::transport::certs;
use crate::transport::client::{Client, Partner};
use crate::transport::tls::TlsHandle;

/// One finding.
#[derive(Serialize)]
struct Finding {
    /// `goed`, `let op` or `fout`.
    verdict: &'static str,
    /// What was looked at.
    subject: &'static str,
    /// What was found and what to do.
    text: String,
}

impl Finding {
    fn good(subject: &'static str, text: impl Into<String>) -> Self {
        Self { verdict: "goed", subject, text: text.into() }
    }

    fn warning(subject: &'static str, text: impl Into<String>) -> Self {
        Self { verdict: "let op", subject, text: text.into() }
    }

    fn fault(subject: &'static str, text: impl Into<String>) -> Self {
        Self { verdict: "fout", subject, text: text.into() }
    }
}

/// `check-config`.
pub fn check_config(args: &NodeArgs) -> Outcome {
    match Config::load(&args.node) {
        Ok(config) => print(&[Finding::good("node.toml", "in orde"), tls(&config)], args.json),
        Err(e) => Outcome::refused(e.to_string()),
    }
}

/// `doctor`.
pub fn run(args: &DoctorArgs) -> Outcome {
    let config = match Config::load(&args.node) {
        Ok(config) => config,
        Err(e) => return Outcome::refused(e.to_string()),
    };
    let mut findings = vec![Finding::good("node.toml", "in orde"), tls(&config)];
    findings.extend(certificate(&config));
    findings.push(revocation_list(&config));
    findings.push(root_key(&config));
    findings.push(card(&config));
    findings.push(running(&config));
    findings.extend(convenant(&args.node));
    findings.extend(log_export(&config));
    findings.extend(evidence(&args.node));
    if let Some(peer) = &args.peer {
        findings.push(reach(&config, peer));
    }
    print(&findings, args.json)
}

fn print(findings: &[Finding], json: bool) -> Outcome {
    let exit = u8::from(findings.iter().any(|f| f.verdict == "fout"));
    let stdout = if json {
        serde_json::to_string_pretty(findings).unwrap_or_default()
    } else {
        findings.iter().map(|f| format!("{:<7} {:<14} {}\n", f.verdict, f.subject, f.text)).collect()
    };
    Outcome { exit, stdout, stderr: String::new() }
}

fn tls(config: &Config) -> Finding {
    match TlsHandle::open(tls_paths(config)) {
        Ok(handle) if handle.own().0 == config.oin => Finding::good("TLS", "certificaat, sleutel, CA en CRL passen"),
        Ok(handle) => Finding::fault(
            "TLS",
            format!("het certificaat is van OIN {}, de node van {}; vraag het goede aan", handle.own().0, config.oin),
        ),
        Err(e) => Finding::fault("TLS", e.to_string()),
    }
}

fn certificate(config: &Config) -> Option<Finding> {
    let text = std::fs::read_to_string(&config.certificate).ok()?;
    let facts = certs::facts(&text).ok()?;
    let now = SystemClock.now_ms() / 1000;
    let days = facts.validity.until.saturating_sub(now) / 86_400;
    Some(match days {
        0 => Finding::fault("certificaat", "verlopen of verloopt vandaag; vraag een nieuw certificaat aan"),
        1..=30 => Finding::warning("certificaat", format!("verloopt over {days} dagen; vraag nu een nieuw aan")),
        _ => Finding::good("certificaat", format!("geldig voor nog {days} dagen")),
    })
}

fn revocation_list(config: &Config) -> Finding {
    let subject = "CRL";
    let until = std::fs::read_to_string(&config.crl).ok().and_then(|text| certs::crl_until(&text));
    let Some(until) = until else {
        return Finding::fault(subject, format!("{} bevat geen leesbare intrekkingslijst", config.crl.display()));
    };
    let hours = until.saturating_sub(SystemClock.now_ms() / 1000) / 3_600;
    match hours {
        0 => Finding::fault(subject, "verlopen of verloopt binnen een uur; haal nu een nieuwe op bij de uitgever"),
        1..=24 => {
            Finding::warning(subject, format!("verloopt over {hours} uur; ververs de lijst vaker dan zij verloopt"))
        }
        _ => Finding::good(subject, format!("geldig voor nog {} dagen", hours / 24)),
    }
}

fn root_key(config: &Config) -> Finding {
    let path = config.root_key.display();
    match std::fs::metadata(&config.root_key) {
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            Finding::fault("nodesleutel", format!("{path} is leesbaar voor anderen; geef modus 0600"))
        }
        Ok(_) if config.root_key.starts_with(&config.dir) => Finding::fault(
            "nodesleutel",
            format!(
                "{path} staat als gewoon bestand naast de gegevens: alleen voor een proef; gebruik een systemd-credential"
            ),
        ),
        Ok(_) => Finding::good("nodesleutel", format!("{path} staat buiten de map van de node")),
        Err(e) => Finding::fault("nodesleutel", format!("{path}: {e}")),
    }
}

fn card(config: &Config) -> Finding {
    let read = std::fs::read_to_string(config.dir.join("card.json")).map_err(|e| e.to_string());
    match read.and_then(|text| SignedCard::parse(&text).map_err(|e| e.to_string())) {
        Ok(card) => Finding::good("visitekaart", format!("vingerafdruk {}", card.fingerprint())),
        Err(e) => Finding::fault("visitekaart", format!("card.json: {e}")),
    }
}

fn running(config: &Config) -> Finding {
    match local::call(&config.socket(), &LocalCommand::Status, &|_| ()) {
        Some(Ok(_)) => Finding::good("proces", format!("de node draait en luistert op {}", config.listen)),
        Some(Err(e)) => Finding::fault("proces", format!("de node antwoordt niet op de lokale socket: {e}")),
        None => Finding::warning("proces", "de node draait niet; start hem met `ketenpoort serve`"),
    }
}

/// The backlog towards the logboek dataverwerkingen, when there is one.
fn log_export(config: &Config) -> Option<Finding> {
    let subject = "LDV-uitvoer";
    let ldv = config.ldv.as_ref()?;
    let outcome = on_node(&config.dir, &LocalCommand::Log(LogLocal::ExportStatus { json: false }));
    let text = outcome.stdout.trim_end().replace('\n', "; ");
    Some(match outcome.exit {
        0 if !ldv.tls => Finding::warning(subject, format!("{text}; zonder TLS, dus alleen binnen deze machine")),
        0 => Finding::good(subject, text),
        1 => Finding::warning(subject, text),
        _ => Finding::fault(subject, outcome.stderr),
    })
}

/// Days before the end of a rule from which it is told of.
const TOLD_AHEAD: i32 = 100;

/// Rules of exchange about one child that end: after their last day nothing rests on them, and that is told of in time.
fn endings(today: Day) -> Finding {
    let subject = "regels casus";
    let rules = Rules::national();
    let near = |end: Day| end.0 - today.0 <= TOLD_AHEAD;
    let ending: Vec<String> =
        rules.endings().filter(|(_, end)| near(*end)).map(|(name, end)| format!("{name} tot en met {end}")).collect();
    if ending.is_empty() {
        return Finding::good(
            subject,
            format!("versie {}; geen regel eindigt binnen {TOLD_AHEAD} dagen", rules.version()),
        );
    }
    Finding::warning(
        subject,
        format!(
            "versie {}: {}; daarna wordt geweigerd wat erop rust. Neem in gebruik een versie van het programma met nieuwe \
             regels, en een convenant dat die noemt",
            rules.version(),
            ending.join(", ")
        ),
    )
}

fn convenant(dir: &Path) -> Vec<Finding> {
    let outcome = on_node(dir, &LocalCommand::ConvenantShow { json: false });
    let first = outcome.stdout.lines().next().unwrap_or_default().to_owned();
    let found = match outcome.exit {
        0 if first.contains("in werking") && !first.contains("nog niet") => Finding::good("convenant", first),
        0 => Finding::warning("convenant", first),
        _ => Finding::fault("convenant", outcome.stderr),
    };
    let cases = outcome.stdout.contains("over één kind").then(|| endings(SystemClock.today()));
    std::iter::once(found).chain(cases).collect()
}

/// The log and its witnesses, and what is wrong with the logs of partners.
fn evidence(dir: &Path) -> Vec<Finding> {
    let subject = "logboek";
    let outcome = on_node(dir, &LocalCommand::Log(LogLocal::Status { json: true }));
    let Ok(status) = serde_json::from_str::<LogStatus>(&outcome.stdout) else {
        return vec![Finding::fault(subject, outcome.stderr)];
    };
    let cosigned = status.cosigned.as_ref().map_or(0, |cosigned| cosigned.size);
    let own = match status.stopped {
        Some(reason) => Finding::fault(subject, format!("{} {}", reason.sentence(), reason.remedy())),
        None if status.alarm => Finding::fault(
            subject,
            "al langer dan 15 minuten niet door een quorum van getuigen medeondertekend; zie `log status`",
        ),
        None if status.quorums.is_empty() => {
            Finding::warning(subject, "geen andere partij die het kan medeondertekenen")
        }
        None => Finding::good(
            subject,
            format!("{} regels, waarvan {cosigned} door een quorum medeondertekend", status.size),
        ),
    };
    let others = status.witnessed.iter().filter(|log| !log.is_good());
    let others = others
        .map(|log| Finding::fault("getuige", format!("{} {}: {}", log.oin, log.name, log.sentences().join("; "))));
    let audit = crate::node::log::audit::alarm(&status.audit).map(|alarm| Finding::fault("auditlog", alarm));
    let aside = status.put_aside_sentence().map(|sentence| Finding::fault("getuige", sentence));
    std::iter::once(own).chain(audit).chain(others).chain(aside).collect()
}

/// Connects to a partner as the node would, and says what went wrong on which side.
fn reach(config: &Config, peer: &Oin) -> Finding {
    let subject = "partner";
    let Some(partner) = partner_of(&config.dir, peer) else {
        return Finding::fault(subject, format!("{peer} staat in geen convenant van deze node"));
    };
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() else {
        return Finding::fault(subject, "geen runtime");
    };
    let tls = match TlsHandle::open(tls_paths(config)) {
        Ok(tls) => tls,
        Err(e) => return Finding::fault(subject, e.to_string()),
    };
    let endpoint = partner.endpoint.clone();
    let directory = Arc::new(std::collections::BTreeMap::from([(*peer, partner)]));
    let client = Client::new(tls, directory, runtime.handle().clone());
    match client.status(peer, Duration::from_secs(10)) {
        Ok(status) => Finding::good(subject, format!("{peer} op {endpoint} antwoordt, versie {}", status.version)),
        Err(e) => Finding::fault(subject, format!("{peer} op {endpoint}: {e}. {}", e.reason().remedy())),
    }
}

fn partner_of(dir: &Path, peer: &Oin) -> Option<Partner> {
    let outcome = on_node(dir, &LocalCommand::ConvenantBundles);
    let texts: Vec<String> = serde_json::from_str(&outcome.stdout).ok()?;
    let bundles: Vec<ConvenantBundle> = texts.iter().filter_map(|t| ConvenantBundle::parse(t).ok()).collect();
    let card = bundles.iter().find_map(|b| b.convenant().party(peer))?.card.card().clone();
    Some(Partner { endpoint: card.endpoint, pins: std::iter::once(card.tls_pin).chain(card.next_tls_pin).collect() })
}
