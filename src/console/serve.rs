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
use super::frame::Frame;
use super::route::{Access, Method, ROUTES, Record, Route};
use super::session::Session;
use super::visit::{Pairs, Visit, pairs};
use crate::domain::bsn::holds_typed_bsn;
use crate::domain::day::Day;
use crate::domain::oin::Oin;
use crate::domain::row::printable;
use crate::service::append::Scope;
use crate::service::audit::Employee;
use crate::transport::web::Visitor;

/// Most names in one request.
const MOST_NAMES: usize = 32;
/// Largest form.
const MAX_FORM: usize = 64 << 10;
/// A form must be there within this time.
const FORM: Duration = Duration::from_secs(30);

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
            Method::Post => MethodFilter::POST,
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
    let body = match tokio::time::timeout(FORM, to_bytes(body, MAX_FORM)).await {
        Ok(Ok(bytes)) => Some(Zeroizing::new(bytes.to_vec())),
        _ => None,
    };
    let answered = tokio::task::spawn_blocking(move || {
        let mut visit = visit_of(&console, &parts, path);
        let Some(body) = body else {
            return Fault::TooLarge.page(Frame::of(&visit, ""));
        };
        if route.is_some_and(|route| route.method == Method::Post) {
            visit.form = pairs(&body);
        }
        let answer = answer(&visit, route, &parts.headers);
        answer.unwrap_or_else(|fault| {
            if let Fault::Broken(reason) = &fault {
                tracing::error!("console: {reason}");
            }
            fault.page(Frame::of(&visit, ""))
        })
    });
    sent(answered.await.unwrap_or(Answer { status: 500, headers: Vec::new(), body: Vec::new() }))
}

fn visit_of<'a>(console: &'a Console, parts: &Parts, path: Pairs) -> Visit<'a> {
    let unknown = Visitor { address: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), certificate: None };
    let visitor = parts.extensions.get::<Visitor>().copied().unwrap_or(unknown);
    let now_ms = console.core.clock.now_ms();
    let secret = cookie(&parts.headers, &console.cookie);
    let session = secret.as_ref().and_then(|secret| console.sessions.find(secret, visitor.certificate, now_ms));
    let here = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
    Visit { console, path, query, form: Pairs::new(), session, secret, visitor, here, now_ms }
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut each = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    each.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}

/// The order of the checks: form from here, logged in, role, token, record; then the page.
fn answer(visit: &Visit<'_>, route: Option<&Route>, headers: &HeaderMap) -> Result<Answer, Fault> {
    let Some(route) = route else { return Err(Fault::NotFound) };
    if route.method == Method::Post && !from_here(headers) {
        return Err(Fault::Foreign);
    }
    check_names(visit, route)?;
    if let Access::LoggedIn | Access::Only(_) = route.access {
        let Some(session) = &visit.session else { return log_in_first(visit, route) };
        if route.method == Method::Post
            && !crate::crypto::equal(visit.field("csrf").as_bytes(), session.csrf.as_bytes())
        {
            return Err(Fault::Foreign);
        }
        if let Access::Only(roles) = route.access
            && !session.has(roles)
        {
            let refused = BTreeMap::from([("pagina".to_owned(), route.place.to_owned())]);
            let trace = visit.core().audit_begin(employee(visit, session), "console geweigerd", refused);
            let _ = trace.and_then(|trace| visit.core().audit_end(&trace, 1));
            return Err(Fault::Roles(roles));
        }
        return recorded(visit, route, session);
    }
    (route.run)(visit)
}

/// What is read is what is recorded: every name once, over path, query and form together. A BSN has one field, and is nowhere else.
fn check_names(visit: &Visit<'_>, route: &Route) -> Result<(), Fault> {
    let unfit = |reason: &str| Err(Fault::Unfit(reason.to_owned()));
    let all: Vec<_> = visit.path.iter().chain(&visit.query).chain(&visit.form).collect();
    let mut seen = BTreeSet::new();
    // One may be given several roles.
    if all.len() > MOST_NAMES || !all.iter().all(|(name, _)| name == "rol" || seen.insert(name)) {
        return unfit("Het adres of formulier noemt iets dubbel of te veel.");
    }
    let own_field = |name: &str| route.place == "/persoon" && route.method == Method::Post && name == "bsn";
    let secret = |name: &str| matches!(name, "csrf" | "uitnodiging" | "code" | "wachtwoord" | "nogmaals");
    // Digits of these may look like one by chance.
    let formal = |name: &str, value: &str| match name {
        "van" | "tot" => Day::parse(value).is_ok(),
        "partner" => Oin::parse(value).is_ok(),
        "voor" | "nummer" => value.parse::<u64>().is_ok(),
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

fn log_in_first(visit: &Visit<'_>, route: &Route) -> Result<Answer, Fault> {
    if route.method == Method::Post {
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
    let begun = visit.core().audit_begin(employee(visit, session), action, told);
    let trace = begun.map_err(|e| Fault::Broken(format!("Zonder auditlog wordt niets getoond of gedaan: {e}")))?;
    let scope = Scope::enter(trace);
    let done = (route.run)(visit);
    drop(scope);
    if let Err(e) = visit.core().audit_end(&trace, u8::from(done.is_err())) {
        tracing::error!("{e}");
    }
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
