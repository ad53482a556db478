//! Every route with every role; headers of every answer; forms of elsewhere.

use axum::body::Body;
use http::Request;
use ketenpoort::console::route::{Access, Method, ROUTES};
use ketenpoort::service::accounts::Role;

use super::Bench;

/// A place of a route with something in its parts.
fn place(route: &str) -> String {
    route
        .replace("{certificaat}", "ab")
        .replace("{naam}", "x")
        .replace("{nummer}", "999")
        .replace("{id}", "00000000-0000-7000-8000-000000000000")
}

#[test]
fn every_route_lets_in_whom_its_table_names_and_nobody_else() {
    let bench = Bench::new();
    let accounts: Vec<_> = Role::ALL.map(|role| (role, bench.account(role.as_str(), &[role]))).into_iter().collect();
    let cookies: Vec<_> = accounts.iter().map(|(role, secret)| (*role, bench.log_in(role.as_str(), secret))).collect();
    for route in ROUTES {
        let at = place(route.place);
        let nobody = match route.method {
            Method::Get => bench.get(&at, ""),
            Method::Post | Method::Upload => bench.post(&at, "", &[]),
        };
        match (route.access, route.method) {
            (Access::Everyone, _) => assert!(nobody.status != 303 || route.method == Method::Post, "{at}"),
            (_, Method::Get) => {
                assert_eq!((nobody.status.as_u16(), &nobody.header("location")[..9]), (303, "/inloggen"), "{at}");
            }
            (_, Method::Post | Method::Upload) => assert_eq!(nobody.status, 403, "{at} without a session"),
        }
        for (role, cookie) in &cookies {
            let Access::Only(may) = route.access else { continue };
            let seen = match route.method {
                Method::Get => bench.get(&at, cookie),
                Method::Post | Method::Upload => {
                    let csrf = bench.get("/account", cookie).csrf();
                    bench.post(&at, cookie, &[("csrf", &csrf)])
                }
            };
            let refused = seen.status == 403 && seen.text.contains("hoort niet bij uw rol");
            assert_eq!(refused, !may.contains(role), "{at} as {role:?}: {}", seen.status);
            assert!(seen.status.as_u16() != 500, "{at} as {role:?}: {}", seen.text);
        }
    }
    let all = bench.recorded();
    assert!(all.iter().any(|(who, what, _)| who == "analist" && what == "console geweigerd"), "{all:?}");
}

#[test]
fn a_page_that_shows_anything_about_the_log_or_accounts_is_recorded_first() {
    use ketenpoort::console::route::Record;
    // What nobody has to log in for shows nothing, and what only some roles see is in the audit log.
    for route in ROUTES {
        if let Access::Only(_) = route.access {
            assert_ne!(route.record, Record::Nothing, "{} is not recorded", route.place);
        }
    }
    let bench = Bench::new();
    let secret = bench.account("beheer", &[Role::Beheerder]);
    let cookie = bench.log_in("beheer", &secret);
    let csrf = bench.get("/accounts", &cookie).csrf();
    bench.post("/accounts/uitnodigen", &cookie, &[("csrf", &csrf), ("rol", "analist"), ("vreemd", "geheim")]);
    let all = bench.recorded();
    let last = all.last().expect("a record");
    assert_eq!((last.0.as_str(), last.1.as_str()), ("beheer", "console uitnodigen"));
    assert!(last.2.contains("analist") && !last.2.contains("geheim") && !last.2.contains(&csrf), "{last:?}");
}

#[test]
fn a_form_from_elsewhere_or_without_the_token_changes_nothing() {
    let bench = Bench::new();
    let secret = bench.account("beheer", &[Role::Beheerder]);
    let cookie = bench.log_in("beheer", &secret);
    let csrf = bench.get("/accounts", &cookie).csrf();
    let form = format!("csrf={csrf}&rol=analist");
    let send = |headers: &[(&str, &str)], body: &str| {
        let mut request = Request::post("/accounts/uitnodigen").header("cookie", &cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        bench.send(request.body(Body::from(body.to_owned())).expect("request")).status.as_u16()
    };
    let here = ("host", "console.nl:8444");
    for elsewhere in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[here, ("origin", "https://console.nl")],
        &[here, ("origin", "http://console.nl:8444")],
        &[here, ("origin", "null")],
        &[],
    ] {
        assert_eq!(send(elsewhere, &form), 403, "{elsewhere:?}");
    }
    assert_eq!(send(&[("sec-fetch-site", "same-origin")], "rol=analist"), 403, "no token");
    assert_eq!(send(&[("sec-fetch-site", "same-origin")], "csrf=&rol=analist"), 403, "an empty token");
    let other = bench.log_in("beheer", &secret);
    let others = bench.get("/accounts", &other).csrf();
    assert_eq!(
        send(&[("sec-fetch-site", "same-origin")], &format!("csrf={others}&rol=analist")),
        403,
        "of another session"
    );
    assert_eq!(send(&[here, ("origin", "https://console.nl:8444")], &form), 200);
    assert_eq!(send(&[("sec-fetch-site", "same-origin")], &form), 200);
}

#[test]
fn every_answer_has_the_headers_that_keep_a_page_to_itself() {
    let bench = Bench::new();
    let big = "x".repeat(100 << 10);
    let form = bench.get("/inloggen", "");
    let style = form.text.split('"').find(|part| part.starts_with("/stijl/")).expect("a style sheet").to_owned();
    let answers = [
        bench.get("/", ""),
        form,
        bench.get("/bestaat-niet", ""),
        bench.get(&style, ""),
        bench.post("/inloggen", "", &[("naam", &big)]),
        bench.post("/bestaat-niet", "", &[]),
        bench.send(Request::delete("/inloggen").body(Body::empty()).expect("request")),
    ];
    let statuses: Vec<u16> = answers.iter().map(|seen| seen.status.as_u16()).collect();
    assert_eq!(statuses, [303, 200, 404, 200, 413, 404, 404]);
    for seen in &answers {
        let policy = seen.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{policy}");
        assert_eq!(seen.header("x-content-type-options"), "nosniff");
        assert_eq!(seen.header("referrer-policy"), "no-referrer");
        assert!(seen.status != 404 || seen.text.contains("Deze pagina is er niet"));
    }
    assert!(answers[3].header("cache-control").contains("immutable"));
    assert_eq!(answers[1].header("cache-control"), "no-store");
    assert!(!answers[1].text.contains(" style=") && !answers[1].text.contains("<style"), "nothing inline");
    assert!(answers[1].text.contains("GI &#60;Een&#62;"), "a name is text, never markup");
}
