//! Sessions: who is logged in, in memory only. The cookie holds 32 random bytes; here is only their hash.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::crypto::{Digest, digest, hex, random};
use crate::service::accounts::{AccountView, Role};

/// Without a request for this long a session ends, in milliseconds: twenty minutes.
const IDLE_MS: u64 = 20 * 60_000;
/// A session ends after this long in any case: ten hours.
const WHOLE_MS: u64 = 10 * 3_600_000;
/// Sessions of one account; of more, the oldest ends.
const MOST: usize = 4;

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who.
    pub account: AccountView,
    /// What every form of this session carries.
    pub csrf: String,
    /// The client certificate with which it began; every request must show it again.
    pub certificate: Option<Digest>,
    begun_ms: u64,
    seen_ms: u64,
}

impl Session {
    /// The same session with the account as it is now.
    #[must_use]
    pub fn of(self, account: AccountView) -> Self {
        Self { account, ..self }
    }

    /// Which session it is, for the audit log: tells two of one employee apart and opens neither.
    #[must_use]
    pub fn mark(&self) -> String {
        digest(self.csrf.as_bytes()).to_hex()[..12].to_owned()
    }

    /// Whether the account has one of these roles.
    #[must_use]
    pub fn has(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.account.roles.contains(role))
    }
}

/// All sessions of a console.
#[derive(Default, Debug)]
pub struct Sessions(Mutex<HashMap<Digest, Session>>);

impl Sessions {
    fn all(&self) -> MutexGuard<'_, HashMap<Digest, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session; the secret for the cookie. A session always begins anew: nothing of before it counts.
    #[must_use]
    pub fn begin(&self, account: AccountView, certificate: Option<Digest>, now_ms: u64) -> String {
        let (secret, csrf) = (hex(&random::<32>()), hex(&random::<32>()));
        let mut all = self.all();
        all.retain(|_, session| session.is_alive(now_ms));
        let mut mine: Vec<(u64, Digest)> = all
            .iter()
            .filter(|(_, session)| session.account.number == account.number)
            .map(|(id, session)| (session.begun_ms, *id))
            .collect();
        mine.sort_unstable();
        for (_, id) in mine.iter().rev().skip(MOST - 1) {
            all.remove(id);
        }
        let session = Session { account, csrf, certificate, begun_ms: now_ms, seen_ms: now_ms };
        all.insert(digest(secret.as_bytes()), session);
        secret
    }

    /// The session of a cookie, which now lives on; none when it ended or the certificate is another one.
    #[must_use]
    pub fn find(&self, secret: &str, certificate: Option<Digest>, now_ms: u64) -> Option<Session> {
        let id = digest(secret.as_bytes());
        let mut all = self.all();
        let session = all.get_mut(&id)?;
        if !session.is_alive(now_ms) {
            all.remove(&id);
            return None;
        }
        if session.certificate.is_some() && session.certificate != certificate {
            return None;
        }
        session.seen_ms = now_ms;
        Some(session.clone())
    }

    /// Ends a session.
    pub fn end(&self, secret: &str) {
        self.all().remove(&digest(secret.as_bytes()));
    }

    /// Ends the sessions of an account that began with a certificate.
    pub fn end_certified(&self, number: u32) {
        self.all().retain(|_, session| session.account.number != number || session.certificate.is_none());
    }

    /// Ends every session of an account.
    pub fn end_all(&self, number: u32) {
        self.all().retain(|_, session| session.account.number != number);
    }
}

impl Session {
    fn is_alive(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.seen_ms) < IDLE_MS && now_ms.saturating_sub(self.begun_ms) < WHOLE_MS
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn account(number: u32) -> AccountView {
        let (name, roles, invited_by) = ("a".repeat(3), BTreeSet::new(), String::new());
        AccountView {
            number,
            name,
            roles,
            certificate: None,
            locked_until_ms: 0,
            closed: false,
            made_ms: 0,
            invited_by,
        }
    }

    #[test]
    fn a_session_ends_by_silence_by_age_and_by_number() {
        let sessions = Sessions::default();
        let secret = sessions.begin(account(1), None, 0);
        assert!(sessions.find(&secret, None, IDLE_MS - 1).is_some());
        assert!(sessions.find(&secret, None, 2 * IDLE_MS - 2).is_some(), "a request keeps it alive");
        assert!(sessions.find(&secret, None, 3 * IDLE_MS).is_none(), "silence");
        let secret = sessions.begin(account(1), None, 0);
        let mut now = 0;
        while now < WHOLE_MS {
            assert!(sessions.find(&secret, None, now).is_some());
            now += IDLE_MS / 2;
        }
        assert!(sessions.find(&secret, None, now).is_none(), "age");
        let many: Vec<String> = (0..=MOST as u64).map(|at| sessions.begin(account(1), None, now + at)).collect();
        let other = sessions.begin(account(2), None, now);
        let alive = |secret: &String| sessions.find(secret, None, now + 10).is_some();
        assert_eq!(many.iter().filter(|secret| alive(secret)).count(), MOST);
        assert!(!alive(&many[0]) && alive(&other));
        sessions.end_all(1);
        assert!(many.iter().all(|secret| !alive(secret)) && alive(&other));
    }

    #[test]
    fn a_session_of_a_certificate_needs_that_certificate() {
        let sessions = Sessions::default();
        let shown = Some(Digest([1; 32]));
        let secret = sessions.begin(account(1), shown, 0);
        assert!(sessions.find(&secret, shown, 1).is_some());
        assert!(sessions.find(&secret, None, 1).is_none());
        assert!(sessions.find(&secret, Some(Digest([2; 32])), 1).is_none());
    }
}
