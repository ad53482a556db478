//! Logging in: what is right, what is wrong, and that nothing of before counts after.

use ketenpoort::crypto::Digest;
use ketenpoort::service::accounts::Role;

use super::{Bench, PASSWORD};

#[test]
fn a_wrong_name_password_or_code_look_alike_and_five_lock_the_account() {
    let bench = Bench::new();
    let secret = bench.account("officier", &[Role::Privacyfunctionaris]);
    bench.wait(60_000);
    let code = || secret.code_at(bench.now_ms() / 1000);
    let refused = [
        bench.try_log_in("officier", "een andere zin van vier", &code(), "/"),
        bench.try_log_in("niemand", PASSWORD, &code(), "/"),
        bench.try_log_in("officier", PASSWORD, "000000", "/"),
        bench.try_log_in("officier", "", "", "/"),
    ];
    for seen in &refused {
        assert_eq!((seen.status.as_u16(), seen.header("set-cookie")), (403, ""));
        assert!(!seen.text.contains(PASSWORD));
    }
    let bare = |text: &str| text.replace("niemand", "officier");
    assert!(refused.iter().all(|seen| bare(&seen.text) == bare(&refused[0].text)), "all alike");
    bench.try_log_in("officier", "nog eens fout", &code(), "/");
    bench.try_log_in("officier", "nog eens fout", &code(), "/");
    assert_eq!(bench.try_log_in("officier", PASSWORD, &code(), "/").status, 403, "locked");
    bench.wait(15 * 60_000);
    assert_eq!(bench.try_log_in("OFFICIER ", PASSWORD, &code(), "/").status, 303, "open again");
    assert_eq!(bench.try_log_in("officier", PASSWORD, &code(), "/").status, 403, "a code counts once");
    let all = bench.recorded();
    let of = |who: &str| all.iter().filter(|(name, what, _)| name == who && what == "console inloggen").count();
    assert_eq!((of("officier"), of("onbekend")), (8, 1), "{all:?}");
    assert!(!format!("{all:?}").contains("niemand"), "what was typed is not recorded");
}

