//! Accounts: joining with an invitation, one's own account, and those of everybody for the administrator.

use std::collections::BTreeSet;

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::serve::person;
use super::visit::Visit;
use super::words;
use crate::service::accounts::{AccountError, AccountView, Joining, LoginError, Opened, Role};

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    frame: Frame,
    fault: String,
}

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    frame: Frame,
    fault: String,
    ticket: String,
    name: String,
    roles: String,
    secret: String,
    link: String,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    account: AccountView,
    certificates: bool,
    shown: bool,
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    accounts: Vec<Line>,
    invitations: Vec<Open>,
    token: String,
    fault: String,
}

/// An invitation that is not used.
struct Open {
    mark: String,
    roles: String,
    by: String,
    until: String,
    opened: bool,
}

struct Line {
    number: u32,
    name: String,
    roles: String,
    by: &'static str,
    state: String,
    invited: String,
    locked: bool,
    closed: bool,
}

/// Where somebody with an invitation begins. The token is typed or pasted: it is never in an address.
pub fn invitation(visit: &Visit<'_>) -> Result<Answer, Fault> {
    Answer::page(&InvitationPage { frame: Frame::of(visit, "Account maken"), fault: String::new() })
}

/// What the invitation gives, and the form for the account.
pub fn invited(visit: &Visit<'_>) -> Result<Answer, Fault> {
    super::login::admit(visit)?;
    let opened = visit.core().accounts().open(visit.field("uitnodiging"), visit.now_ms);
    join_page(visit, "", opened)
}

/// The form again, with what was wrong.
fn again(visit: &Visit<'_>, fault: &str) -> Result<Answer, Fault> {
    let ticket = visit.field("uitnodiging").to_owned();
    let known = visit.core().accounts().invited(&ticket, visit.now_ms);
    join_page(visit, fault, known.map(|(roles, secret)| Opened { ticket, roles, secret }))
}

fn join_page(visit: &Visit<'_>, fault: &str, opened: Result<Opened, AccountError>) -> Result<Answer, Fault> {
    let Opened { ticket, roles, secret } = match opened {
        Ok(opened) => opened,
        Err(e @ (AccountError::Invitation | AccountError::Opened)) => {
            let noted =
                visit.core().audit_begin(person(visit, 0, "onbekend"), "console uitnodiging geweigerd", [].into());
            let noted = noted.and_then(|trace| visit.core().audit_end(&trace, 1));
            noted.map_err(|e| Fault::Broken(e.to_string()))?;
            let page = InvitationPage { frame: Frame::of(visit, "Account maken"), fault: e.to_string() };
            return Ok(Answer::page(&page)?.with_status(422));
        }
        Err(e) => return Err(Fault::Broken(e.to_string())),
    };
    let secret = secret.to_base32();
    let issuer: String = form_urlencoded::byte_serialize(visit.console.site.name.as_bytes()).collect();
    let issuer = issuer.replace('+', "%20");
    let page = JoinPage {
        frame: Frame::of(visit, "Account maken"),
        fault: fault.to_owned(),
        ticket,
        name: visit.field("naam").to_owned(),
        roles: words_of(&roles),
        link: format!("otpauth://totp/Ketenpoort:{issuer}?secret={secret}&issuer=Ketenpoort%20{issuer}"),
        secret: secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" "),
    };
    let answer = Answer::page(&page)?;
    Ok(if fault.is_empty() { answer } else { answer.with_status(422) })
}

