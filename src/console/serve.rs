//! From request to answer: who asks, may they, is the form theirs, is it recorded; then the page, and the headers of every answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

use super::Console;
use super::answer::{Answer, Fault};
use super::child;
use super::frame::Frame;
use super::route::{Access, LISTS, Method, ROUTES, Record, Route};
use super::session::Session;
use super::upload::{self, Uploaded};
use super::visit::{Pairs, Visit, pairs, place_here};
use crate::crypto::{Digest, digest, hex};
use crate::domain::bsn::holds_typed_bsn;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::row::printable;
use crate::service::append::Scope;
use crate::service::audit::Employee;
use crate::translog::entry::TransferId;
use crate::transport::web::Visitor;

/// Most names in one request.
const MOST_NAMES: usize = 32;
/// Most choices of a list in a form besides.
const MOST_CHOICES: usize = 128;
/// Largest form.
const MAX_FORM: usize = 64 << 10;
/// A form must be there within this time.
const FORM: Duration = Duration::from_secs(30);
/// Largest file that is taken through a browser; it is held in memory. A larger one goes with the command `intake`.
pub const MAX_FILE: usize = 64 << 20;
/// A file must be there within this time.
const FILE: Duration = Duration::from_secs(540);

/// Only what this console serves itself; nothing inline, no frames, forms to here alone.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                          form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every answer; one that the answer sets itself stays.
const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cache-control", "no-store"),
];

/// The console as a service for the listener.
pub fn router(console: &Arc<Console>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let console = Arc::clone(console);
        let filter = match route.method {
            Method::Get => MethodFilter::GET,
            Method::Post | Method::Upload => MethodFilter::POST,
        };
        let handler = move |path: Result<RawPathParams, RawPathParamsRejection>, request: Request| {
            let known = path.map(|path| owned(&path));
            let (route, path) = known.map_or((None, Pairs::new()), |path| (Some(route), path));
            take(console, route, path, request)
        };
        router = router.route(route.place, on(filter, handler));
    }
    let (lost, wrong) = (Arc::clone(console), Arc::clone(console));
    router
        .fallback(move |request: Request| take(lost, None, Pairs::new(), request))
        .method_not_allowed_fallback(move |request: Request| take(wrong, None, Pairs::new(), request))
}

fn owned(path: &RawPathParams) -> Pairs {
    path.iter().map(|(name, value)| (name.to_owned(), Zeroizing::new(value.to_owned()))).collect()
}

async fn take(console: Arc<Console>, route: Option<&'static Route>, path: Pairs, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let upload = route.filter(|route| route.method == Method::Upload);
    // A file is taken from who may send one, one at a time; from others not even a byte of it.
    let turn = upload
        .filter(|route| may_send(&console, &parts, route))
        .map(|_| Arc::clone(&console.uploads).try_acquire_owned());
    let (most, time) = if matches!(turn, Some(Ok(_))) { (MAX_FILE, FILE) } else { (MAX_FORM, FORM) };
    let body = match &turn {
        Some(Err(_)) => Err(Fault::Busy),
        None if upload.is_some() => Ok(Zeroizing::new(Vec::new())),
        _ => match tokio::time::timeout(time, to_bytes(body, most)).await {
            Ok(Ok(bytes)) => Ok(Zeroizing::new(Vec::from(bytes))),
            _ => Err(Fault::TooLarge),
        },
    };
    let worker = Arc::clone(&console);
    let answered = tokio::task::spawn_blocking(move || {
        // The turn lasts as long as the work, also when the sender hangs up.
        let _turn = turn;
        made(&worker, route, &parts, path, body)
    });
    let answer = answered.await.unwrap_or_else(|_| {
        tracing::error!("console: een pagina brak af");
        Answer { status: 500, headers: Vec::new(), body: Vec::new() }
    });
    sent(answer)
}

/// Whether who sends this is logged in with a role of the route.
fn may_send(console: &Console, parts: &Parts, route: &Route) -> bool {
    let session = visit_of(console, parts, Pairs::new()).session;
    matches!((route.access, session), (Access::Only(roles), Some(session)) if session.has(roles))
}

