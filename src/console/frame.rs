//! What every page has around its content: title, navigation, who is logged in.

use super::visit::Visit;
use crate::service::accounts::Role;

/// The frame of a page.
pub struct Frame {
    /// Title of the page.
    pub title: String,
    /// The organisation.
    pub organisation: String,
    /// Address of the style sheet.
    pub style: String,
    /// Address of the tokens of the house style.
    pub theme: String,
    /// Address of the script.
    pub script: String,
    /// Address of the icon.
    pub icon: String,
    /// Who is logged in: name and roles; empty for nobody.
    pub who: String,
    /// Roles of who is logged in, in words.
    pub roles: String,
    /// What forms of this session carry.
    pub csrf: String,
    /// The pages of these roles.
    pub links: Vec<Link>,
}

/// A link of the navigation.
pub struct Link {
    /// Where to.
    pub to: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Whether it is this page.
    pub here: bool,
}

/// The navigation: place, name, whose it is.
const LINKS: &[(&str, &str, &[Role])] = &[
    ("/overzicht", "Overzicht", OFFICER),
    ("/logboek", "Transferlog", OFFICER),
    ("/persoon", "Persoon", OFFICER),
    ("/kinderen", "Over één kind", OFFICER),
    ("/toestemmingen", "Toestemmingen", OFFICER),
    ("/vrijgaven", "Vrijgaven", OFFICER),
    ("/register", "Register", OFFICER),
    ("/datalek", "Datalek", OFFICER),
    ("/auditlog", "Auditlog", OFFICER),
    ("/bewaren", "Bewaren", OFFICER),
    ("/rapport", "Regiorapport", &[Role::Analist]),
    ("/status", "Status", &[Role::Beheerder]),
    ("/aanleveren", "Aanleveren", &[Role::Beheerder]),
    ("/accounts", "Accounts", &[Role::Beheerder]),
];
const OFFICER: &[Role] = &[Role::Privacyfunctionaris];

impl Frame {
    /// The frame of this visit.
    #[must_use]
    pub fn of(visit: &Visit<'_>, title: &str) -> Self {
        let session = visit.session.as_ref();
        let roles = session.map(|s| s.account.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>());
        let path = visit.here.split('?').next().unwrap_or("/");
        let own = LINKS.iter().filter(|(_, _, roles)| session.is_some_and(|session| session.has(roles)));
        let is_here = |to: &str| path == to || path.strip_prefix(to).is_some_and(|rest| rest.starts_with('/'));
        let assets = &visit.console.assets;
        Self {
            title: title.to_owned(),
            organisation: visit.console.site.name.clone(),
            style: assets.place("console.css"),
            theme: assets.place("thema.css"),
            script: assets.place("console.js"),
            icon: assets.place("ketenpoort.svg"),
            who: session.map_or_else(String::new, |session| session.account.name.clone()),
            roles: roles.map_or_else(String::new, |roles| roles.join(", ")),
            csrf: session.map_or_else(String::new, |session| session.csrf.clone()),
            links: own.map(|(to, name, _)| Link { to, name, here: is_here(to) }).collect(),
        }
    }

    /// The same with another title.
    #[must_use]
    pub fn titled(self, title: &str) -> Self {
        Self { title: title.to_owned(), ..self }
    }
}