#[test]
fn logging_in_leads_to_a_place_here_and_begins_a_session_anew() {
    let bench = Bench::new();
    let secret = bench.account("analist", &[Role::Analist]);
    let asked = bench.get("/account?van=2026", "");
    assert_eq!(asked.header("location"), "/inloggen?naar=%2Faccount%3Fvan%3D2026");
    for (to, lands) in [("/account?van=2026", "/account?van=2026"), ("//kwaad.nl/", "/"), ("https://kwaad.nl", "/")] {
        bench.wait(60_000);
        let seen = bench.try_log_in("analist", PASSWORD, &secret.code_at(bench.now_ms() / 1000), to);
        assert_eq!((seen.status.as_u16(), seen.header("location")), (303, lands));
        let attributes = seen.header("set-cookie").to_owned();
        for wanted in
            ["__Host-ketenpoort-00000099000000000001=", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"]
        {
            assert!(attributes.contains(wanted), "{attributes}");
        }
        assert!(!attributes.contains("Domain"), "{attributes}");
    }
    // A session that somebody else fixed before is not the one after logging in.
    let fixed = format!("__Host-ketenpoort-00000099000000000001={}", "a".repeat(64));
    bench.wait(60_000);
    let code = secret.code_at(bench.now_ms() / 1000);
    let form = [("naam", "analist"), ("wachtwoord", PASSWORD), ("code", code.as_str())];
    let fresh = bench.post("/inloggen", &fixed, &form).cookie();
    assert_ne!(fresh, fixed);
    assert_eq!(bench.get("/account", &fixed).status, 303, "the fixed one is nobody's");
    assert_eq!(bench.get("/account", &fresh).status, 200);
    // And the one of before ends.
    bench.wait(60_000);
    let code = secret.code_at(bench.now_ms() / 1000);
    let form = [("naam", "analist"), ("wachtwoord", PASSWORD), ("code", code.as_str())];
    let later = bench.post("/inloggen", &fresh, &form).cookie();
    assert_eq!(
        (bench.get("/account", &fresh).status.as_u16(), bench.get("/account", &later).status.as_u16()),
        (303, 200)
    );
    let csrf = bench.get("/account", &later).csrf();
    assert_eq!(bench.post("/uitloggen", &later, &[("csrf", &csrf)]).status, 303);
    assert_eq!(bench.get("/account", &later).status, 303, "logged out");
}

#[test]
fn an_invitation_makes_one_account_and_a_closed_account_ends_at_once() {
    let bench = Bench::new();
    let first = bench.account("beheer", &[Role::Beheerder]);
    let cookie = bench.log_in("beheer", &first);
    let csrf = bench.get("/accounts", &cookie).csrf();
    let lonely = bench.post("/accounts/sluiten", &cookie, &[("csrf", &csrf), ("nummer", "1")]);
    assert!(lonely.status == 422 && lonely.text.contains("laatste beheerder"), "{}", lonely.text);
    let page = bench.post("/accounts/uitnodigen", &cookie, &[("csrf", &csrf), ("rol", "analist")]);
    let token = page.text.split("<code>").nth(1).and_then(|rest| rest.split('<').next()).expect("a token").to_owned();
    let listed = bench.get("/accounts", &cookie).text;
    assert!(listed.contains("Openstaande uitnodigingen") && !listed.contains(&token), "listed by a mark");
    let offer = bench.post("/uitnodiging", "", &[("uitnodiging", &token)]);
    let ticket = offer.text.split("name=\"uitnodiging\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let ticket = ticket.expect("a ticket").to_owned();
    assert!(offer.text.contains("analist") && offer.text.contains("otpauth://totp/"), "{}", offer.text);
    let secret = offer.text.split("<code>").nth(1).and_then(|rest| rest.split('<').next()).expect("a secret");
    let secret = ketenpoort::crypto::TotpSecret::from_base32(secret).expect("base32");
    let join = |name: &str, password: &str, again: &str, code: &str| {
        let form = [
            ("uitnodiging", &ticket[..]),
            ("naam", name),
            ("wachtwoord", password),
            ("nogmaals", again),
            ("code", code),
        ];
        bench.post("/uitnodiging/account", "", &form)
    };
    let code = secret.code_at(bench.now_ms() / 1000);
    for (name, password, again, code) in [
        ("nieuw", "kort", "kort", &code[..]),
        ("nieuw", PASSWORD, "anders", &code),
        ("nieuw", PASSWORD, PASSWORD, "000000"),
        ("beheer", PASSWORD, PASSWORD, &code),
        ("<b>x</b>", PASSWORD, PASSWORD, &code),
        ("nieuwe.naam", "nieuwe.naam123", "nieuwe.naam123", &code),
    ] {
        let seen = join(name, password, again, code);
        assert_eq!(seen.status, 422, "{name} {password}");
        assert!(!seen.text.contains("<b>x"), "what was typed is text");
    }
    assert_eq!(join("nieuw", PASSWORD, PASSWORD, &code).status, 303);
    assert_eq!(join("nog-een", PASSWORD, PASSWORD, &code).status, 422, "used up");
    let theirs = bench.log_in("nieuw", &secret);
    assert_eq!(bench.get("/accounts", &theirs).status, 403);
    assert_eq!(bench.get("/account", &theirs).status, 200);
    assert_eq!(bench.post("/accounts/sluiten", &cookie, &[("csrf", &csrf), ("nummer", "2")]).status, 303);
    assert_eq!(bench.get("/account", &theirs).status, 303, "its sessions end");
    bench.wait(60_000);
    assert_eq!(bench.try_log_in("nieuw", PASSWORD, &secret.code_at(bench.now_ms() / 1000), "/").status, 403);
    // Who opens it after somebody else ends it, and the first one's ticket with it.
    let again = bench
        .core
        .accounts()
        .invite(std::iter::once(Role::Analist).collect(), "proef", bench.now_ms())
        .expect("invited");
    let first = bench.core.accounts().open(&again, bench.now_ms()).expect("opened");
    assert!(bench.post("/uitnodiging", "", &[("uitnodiging", &again)]).text.contains("al eerder geopend"));
    assert!(bench.core.accounts().invited(&first.ticket, bench.now_ms()).is_err());
    bench.wait(4 * 86_400_000);
    let late = bench
        .core
        .accounts()
        .invite(std::iter::once(Role::Analist).collect(), "proef", bench.now_ms())
        .expect("invited");
    bench.wait(3 * 86_400_000);
    assert_eq!(bench.post("/uitnodiging", "", &[("uitnodiging", &late)]).status, 422, "expired");
}

#[test]
fn a_certificate_logs_in_as_the_one_account_that_bound_it() {
    let mut bench = Bench::new();
    let (one, other) = (bench.account("een", &[Role::Analist]), bench.account("ander", &[Role::Analist]));
    bench.certificate = Some(Digest([5; 32]));
    assert_eq!(bench.post("/inloggen/certificaat", "", &[]).status, 403, "not bound");
    let cookie = bench.log_in("een", &one);
    let csrf = bench.get("/account", &cookie).csrf();
    assert_eq!(
        bench.post("/account/certificaat", &cookie, &[("csrf", &csrf), ("wat", "koppelen")]).status,
        422,
        "no code"
    );
    bench.wait(60_000);
    let code = one.code_at(bench.now_ms() / 1000);
    let bind = [("csrf", csrf.as_str()), ("wat", "koppelen"), ("code", &code)];
    assert_eq!(bench.post("/account/certificaat", &cookie, &bind).status, 303);
    let theirs = bench.log_in("ander", &other);
    let csrf = bench.get("/account", &theirs).csrf();
    bench.wait(60_000);
    let code = other.code_at(bench.now_ms() / 1000);
    let bind = [("csrf", csrf.as_str()), ("wat", "koppelen"), ("code", &code)];
    assert_eq!(bench.post("/account/certificaat", &theirs, &bind).status, 422, "taken");
    let shown = bench.post("/inloggen/certificaat", "", &[]).cookie();
    assert!(bench.get("/account", &shown).text.contains(">een</a>"));
    bench.certificate = None;
    assert_eq!(bench.get("/account", &shown).status, 303, "the session needs the certificate");
    assert_eq!(bench.get("/account", &cookie).status, 200, "one of a password does not");
    assert_eq!(bench.post("/inloggen/certificaat", "", &[]).status, 403, "no certificate");
}

#[test]
fn attempts_of_nobody_are_bounded_and_a_missing_certificate_leaves_no_record() {
    let bench = Bench::new();
    let before = bench.recorded().len();
    for _ in 0..50 {
        assert_eq!(bench.post("/inloggen/certificaat", "", &[]).status, 403);
    }
    assert_eq!(bench.recorded().len(), before, "nothing was shown, nothing is recorded");
    let statuses: Vec<u16> = (0..25).map(|_| bench.try_log_in("niemand", "x", "1", "/").status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 20, "{statuses:?}");
    assert_eq!(statuses.last(), Some(&429));
    assert_eq!(bench.recorded().len(), before + 20);
    bench.wait(60_000);
    assert_eq!(bench.try_log_in("niemand", "x", "1", "/").status, 403);
}

#[test]
fn a_password_is_changed_with_the_old_one_and_a_code_and_ends_every_session() {
    let bench = Bench::new();
    let secret = bench.account("officier", &[Role::Privacyfunctionaris]);
    let cookie = bench.log_in("officier", &secret);
    let csrf = bench.get("/account", &cookie).csrf();
    let fresh = "een heel nieuwe zin van zes woorden";
    let change = |old: &str, new: &str, again: &str| {
        bench.wait(60_000);
        let code = secret.code_at(bench.now_ms() / 1000);
        let form = [("csrf", csrf.as_str()), ("oud", old), ("wachtwoord", new), ("nogmaals", again), ("code", &code)];
        bench.post("/account/wachtwoord", &cookie, &form).status.as_u16()
    };
    assert_eq!(change("een verkeerde oude zin", fresh, fresh), 422);
    assert_eq!(change(PASSWORD, fresh, "anders"), 422);
    assert_eq!(change(PASSWORD, "kort", "kort"), 422);
    assert_eq!(change(PASSWORD, fresh, fresh), 303);
    assert_eq!(bench.get("/account", &cookie).status, 303, "logged out");
    bench.wait(60_000);
    let code = || secret.code_at(bench.now_ms() / 1000);
    assert_eq!(bench.try_log_in("officier", PASSWORD, &code(), "/").status, 403);
    assert_eq!(bench.try_log_in("officier", fresh, &code(), "/").status, 303);
    let recorded = format!("{:?}", bench.recorded());
    assert!(recorded.contains("console wachtwoord") && !recorded.contains("nieuwe zin"), "{recorded}");
}

#[test]
fn an_account_that_is_closed_or_locked_out_is_so_at_the_next_request() {
    let bench = Bench::new();
    let admin = bench.account("beheer", &[Role::Beheerder]);
    let secret = bench.account("analist", &[Role::Analist]);
    let theirs = bench.log_in("analist", &secret);
    assert_eq!(bench.get("/account", &theirs).status, 200);
    // Closed in the book alone, as by a login that was under way.
    bench.core.accounts().close(2).expect("closed");
    assert_eq!(bench.get("/account", &theirs).status, 303);
    let other = bench.account("tweede", &[Role::Analist]);
    bench.wait(60_000);
    for _ in 0..5 {
        bench.try_log_in("tweede", "fout fout fout", "000000", "/");
    }
    let cookie = bench.log_in("beheer", &admin);
    let csrf = bench.get("/accounts", &cookie).csrf();
    assert!(bench.get("/accounts", &cookie).text.contains("geblokkeerd tot"));
    let code = || other.code_at(bench.now_ms() / 1000);
    assert_eq!(bench.try_log_in("tweede", PASSWORD, &code(), "/").status, 403, "locked");
    assert_eq!(bench.post("/accounts/ontgrendelen", &cookie, &[("csrf", &csrf), ("nummer", "3")]).status, 303);
    assert_eq!(bench.try_log_in("tweede", PASSWORD, &code(), "/").status, 303);
}
