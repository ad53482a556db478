//! The console through its router, as a browser would: who may see what, and what cannot be done from outside.

mod access;
mod login;
mod pages;
mod work;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, Response, StatusCode};
use ketenpoort::console::office::{Breach, Expiring, Office, PartnerState, Room};
use ketenpoort::console::paper::Page;
use ketenpoort::console::{Console, Site, router};
use ketenpoort::crypto::{Digest, KeyTree, Secret32, Tag, TotpSecret};
use ketenpoort::domain::activity::ActivityBase;
use ketenpoort::domain::codes::{OrgType, Owner};
use ketenpoort::domain::day::Day;
use ketenpoort::domain::gemeente::GemeenteList;
use ketenpoort::domain::oin::Oin;
use ketenpoort::service::accounts::{Joining, Opened, Role};
use ketenpoort::service::audit::AuditRecord;
use ketenpoort::service::core::{Clock, Core, Identity};
use ketenpoort::transport::web::Visitor;
use tower::ServiceExt;

pub const PASSWORD: &str = "een zin met vier woorden";
const START_MS: u64 = 1_780_315_200_000;

struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn today(&self) -> Day {
        Day(i32::try_from(self.now_ms() / 86_400_000).expect("a day"))
    }
}

/// What the node's commands would say.
struct Told;

impl Office for Told {
    fn subject(&self, _: &Tag, all: bool) -> Result<Page, String> {
        let mut page = Page::new("Uw gegevens bij <b>GI</b>");
        page.text(if all { "alles <i>intern</i>" } else { "voor de betrokkene" });
        Ok(page)
    }

    fn register(&self) -> Page {
        Page::new("Register van <b>GI</b>")
    }

    fn retention(&self) -> Result<String, String> {
        Ok("Personen: 0\n<b>niets</b>".to_owned())
    }

    fn breach(&self, breach: &Breach) -> Result<(Page, String), String> {
        let mut page = Page::new("Concept <b>x</b>");
        page.text(format!("{breach:?}"));
        Ok((page, "nummer\r\n".to_owned()))
    }

    fn certificates(&self) -> Vec<Expiring> {
        vec![Expiring { what: "Certificaat <b>x</b>".to_owned(), list: false, until_s: Some(1) }]
    }

    fn room(&self) -> Room {
        Room { free: Some((1 << 29, 1 << 40)), parts: vec![("transferlog", 7_000)] }
    }

    fn partners(&self) -> Vec<PartnerState> {
        let said = Err("<b>stil</b>".to_owned());
        vec![PartnerState { name: "<b>Partij</b>".to_owned(), oin: "00000099000000000002".to_owned(), said }]
    }

    fn report(&self) -> Option<(String, String)> {
        let table = r#"{"indicator":"IND-01","version":"1","period":"2024","by":[],"peildatum":"2026-01-01","scope":"optelling",
            "protected":true,"rows":[{"series":"OTS","measure":"n_som_organisaties","key":{},"value":30,"mark":null,"low":28,"high":32},
            {"series":"<b>v</b>","measure":"<b>m</b>","key":{},"value":null,"mark":"x","low":null,"high":null}],
            "coverage":{"expected":1,"delivered":1,"missing":[]},"sources":["00000099000000000002"],"certificate":null}"#;
        let other = table.replace("2024", "2023");
        let report = format!(
            r#"{{"period":["2023","2024"],"tables":[{table},{other}],"convenant":{{"id":"<b>c</b>","version":1,"hash":"sha256:x"}},"example":true}}"#
        );
        let setting = r#"{"region":"<b>Regio</b>","convenant":"<b>t</b>","parties":[],"gemeenten":{},"later":[]}"#;
        Some((report, setting.to_owned()))
    }
}

/// A console over a node of its own.
pub struct Bench {
    _dir: tempfile::TempDir,
    pub core: Arc<Core>,
    clock: Arc<SetClock>,
    router: Router,
    runtime: tokio::runtime::Runtime,
    /// The client certificate of the next requests.
    pub certificate: Option<Digest>,
}

