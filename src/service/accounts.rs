//! Accounts of the console: who may log in, with what, in which roles. A new account begins with an invitation, whose token is
//! shown once and kept as a hash; the first one comes from `init`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

mod invitations;

use self::invitations::Invitation;
pub use self::invitations::{InvitationView, Joining, Opened};
use super::lock;
use crate::crypto::{Digest, KeyTree, MacKey, PasswordHash, SealUse, TotpSecret, hex, random};
use crate::storage::accounts::{AccountFile, AccountFileError};

/// Wrong attempts in a row after which an account is locked.
const ATTEMPTS: u32 = 5;
/// How long, in milliseconds; then there are as many attempts again.
const LOCKED_MS: u64 = 15 * 60_000;
/// Passwords that are checked at once; who comes more is sent away.
const CHECKING: usize = 2;
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
    #[serde(default)]
    made_ms: u64,
    #[serde(default)]
    invited_by: String,
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
    /// When it was made, milliseconds since 1970 UTC; 0 when that is not known.
    pub made_ms: u64,
    /// Who invited this employee.
    pub invited_by: String,
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        Self {
            number: account.number,
            name: account.name.clone(),
            roles: account.roles.clone(),
            certificate: account.certificate,
            locked_until_ms: account.locked_until_ms,
            closed: account.closed,
            made_ms: account.made_ms,
            invited_by: account.invited_by.clone(),
        }
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
    /// Somebody opened the invitation before.
    #[error(
        "deze uitnodiging is al eerder geopend en daarom vervallen: wie haar opende zag het geheim; vraag een nieuwe"
    )]
    Opened,
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
    /// Too many passwords are being checked now.
    #[error("er wordt nu te vaak tegelijk ingelogd")]
    Busy,
    /// The accounts cannot be read or written.
    #[error(transparent)]
    Account(#[from] AccountError),
}

/// The accounts of one node.
pub struct Accounts {
    file: AccountFile,
    invitation_key: MacKey,
    /// Verified against when a name is unknown, so that the answer takes as long.
    nobody: Mutex<Option<PasswordHash>>,
    /// Passwords that are being checked; each takes 32 MiB.
    checking: AtomicUsize,
    book: Mutex<Option<Book>>,
}

impl Accounts {
    /// The accounts in `dir`; nothing is read yet.
    #[must_use]
    pub fn new(dir: &Path, keys: &KeyTree) -> Self {
        let file = AccountFile::new(dir, keys.seal_key(SealUse::Accounts));
        let (nobody, checking, book) = (Mutex::default(), AtomicUsize::new(0), Mutex::default());
        Self { file, invitation_key: keys.invitation_key(), nobody, checking, book }
    }

