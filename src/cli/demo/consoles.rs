//! Consoles of a demo that stays up: an account for each role at every node, all with invented passwords.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use crate::config::Config;
use crate::crypto::{KeyTree, Secret32, TotpSecret, hex, random};
use crate::node::SystemClock;
use crate::service::accounts::{Accounts, Joining, Opened, Role};
use crate::service::core::Clock;
use crate::storage::files::write_atomic;

/// File with everything that is printed, for programs.
pub const FILE: &str = "consoles.json";

/// The account of one role at one node.
struct Login {
    role: Role,
    secret: TotpSecret,
}

/// The console of one node.
pub struct NodeConsole {
    name: String,
    address: String,
    logins: Vec<Login>,
}

/// A password for the whole demo: four groups that nobody uses twice.
#[must_use]
pub fn password() -> String {
    let drawn = hex(&random::<8>());
    drawn.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}

/// Makes the accounts of a node that does not run yet.
///
/// # Errors
/// Why not, in Dutch.
pub fn prepare(dir: &Path, (name, has_report): (&str, bool), password: &str) -> Result<Option<NodeConsole>, String> {
    let config = Config::load(dir).map_err(|e| e.to_string())?;
    let Some(console) = &config.console else { return Ok(None) };
    let root = std::fs::read(&config.root_key).map_err(|e| e.to_string())?;
    let root: [u8; 32] = root.try_into().map_err(|_| "een nodesleutel heeft 32 bytes")?;
    let accounts = Accounts::new(&config.data.join("console"), &KeyTree::new(Secret32::new(root)));
    let roles = Role::ALL.into_iter().filter(|role| has_report || *role != Role::Analist);
    let logins = roles.map(|role| {
        // The code of now is used up by joining; the account is made as of a minute ago, so that it may log in at once.
        let now = SystemClock.now_ms().saturating_sub(60_000);
        let token = accounts.invite(std::iter::once(role).collect(), "demo", now).map_err(|e| e.to_string())?;
        let Opened { ticket, secret, .. } = accounts.open(&token, now).map_err(|e| e.to_string())?;
        let code = secret.code_at(now / 1000);
        let joining = Joining { ticket: &ticket, name: role.as_str(), password, code: &code };
        accounts.join(&joining, now).map_err(|e| e.to_string())?;
        Ok(Login { role, secret })
    });
    let logins = logins.collect::<Result<_, String>>()?;
    Ok(Some(NodeConsole { name: name.to_owned(), address: format!("https://{}", console.listen), logins }))
}

/// What the operator reads, and the same in [`FILE`].
///
/// # Errors
/// When the file cannot be written.
pub fn told(dir: &Path, consoles: &[NodeConsole], password: &str) -> Result<String, String> {
    let of = |console: &NodeConsole| {
        let logins = console.logins.iter().map(|login| {
            json!({"naam": login.role.as_str(), "rol": login.role.as_str(), "geheim": login.secret.to_base32()})
        });
        json!({"organisatie": console.name, "adres": console.address, "accounts": logins.collect::<Vec<_>>()})
    };
    let all = json!({"wachtwoord": password, "consoles": consoles.iter().map(of).collect::<Vec<_>>()});
    let text = serde_json::to_string_pretty(&all).unwrap_or_default();
    write_atomic(&dir.join(FILE), text.as_bytes(), 0o600).map_err(|e| e.to_string())?;
    let mut out = format!("\nConsoles (wachtwoord van elk account: {password})\n");
    for console in consoles {
        let _ = writeln!(out, "  {} {}", console.address, console.name);
    }
    let secrets = consoles.first().map(|first| first.logins.iter().map(|login| login.role.as_str()));
    let names: Vec<&str> = secrets.into_iter().flatten().collect();
    let _ = writeln!(
        out,
        "Accounts: {}; bij de ketenmonitor ook analist. De geheimen voor de codes staan in {}; een code maakt u met\n\
         ketenpoort console code --secret GEHEIM. De browser kent de proef-CA niet: laat haar toe of importeer pki/ca.crt.",
        names.join(", "),
        dir.join(FILE).display(),
    );
    Ok(out)
}
