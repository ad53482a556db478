//! `node.toml`: text to a checked `Config`, all faults at once; secrets are paths, never values.

pub mod console;
pub mod ldv;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::console::{ConsoleConfig, RawConsole};
use self::ldv::{LdvConfig, RawLdv};
use crate::domain::activity::ActivityBase;
use crate::domain::codes::{OrgType, Owner};
use crate::domain::fault::said;
use crate::domain::oin::Oin;
use crate::policy::card::is_endpoint;

/// Name of the configuration file in a node's directory.
pub const FILE: &str = "node.toml";

/// The text of `node.toml`, before it is checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// Who the node belongs to.
    pub organisation: RawOrganisation,
    /// Where it listens and how partners reach it.
    pub network: RawNetwork,
    /// Paths of certificates, relative to the node's directory.
    pub tls: RawTls,
    /// Paths of keys and reference lists, relative to the node's directory.
    pub paths: RawPaths,
    /// How often the log is shown to its witnesses; absent for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<RawWitness>,
    /// The logboek dataverwerkingen to which the transfer log is exported; absent is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ldv: Option<RawLdv>,
    /// The web pages for the organisation's own people; absent is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<RawConsole>,
    /// The door for the organisation's own applications; absent is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applications: Option<RawApplications>,
}

/// Section `[applications]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawApplications {
    /// Address and port on which applications are served.
    pub listen: String,
}

/// Section `[witness]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawWitness {
    /// Seconds between two shows, 1 to 300.
    pub every_seconds: u64,
    /// Seconds after a show until new entries are shown, 1 to 60.
    pub soon_seconds: u64,
}

/// Section `[organisation]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOrganisation {
    /// 20 digits.
    pub oin: String,
    /// Name as partners know it.
    pub name: String,
    /// `GEM`, `VT`, `RVDK`, `GI`, `JHA`, `MONITOR` or `POORTWACHTER`.
    pub org_type: String,
    /// Owners whose event types this organisation delivers; empty for monitor and gate.
    #[serde(default)]
    pub levert: Vec<String>,
    /// Municipality of a municipal node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gemeente: Option<String>,
    /// Where the organisation publishes its register of processing activities: `https://..`, without a final slash. Absent:
    /// identifiers begin with `urn:oin:` and the OIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<String>,
}

/// Section `[network]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNetwork {
    /// Address and port on which partners are served.
    pub listen: String,
    /// Host and port that partners use; written on the node card.
    pub endpoint: String,
}

/// Section `[tls]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTls {
    /// Certificate chain, PEM.
    pub certificate: String,
    /// Private key, PEM.
    pub key: String,
    /// Trusted certificate authorities, PEM.
    pub trust: String,
    /// Revocation lists, PEM.
    pub crl: String,
}

/// Section `[paths]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPaths {
    /// The node root: 32 bytes in a file with mode 0600 (demo), to be replaced by a systemd credential.
    pub root_key: String,
    /// Reference list of municipality codes with their validity.
    pub gemeenten: String,
    /// Journals and index.
    pub data: String,
}

/// A checked configuration; every path is absolute or relative to the working directory.
#[derive(Clone, Debug)]
pub struct Config {
    /// The node's directory.
    pub dir: PathBuf,
    /// Identification number.
    pub oin: Oin,
    /// Name as partners know it.
    pub name: String,
    /// Kind of organisation.
    pub org_type: OrgType,
    /// Owners whose event types it delivers.
    pub levert: Vec<Owner>,
    /// Municipality of a municipal node.
    pub gemeente: Option<String>,
    /// Address on which partners are served.
    pub listen: SocketAddr,
    /// Host and port that partners use.
    pub endpoint: String,
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub tls_key: PathBuf,
    /// Trusted certificate authorities, PEM.
    pub trust: PathBuf,
    /// Revocation lists, PEM.
    pub crl: PathBuf,
    /// The node root.
    pub root_key: PathBuf,
    /// Municipality codes.
    pub gemeenten: PathBuf,
    /// Journals and index.
    pub data: PathBuf,
    /// How often the log is shown to its witnesses.
    pub witness: WitnessPace,
    /// What stands before the identifiers of its processing activities.
    pub activities: ActivityBase,
    /// The receiver of the transfer log.
    pub ldv: Option<LdvConfig>,
    /// The web pages for the organisation's own people.
    pub console: Option<ConsoleConfig>,
    /// Address of the door for the organisation's own applications.
    pub applications: Option<SocketAddr>,
}

