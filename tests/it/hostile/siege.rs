//! A node under siege: it serves, the monitor of its convenant is good, and what it must have logged is kept count of.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ketenpoort::crypto::Digest;
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::translog::entry::TransferId;
use ketenpoort::transport::certs::{self, KeyPem, TestCa, Validity, Wanted};

use super::asker::{Asker, Got, Identity, proto};
use crate::leak::bsns_of;
use crate::leak::needles::Needles;
use crate::three::{OINS, Three, region, within};

/// The besieged node is `a`.
pub const NODE: &str = "a";

/// What is needed to attack it.
pub struct Siege {
    pub three: Three,
    /// Asks as the monitor.
    pub monitor: Asker,
    pub ca: TestCa,
    pub ca_key: KeyPem,
    told: BTreeMap<ReasonCode, u64>,
}

/// A transfer id that nobody used.
pub fn fresh_id() -> Vec<u8> {
    TransferId::new(now() * 1000, ketenpoort::crypto::random()).as_bytes().to_vec()
}

/// Seconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
}

impl Siege {
    /// A node with data that serves under a convenant; `before` acts before it starts.
    pub fn begin(before: impl FnOnce(&Three)) -> Self {
        let mut three = Three::new();
        three.certify();
        three.agree();
        three.deliver();
        before(&three);
        three.serve(&[NODE]);
        Self::of(three)
    }

    /// Around nodes that are there, `a` served.
    pub fn of(three: Three) -> Self {
        let read = |name: &str| std::fs::read_to_string(three.home.join("pki").join(name)).expect("PKI");
        let ca_key = KeyPem::new(read("ca.key"));
        let ca = TestCa::load(&read("ca.crt"), &ca_key).expect("the authority");
        let monitor = Asker::new(address(&three), identity(&three, "m"));
        Self { three, monitor, ca, ca_key, told: BTreeMap::new() }
    }

    /// Where the node is.
    pub fn address(&self) -> SocketAddr {
        address(&self.three)
    }

    /// What a certificate of the monitor says.
    pub fn wanted(&self) -> Wanted {
        let oin = Oin::parse(OINS[2]).expect("OIN");
        Wanted { oin, name: "Monitor".into(), hosts: vec![], validity: Validity::days(now(), 30) }
    }

    /// Another certificate for the monitor's own key.
    pub fn second(&self, wanted: &Wanted) -> Identity {
        let key = identity(&self.three, "m").key;
        let cert = self.ca.issue_for_key(wanted, &KeyPem::new(key.clone())).expect("issued");
        Identity { cert, key }
    }

    /// Gives the node this revocation list and waits until it has it.
    pub fn give_list(&self, crl: &str) {
        std::fs::write(self.three.config(NODE).crl, crl).expect("written");
        self.hang_up();
    }

    /// A good list of the authority that revokes the certificates of `revoked`.
    pub fn list(&self, revoked: &[&Identity]) -> String {
        let serials: Vec<_> = revoked.iter().map(|i| certs::facts(&i.cert).expect("facts").serial).collect();
        self.ca.crl(&serials, Validity::days(now(), 7)).expect("a list")
    }

    /// Sends SIGHUP and waits until the node has looked at its files.
    pub fn hang_up(&self) {
        let looks = || self.three.stderr(NODE).matches("SIGHUP: TLS-bestanden nagelezen").count();
        let before = looks();
        self.three.signal(NODE, "HUP");
        within("the node looks at its files", || looks() > before);
    }

    /// Notes that the node must have logged this refusal `times` times.
    pub fn expect(&mut self, reason: ReasonCode, times: u64) {
        *self.told.entry(reason).or_default() += times;
    }

    /// As [`Siege::expect`], and that a good partner is still served.
    pub fn note(&mut self, reason: ReasonCode, times: u64) {
        self.expect(reason, times);
        assert!(self.monitor.is_served(), "a good partner is kept out after {reason}");
    }

    /// The hash of convenant `id`.
    fn convenant(&self, id: &str) -> Digest {
        let shown = self.three.node(&["convenant", "show", "--json"], NODE);
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        let named = shown.as_array().expect("a list").iter().find(|c| c["id"] == id).expect("known");
        Digest::from_hex(named["hash"].as_str().expect("hash")).expect("hash")
    }

    /// A question about one table under the convenant `proef`.
    pub fn question(&self, indicator: &str, period: &str, by: &[&str]) -> proto::AggregateRequest {
        self.question_under("proef", indicator, period, by)
    }

    /// A question about one table under convenant `id`.
    pub fn question_under(&self, id: &str, indicator: &str, period: &str, by: &[&str]) -> proto::AggregateRequest {
        let by = by.iter().map(|name| (*name).to_owned()).collect();
        proto::AggregateRequest {
            transfer_id: fresh_id(),
            intent_hash: vec![7; 32],
            convenant_hash: self.convenant(id).0.to_vec(),
            tables: vec![proto::TableQuery { indicator: indicator.into(), period: period.into(), by }],
        }
    }

    /// A question that is answered.
    pub fn good_question(&self) -> proto::AggregateRequest {
        self.question("IND-01", "2022", &[])
    }

    /// Asks a good question and expects its answer.
    pub fn answered(&self) -> Vec<u8> {
        match self.monitor.ask(super::asker::AGGREGATE, self.good_question()) {
            Got::Answer(document) => document,
            other => panic!("a good question got {other:?}: {}", self.three.stderr(NODE)),
        }
    }

    /// Everything that was noted is in the transfer log, and no other reason; log, output and `answers` hold no BSN.
    pub fn end(self, answers: &[Vec<u8>]) {
        let holds = |logged: &BTreeMap<ReasonCode, u64>| {
            self.told.iter().all(|(reason, times)| logged.get(reason).is_some_and(|count| count >= times))
        };
        let mut logged = BTreeMap::new();
        let told = &self.told;
        within(&format!("{told:?} is in the log"), || {
            logged = self.three.refusals(NODE);
            holds(&logged)
        });
        assert!(logged.keys().eq(self.told.keys()), "logged {logged:?}, told {told:?}");
        let needles = Needles::of(&bsns_of(&region()));
        let entries = serde_json::to_vec(&self.three.log(NODE)).expect("JSON");
        let output = self.three.stderr(NODE).into_bytes();
        assert!(entries.len() > 1000 && !output.is_empty());
        for (place, bytes) in [("log", &entries), ("output", &output)] {
            assert!(needles.find(bytes).is_empty(), "a BSN in the {place}");
        }
        for answer in answers {
            assert!(needles.find(answer).is_empty(), "a BSN in an answer");
        }
    }
}

/// Where node `a` is.
pub fn address(three: &Three) -> SocketAddr {
    three.config(NODE).listen
}

/// Certificate and key of node `key`.
pub fn identity(three: &Three, key: &str) -> Identity {
    let config = three.config(key);
    let read = |path| std::fs::read_to_string(path).expect("TLS file");
    Identity { cert: read(config.certificate), key: read(config.tls_key) }
}