/// Makes the account; then one logs in with it.
pub fn join(visit: &Visit<'_>) -> Result<Answer, Fault> {
    super::login::admit(visit)?;
    if visit.field("wachtwoord") != visit.field("nogmaals") {
        return again(visit, "de twee wachtwoorden zijn niet gelijk");
    }
    let code: String = visit.field("code").chars().filter(|c| !c.is_whitespace()).collect();
    let joining = Joining {
        ticket: visit.field("uitnodiging"),
        name: visit.field("naam"),
        password: visit.field("wachtwoord"),
        code: &code,
    };
    let account = match visit.core().accounts().join(&joining, visit.now_ms) {
        Ok(account) => account,
        Err(AccountError::File(e)) => return Err(Fault::Broken(e.to_string())),
        Err(e) => return again(visit, &e.to_string()),
    };
    let told = [("rollen".to_owned(), words_of(&account.roles))];
    let who = person(visit, account.number, &account.name);
    let noted = visit.core().audit_begin(who, "console account maken", told.into());
    noted.and_then(|trace| visit.core().audit_end(&trace, 0)).map_err(|e| Fault::Broken(e.to_string()))?;
    Ok(Answer::see("/inloggen"))
}

fn words_of(roles: &BTreeSet<Role>) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

/// One's own account.
pub fn mine(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let number = visit.session.as_ref().map_or(0, |session| session.account.number);
    let all = visit.core().accounts().list().map_err(|e| Fault::Broken(e.to_string()))?;
    let account = all.into_iter().find(|account| account.number == number).ok_or(Fault::NotFound)?;
    let (certificates, shown) = (visit.console.site.certificates, visit.visitor.certificate.is_some());
    Answer::page(&AccountPage { frame: Frame::of(visit, "Mijn account"), account, certificates, shown })
}

/// Changes the password; other sessions of the account end.
pub fn password(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let unfit = |why: &str| Err(Fault::Unfit(why.to_owned()));
    let Some(session) = &visit.session else { return Err(Fault::Foreign) };
    if visit.field("wachtwoord") != visit.field("nogmaals") {
        return unfit("De twee nieuwe wachtwoorden zijn niet gelijk.");
    }
    super::login::admit(visit)?;
    let code: String = visit.field("code").chars().filter(|c| !c.is_whitespace()).collect();
    let (number, given) = (session.account.number, (visit.field("oud"), code.as_str()));
    match visit.core().accounts().change_password(number, given, visit.field("wachtwoord"), visit.now_ms) {
        Ok(()) => {
            visit.console.sessions.end_all(number);
            Ok(Answer::see("/inloggen"))
        }
        Err(LoginError::Account(e @ AccountError::Password)) => unfit(&format!("{e}.")),
        Err(LoginError::Account(e)) => Err(Fault::Broken(e.to_string())),
        Err(LoginError::Busy) => Err(Fault::TooOften),
        Err(LoginError::Wrong { .. } | LoginError::Locked { .. }) => {
            unfit("Het oude wachtwoord of de code klopt niet, of het account is geblokkeerd. Een code werkt één keer.")
        }
    }
}

/// Lets the certificate of this connection log in as this account, or no longer.
pub fn certificate(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let number = visit.session.as_ref().map_or(0, |session| session.account.number);
    let wanted = match visit.field("wat") {
        "koppelen" => Some(
            visit
                .visitor
                .certificate
                .ok_or_else(|| Fault::Unfit("Uw browser toont op deze verbinding geen certificaat.".to_owned()))?,
        ),
        _ => None,
    };
    // From then on that certificate alone logs in: not by a session that was left open.
    let code: String = visit.field("code").chars().filter(|c| !c.is_whitespace()).collect();
    let confirmed = wanted.is_none() || visit.core().accounts().confirm(number, &code, visit.now_ms).unwrap_or(false);
    if !confirmed {
        return Err(Fault::Unfit("De code klopt niet of is al gebruikt. Wacht op de volgende.".to_owned()));
    }
    match visit.core().accounts().bind(number, wanted) {
        Ok(()) => {
            // What began with the certificate ends with it.
            if wanted.is_none() {
                visit.console.sessions.end_certified(number);
            }
            Ok(Answer::see("/account"))
        }
        Err(AccountError::Taken) => Err(Fault::Unfit("Dit certificaat hoort al bij een ander account.".to_owned())),
        Err(e) => Err(Fault::Broken(e.to_string())),
    }
}

