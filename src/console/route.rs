//! The one table of routes: method, place, who may, what of it stands in the audit log, and the page. Nothing is served that is
//! not here.

use super::answer::{Answer, Fault};
use super::visit::Visit;
use super::{
    account, assets, audit, breach, cases, check, consents, deliveries, login, overview, person, releases, report,
    start, status, transfer, transfers,
};
use crate::service::accounts::Role;

/// Who may have a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Everybody who can connect.
    Everyone,
    /// Everybody who is logged in.
    LoggedIn,
    /// Who has one of these roles.
    Only(&'static [Role]),
}

/// What the audit log says of a visit, before it is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Record {
    /// Nothing: the page shows nothing of persons or the log.
    Nothing,
    /// This action, with these values of path, query and form; of others only that they were given.
    Action(&'static str, &'static [&'static str]),
}

/// How a page is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// Changes nothing.
    Get,
    /// Changes something, or carries what must not be in an address.
    Post,
    /// A POST with a file.
    Upload,
}

/// The function that makes a page.
pub type Run = fn(&Visit<'_>) -> Result<Answer, Fault>;

/// One route.
#[derive(Clone, Copy)]
pub struct Route {
    /// How.
    pub method: Method,
    /// Where; `{naam}` is a part that differs.
    pub place: &'static str,
    /// Who.
    pub access: Access,
    /// What is recorded.
    pub record: Record,
    /// The page.
    pub run: Run,
}

const fn get(place: &'static str, access: Access, record: Record, run: Run) -> Route {
    Route { method: Method::Get, place, access, record, run }
}

const fn post(place: &'static str, access: Access, record: Record, run: Run) -> Route {
    Route { method: Method::Post, place, access, record, run }
}

const fn upload(place: &'static str, access: Access, record: Record, run: Run) -> Route {
    Route { method: Method::Upload, place, access, record, run }
}

use Access::{Everyone, LoggedIn, Only};
use Record::{Action, Nothing};

const ADMIN: Access = Only(&[Role::Beheerder]);
const OFFICER: Access = Only(&[Role::Privacyfunctionaris]);
const ANALYST: Access = Only(&[Role::Analist]);
/// The choices of a report.
const CHOICES: &[&str] = &["indicator", "van", "tot", "naar"];

/// What a form may name more than once.
pub const LISTS: &[&str] = &["ontvanger", "doel", "veld"];

/// Every route of the console.
pub const ROUTES: &[Route] = &[
    get("/", LoggedIn, Nothing, start::start),
    get(assets::PLACE, Everyone, Nothing, assets::serve),
    get("/inloggen", Everyone, Nothing, login::form),
    post("/inloggen", Everyone, Nothing, login::by_password),
    post("/inloggen/certificaat", Everyone, Nothing, login::by_certificate),
    post("/uitloggen", LoggedIn, Action("console uitloggen", &[]), login::out),
    get("/uitnodiging", Everyone, Nothing, account::invitation),
    post("/uitnodiging", Everyone, Nothing, account::invited),
    post("/uitnodiging/account", Everyone, Nothing, account::join),
    get("/account", LoggedIn, Nothing, account::mine),
    post("/account/wachtwoord", LoggedIn, Action("console wachtwoord", &[]), account::password),
    post("/account/certificaat", LoggedIn, Action("console certificaat", &["wat"]), account::certificate),
    get("/overzicht", OFFICER, Action("console overzicht", &[]), overview::show),
    get("/logboek", OFFICER, Action("console logboek", transfers::KEYS), transfers::list),
    get("/overdracht/{id}", OFFICER, Action("console overdracht", &["id"]), transfer::show),
    post(
        "/overdracht/{id}/vertrouwelijk",
        OFFICER,
        Action("console vertrouwelijkheid", &["id", "wat"]),
        transfer::mark,
    ),
    get("/overdracht/{id}/bewijs.json", OFFICER, Action("console bewijs", &["id"]), transfer::evidence),
    get("/controle", Everyone, Nothing, check::page),
    get("/persoon", OFFICER, Action("console persoon formulier", &[]), person::form),
    post("/persoon", OFFICER, Action("console persoon", &["alles", "vorm", "reden"]), person::report),
    get("/toestemmingen", OFFICER, Action("console toestemmingen formulier", &[]), consents::form),
    post("/toestemmingen", OFFICER, Action("console toestemmingen", &[]), consents::of),
    post("/toestemmingen/vastleggen", OFFICER, Action("console toestemming vastleggen", &[]), consents::add),
    post(
        "/toestemmingen/intrekken",
        OFFICER,
        Action("console toestemming intrekken", &["nummer", "dag"]),
        consents::withdraw,
    ),
    get("/kinderen", OFFICER, Action("console uitwisseling over kinderen", &[]), cases::show),
    post("/kinderen", OFFICER, Action("console informatieplicht", &["overdracht", "dag"]), cases::informed),
    get("/datalek", OFFICER, Action("console datalek formulier", &[]), breach::form),
    post("/datalek", OFFICER, Action("console datalek", breach::KEYS), breach::pack),
    get("/eenzijdig", OFFICER, Action("console eenzijdig", &[]), audit::one_sided),
    get("/vrijgaven", OFFICER, Action("console vrijgaven", &["indicator", "jaar"]), releases::list),
    get("/vrijgaven/{certificaat}", OFFICER, Action("console vrijgave", &["certificaat"]), releases::certificate),
    get("/auditlog", OFFICER, Action("console auditlog", &["wie"]), audit::show),
    get("/register", OFFICER, Action("console register", &[]), person::register),
    get("/bewaren", OFFICER, Action("console bewaren", &[]), person::retention),
    post("/bewaren", OFFICER, Action("console bewaren tellen", &[]), person::count_retention),
    get("/rapport", ANALYST, Action("console rapport", CHOICES), report::show),
    get("/rapport/rapport.csv", ANALYST, Action("console rapport csv", CHOICES), report::table),
    get("/rapport/rapport.xlsx", ANALYST, Action("console rapport xlsx", CHOICES), report::workbook),
    get("/status", ADMIN, Action("console status", &[]), status::show),
    post("/status", ADMIN, Action("console status partijen", &[]), status::ask),
    get("/aanleveren", ADMIN, Action("console leveringen", &[]), deliveries::list),
    upload("/aanleveren", ADMIN, Action("console aanleveren", deliveries::KEYS), deliveries::take_in),
    get("/aanleveren/{nummer}", ADMIN, Action("console levering", &["nummer"]), deliveries::one),
    get("/aanleveren/{nummer}/herstel.csv", ADMIN, Action("console herstellijst", &["nummer"]), deliveries::repairs),
    get("/accounts", ADMIN, Action("console accounts", &[]), account::all),
    post("/accounts/uitnodigen", ADMIN, Action("console uitnodigen", &["rol"]), account::invite),
    post("/accounts/intrekken", ADMIN, Action("console uitnodiging intrekken", &["merk"]), account::revoke),
    post("/accounts/ontgrendelen", ADMIN, Action("console ontgrendelen", &["nummer"]), account::unlock),
    post("/accounts/sluiten", ADMIN, Action("console account sluiten", &["nummer"]), account::close),
];
