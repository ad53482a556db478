//! What is done on the console: deliveries, consents, marks of confidentiality, the pack for a breach.

use axum::body::Body;
use http::Request;
use ketenpoort::service::accounts::Role;
use ketenpoort::translog::entry::{Direction, Entry, Phase, TransferId};

use super::{Bench, Seen};

const BSN: &str = "111222333";
/// Two rows to mend: one without a municipality that this node knows, one with a wrong number.
const FILE: &str = "event_id;status;bsn;geboortedatum;geslacht;gemeente;type;datum;geregistreerd_op;maatregel\n\
                    a1;1;111222333;20150321;M;;GI_MAATREGEL_START;20250203;2025-02-04T10:00:00+01:00;11\n\
                    a2;1;111222334;20150321;M;;GI_MAATREGEL_START;20250203;2025-02-04T10:00:00+01:00;11\n";

fn logged_in(roles: &[Role]) -> (Bench, String, String) {
    let bench = Bench::new();
    let secret = bench.account("medewerker", roles);
    let cookie = bench.log_in("medewerker", &secret);
    let csrf = bench.get("/account", &cookie).csrf();
    (bench, cookie, csrf)
}

/// Sends a file as a browser does.
fn upload(bench: &Bench, cookie: &str, fields: &[(&str, &str)], (name, content): (&str, &str)) -> Seen {
    let field = |(name, value): &(&str, &str)| {
        format!("--grens\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = format!(
        "--grens\r\nContent-Disposition: form-data; name=\"bestand\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n{content}\r\n--grens--\r\n"
    );
    let body = fields.iter().map(field).collect::<String>() + &file;
    let request = Request::post("/aanleveren").header("cookie", cookie).header("sec-fetch-site", "same-origin");
    let request = request.header("content-type", "multipart/form-data; boundary=grens");
    bench.send(request.body(Body::from(body)).expect("request"))
}

#[test]
fn a_delivery_is_tried_and_taken_in_and_its_rows_to_mend_are_listed() {
    let (bench, cookie, csrf) = logged_in(&[Role::Beheerder]);
    let send = |how: &str, file| upload(&bench, &cookie, &[("csrf", &csrf), ("wijze", how)], file);
    let tried = send("proef", ("levering.csv", FILE));
    assert!(tried.status == 200 && tried.text.contains("Dit was een proef"), "{}", tried.text);
    assert_eq!(bench.core.deliveries().expect("free").len(), 0, "nothing was stored");
    let taken = send("innemen", ("levering.csv", FILE));
    assert!(
        taken.text.contains("levering.csv is ingenomen") && taken.text.contains("geen geldig BSN"),
        "{}",
        taken.text
    );
    assert!(!taken.text.contains(BSN) && !taken.text.contains("111222334"));
    let one = bench.get("/aanleveren/0", &cookie);
    assert!(one.text.contains("bsn_ongeldig") && one.text.contains("2 van 2 regels"), "{}", one.text);
    let list = bench.get("/aanleveren/0/herstel.csv", &cookie);
    assert!(list.text.contains("3;bsn_ongeldig;"), "{}", list.text);
    let refused = send("innemen", ("<b>fout</b>.csv", "a;b\n"));
    assert!(refused.text.contains("is geweigerd") && !refused.text.contains("<b>"), "{}", refused.text);
    let all = bench.get("/aanleveren", &cookie).text;
    assert!(all.contains("2 van 2 leveringen") && all.contains("geweigerd") && !all.contains("<b>"), "{all}");
    for (how, name) in [("proef", ""), ("anders", "a.csv"), ("proef", "kind 111222333.csv")] {
        let seen = send(how, (name, FILE));
        assert!(seen.status == 422 && !seen.text.contains(BSN), "{how} {name}: {}", seen.text);
    }
    assert_eq!(bench.get("/aanleveren/9", &cookie).status, 404);
    assert!(!format!("{:?}", bench.recorded()).contains(BSN));
}

#[test]
fn a_file_of_somebody_without_the_role_is_not_even_read() {
    let (bench, cookie, csrf) = logged_in(&[Role::Analist]);
    let large = "x".repeat(200_000);
    for cookie in ["", cookie.as_str()] {
        let seen = upload(&bench, cookie, &[("csrf", &csrf), ("wijze", "innemen")], ("a.csv", &large));
        assert_eq!(seen.status, 403, "{}", seen.text);
    }
    assert_eq!(bench.core.deliveries().expect("free").len(), 0);
}

#[test]
fn a_consent_is_registered_shown_and_withdrawn_for_a_child_that_a_form_of_this_session_holds() {
    let (bench, cookie, csrf) = logged_in(&[Role::Privacyfunctionaris]);
    let seen = bench.post("/toestemmingen", &cookie, &[("csrf", &csrf), ("bsn", "111 222 333")]);
    assert!(seen.text.contains("geen toestemming bekend") && !seen.text.contains(BSN), "{}", seen.text);
    let kind = |seen: &Seen| {
        let held = seen.text.split("name=\"kind\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        held.expect("a child").replace("&#43;", "+").replace("&#61;", "=")
    };
    let child = kind(&seen);
    let form = |child: &str, by: &str| {
        let form = [
            ("csrf", csrf.as_str()),
            ("kind", child),
            ("door", by),
            ("hoedanigheid", "gezag"),
            ("van", "2026-05-01"),
            ("tot", "2027-05-01"),
            ("bewijs", "formulier <b>12</b>"),
            ("ontvanger", "00000099000000000002"),
            ("doel", "P6"),
            ("veld", "identity"),
            ("veld", "professionals_contact"),
        ];
        bench.post("/toestemmingen/vastleggen", &cookie, &form)
    };
    assert!(form(&child, "").text.contains("wie instemt is een rol"), "every fault is told");
    let added = form(&child, "ouder1");
    assert!(added.status == 200 && added.text.contains("Vastgelegd als toestemming"), "{}", added.text);
    assert!(added.text.contains("formulier &#60;b&#62;12") && added.text.contains(">geldt<"), "{}", added.text);
    assert!(form("onzin", "ouder1").status == 403 && form("", "ouder1").status == 403);
    // The field of another session is of no use here.
    let other = bench.account("ander", &[Role::Privacyfunctionaris]);
    let other = bench.log_in("ander", &other);
    let their_csrf = bench.get("/account", &other).csrf();
    let theirs = kind(&bench.post("/toestemmingen", &other, &[("csrf", &their_csrf), ("bsn", BSN)]));
    assert_eq!(form(&theirs, "ouder1").status, 403);
    let id =
        added.text.split("toestemming ").find_map(|rest| rest.get(..36).filter(|id| TransferId::parse(id).is_ok()));
    let id = id.expect("a number").to_owned();
    let gone = [("csrf", csrf.as_str()), ("kind", &child), ("nummer", &id), ("dag", "2026-06-01")];
    let withdrawn = bench.post("/toestemmingen/intrekken", &cookie, &gone);
    assert!(
        withdrawn.text.contains(">ingetrokken<") && withdrawn.text.contains("nog niets verstrekt"),
        "{}",
        withdrawn.text
    );
    assert_eq!(bench.post("/toestemmingen/intrekken", &cookie, &gone).status, 422, "once");
    let recorded = format!("{:?}", bench.recorded());
    assert!(recorded.contains("console toestemming intrekken") && recorded.contains(&id));
    assert!(!recorded.contains(BSN) && !recorded.contains("formulier"), "{recorded}");
}

#[test]
fn a_transfer_is_marked_as_confidential_with_a_reason_and_found_by_its_number() {
    let (bench, cookie, csrf) = logged_in(&[Role::Privacyfunctionaris]);
    let now = bench.now_ms();
    let entry = Entry::new(TransferId::new(now, [1; 10]), Direction::Outgoing, Phase::Intent, now);
    let _ = bench.core.transfer_log().append(&entry).expect("appended");
    bench.core.follow_log();
    let place = format!("/overdracht/{}", entry.transfer_id);
    let found = bench.get(&format!("/logboek?tekst={}", entry.transfer_id), &cookie);
    assert_eq!((found.status.as_u16(), found.header("location")), (303, place.as_str()));
    let mark = |what: &str, reason: &str| {
        let form = [("csrf", csrf.as_str()), ("wat", what), ("reden", reason)];
        bench.post(&format!("{place}/vertrouwelijk"), &cookie, &form).status.as_u16()
    };
    assert_eq!(mark("vertrouwelijk", ""), 200, "the page says that a reason is needed");
    assert!(!bench.get(&place, &cookie).text.contains("wait\">vertrouwelijk<"));
    assert_eq!(mark("vertrouwelijk", "lopend onderzoek"), 303);
    assert!(bench.get(&place, &cookie).text.contains("wait\">vertrouwelijk<"));
    assert_eq!(mark("opheffen", "onderzoek gesloten"), 303);
    assert!(!bench.get(&place, &cookie).text.contains("wait\">vertrouwelijk<"));
    assert!(!format!("{:?}", bench.recorded()).contains("onderzoek"), "a reason is free text");
}

#[test]
fn the_pack_for_a_breach_takes_days_and_refuses_what_is_none() {
    let (bench, cookie, csrf) = logged_in(&[Role::Privacyfunctionaris]);
    let ask = |from: &str, until: &str, key: &str, shape: &str| {
        let form = [("csrf", csrf.as_str()), ("van", from), ("tot", until), ("sleutel", key), ("vorm", shape)];
        bench.post("/datalek", &cookie, &form)
    };
    let page = ask("2026-03-01", "2026-03-02", &"ab".repeat(32), "pagina");
    // Dutch midnights: the last day counts whole.
    assert!(page.text.contains("(1772319600000, 1772492400000)") && page.text.contains("abab"), "{}", page.text);
    assert!(!page.text.contains("<b>x"));
    assert!(ask("2026-03-01", "2026-03-02", "", "regels").header("content-disposition").contains("datalek-regels.csv"));
    for (from, until, key) in
        [("", "2026-03-02", ""), ("2026-03-03", "2026-03-02", ""), ("x", "y", ""), ("2026-03-01", "2026-03-02", "ab")]
    {
        assert_eq!(ask(from, until, key, "pagina").status, 422, "{from} {until} {key}");
    }
}

#[test]
fn a_page_that_somebody_elsewhere_opens_is_neither_shown_nor_recorded() {
    let (bench, cookie, _) = logged_in(&[Role::Privacyfunctionaris]);
    let before = bench.recorded().len();
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("sec-purpose", "prefetch;prerender")]
    {
        let request = Request::get("/logboek?doel=P9").header("cookie", &cookie).header(name, value);
        let seen = bench.send(request.body(Body::empty()).expect("request"));
        assert!(seen.status == 403 && seen.text.contains("href=\"/logboek?doel=P9\""), "{name} {value}: {}", seen.text);
    }
    assert_eq!(bench.recorded().len(), before);
}
