//! Accounts of the console: who may log in, with what, in which roles. A new account begins with an invitation, whose token is
//! shown once and kept as a hash; the first one comes from `init`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::lock;
use crate::crypto::{Digest, KeyTree, MacKey, PasswordHash, SealUse, TotpSecret, digest, hex, random};
use crate::storage::accounts::{AccountFile, AccountFileError};

/// Wrong attempts in a row after which an account is locked.
const ATTEMPTS: u32 = 5;
/// How long, in milliseconds; then there are as many attempts again.
const LOCKED_MS: u64 = 15 * 60_000;
/// How long an invitation holds, in milliseconds: three days.
const INVITED_MS: u64 = 3 * 86_400_000;
/// Length of a password, in characters.
const PASSWORD: std::ops::RangeInclusive<usize> = 12..=128;

/// What an employee may do on the console.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Keeps the node running: state, deliveries, accounts. Sees no log and no person.
    Beheerder,
    /// Answers for the processing: log, evidence, persons, register.
    Privacyfunctionaris,
    /// Reads the figures.
    Analist,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Beheerder, Self::Privacyfunctionaris, Self::Analist];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Beheerder => "beheerder",
            Self::Privacyfunctionaris => "privacyfunctionaris",
            Self::Analist => "analist",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// What is kept.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    accounts: Vec<Account>,
    invitations: Vec<Invitation>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    number: u32,
    name: String,
    roles: BTreeSet<Role>,
    password: PasswordHash,
    totp: TotpSecret,
    /// The last step of a code that was used.
    used: u64,
    certificate: Option<Digest>,
    failures: u32,
    locked_until_ms: u64,
    closed: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Invitation {
    token: Digest,
    roles: BTreeSet<Role>,
    until_ms: u64,
}

/// An account as others see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountView {
    /// Its number, from 1; never used again.
    pub number: u32,
    /// Its name, in small letters.
    pub name: String,
    /// Its roles.
    pub roles: BTreeSet<Role>,
    /// SHA-256 of the client certificate that logs in as this account.
    pub certificate: Option<Digest>,
    /// Until when it is locked after wrong attempts, milliseconds since 1970 UTC; 0 for not.
    pub locked_until_ms: u64,
    /// Whether it was closed.
    pub closed: bool,
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        let Account { number, name, roles, certificate, locked_until_ms, closed, .. } = account;
        let (name, roles) = (name.clone(), roles.clone());
        let (certificate, locked_until_ms, closed) = (*certificate, *locked_until_ms, *closed);
        Self { number: *number, name, roles, certificate, locked_until_ms, closed }
    }
}

/// Why an account was not made or changed, in Dutch.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The file.
    #[error(transparent)]
    File(#[from] AccountFileError),
    /// The file opens and is not of this version.
    #[error("het accountbestand is van een andere versie van Ketenpoort")]
    Content,
    /// The invitation was used, has expired or never was.
    #[error("deze uitnodiging is gebruikt, verlopen of onbekend; vraag de beheerder om een nieuwe")]
    Invitation,
    /// The name cannot be used.
    #[error("kies een naam van 2 tot 64 letters, cijfers, punten, streepjes of @")]
    Name,
    /// The name is taken.
    #[error("deze naam is al in gebruik")]
    Taken,
    /// The password is too short, too long or too easy.
    #[error("kies een wachtwoord van 12 tot 128 tekens waarin uw naam niet voorkomt; een zin is goed")]
    Password,
    /// The code does not fit.
    #[error("de code past niet bij dit geheim; wacht op de volgende code en controleer de klok van uw telefoon")]
    Code,
    /// No such account.
    #[error("dit account bestaat niet")]
    Unknown,
    /// The last account that can invite others.
    #[error("dit is de laatste beheerder; maak eerst een andere beheerder")]
    Last,
    /// No memory for a hash.
    #[error("er is nu te weinig geheugen om een wachtwoord te controleren")]
    Memory,
}

/// Why nobody was logged in. Which of the three was wrong is never told.
#[derive(Debug, Error)]
pub enum LoginError {
    /// Name, password or code is wrong, or the account is closed.
    #[error("naam, wachtwoord of code klopt niet")]
    Wrong {
        /// The account, when it exists: for the audit log alone.
        account: Option<u32>,
    },
    /// Locked after wrong attempts.
    #[error("naam, wachtwoord of code klopt niet")]
    Locked {
        /// The account.
        account: u32,
    },
    /// The accounts cannot be read or written.
    #[error(transparent)]
    Account(#[from] AccountError),
}

/// What a new employee fills in.
pub struct Joining<'a> {
    /// The token of the invitation.
    pub token: &'a str,
    /// The wanted name.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// A code of the secret that goes with the invitation.
    pub code: &'a str,
}