/// How often the log is shown to its witnesses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WitnessPace {
    /// Between two shows.
    pub every: Duration,
    /// From a show until new entries are shown, or another try after one without quorum.
    pub soon: Duration,
}

impl Default for WitnessPace {
    fn default() -> Self {
        Self { every: Duration::from_secs(300), soon: Duration::from_secs(40) }
    }
}

fn check_witness(raw: Option<&RawWitness>, faults: &mut Vec<String>) -> WitnessPace {
    let Some(raw) = raw else { return WitnessPace::default() };
    if !(1..=300).contains(&raw.every_seconds) {
        faults.push("witness.every_seconds: kies 1 tot en met 300 seconden".to_owned());
    }
    if !(1..=60).contains(&raw.soon_seconds) {
        faults.push("witness.soon_seconds: kies 1 tot en met 60 seconden".to_owned());
    }
    WitnessPace { every: Duration::from_secs(raw.every_seconds), soon: Duration::from_secs(raw.soon_seconds) }
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum InvalidConfig {
    /// The file cannot be read.
    #[error("{path}: niet te lezen ({reason}); maak een node met `ketenpoort init --node MAP`")]
    Unreadable {
        /// Which file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// The file is no TOML of the expected form.
    #[error("{path}: {reason}")]
    Malformed {
        /// Which file.
        path: String,
        /// What the parser says, with line and column.
        reason: String,
    },
    /// Values are wrong; all faults together.
    #[error("{path}: {} fout(en):\n  - {}", faults.len(), faults.join("\n  - "))]
    Faults {
        /// Which file.
        path: String,
        /// Every fault, with its key.
        faults: Vec<String>,
    },
}

impl Config {
    /// Reads and checks `DIR/node.toml`.
    ///
    /// # Errors
    /// [`InvalidConfig`] with every fault that was found.
    pub fn load(dir: &Path) -> Result<Self, InvalidConfig> {
        let path = dir.join(FILE);
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|e| InvalidConfig::Unreadable { path: shown.clone(), reason: said(&e).to_string() })?;
        let raw: RawConfig = toml::from_str(&text)
            .map_err(|e| InvalidConfig::Malformed { path: shown.clone(), reason: e.to_string() })?;
        Self::check(dir, &raw).map_err(|faults| InvalidConfig::Faults { path: shown, faults })
    }

    /// Checks a parsed configuration and reports every fault.
    ///
    /// # Errors
    /// The list of faults, each with its key.
    pub fn check(dir: &Path, raw: &RawConfig) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let org = &raw.organisation;
        let oin = Oin::parse(&org.oin).map_err(|e| faults.push(format!("organisation.oin: {e}"))).ok();
        let org_type = OrgType::parse(&org.org_type);
        if org_type.is_none() {
            faults.push(format!(
                "organisation.org_type: `{}` is onbekend (kies uit GEM, VT, RVDK, GI, JHA, MONITOR, POORTWACHTER)",
                org.org_type
            ));
        }
        if org.name.trim().is_empty() {
            faults.push("organisation.name: mag niet leeg zijn".to_owned());
        }
        let levert = check_levert(org_type, &org.levert, &mut faults);
        if let Some(code) = &org.gemeente
            && (code.len() != 4 || !code.bytes().all(|b| b.is_ascii_digit()))
        {
            faults.push("organisation.gemeente: een gemeentecode heeft 4 cijfers".to_owned());
        }
        let listen = raw.network.listen.parse::<SocketAddr>();
        if listen.is_err() {
            faults.push(format!("network.listen: `{}` is geen adres met poort (0.0.0.0:8443)", raw.network.listen));
        }
        if !is_endpoint(&raw.network.endpoint) {
            faults.push(format!("network.endpoint: `{}` is geen host met poort", raw.network.endpoint));
        }
        let activities = match org.register.as_deref().map(ActivityBase::parse) {
            Some(None) => {
                faults.push(
                    "organisation.register: verwacht https://.. of urn:.. zonder schuine streep aan het eind"
                        .to_owned(),
                );
                None
            }
            Some(given) => given,
            None => oin.map(ActivityBase::of_oin),
        };
        let ldv = raw.ldv.as_ref().and_then(|ldv| LdvConfig::check(dir, ldv, &mut faults));
        let console = raw.console.as_ref().and_then(|console| ConsoleConfig::check(dir, console, &mut faults));
        let witness = check_witness(raw.witness.as_ref(), &mut faults);
        let door = raw.applications.as_ref().map(|door| door.listen.parse::<SocketAddr>());
        if let Some(Err(_)) = door {
            faults.push("applications.listen: verwacht een adres met poort (127.0.0.1:8445)".to_owned());
        }
        let (Some(oin), Some(org_type), Ok(listen), true) = (oin, org_type, listen, faults.is_empty()) else {
            return Err(faults);
        };
        let activities = activities.unwrap_or_else(|| ActivityBase::of_oin(oin));
        Ok(Self {
            dir: dir.to_owned(),
            oin,
            name: org.name.clone(),
            org_type,
            levert,
            gemeente: org.gemeente.clone(),
            listen,
            endpoint: raw.network.endpoint.clone(),
            certificate: dir.join(&raw.tls.certificate),
            tls_key: dir.join(&raw.tls.key),
            trust: dir.join(&raw.tls.trust),
            crl: dir.join(&raw.tls.crl),
            root_key: dir.join(&raw.paths.root_key),
            gemeenten: dir.join(&raw.paths.gemeenten),
            data: dir.join(&raw.paths.data),
            witness,
            activities,
            ldv,
            console,
            applications: door.and_then(Result::ok),
        })
    }

    /// Path of the local socket through which commands reach a running node.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.join("node.sock")
    }
}