/// The answer to a request that is read.
fn made(
    console: &Console,
    route: Option<&Route>,
    parts: &Parts,
    path: Pairs,
    body: Result<Zeroizing<Vec<u8>>, Fault>,
) -> Answer {
    let mut visit = visit_of(console, parts, path);
    let answer = body.and_then(|body| {
        match route.map(|route| route.method) {
            Some(Method::Post) => visit.form = pairs(&body),
            Some(Method::Upload) if !body.is_empty() => {
                let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
                let unfit = || Fault::Unfit("Dit formulier is niet te lezen.".to_owned());
                let Uploaded { fields, file } = upload::parts(kind.unwrap_or_default(), &body).ok_or_else(unfit)?;
                (visit.form, visit.file) = (fields, file);
            }
            _ => {}
        }
        answer(&visit, route, &parts.headers)
    });
    answer.unwrap_or_else(|fault| {
        let fault = match fault {
            Fault::Broken(reason) => {
                tracing::error!("console: {reason}");
                // What the node says of itself is for who works here.
                Fault::Broken(if visit.session.is_some() { reason } else { "Er is een fout op de server.".to_owned() })
            }
            other => other,
        };
        fault.page(Frame::of(&visit, ""))
    })
}

fn visit_of<'a>(console: &'a Console, parts: &Parts, path: Pairs) -> Visit<'a> {
    let unknown = Visitor { address: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), certificate: None };
    let visitor = parts.extensions.get::<Visitor>().copied().unwrap_or(unknown);
    let now_ms = console.core.clock.now_ms();
    let secret = cookie(&parts.headers, &console.cookie);
    let session = secret.as_ref().and_then(|secret| console.sessions.find(secret, visitor.certificate, now_ms));
    // The account as it is now: who was closed is out, also when a login was under way.
    let session = session.and_then(|session| {
        let account = console.core.accounts().view(session.account.number).ok().flatten()?;
        Some(session.of(account))
    });
    let here = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
    Visit { console, path, query, form: Pairs::new(), file: None, session, secret, visitor, here, now_ms }
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut each = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    each.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}

/// The order of the checks: form from here, logged in, role, token, record; then the page.
fn answer(visit: &Visit<'_>, route: Option<&Route>, headers: &HeaderMap) -> Result<Answer, Fault> {
    let Some(route) = route else { return Err(Fault::NotFound) };
    if route.method != Method::Get && !from_here(headers) {
        return Err(Fault::Foreign);
    }
    check_names(visit, route)?;
    if let Access::LoggedIn | Access::Only(_) = route.access {
        let Some(session) = &visit.session else { return log_in_first(visit, route) };
        if let Access::Only(roles) = route.access
            && !session.has(roles)
        {
            let refused = BTreeMap::from([("pagina".to_owned(), route.place.to_owned())]);
            let trace = visit.core().audit_begin(employee(visit, session), "console geweigerd", refused);
            let noted = trace.and_then(|trace| visit.core().audit_end(&trace, 1));
            noted.map_err(|e| Fault::Broken(e.to_string()))?;
            return Err(Fault::Roles(roles));
        }
        if route.method != Method::Get && !crate::crypto::equal(visit.field("csrf").as_bytes(), session.csrf.as_bytes())
        {
            return Err(Fault::Foreign);
        }
        if matches!(route.access, Access::Only(_)) && !is_meant(route, headers) {
            return Err(Fault::Elsewhere(place_here(&visit.here).to_owned()));
        }
        return recorded(visit, route, session);
    }
    (route.run)(visit)
}

/// Whether somebody asked for this page: a page elsewhere that opens it, or a browser that fetches it in advance, does not make
/// an employee look.
fn is_meant(route: &Route, headers: &HeaderMap) -> bool {
    let says = |name: &str, word: &str| headers.get_all(name).iter().any(|value| value.as_bytes() == word.as_bytes());
    let elsewhere = says("sec-fetch-site", "cross-site") || says("sec-fetch-site", "same-site");
    let ahead = headers.get("sec-purpose").is_some_and(|value| value.as_bytes().starts_with(b"prefetch"));
    route.method != Method::Get || !(elsewhere || ahead)
}

/// What is read is what is recorded: every name once, over path, query and form together. A BSN has one field, and is nowhere else.
fn check_names(visit: &Visit<'_>, route: &Route) -> Result<(), Fault> {
    let unfit = |reason: &str| Err(Fault::Unfit(reason.to_owned()));
    let all: Vec<_> = visit.path.iter().chain(&visit.query).chain(&visit.form).collect();
    let mut seen = BTreeSet::new();
    let several = |name: &str| match route.place {
        "/accounts/uitnodigen" => name == "rol",
        "/toestemmingen/vastleggen" => LISTS.contains(&name),
        _ => false,
    };
    let choices = all.iter().filter(|(name, _)| several(name)).count();
    if all.len() - choices > MOST_NAMES
        || choices > MOST_CHOICES
        || !all.iter().all(|(name, _)| several(name) || seen.insert(name))
    {
        return unfit("Het adres of formulier noemt iets dubbel of te veel.");
    }
    let own_field = |name: &str| asks_bsn(route) && name == "bsn";
    let secret =
        |name: &str| matches!(name, "csrf" | "uitnodiging" | "code" | "wachtwoord" | "nogmaals" | "oud" | "kind");
    // Digits of these may look like one by chance.
    let formal = |name: &str, value: &str| match name {
        "van" | "tot" | "dag" | "geboren" | "ontdekt" | "vervangt_van" | "vervangt_tot" => Day::parse(value).is_ok(),
        "partner" | "ontvanger" => Oin::parse(value).is_ok(),
        "voor" => value.parse::<u64>().is_ok(),
        "nummer" | "overdracht" | "tekst" => is_transfer(value),
        "certificaat" | "sleutel" => Digest::from_hex(value).is_some(),
        "naar" => value.starts_with('/'),
        _ => false,
    };
    let typed = |name: &str, value: &str| {
        let exempt = own_field(name) || secret(name) || formal(name, value);
        holds_typed_bsn(name) || (!exempt && holds_typed_bsn(value))
    };
    match visit.query.iter().chain(&visit.form).any(|(name, value)| typed(name, value)) {
        true => {
            unfit("Hier staat een burgerservicenummer waar het niet hoort. Gebruik daarvoor alleen de pagina Persoon.")
        }
        false => Ok(()),
    }
}

