//! Logging in and out.

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::serve::person;
use super::visit::{Visit, place_here};
use crate::service::accounts::{AccountView, LoginError};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    to: String,
    name: String,
    refused: bool,
    certificate: bool,
}

/// The form.
pub fn form(visit: &Visit<'_>) -> Result<Answer, Fault> {
    if visit.session.is_some() {
        return Ok(Answer::see(place_here(visit.asked("naar"))));
    }
    page(visit, visit.asked("naar"), "", false)
}

fn page(visit: &Visit<'_>, to: &str, name: &str, refused: bool) -> Result<Answer, Fault> {
    let (to, name) = (place_here(to).to_owned(), name.to_owned());
    let certificate = visit.visitor.certificate.is_some();
    Answer::page(&LoginPage { frame: Frame::of(visit, "Inloggen"), to, name, refused, certificate })
}

/// With name, password and code.
pub fn by_password(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let code: String = visit.field("code").chars().filter(|c| !c.is_whitespace()).collect();
    admit(visit)?;
    let given = (visit.field("naam"), visit.field("wachtwoord"), code.as_str());
    let found = visit.core().accounts().login(given, visit.now_ms);
    enter(visit, found, "wachtwoord")
}

/// With the client certificate of this connection.
pub fn by_certificate(visit: &Visit<'_>) -> Result<Answer, Fault> {
    // Without one there is nothing to look at and nothing to record.
    let Some(certificate) = visit.visitor.certificate else {
        return Ok(page(visit, visit.field("naar"), "", true)?.with_status(403));
    };
    admit(visit)?;
    enter(visit, visit.core().accounts().login_certificate(certificate), "certificaat")
}

/// Bounds what somebody who is not logged in can make this node do.
pub(super) fn admit(visit: &Visit<'_>) -> Result<(), Fault> {
    let admitted = visit.console.attempts.admit(visit.visitor.address, visit.now_ms);
    if admitted { Ok(()) } else { Err(Fault::TooOften) }
}

/// Records the attempt, whoever it was, and begins a session when it was right.
fn enter(visit: &Visit<'_>, found: Result<AccountView, LoginError>, by: &str) -> Result<Answer, Fault> {
    let (who, said) = match &found {
        Ok(account) => (person(visit, account.number, &account.name), "gelukt"),
        Err(LoginError::Wrong { account: None }) => (person(visit, 0, "onbekend"), "onjuist"),
        Err(LoginError::Wrong { account: Some(number) }) => (person(visit, *number, &named(visit, *number)), "onjuist"),
        Err(LoginError::Locked { account }) => (person(visit, *account, &named(visit, *account)), "geblokkeerd"),
        Err(LoginError::Busy) => return Err(Fault::TooOften),
        Err(LoginError::Account(e)) => return Err(Fault::Broken(e.to_string())),
    };
    let told = [("met", by), ("uitkomst", said)].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let noted = visit.core().audit_begin(who, "console inloggen", told.into());
    let trace = noted.map_err(|e| Fault::Broken(format!("Zonder auditlog logt niemand in: {e}")))?;
    visit.core().audit_end(&trace, u8::from(found.is_err())).map_err(|e| Fault::Broken(e.to_string()))?;
    let Ok(account) = found else {
        let refused = page(visit, visit.field("naar"), visit.field("naam"), true)?;
        return Ok(refused.with_status(403));
    };
    if let Some(old) = &visit.secret {
        visit.console.sessions.end(old);
    }
    let certificate = visit.visitor.certificate.filter(|_| by == "certificaat");
    let secret = visit.console.sessions.begin(account, certificate, visit.now_ms);
    let cookie = format!("{}={secret}; Path=/; Secure; HttpOnly; SameSite=Lax", visit.console.cookie);
    Ok(Answer::see(place_here(visit.field("naar"))).with("set-cookie", cookie))
}

fn named(visit: &Visit<'_>, number: u32) -> String {
    let all = visit.core().accounts().list().unwrap_or_default();
    all.into_iter().find(|account| account.number == number).map_or_else(String::new, |account| account.name)
}

/// Ends the session.
pub fn out(visit: &Visit<'_>) -> Result<Answer, Fault> {
    if let Some(secret) = &visit.secret {
        visit.console.sessions.end(secret);
    }
    let gone = format!("{}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0", visit.console.cookie);
    Ok(Answer::see("/inloggen").with("set-cookie", gone).with("clear-site-data", "\"cache\"".to_owned()))
}
