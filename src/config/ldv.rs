//! Section `[ldv]` of `node.toml`: the logboek dataverwerkingen of the organisation, to which the transfer log is exported
//! over OTLP. Absent is off.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Section `[ldv]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLdv {
    /// `https://host:port`, and with `http/protobuf` a path; `http://` only for this machine itself.
    pub endpoint: String,
    /// `grpc` or `http/protobuf`.
    #[serde(default = "grpc")]
    pub protocol: String,
    /// Trusted certificate authorities of the receiver, PEM; needed with `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// Our certificate chain towards the receiver, PEM, when it asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The key of that certificate, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Seconds that one delivery may take: 1 to 300, else 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}

fn grpc() -> String {
    "grpc".to_owned()
}

/// How lines travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LdvProtocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP with protobuf bodies.
    HttpProtobuf,
}

/// A receiver of the log, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LdvConfig {
    /// Whether the connection is under TLS.
    pub tls: bool,
    /// Host, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path of the HTTP call.
    pub path: String,
    /// How lines travel.
    pub protocol: LdvProtocol,
    /// Trusted authorities.
    pub trust: Option<PathBuf>,
    /// Our certificate and key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// How long one delivery may take.
    pub deadline: Duration,
}

impl LdvConfig {
    /// Checks the section; faults go to `faults`, each with its key.
    pub(super) fn check(dir: &Path, raw: &RawLdv, faults: &mut Vec<String>) -> Option<Self> {
        let before = faults.len();
        let protocol = match raw.protocol.as_str() {
            "grpc" => LdvProtocol::Grpc,
            "http/protobuf" => LdvProtocol::HttpProtobuf,
            other => {
                faults.push(format!("ldv.protocol: `{other}` is onbekend (kies grpc of http/protobuf)"));
                LdvProtocol::Grpc
            }
        };
        let target = target(&raw.endpoint, protocol);
        if target.is_none() {
            faults.push(format!("ldv.endpoint: `{}` is geen adres (https://host:poort)", raw.endpoint));
        }
        let (tls, host, port, path) = target.unwrap_or_default();
        if !tls && faults.len() == before && !is_this_machine(&host) {
            faults.push("ldv.endpoint: zonder TLS mag alleen een adres op deze machine (127.0.0.1)".to_owned());
        }
        if tls && raw.trust.is_none() {
            faults.push("ldv.trust: noem het bestand met de CA van de ontvanger".to_owned());
        }
        if raw.certificate.is_some() != raw.key.is_some() {
            faults.push("ldv.certificate en ldv.key horen bij elkaar".to_owned());
        }
        let client = raw.certificate.as_ref().zip(raw.key.as_ref()).map(|(c, k)| (dir.join(c), dir.join(k)));
        let trust = raw.trust.as_ref().map(|trust| dir.join(trust));
        let timeout = raw.timeout.unwrap_or(10);
        if !(1..=300).contains(&timeout) {
            faults.push("ldv.timeout: 1 tot en met 300 seconden".to_owned());
        }
        let deadline = Duration::from_secs(timeout);
        (faults.len() == before).then_some(Self { tls, host, port, path, protocol, trust, client, deadline })
    }

    /// The address for people.
    #[must_use]
    pub fn shown(&self) -> String {
        let path = if self.protocol == LdvProtocol::HttpProtobuf { self.path.as_str() } else { "" };
        format!("{}://{}:{}{path}", if self.tls { "https" } else { "http" }, self.host, self.port)
    }
}

fn target(endpoint: &str, protocol: LdvProtocol) -> Option<(bool, String, u16, String)> {
    let (tls, rest) = match endpoint.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, endpoint.strip_prefix("http://")?),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, if protocol == LdvProtocol::Grpc { 4317 } else { 4318 }),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
    if host.is_empty() || !host.bytes().all(plain) || !path.bytes().all(|b| b.is_ascii_graphic()) || port == 0 {
        return None;
    }
    let path = match (path, protocol) {
        ("" | "/", _) => "/v1/traces".to_owned(),
        (_, LdvProtocol::Grpc) => return None,
        (path, LdvProtocol::HttpProtobuf) => path.to_owned(),
    };
    Some((tls, host.to_owned(), port, path))
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(endpoint: &str, protocol: &str, trust: Option<&str>) -> Result<LdvConfig, Vec<String>> {
        let raw = RawLdv {
            endpoint: endpoint.to_owned(),
            protocol: protocol.to_owned(),
            trust: trust.map(str::to_owned),
            certificate: None,
            key: None,
            timeout: None,
        };
        let mut faults = Vec::new();
        LdvConfig::check(Path::new("/n"), &raw, &mut faults).ok_or(faults)
    }

    #[test]
    fn addresses_are_read_and_lines_never_leave_the_machine_without_tls() {
        let far = check("https://logboek.example", "grpc", Some("ca.pem")).expect("good");
        assert_eq!((far.tls, far.port, far.trust), (true, 4317, Some(PathBuf::from("/n/ca.pem"))));
        let near = check("http://127.0.0.1:9/x", "http/protobuf", None).expect("good");
        assert_eq!((near.tls, near.port, near.path.as_str()), (false, 9, "/x"));
        assert_eq!(check("http://[::1]", "http/protobuf", None).expect("good").shown(), "http://::1:4318/v1/traces");
        for (endpoint, protocol, trust) in [
            ("http://logboek.example:4317", "grpc", None),
            ("https://logboek.example:4317", "grpc", None),
            ("https://h:4317", "json", Some("ca.pem")),
            ("https://h:4317/pad", "grpc", Some("ca.pem")),
            ("ftp://h", "grpc", Some("ca.pem")),
            ("https://h:0", "grpc", Some("ca.pem")),
            ("https://", "grpc", Some("ca.pem")),
        ] {
            assert!(!check(endpoint, protocol, trust).expect_err(endpoint).is_empty());
        }
    }
}