/// The accounts of one node.
pub struct Accounts {
    file: AccountFile,
    invitation_key: MacKey,
    /// Verified against when a name is unknown, so that the answer takes as long.
    nobody: Mutex<Option<PasswordHash>>,
    /// One hash at a time: each takes 32 MiB.
    book: Mutex<Option<Book>>,
}

impl Accounts {
    /// The accounts in `dir`; nothing is read yet.
    #[must_use]
    pub fn new(dir: &Path, keys: &KeyTree) -> Self {
        let file = AccountFile::new(dir, keys.seal_key(SealUse::Accounts));
        Self { file, invitation_key: keys.invitation_key(), nobody: Mutex::default(), book: Mutex::default() }
    }

    /// Invites somebody; the token, to be handed over once.
    ///
    /// # Errors
    /// [`AccountError::File`] or [`AccountError::Content`].
    pub fn invite(&self, roles: BTreeSet<Role>, now_ms: u64) -> Result<String, AccountError> {
        let token = hex(&random::<16>());
        let kept = Invitation { token: digest(token.as_bytes()), roles, until_ms: now_ms.saturating_add(INVITED_MS) };
        self.change(|book| {
            book.invitations.retain(|invitation| invitation.until_ms > now_ms);
            book.invitations.push(kept);
            Ok(token)
        })
    }

    /// The roles that an invitation gives and the secret for the codes of the new account.
    ///
    /// # Errors
    /// [`AccountError::Invitation`], or the file.
    pub fn invited(&self, token: &str, now_ms: u64) -> Result<(BTreeSet<Role>, TotpSecret), AccountError> {
        let known = digest(token.trim().as_bytes());
        let roles = self.read(|book| {
            let mut open = book.invitations.iter().filter(|invitation| invitation.until_ms > now_ms);
            open.find(|invitation| invitation.token == known).map(|invitation| invitation.roles.clone())
        })?;
        Ok((roles.ok_or(AccountError::Invitation)?, self.secret_of(&known)))
    }

    /// The same secret each time the invitation is shown, and none on disk before there is an account.
    fn secret_of(&self, token: &Digest) -> TotpSecret {
        let tag = self.invitation_key.tag(&[b"totp\0", &token.0]);
        let mut secret = [0; 20];
        secret.copy_from_slice(&tag.expose()[..20]);
        TotpSecret::new(secret)
    }

