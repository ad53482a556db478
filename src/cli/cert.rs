//! `cert example`: a test authority that signs requests of test OINs, and keeps their revocation list fresh.

use std::path::{Path, PathBuf};

use super::args::CertExampleArgs;
use crate::config::Config;
use crate::domain::fault::said;
use crate::node::command::Outcome;
use crate::service::core::Clock;
use crate::storage::files::write_atomic;
use crate::transport::certs::{self, KeyPem, TestCa, Validity, Wanted};

/// Lifetime of an example certificate.
const CERT_DAYS: u64 = 365;
/// Lifetime of an example revocation list: a week, so that nobody forgets to renew it in a real setting.
const CRL_DAYS: u64 = 7;

/// Runs `cert example`.
pub fn example(args: &CertExampleArgs) -> Outcome {
    match run(args) {
        Ok(count) => Outcome::done(format!("Proef-PKI in {}; {count} node(s) bijgewerkt", args.pki.display())),
        Err(reason) => Outcome::failed(reason),
    }
}

fn run(args: &CertExampleArgs) -> Result<usize, String> {
    let now = crate::node::SystemClock.now_ms() / 1000;
    let ca = authority(&args.pki, now)?;
    if !args.renew_crl {
        for dir in &args.nodes {
            issue(&ca, &args.pki, dir, now)?;
        }
    }
    let crl = ca.crl(&revoked(&args.pki, &args.revoke)?, Validity::days(now, CRL_DAYS)).map_err(|e| e.to_string())?;
    write(&args.pki.join("crl.pem"), crl.as_bytes(), 0o644)?;
    for dir in &args.nodes {
        let config = Config::load(dir).map_err(|e| e.to_string())?;
        write(&config.crl, crl.as_bytes(), 0o644)?;
    }
    Ok(args.nodes.len())
}

/// The authority in `pki`, made when it is not there.
fn authority(pki: &Path, now: u64) -> Result<TestCa, String> {
    let (cert, key) = (pki.join("ca.crt"), pki.join("ca.key"));
    if !cert.exists() {
        std::fs::create_dir_all(pki.join("issued")).map_err(|e| format!("{}: {}", pki.display(), said(&e)))?;
        let made = TestCa::create("Ketenpoort proef-CA", Validity::days(now, 10 * 365)).map_err(|e| e.to_string())?;
        write(&key, made.1.as_bytes(), 0o600)?;
        write(&cert, made.0.cert_pem().as_bytes(), 0o644)?;
        return Ok(made.0);
    }
    let key = KeyPem::new(read(&key)?);
    TestCa::load(&read(&cert)?, &key).map_err(|e| e.to_string())
}

fn issue(ca: &TestCa, pki: &Path, dir: &Path, now: u64) -> Result<(), String> {
    let config = Config::load(dir).map_err(|e| e.to_string())?;
    let host = config.endpoint.rsplit_once(':').map_or("localhost", |(host, _)| host);
    let wanted = Wanted {
        oin: config.oin,
        name: config.name.clone(),
        hosts: vec![host.to_owned()],
        validity: Validity::days(now, CERT_DAYS),
    };
    let request = read(&dir.join("tls/node.csr"))?;
    let cert = ca.issue_for_request(&wanted, &request).map_err(|e| format!("{}: {e}", dir.display()))?;
    write(&pki.join("issued").join(format!("{}.crt", config.oin)), cert.as_bytes(), 0o644)?;
    write(&config.certificate, cert.as_bytes(), 0o644)?;
    write(&config.trust, ca.cert_pem().as_bytes(), 0o644)
}

/// Serial numbers of everything revoked so far, with those asked now added to `revoked.txt`.
fn revoked(pki: &Path, now: &[crate::domain::oin::Oin]) -> Result<Vec<Vec<u8>>, String> {
    let list = pki.join("revoked.txt");
    let mut text = std::fs::read_to_string(&list).unwrap_or_default();
    for oin in now {
        let cert = read(&pki.join("issued").join(format!("{oin}.crt")))?;
        let facts = certs::facts(&cert).map_err(|e| e.to_string())?;
        text.push_str(&crate::crypto::hex(&facts.serial));
        text.push('\n');
    }
    write(&list, text.as_bytes(), 0o644)?;
    let bytes = |line: &str| -> Option<Vec<u8>> {
        line.as_bytes().chunks(2).map(|c| u8::from_str_radix(std::str::from_utf8(c).ok()?, 16).ok()).collect()
    };
    Ok(text.lines().filter_map(bytes).collect())
}

fn read(path: &PathBuf) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {}", path.display(), said(&e)))
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), String> {
    write_atomic(path, bytes, mode).map_err(|e| e.to_string())
}
