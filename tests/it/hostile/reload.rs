//! TLS files that change under a running node, taken over on SIGHUP.

use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::transport::certs::{KeyPem, TestCa, Validity, Wanted};

use super::siege::{NODE, Siege, identity, now};
use crate::raw_tls::raw;
use crate::three::{OINS, within};

/// The certificate (DER) that the node shows to a new connection.
fn shown(siege: &Siege) -> Vec<u8> {
    let own = identity(&siege.three, "m");
    siege.monitor.block_on(async {
        let stream = raw(siege.address(), Some((&own.cert, &own.key)), "h2").await.expect("connected");
        stream.get_ref().1.peer_certificates().expect("a certificate")[0].to_vec()
    })
}

#[test]
fn on_sighup_new_files_are_used_at_once_and_broken_ones_are_not() {
    let siege = Siege::begin(|_| ());
    let living = siege.monitor.connect().expect("connected");
    let before = shown(&siege);
    let own = identity(&siege.three, NODE);
    let key = KeyPem::new(own.key);
    let oin = Oin::parse(OINS[0]).expect("OIN");
    let renewed = siege.ca.issue_for_key(&Wanted { oin, ..siege.wanted() }, &key).expect("issued");
    let config = siege.three.config(NODE);
    std::fs::write(&config.certificate, &renewed).expect("written");
    siege.hang_up();
    let after = shown(&siege);
    assert_ne!(before, after, "the renewed certificate is shown");
    assert!(siege.monitor.is_served_over(living.clone()), "a living connection goes on");

    let (stranger, _) = TestCa::create("Andere CA", Validity::days(now(), 30)).expect("an authority");
    let expired = Wanted { oin, validity: Validity { from: now() - 7200, until: now() - 60 }, ..siege.wanted() };
    let expired = siege.ca.issue_for_key(&expired, &key).expect("issued");
    let other_key = siege.ca.issue(&siege.wanted()).expect("issued").1;
    let (cert, garbage) = (&config.certificate, "-----BEGIN X509 CRL-----\nMII%%%\n-----END X509 CRL-----\n");
    let broken = [
        (cert, String::new(), cert),
        (cert, expired, cert),
        (&config.tls_key, other_key.to_string(), &config.tls_key),
        // Under these authorities nobody would trust our own certificate.
        (&config.trust, stranger.cert_pem().to_owned(), cert),
        (&config.crl, garbage.to_owned(), &config.crl),
    ];
    for (path, text, named) in broken {
        let good = std::fs::read(path).expect("read");
        let shouted = || shouts(&siege, named.to_str().expect("UTF-8"));
        let earlier = shouted();
        std::fs::write(path, text).expect("written");
        siege.three.signal(NODE, "HUP");
        within("the node shouts", || shouted() > earlier);
        assert_eq!(shown(&siege), after, "the last good files stay in use");
        assert!(siege.monitor.is_served() && siege.monitor.is_served_over(living.clone()));
        std::fs::write(path, good).expect("written");
        siege.hang_up();
    }
    let output = siege.three.stderr(NODE);
    assert!(!output.contains("BEGIN") && !output.contains("MII"), "the output shows what is in a file");
    let last = siege.answered();
    let revoked = siege.second(&siege.wanted());
    siege.give_list(&siege.list(&[&revoked]));
    assert!(!super::asker::Asker::new(siege.address(), revoked).is_served());
    let mut siege = siege;
    siege.note(ReasonCode::CertificateRevoked, 1);
    siege.end(&[last]);
}

/// How many lines of the node's output are errors that name this file; each line is JSON.
fn shouts(siege: &Siege, path: &str) -> usize {
    let output = siege.three.stderr(NODE);
    let whole = output.rfind('\n').map_or("", |end| &output[..end]);
    let lines = whole.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON"));
    lines.filter(|line| line["level"] == "ERROR" && line["fields"]["error"].to_string().contains(path)).count()
}