    /// Logs in with name, password and code; a code counts once. Every attempt costs one hash, whether the name is known or not,
    /// and a wrong one writes nothing.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn login(&self, (name, password, code): (&str, &str, &str), now_ms: u64) -> Result<AccountView, LoginError> {
        let turn = Turn::take(&self.checking).ok_or(LoginError::Busy)?;
        let name = name_of(name);
        let named = |account: &&Account| Some(&account.name) == name.as_ref() && !account.closed;
        let found = self.read(|book| {
            let account = book.accounts.iter().find(named)?;
            Some((account.number, account.locked_until_ms > now_ms, account.password.clone()))
        })?;
        let (number, right) = match found {
            Some((number, false, hash)) => (number, hash.matches(password)),
            Some((account, true, _)) => {
                self.take_as_long(password);
                return Err(LoginError::Locked { account });
            }
            None => {
                self.take_as_long(password);
                return Err(LoginError::Wrong { account: None });
            }
        };
        drop(turn);
        // What happened meanwhile counts: a code that was used, a lock, an end.
        let mut held = lock(&self.book);
        let account = self.loaded(&mut held)?.accounts.iter_mut().find(|account| account.number == number);
        let account = account.filter(|account| !account.closed).ok_or(LoginError::Wrong { account: None })?;
        if account.locked_until_ms > now_ms {
            return Err(LoginError::Locked { account: number });
        }
        if account.locked_until_ms != 0 {
            (account.locked_until_ms, account.failures) = (0, 0);
        }
        let step = account.totp.accepts(code, now_ms / 1000, account.used).filter(|_| right);
        let Some(step) = step else {
            account.failures += 1;
            if account.failures >= ATTEMPTS {
                account.locked_until_ms = now_ms.saturating_add(LOCKED_MS);
            }
            return Err(LoginError::Wrong { account: Some(number) });
        };
        (account.used, account.failures) = (step, 0);
        let view = AccountView::from(&*account);
        self.write(&mut held)?;
        Ok(view)
    }

    /// Changes the password of who knows the old one and shows a fresh code. Wrong ones count as at logging in.
    ///
    /// # Errors
    /// [`LoginError`]; [`AccountError::Password`] in it when the new one cannot be used.
    pub fn change_password(
        &self,
        number: u32,
        (old, code): (&str, &str),
        new: &str,
        now_ms: u64,
    ) -> Result<(), LoginError> {
        let view = self.view(number)?.ok_or(LoginError::Wrong { account: None })?;
        if !is_password(&view.name, new) {
            return Err(AccountError::Password.into());
        }
        self.login((&view.name, old, code), now_ms)?;
        let fresh = PasswordHash::of(new).ok_or(AccountError::Memory)?;
        Ok(self.change(|book| {
            let account = book.accounts.iter_mut().find(|a| a.number == number).ok_or(AccountError::Unknown)?;
            account.password = fresh;
            Ok(())
        })?)
    }

    /// Lets somebody try again who is locked out.
    ///
    /// # Errors
    /// [`AccountError::Unknown`], or the file.
    pub fn unlock(&self, number: u32) -> Result<(), AccountError> {
        self.change(|book| {
            let account = book.accounts.iter_mut().find(|a| a.number == number).ok_or(AccountError::Unknown)?;
            (account.locked_until_ms, account.failures) = (0, 0);
            Ok(())
        })
    }

    /// What a wrong password of a known account would have taken.
    fn take_as_long(&self, password: &str) {
        let hash = lock(&self.nobody).clone();
        match hash {
            Some(hash) => {
                let _never = hash.matches(password);
            }
            // Making it takes as long as checking it.
            None => *lock(&self.nobody) = PasswordHash::of(&hex(&random::<16>())),
        }
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

    /// Uses up a code of an account, before something that lasts; whether it was right. Wrong ones count as at logging in.
    ///
    /// # Errors
    /// The file.
    pub fn confirm(&self, number: u32, code: &str, now_ms: u64) -> Result<bool, AccountError> {
        let mut held = lock(&self.book);
        let account = self.loaded(&mut held)?.accounts.iter_mut().find(|a| a.number == number && !a.closed);
        let account = account.filter(|account| account.locked_until_ms <= now_ms).ok_or(AccountError::Unknown)?;
        let Some(step) = account.totp.accepts(code, now_ms / 1000, account.used) else {
            account.failures += 1;
            if account.failures >= ATTEMPTS {
                account.locked_until_ms = now_ms.saturating_add(LOCKED_MS);
            }
            return Ok(false);
        };
        account.used = step;
        self.write(&mut held)?;
        Ok(true)
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

    /// An account as it is now; none when there is no such account or it was closed.
    ///
    /// # Errors
    /// The file.
    pub fn view(&self, number: u32) -> Result<Option<AccountView>, AccountError> {
        let of = |account: &&Account| account.number == number && !account.closed;
        self.read(|book| book.accounts.iter().find(of).map(AccountView::from))
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
        let done = work(self.loaded(&mut held)?)?;
        self.write(&mut held)?;
        Ok(done)
    }

    fn write(&self, held: &mut MutexGuard<'_, Option<Book>>) -> Result<(), AccountError> {
        let bytes = Zeroizing::new(serde_json::to_vec(self.loaded(held)?).unwrap_or_default());
        self.file.write(&bytes).map_err(|reason| {
            **held = None;
            reason.into()
        })
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

/// One of the places where a password may be checked.
struct Turn<'a>(&'a AtomicUsize);

impl<'a> Turn<'a> {
    fn take(checking: &'a AtomicUsize) -> Option<Self> {
        let free = |at: usize| (at < CHECKING).then_some(at + 1);
        checking.fetch_update(Ordering::AcqRel, Ordering::Acquire, free).ok().map(|_| Self(checking))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Whether a password is long enough and not easy for this name.
fn is_password(name: &str, password: &str) -> bool {
    let lower = password.to_lowercase();
    // A name of three letters is a part of many words.
    let easy = name.chars().count() > 3 && lower.contains(name) || lower.chars().collect::<BTreeSet<_>>().len() < 5;
    PASSWORD.contains(&password.chars().count()) && !easy
}

/// A name in small letters, when it is one.
fn name_of(text: &str) -> Option<String> {
    let name = text.trim().to_lowercase();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    let good = (2..=64).contains(&name.chars().count()) && name.chars().all(fits);
    (good && !crate::domain::bsn::holds_bsn(&name)).then_some(name)
}
