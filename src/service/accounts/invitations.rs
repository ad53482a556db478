//! Invitations: a token, shown once to who invites and kept as a hash; who opens it first gets a ticket, and only the ticket makes
//! the account, so that who invited somebody cannot keep that colleague's second factor unseen.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Account, AccountError, AccountView, Accounts, Role, is_password, name_of};
use crate::crypto::{Digest, PasswordHash, TotpSecret, digest, hex, random};

/// How long an invitation holds, in milliseconds: three days.
const INVITED_MS: u64 = 3 * 86_400_000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Invitation {
    token: Digest,
    roles: BTreeSet<Role>,
    until_ms: u64,
    #[serde(default)]
    by: String,
    /// Hash of the ticket of who opened it.
    #[serde(default)]
    opened: Option<Digest>,
}

/// An invitation that is not used yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvitationView {
    /// The first digits of the hash of its token: which one it is.
    pub mark: String,
    /// The roles that it gives.
    pub roles: BTreeSet<Role>,
    /// Who made it.
    pub by: String,
    /// Until when it holds, milliseconds since 1970 UTC.
    pub until_ms: u64,
    /// Whether somebody opened it.
    pub opened: bool,
}

impl From<&Invitation> for InvitationView {
    fn from(one: &Invitation) -> Self {
        let mark = one.token.to_hex()[..12].to_owned();
        Self {
            mark,
            roles: one.roles.clone(),
            by: one.by.clone(),
            until_ms: one.until_ms,
            opened: one.opened.is_some(),
        }
    }
}

/// An invitation in the hands of who opened it.
pub struct Opened {
    /// With this the account is made; who has only the token cannot.
    pub ticket: String,
    /// The roles that it gives.
    pub roles: BTreeSet<Role>,
    /// The secret for the codes of the new account.
    pub secret: TotpSecret,
}

/// What a new employee fills in.
pub struct Joining<'a> {
    /// The ticket of who opened the invitation.
    pub ticket: &'a str,
    /// The wanted name.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// A code of the secret that goes with the invitation.
    pub code: &'a str,
}

impl Accounts {
    /// Invites somebody in the name of `by`; the token, to be handed over once.
    ///
    /// # Errors
    /// [`AccountError::File`] or [`AccountError::Content`].
    pub fn invite(&self, roles: BTreeSet<Role>, by: &str, now_ms: u64) -> Result<String, AccountError> {
        let token = hex(&random::<16>());
        let (until_ms, by) = (now_ms.saturating_add(INVITED_MS), by.to_owned());
        let kept = Invitation { token: digest(token.as_bytes()), roles, until_ms, by, opened: None };
        self.change(|book| {
            book.invitations.retain(|invitation| invitation.until_ms > now_ms);
            book.invitations.push(kept);
            Ok(token)
        })
    }

    /// Opens an invitation: who does so first gets its ticket, and who comes later ends it.
    ///
    /// # Errors
    /// [`AccountError::Invitation`], [`AccountError::Opened`], or the file.
    pub fn open(&self, token: &str, now_ms: u64) -> Result<Opened, AccountError> {
        let known = digest(token.trim().as_bytes());
        let ticket = format!("{}-{}", token.trim(), hex(&random::<16>()));
        let roles = self.change(|book| {
            let mut open = book.invitations.iter_mut().filter(|invitation| invitation.until_ms > now_ms);
            let Some(found) = open.find(|invitation| invitation.token == known) else {
                return Ok(Err(AccountError::Invitation));
            };
            if found.opened.replace(digest(ticket.as_bytes())).is_some() {
                book.invitations.retain(|invitation| invitation.token != known);
                return Ok(Err(AccountError::Opened));
            }
            Ok(Ok(found.roles.clone()))
        })??;
        Ok(Opened { secret: self.secret_of(&digest(ticket.as_bytes())), roles, ticket })
    }

    /// Invitations that are not used.
    ///
    /// # Errors
    /// The file.
    pub fn invitations(&self, now_ms: u64) -> Result<Vec<InvitationView>, AccountError> {
        self.read(|book| {
            let open = book.invitations.iter().filter(|invitation| invitation.until_ms > now_ms);
            open.map(InvitationView::from).collect()
        })
    }

    /// Ends an invitation by its mark.
    ///
    /// # Errors
    /// [`AccountError::Invitation`], or the file.
    pub fn revoke(&self, mark: &str) -> Result<(), AccountError> {
        self.change(|book| {
            let before = book.invitations.len();
            book.invitations.retain(|invitation| InvitationView::from(invitation).mark != mark);
            if book.invitations.len() == before { Err(AccountError::Invitation) } else { Ok(()) }
        })
    }

    /// The roles and the secret of an invitation that was opened with this ticket.
    ///
    /// # Errors
    /// [`AccountError::Invitation`], or the file.
    pub fn invited(&self, ticket: &str, now_ms: u64) -> Result<(BTreeSet<Role>, TotpSecret), AccountError> {
        let known = digest(ticket.as_bytes());
        let roles = self.read(|book| {
            let mut open = book.invitations.iter().filter(|invitation| invitation.until_ms > now_ms);
            open.find(|invitation| invitation.opened == Some(known)).map(|invitation| invitation.roles.clone())
        })?;
        Ok((roles.ok_or(AccountError::Invitation)?, self.secret_of(&known)))
    }

    /// The same secret each time the ticket is shown, and none on disk before there is an account.
    fn secret_of(&self, ticket: &Digest) -> TotpSecret {
        let tag = self.invitation_key.tag(&[b"totp\0", &ticket.0]);
        let mut secret = [0; 20];
        secret.copy_from_slice(&tag.expose()[..20]);
        TotpSecret::new(secret)
    }

    /// Makes an account of an invitation, which is used up.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn join(&self, joining: &Joining<'_>, now_ms: u64) -> Result<AccountView, AccountError> {
        let (roles, totp) = self.invited(joining.ticket, now_ms)?;
        let name = name_of(joining.name).ok_or(AccountError::Name)?;
        if !is_password(&name, joining.password) {
            return Err(AccountError::Password);
        }
        let used = totp.accepts(joining.code, now_ms / 1000, 0).ok_or(AccountError::Code)?;
        let known = digest(joining.ticket.as_bytes());
        let password = PasswordHash::of(joining.password).ok_or(AccountError::Memory)?;
        self.change(|book| {
            if book.accounts.iter().any(|account| account.name == name) {
                return Err(AccountError::Taken);
            }
            let at = book.invitations.iter().position(|invitation| invitation.opened == Some(known));
            let invited_by = book.invitations.remove(at.ok_or(AccountError::Invitation)?).by;
            let number = book.accounts.iter().map(|account| account.number).max().unwrap_or(0) + 1;
            let account = Account {
                number,
                name,
                roles,
                password,
                totp,
                used,
                certificate: None,
                failures: 0,
                locked_until_ms: 0,
                closed: false,
                made_ms: now_ms,
                invited_by,
            };
            let view = AccountView::from(&account);
            book.accounts.push(account);
            Ok(view)
        })
    }
}