fn check_levert(org_type: Option<OrgType>, names: &[String], faults: &mut Vec<String>) -> Vec<Owner> {
    let mut levert = Vec::new();
    for name in names {
        match Owner::parse(name) {
            Some(owner) if !levert.contains(&owner) => levert.push(owner),
            Some(_) => faults.push(format!("organisation.levert: `{name}` staat er twee keer")),
            None => faults.push(format!("organisation.levert: `{name}` is onbekend (LT, GEM, JBT, VT, RVDK, GI, JHA)")),
        }
    }
    let delivers_nothing = matches!(org_type, Some(OrgType::Monitor | OrgType::Gate));
    if delivers_nothing && !levert.is_empty() {
        faults.push("organisation.levert: een ketenmonitor of poortwachter levert geen gegevens".to_owned());
    }
    if org_type.is_some() && !delivers_nothing && levert.is_empty() {
        faults.push("organisation.levert: noem wat deze organisatie levert, bijvoorbeeld [\"GI\"]".to_owned());
    }
    levert
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_reported_at_once() {
        let raw: RawConfig = toml::from_str(
            "[organisation]\noin='1'\nname=''\norg_type='X'\nlevert=['GI','Q']\n[network]\nlisten='x'\nendpoint='y'\n\
             [tls]\ncertificate='a'\nkey='b'\ntrust='c'\ncrl='d'\n[paths]\nroot_key='e'\ngemeenten='f'\ndata='g'\n\
             [witness]\nevery_seconds=301\nsoon_seconds=0\n",
        )
        .expect("TOML of the right form");
        let faults = Config::check(Path::new("/x"), &raw).expect_err("a faulty configuration");
        for key in ["witness.every_seconds", "witness.soon_seconds"] {
            assert!(faults.iter().any(|f| f.contains(key)), "{key} is missing in {faults:?}");
        }
        for key in ["organisation.oin", "organisation.name", "org_type", "levert", "network.listen", "network.endpoint"]
        {
            assert!(faults.iter().any(|f| f.contains(key)), "{key} is missing in {faults:?}");
        }
        assert!(toml::from_str::<RawConfig>("[organisation]\nonbekend=1\n").is_err(), "unknown keys are errors");
    }
}
