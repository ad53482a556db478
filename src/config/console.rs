//! Section `[console]` of `node.toml`: the web pages for the organisation's own people. Absent is off.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Section `[console]`. Paths are relative to the node's directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConsole {
    /// Address and port; loopback unless the organisation decides otherwise.
    pub listen: String,
    /// Certificate chain for browsers, PEM; the node's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The key of that certificate, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Authorities of employees' client certificates, PEM; absent: none is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employees: Option<String>,
    /// Revocation lists of those authorities, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employees_crl: Option<String>,
    /// A style sheet with the organisation's own tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
}

impl RawConsole {
    /// On this address, all else as usual.
    #[must_use]
    pub fn on(listen: String) -> Self {
        Self { listen, certificate: None, key: None, employees: None, employees_crl: None, theme: None }
    }
}

/// Where and how the console is served, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsoleConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// Certificate chain and key; the node's own when none.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Authorities of employees and their revocation lists.
    pub employees: Option<(PathBuf, PathBuf)>,
    /// Style tokens.
    pub theme: Option<PathBuf>,
}

impl ConsoleConfig {
    /// Checks the section and notes every fault with its key.
    pub(super) fn check(dir: &Path, raw: &RawConsole, faults: &mut Vec<String>) -> Option<Self> {
        let pair = |a: &Option<String>, b: &Option<String>| {
            a.as_ref().zip(b.as_ref()).map(|(a, b)| (dir.join(a), dir.join(b)))
        };
        if raw.certificate.is_some() != raw.key.is_some() {
            faults.push(
                "console.certificate: certificate en key horen bij elkaar; geef beide of geen van beide".to_owned(),
            );
        }
        if raw.employees.is_some() != raw.employees_crl.is_some() {
            faults.push("console.employees: geef ook employees_crl, anders kan niemand worden ingetrokken".to_owned());
        }
        let Ok(listen) = raw.listen.parse() else {
            faults.push(format!("console.listen: `{}` is geen adres met poort (127.0.0.1:8444)", raw.listen));
            return None;
        };
        Some(Self {
            listen,
            certificate: pair(&raw.certificate, &raw.key),
            employees: pair(&raw.employees, &raw.employees_crl),
            theme: raw.theme.as_ref().map(|theme| dir.join(theme)),
        })
    }
}
