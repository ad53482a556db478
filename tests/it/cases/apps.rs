//! The door for an organisation's own applications, as an application finds it: its own gRPC client, its own certificate, and what it may not
//! do.

use std::path::Path;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use prost::Message;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::scenes::{ANNA, Scene, Stage, warm};
use crate::made::{path, run};

#[derive(Clone, PartialEq, Message)]
struct Order {
    #[prost(bool, tag = "1")]
    offer: bool,
    #[prost(string, tag = "2")]
    situation: String,
    #[prost(bytes = "vec", tag = "3")]
    bsn: Vec<u8>,
    #[prost(uint32, tag = "4")]
    seconds: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Transfer {
    #[prost(string, tag = "1")]
    transfer: String,
}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(bool, tag = "1")]
    done: bool,
    #[prost(string, tag = "2")]
    json: String,
}

/// An application with the certificate in a folder, at a node.
struct App {
    runtime: Runtime,
    channel: Channel,
}

impl App {
    fn at(node: &Path, door: u16, certificate: &Path) -> Result<Self, String> {
        let read = |file: std::path::PathBuf| std::fs::read(file).expect("a file");
        let mut roots = RootCertStore::empty();
        let trusted = read(node.join("tls/trust.pem"));
        for authority in CertificateDer::pem_slice_iter(&trusted) {
            roots.add(authority.expect("PEM")).expect("an authority");
        }
        let chain = CertificateDer::from_pem_slice(&read(certificate.join("toepassing.crt"))).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(&read(certificate.join("toepassing.key"))).expect("a key");
        let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![chain], key)
            .expect("a pair");
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = TlsConnector::from(Arc::new(config));
        let runtime = Runtime::new().expect("a runtime");
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{door}")).expect("an address");
        let connect = tower::service_fn(move |_| {
            let connector = connector.clone();
            async move {
                let stream = TcpStream::connect(("127.0.0.1", door)).await?;
                let name = ServerName::try_from("localhost").expect("a name");
                connector.connect(name, stream).await.map(TokioIo::new)
            }
        });
        let channel = runtime.block_on(endpoint.connect_with_connector(connect)).map_err(|e| e.to_string())?;
        Ok(Self { runtime, channel })
    }

    fn call<M: Message + Default + 'static>(&self, method: &'static str, message: M) -> Result<Answer, Status> {
        self.runtime.block_on(async {
            let mut grpc = tonic::client::Grpc::new(self.channel.clone());
            grpc.ready().await.map_err(|e| Status::unavailable(e.to_string()))?;
            let method = http::uri::PathAndQuery::from_static(method);
            let codec = tonic_prost::ProstCodec::<M, Answer>::default();
            Ok(grpc.unary(Request::new(message), method, codec).await?.into_inner())
        })
    }

    fn exchange(&self, offer: bool, scene: &Scene, bsn: &str) -> Result<Answer, Status> {
        self.ask(offer, &scene.situation(), bsn)
    }

    fn ask(&self, offer: bool, situation: &Value, bsn: &str) -> Result<Answer, Status> {
        let (situation, bsn) = (situation.to_string(), bsn.as_bytes().to_vec());
        self.call("/ketenpoort.v1.Applications/Exchange", Order { offer, situation, bsn, seconds: 20 })
    }

    fn inbox(&self, transfer: &str) -> Result<Value, Status> {
        let answer = self.call("/ketenpoort.v1.Applications/Inbox", Transfer { transfer: transfer.to_owned() })?;
        Ok(json(&answer))
    }

    fn confirm(&self, transfer: &str) -> Result<Answer, Status> {
        self.call("/ketenpoort.v1.Applications/Confirm", Transfer { transfer: transfer.to_owned() })
    }
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.json).unwrap_or_else(|_| panic!("{}", answer.json))
}