/// What came back.
pub struct Seen {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The session cookie that was set.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().expect("a cookie").to_owned()
    }

    /// The token of the forms on the page.
    pub fn csrf(&self) -> String {
        let at = self.text.find("name=\"csrf\" value=\"").expect("a form with a token") + 19;
        self.text[at..].split('"').next().expect("a value").to_owned()
    }
}

impl Bench {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let oin = Oin::parse("00000099000000000001").expect("OIN");
        let keys = || KeyTree::new(Secret32::new([7; 32]));
        Core::create(dir.path(), oin, &keys()).expect("journals");
        let identity = Identity {
            oin,
            name: "GI Een".to_owned(),
            org_type: OrgType::Gi,
            levert: vec![Owner::Gi],
            activities: ActivityBase::of_oin(oin),
        };
        let clock = Arc::new(SetClock(AtomicU64::new(START_MS)));
        let given = Arc::clone(&clock) as Arc<dyn Clock>;
        let core = Core::open(dir.path(), identity, keys(), GemeenteList::new(Vec::new()), given).expect("opens");
        let core = Arc::new(core);
        let listen = "127.0.0.1:8444".parse().expect("address");
        let site = Site { name: "GI <Een>".to_owned(), oin, listen, theme: None, certificates: true };
        let router = router(&Console::new(Arc::clone(&core), site, Arc::new(Told)));
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        Self { _dir: dir, core, clock, router, runtime, certificate: None }
    }

    pub fn wait(&self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Makes an account with these roles; its secret for codes.
    pub fn account(&self, name: &str, roles: &[Role]) -> TotpSecret {
        self.wait(30_000);
        let accounts = self.core.accounts();
        let token = accounts.invite(roles.iter().copied().collect(), "proef", self.now_ms()).expect("invited");
        let Opened { ticket, secret, .. } = accounts.open(&token, self.now_ms()).expect("an invitation");
        let code = secret.code_at(self.now_ms() / 1000);
        accounts
            .join(&Joining { ticket: &ticket, name, password: PASSWORD, code: &code }, self.now_ms())
            .expect("account");
        secret
    }

    /// Logs in and gives the cookie.
    pub fn log_in(&self, name: &str, secret: &TotpSecret) -> String {
        self.wait(60_000);
        let seen = self.try_log_in(name, PASSWORD, &secret.code_at(self.now_ms() / 1000), "/");
        assert_eq!(seen.status, 303, "{}", seen.text);
        seen.cookie()
    }

    pub fn try_log_in(&self, name: &str, password: &str, code: &str, to: &str) -> Seen {
        self.post("/inloggen", "", &[("naam", name), ("wachtwoord", password), ("code", code), ("naar", to)])
    }

    pub fn get(&self, place: &str, cookie: &str) -> Seen {
        self.send(Request::get(place).header("cookie", cookie).body(Body::empty()).expect("request"))
    }

    /// As a form of a page of the console.
    pub fn post(&self, place: &str, cookie: &str, form: &[(&str, &str)]) -> Seen {
        let mut body = form_urlencoded::Serializer::new(String::new());
        let request = Request::post(place).header("cookie", cookie).header("sec-fetch-site", "same-origin");
        self.send(request.body(Body::from(body.extend_pairs(form).finish())).expect("request"))
    }

    pub fn send(&self, mut request: Request<Body>) -> Seen {
        let visitor = Visitor { address: IpAddr::V4(Ipv4Addr::LOCALHOST), certificate: self.certificate };
        request.extensions_mut().insert(visitor);
        let router = self.router.clone();
        self.runtime.block_on(async move {
            let response: Response<Body> = router.oneshot(request).await.expect("an answer");
            let (parts, body) = response.into_parts();
            let bytes = to_bytes(body, 64 << 20).await.expect("a body");
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Seen { status: parts.status, headers: parts.headers, text }
        })
    }

    /// What the audit log says was begun: who, which action and its arguments.
    pub fn recorded(&self) -> Vec<(String, String, String)> {
        let mut all = Vec::new();
        let mut take = |_, record| {
            if let AuditRecord::Begin { who, command, arguments, .. } = record {
                all.push((who.user, command, format!("{arguments:?}")));
            }
        };
        self.core.audit_records(&mut take).expect("readable");
        all
    }
}
