//! A console over a node whose transfer log has many entries, asked as a browser would.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use http::Request;
use ketenpoort::console::office::{Breach, Expiring, Office, PartnerState, Room};
use ketenpoort::console::paper::Page;
use ketenpoort::console::{Console, Site, router};
use ketenpoort::crypto::{KeyTree, Secret32, Tag};
use ketenpoort::domain::activity::ActivityBase;
use ketenpoort::domain::codes::{OrgType, Owner};
use ketenpoort::domain::gemeente::GemeenteList;
use ketenpoort::node::SystemClock;
use ketenpoort::service::accounts::{Joining, Opened, Role};
use ketenpoort::service::core::{Clock, Core, Identity};
use ketenpoort::transport::web::Visitor;
use tower::ServiceExt;

use crate::filled::oin;

/// Commands of a node that this measures nothing of.
struct Nothing;

impl Office for Nothing {
    fn subject(&self, _: &Tag, _: bool) -> Result<Page, String> {
        Ok(Page::new(""))
    }

    fn register(&self) -> Page {
        Page::new("")
    }

    fn retention(&self) -> Result<String, String> {
        Ok(String::new())
    }

    fn breach(&self, _: &Breach) -> Result<(Page, String), String> {
        Ok((Page::new(""), String::new()))
    }

    fn certificates(&self) -> Vec<Expiring> {
        Vec::new()
    }

    fn room(&self) -> Room {
        Room::default()
    }

    fn partners(&self) -> Vec<PartnerState> {
        Vec::new()
    }

    fn report(&self) -> Option<(String, String)> {
        None
    }
}

/// The node in `dir`, made when it is not there; its log has the key of the node.
pub fn node(dir: &Path) -> Arc<Core> {
    let keys = || KeyTree::new(Secret32::new([1; 32]));
    if !dir.exists() {
        Core::create(dir, oin(1), &keys()).expect("journals");
    }
    let identity = Identity {
        oin: oin(1),
        name: "GI Een".to_owned(),
        org_type: OrgType::Gi,
        levert: vec![Owner::Gi],
        activities: ActivityBase::of_oin(oin(1)),
    };
    let core = Core::open(dir, identity, keys(), GemeenteList::new(Vec::new()), Arc::new(SystemClock)).expect("opens");
    Arc::new(core)
}

/// Asks each page ten times: bytes, and the fastest and slowest answer in milliseconds.
pub fn pages(core: &Arc<Core>, places: &[&str]) {
    let listen = "127.0.0.1:8444".parse().expect("address");
    let site = Site { name: "GI Een".to_owned(), oin: oin(1), listen, theme: None, certificates: false };
    let router = router(&Console::new(Arc::clone(core), site, Arc::new(Nothing)));
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let send = |mut request: Request<Body>| {
        let visitor = Visitor { address: IpAddr::V4(Ipv4Addr::LOCALHOST), certificate: None };
        request.extensions_mut().insert(visitor);
        let router = router.clone();
        runtime.block_on(async move {
            let (parts, body) = router.oneshot(request).await.expect("an answer").into_parts();
            (parts, to_bytes(body, 64 << 20).await.expect("a body").len())
        })
    };
    // An account as of a minute ago, so that its code of now is fresh; under a name of its own at each run.
    let (accounts, then) = (core.accounts(), SystemClock.now_ms() - 60_000);
    let token = accounts.invite(Role::ALL.into(), "meting", then).expect("invited");
    let Opened { ticket, secret, .. } = accounts.open(&token, then).expect("opened");
    let (name, password) = (format!("meting-{}", accounts.list().expect("accounts").len()), "een zin met vier woorden");
    let joining = Joining { ticket: &ticket, name: &name, password, code: &secret.code_at(then / 1000) };
    accounts.join(&joining, then).expect("an account");
    let code = secret.code_at(SystemClock.now_ms() / 1000);
    let form = format!("naam={name}&wachtwoord=een+zin+met+vier+woorden&code={code}");
    let login = Request::post("/inloggen").header("sec-fetch-site", "same-origin").body(Body::from(form));
    let (parts, _) = send(login.expect("request"));
    let cookie = parts.headers.get("set-cookie").expect("logged in").to_str().expect("text").to_owned();
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    for place in places {
        let mut times = Vec::new();
        let mut seen = (0, 0);
        for _ in 0..10 {
            let begun = Instant::now();
            let request = Request::get(*place).header("cookie", &cookie).body(Body::empty());
            let (parts, bytes) = send(request.expect("request"));
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            seen = (parts.status.as_u16(), bytes);
        }
        times.sort_by(f64::total_cmp);
        println!("{place}: {} {} bytes, {:.1} to {:.1} ms", seen.0, seen.1, times[0], times[9]);
    }
}