    /// Makes an account of an invitation, which is used up.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn join(&self, joining: &Joining<'_>, now_ms: u64) -> Result<AccountView, AccountError> {
        let (roles, totp) = self.invited(joining.token, now_ms)?;
        let name = name_of(joining.name).ok_or(AccountError::Name)?;
        let lower = joining.password.to_lowercase();
        // A name of three letters is a part of many words.
        let easy =
            name.chars().count() > 3 && lower.contains(&name) || lower.chars().collect::<BTreeSet<_>>().len() < 5;
        if !PASSWORD.contains(&joining.password.chars().count()) || easy {
            return Err(AccountError::Password);
        }
        let used = totp.accepts(joining.code, now_ms / 1000, 0).ok_or(AccountError::Code)?;
        let known = digest(joining.token.trim().as_bytes());
        let password = PasswordHash::of(joining.password).ok_or(AccountError::Memory)?;
        self.change(|book| {
            if book.accounts.iter().any(|account| account.name == name) {
                return Err(AccountError::Taken);
            }
            let open = book.invitations.len();
            book.invitations.retain(|invitation| invitation.token != known);
            if book.invitations.len() == open {
                return Err(AccountError::Invitation);
            }
            let number = book.accounts.iter().map(|account| account.number).max().unwrap_or(0) + 1;
            let (certificate, failures, locked_until_ms, closed) = (None, 0, 0, false);
            let account =
                Account { number, name, roles, password, totp, used, certificate, failures, locked_until_ms, closed };
            let view = AccountView::from(&account);
            book.accounts.push(account);
            Ok(view)
        })
    }

    /// Logs in with name, password and code; a code counts once.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn login(&self, (name, password, code): (&str, &str, &str), now_ms: u64) -> Result<AccountView, LoginError> {
        let name = name_of(name);
        let found = self.change(|book| {
            let account = book.accounts.iter_mut().find(|a| Some(&a.name) == name.as_ref() && !a.closed);
            let Some(account) = account else { return Ok(Err(LoginError::Wrong { account: None })) };
            let number = account.number;
            if account.locked_until_ms > now_ms {
                return Ok(Err(LoginError::Locked { account: number }));
            }
            if account.locked_until_ms != 0 {
                (account.locked_until_ms, account.failures) = (0, 0);
            }
            let right = account.password.matches(password);
            let step = account.totp.accepts(code, now_ms / 1000, account.used);
            Ok(if let (true, Some(step)) = (right, step) {
                (account.used, account.failures) = (step, 0);
                Ok(AccountView::from(&*account))
            } else {
                account.failures += 1;
                if account.failures >= ATTEMPTS {
                    account.locked_until_ms = now_ms.saturating_add(LOCKED_MS);
                }
                Err(LoginError::Wrong { account: Some(number) })
            })
        })?;
        if matches!(found, Err(LoginError::Wrong { account: None } | LoginError::Locked { .. })) {
            self.take_as_long(password);
        }
        found
    }

    /// What a wrong password of a known account would have taken.
    fn take_as_long(&self, password: &str) {
        let mut nobody = lock(&self.nobody);
        if nobody.is_none() {
            *nobody = PasswordHash::of(&hex(&random::<16>()));
        }
        let _never = nobody.as_ref().is_some_and(|hash| hash.matches(password));
    }

    /// The account that a client certificate logs in as.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn login_certificate(&self, certificate: Digest) -> Result<AccountView, LoginError> {
        let of = |account: &&Account| account.certificate == Some(certificate) && !account.closed;
        let found = self.read(|book| book.accounts.iter().find(of).map(AccountView::from))?;
        found.ok_or(LoginError::Wrong { account: None })
    }

    /// Lets a client certificate log in as an account, or no longer; one certificate is one account's.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn bind(&self, number: u32, certificate: Option<Digest>) -> Result<(), AccountError> {
        self.change(|book| {
            let taken = |a: &Account| a.number != number && certificate.is_some() && a.certificate == certificate;
            if book.accounts.iter().any(taken) {
                return Err(AccountError::Taken);
            }
            let account = book.accounts.iter_mut().find(|a| a.number == number).ok_or(AccountError::Unknown)?;
            account.certificate = certificate;
            Ok(())
        })
    }

    /// Closes an account; its name stays taken, so that the audit log keeps its meaning.
    ///
    /// # Errors
    /// [`AccountError::Last`], [`AccountError::Unknown`] or the file.
    pub fn close(&self, number: u32) -> Result<(), AccountError> {
        self.change(|book| {
            let keeps = |a: &Account| a.number != number && !a.closed && a.roles.contains(&Role::Beheerder);
            if !book.accounts.iter().any(keeps) {
                return Err(AccountError::Last);
            }
            let account = book.accounts.iter_mut().find(|a| a.number == number).ok_or(AccountError::Unknown)?;
            (account.closed, account.certificate) = (true, None);
            Ok(())
        })
    }

    /// Every account, by number.
    ///
    /// # Errors
    /// The file.
    pub fn list(&self) -> Result<Vec<AccountView>, AccountError> {
        self.read(|book| book.accounts.iter().map(AccountView::from).collect())
    }

    fn read<T>(&self, work: impl FnOnce(&Book) -> T) -> Result<T, AccountError> {
        let mut held = lock(&self.book);
        Ok(work(self.loaded(&mut held)?))
    }

    /// Changes what is kept; what could not be written did not happen.
    fn change<T>(&self, work: impl FnOnce(&mut Book) -> Result<T, AccountError>) -> Result<T, AccountError> {
        let mut held = lock(&self.book);
        let before = serde_json::to_vec(self.loaded(&mut held)?).unwrap_or_default();
        let done = work(self.loaded(&mut held)?);
        let after = serde_json::to_vec(self.loaded(&mut held)?).unwrap_or_default();
        if before != after
            && let Err(reason) = self.file.write(&after)
        {
            *held = None;
            return Err(reason.into());
        }
        done
    }

    fn loaded<'a>(&self, held: &'a mut MutexGuard<'_, Option<Book>>) -> Result<&'a mut Book, AccountError> {
        if held.is_none() {
            let book = match self.file.read()? {
                Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| AccountError::Content)?,
                None => Book::default(),
            };
            **held = Some(book);
        }
        held.as_mut().ok_or(AccountError::Content)
    }
}

/// A name in small letters, when it is one.
fn name_of(text: &str) -> Option<String> {
    let name = text.trim().to_lowercase();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    let good = (2..=64).contains(&name.chars().count()) && name.chars().all(fits);
    (good && !crate::domain::bsn::holds_bsn(&name)).then_some(name)
}