/// Two applications hand a child over by the doors of their nodes, and each is refused what is not in its scope.
pub fn by_the_door(stage: &Stage) {
    let made = |key: &str, name: &str| {
        let out = stage.home.join(format!("app-{key}"));
        let node = path(&stage.home, key);
        let words = ["exchange", "app", "--node", &node, "--name", name, "--exchange", "SCN-07", "--out"];
        let told = run(&[&words[..], &[out.to_str().expect("UTF-8")]].concat());
        assert!(told.contains(name) && told.contains("SCN-07"), "{told}");
        out
    };
    let (town_key, gi_key) = (made("gem", "wijkteam"), made("alfa", "zaaksysteem"));
    let at = |key: &str, certificate: &Path| App::at(&stage.home.join(key), stage.doors[key], certificate);
    let (town, gi) = (at("gem", &town_key).expect("comes in"), at("alfa", &gi_key).expect("comes in"));
    let offered = town.exchange(true, &warm("alfa"), ANNA).expect("answered");
    assert!(offered.done, "{}", offered.json);
    let transfer = json(&offered)["overdracht"].as_str().expect("a transfer").to_owned();
    let listed = gi.inbox("").expect("a list");
    assert!(listed.as_array().expect("a list").iter().any(|one| one["overdracht"] == transfer.as_str()), "{listed}");
    assert_eq!(gi.inbox(&transfer).expect("content")["document"]["number"], ANNA);
    assert!(gi.confirm(&transfer).expect("answered").done);
    assert_eq!(gi.confirm(&transfer).expect_err("gone").code(), Code::PermissionDenied);
    // A request, and one that the rules refuse: an answer too, with the code of the command.
    let asked = gi.exchange(false, &warm("alfa"), ANNA).expect("answered");
    assert!(asked.done && gi.confirm(json(&asked)["overdracht"].as_str().expect("a transfer")).expect("taken").done);
    let refused = gi.exchange(false, &Scene { executor: "beta", ..warm("alfa") }, ANNA).expect("answered");
    assert_eq!((refused.done, json(&refused)["code"].as_str()), (false, Some("KP-CASUS-GRONDSLAG")));
    // Outside its scope, with what is no BSN, with the key of another organisation's application, and after it was removed.
    let beyond =
        Scene { name: "SCN-14", purpose: "P4", sender: ("gem", "GEM"), receiver: ("rvdk", "RVDK"), ..warm("alfa") };
    assert_eq!(town.exchange(true, &beyond, ANNA).expect_err("scope").code(), Code::PermissionDenied);
    assert_eq!(town.exchange(true, &warm("alfa"), "12345678X").expect_err("BSN").code(), Code::InvalidArgument);
    // Fields that changed places, and two names that nobody stands behind.
    let swapped = Scene { name: ANNA, ..warm("alfa") };
    assert_eq!(town.exchange(true, &swapped, ANNA).expect_err("no type").code(), Code::PermissionDenied);
    let mut passed_over = warm("alfa").situation();
    passed_over["override"] = json!({"reason": "ernstig_nadeel", "approved_by": ["a. jansen", "b. de vries"]});
    assert_eq!(town.ask(true, &passed_over, ANNA).expect_err("two people").code(), Code::PermissionDenied);
    let node = path(&stage.home, "gem");
    let log = run(&["log", "list", "--decision", "DENY", "--json", "--node", &node]);
    assert!(log.contains("casus-toepassing/SCN-14") && log.contains("casus-toepassing/onbekend"), "{log}");
    assert!(!log.contains(ANNA), "{log}");
    let stranger = at("gem", &gi_key).and_then(|app| app.inbox("").map(drop).map_err(|e| e.to_string()));
    assert!(stranger.is_err());
    run(&["exchange", "apps", "--node", &node, "--remove", "wijkteam"]);
    assert_eq!(town.inbox("").expect_err("removed").code(), Code::Unauthenticated, "on the connection that it had");
    let audit = run(&["log", "audit", "--json", "--node", &node]);
    assert!(audit.contains("\"wijkteam\"") && !audit.contains(ANNA), "{audit}");
}