/// Every account, for the administrator.
pub fn all(visit: &Visit<'_>) -> Result<Answer, Fault> {
    accounts_page(visit, String::new(), String::new())
}

fn accounts_page(visit: &Visit<'_>, token: String, fault: String) -> Result<Answer, Fault> {
    let all = visit.core().accounts().list().map_err(|e| Fault::Broken(e.to_string()))?;
    let line = |account: &AccountView| Line {
        number: account.number,
        name: account.name.clone(),
        roles: words_of(&account.roles),
        by: if account.certificate.is_some() { "wachtwoord en code, of certificaat" } else { "wachtwoord en code" },
        state: match account.locked_until_ms {
            _ if account.closed => "gesloten".to_owned(),
            until if until > visit.now_ms => format!("geblokkeerd tot {}", words::moment(until)),
            _ => "actief".to_owned(),
        },
        invited: match account.made_ms {
            0 => String::new(),
            made => format!("{}, door {}", words::moment(made), account.invited_by),
        },
        locked: account.locked_until_ms > visit.now_ms,
        closed: account.closed,
    };
    let open = visit.core().accounts().invitations(visit.now_ms).map_err(|e| Fault::Broken(e.to_string()))?;
    let invitations = open.into_iter().map(|one| Open {
        roles: words_of(&one.roles),
        until: words::moment(one.until_ms),
        mark: one.mark,
        by: one.by,
        opened: one.opened,
    });
    let page = AccountsPage {
        frame: Frame::of(visit, "Accounts"),
        accounts: all.iter().map(line).collect(),
        invitations: invitations.collect(),
        token,
        fault,
    };
    let refused = !page.fault.is_empty();
    let answer = Answer::page(&page)?;
    Ok(if refused { answer.with_status(422) } else { answer })
}

/// Invites somebody; the token is shown once.
pub fn invite(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let given = visit.form.iter().filter(|(name, _)| name == "rol");
    let roles: BTreeSet<Role> = given.filter_map(|(_, role)| Role::parse(role)).collect();
    if roles.is_empty() {
        return accounts_page(visit, String::new(), "kies ten minste één rol".to_owned());
    }
    let by = visit.session.as_ref().map_or("", |session| session.account.name.as_str());
    let token = visit.core().accounts().invite(roles, by, visit.now_ms).map_err(|e| Fault::Broken(e.to_string()))?;
    accounts_page(visit, token, String::new())
}

/// Ends an invitation that is not used.
pub fn revoke(visit: &Visit<'_>) -> Result<Answer, Fault> {
    match visit.core().accounts().revoke(visit.field("merk")) {
        Ok(()) => Ok(Answer::see("/accounts")),
        Err(e @ AccountError::Invitation) => accounts_page(visit, String::new(), e.to_string()),
        Err(e) => Err(Fault::Broken(e.to_string())),
    }
}

/// Lets somebody try again who is locked out.
pub fn unlock(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let number = visit.field("nummer").parse().map_err(|_| Fault::NotFound)?;
    match visit.core().accounts().unlock(number) {
        Ok(()) => Ok(Answer::see("/accounts")),
        Err(AccountError::Unknown) => Err(Fault::NotFound),
        Err(e) => Err(Fault::Broken(e.to_string())),
    }
}

/// Closes an account and ends its sessions.
pub fn close(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let number = visit.field("nummer").parse().map_err(|_| Fault::NotFound)?;
    match visit.core().accounts().close(number) {
        Ok(()) => visit.console.sessions.end_all(number),
        Err(e @ (AccountError::Last | AccountError::Unknown)) => {
            return accounts_page(visit, String::new(), e.to_string());
        }
        Err(e) => return Err(Fault::Broken(e.to_string())),
    }
    Ok(Answer::see("/accounts"))
}