/// Whether a form of this route has a field for a BSN.
fn asks_bsn(route: &Route) -> bool {
    matches!(route.place, "/persoon" | "/toestemmingen") && route.method == Method::Post
}

fn is_transfer(value: &str) -> bool {
    TransferId::parse(value.trim()).is_ok()
}

fn log_in_first(visit: &Visit<'_>, route: &Route) -> Result<Answer, Fault> {
    if route.method != Method::Get {
        return Err(Fault::Foreign);
    }
    let to: String = form_urlencoded::Serializer::new(String::new()).append_pair("naar", &visit.here).finish();
    Ok(Answer::see(&if visit.here == "/" { "/inloggen".to_owned() } else { format!("/inloggen?{to}") }))
}

/// Runs the page when the audit log has it.
fn recorded(visit: &Visit<'_>, route: &Route, session: &Session) -> Result<Answer, Fault> {
    let Record::Action(action, keys) = route.record else { return (route.run)(visit) };
    let all = visit.path.iter().chain(&visit.query).chain(&visit.form);
    let given = all.filter(|(key, value)| key != "csrf" && !value.trim().is_empty());
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in given {
        let value = if keys.contains(&key.as_str()) { printable(value) } else { "ingevuld".to_owned() };
        told.entry(printable(key)).and_modify(|before| *before = format!("{before}, {value}")).or_insert(value);
    }
    if let Access::Only(roles) = route.access {
        let by = roles.iter().find(|role| session.has(&[**role])).map_or("", |role| role.as_str());
        told.insert("in de rol".to_owned(), by.to_owned());
    }
    told.insert("sessie".to_owned(), session.mark());
    // Which child, to who can make the same mark from a BSN and the node's key; nobody reads a BSN from it.
    if let Some(subject) = asks_bsn(route).then(|| child::asked(visit)).flatten() {
        told.insert("kind".to_owned(), hex(&digest(subject.expose()).0[..8]));
        if !visit.console.persons.admit_account(session.account.number, visit.now_ms) {
            return Err(Fault::TooMany);
        }
    }
    let begun = visit.core().audit_begin(employee(visit, session), action, told);
    let trace = begun.map_err(|e| Fault::Broken(format!("Zonder auditlog wordt niets getoond of gedaan: {e}")))?;
    let scope = Scope::enter(trace);
    let done = (route.run)(visit);
    drop(scope);
    let refused = done.as_ref().map_or(true, |answer| answer.status >= 400);
    let ended = visit.core().audit_end(&trace, u8::from(refused));
    ended.map_err(|e| Fault::Broken(format!("Zonder auditlog wordt niets getoond of gedaan: {e}")))?;
    done
}

/// Who is behind a session, for the audit log.
fn employee(visit: &Visit<'_>, session: &Session) -> Employee {
    person(visit, session.account.number, &session.account.name)
}

/// An account of the console, for the audit log; number 0 is nobody's.
pub(super) fn person(visit: &Visit<'_>, number: u32, name: &str) -> Employee {
    Employee {
        uid: number,
        user: name.to_owned(),
        login_uid: None,
        login_user: None,
        pid: std::process::id(),
        process: "console".to_owned(),
        via: "console".to_owned(),
        device: visit.visitor.address.to_string(),
    }
}

/// Whether a form was sent by a page of this console, as the browser says.
fn from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => origin.strip_prefix("https://") == Some(host),
        _ => false,
    }
}

fn sent(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.append(name, value);
        }
    }
    for (name, value) in HEADERS {
        headers.entry(*name).or_insert(HeaderValue::from_static(value));
    }
    response
}
