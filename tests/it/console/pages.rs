//! The pages of each role: what they show, and that nothing in them is markup but what the console wrote.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ketenpoort::crypto::{TotpSecret, digest};
use ketenpoort::domain::oin::Oin;
use ketenpoort::service::accounts::Role;
use ketenpoort::translog::checkpoint::Checkpoint;
use ketenpoort::translog::entry::{Decision, Direction, Entry, Outcome, Phase, TransferId};
use ketenpoort::translog::merkle::leaf_hash;
use ketenpoort::translog::merkle::proof::verify_inclusion;
use ketenpoort::translog::note::Note;

use super::Bench;

const PARTNER: &str = "00000099000000000002";
/// What a partner or a file could write into a text.
const HOSTILE: &str = "\"'><b>x</b><script>alert(1)</script>";

fn entry(bench: &Bench, number: u8, phase: Phase) -> Entry {
    let now = bench.now_ms() - 60_000 + u64::from(number);
    let mut entry = Entry::new(TransferId::new(now, [number; 10]), Direction::Outgoing, phase, now);
    entry.sender_oin = Oin::parse("00000099000000000001").ok();
    entry.receiver_oin = Oin::parse(PARTNER).ok();
    HOSTILE.clone_into(&mut entry.action);
    entry.service = format!("ketenpoort.v1.Node/Aggregate{HOSTILE}");
    entry.purpose = "P9".to_owned();
    entry.ground_article = format!("Jeugdwet 7.4.1 {HOSTILE}");
    entry.field_names = vec![format!("IND-01{HOSTILE}")];
    entry.decision = Some(if phase == Phase::Deny { Decision::Deny } else { Decision::Allow });
    if phase == Phase::Deny {
        entry.reason_codes = vec!["KP-CONVENANT-VERSIE".to_owned(), format!("KP-{HOSTILE}")];
    }
    entry
}

/// A console with an officer who is logged in and a log of these entries.
fn filled(entries: u8) -> (Bench, String, TotpSecret) {
    let bench = Bench::new();
    let secret = bench.account("officier", &[Role::Privacyfunctionaris, Role::Analist, Role::Beheerder]);
    for number in 0..entries {
        let phase = if number % 3 == 2 { Phase::Deny } else { Phase::Intent };
        let _ = bench.core.transfer_log().append(&entry(&bench, number, phase)).expect("appended");
    }
    bench.core.follow_log();
    let cookie = bench.log_in("officier", &secret);
    (bench, cookie, secret)
}

#[test]
fn nothing_that_a_partner_or_a_file_writes_becomes_markup() {
    let (bench, cookie, _) = filled(3);
    let csrf = bench.get("/account", &cookie).csrf();
    let denied = bench.get("/logboek?regel=DENY", &cookie);
    let place = denied.text.split('"').find(|part| part.starts_with("/overdracht/")).expect("a transfer").to_owned();
    let query: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("tekst", HOSTILE),
            ("grond", HOSTILE),
            ("veld", HOSTILE),
            ("doel", HOSTILE),
            ("dienst", HOSTILE),
        ])
        .finish();
    let pages = [
        bench.get("/overzicht", &cookie),
        bench.get("/logboek", &cookie),
        bench.get(&format!("/logboek?{query}"), &cookie),
        bench.get(&place, &cookie),
        bench.get("/register", &cookie),
        bench.post("/bewaren", &cookie, &[("csrf", &csrf)]),
        bench.get("/vrijgaven", &cookie),
        bench.get("/auditlog", &cookie),
        bench.get("/eenzijdig", &cookie),
        bench.post("/status", &cookie, &[("csrf", &csrf)]),
        bench.get("/aanleveren", &cookie),
        bench.get("/kinderen", &cookie),
        bench.post("/datalek", &cookie, &[("csrf", &csrf), ("van", "2026-01-01"), ("tot", "2026-12-31")]),
        bench.post("/toestemmingen", &cookie, &[("csrf", &csrf), ("bsn", "111222333")]),
        bench.get("/rapport?indicator=alle", &cookie),
        bench.get("/accounts", &cookie),
        bench.get(&format!("/inloggen?naar={HOSTILE}").replace(['"', '\'', '<', '>'], "%22"), ""),
        bench.post("/persoon", &cookie, &[("csrf", &csrf), ("bsn", "111222333"), ("alles", "ja")]),
        bench.post("/persoon", &cookie, &[("csrf", &csrf), ("bsn", HOSTILE)]),
        bench.post("/inloggen", "", &[("naam", HOSTILE), ("naar", HOSTILE)]),
        bench.post("/uitnodiging", "", &[("uitnodiging", HOSTILE)]),
    ];
    let statuses: Vec<u16> = pages.iter().map(|page| page.status.as_u16()).collect();
    assert_eq!(statuses[..18], [200; 18]);
    assert_eq!(statuses[18..], [422, 403, 422]);
    for (at, page) in pages.iter().enumerate() {
        assert!(!page.text.contains("<b>") && !page.text.contains("alert(1)</script>"), "page {at}: {}", page.text);
        assert_eq!(page.text.matches("<script").count(), 1, "page {at}: only our own");
        assert!(!page.text.contains(" style=") && !page.text.contains(" onclick"), "page {at}: nothing inline");
    }
    assert!(pages[3].text.contains("KP-CONVENANT-VERSIE"), "the reason of a refusal is told");
}

#[test]
fn the_log_is_paged_by_number_and_its_conditions_stand_in_the_address() {
    let (bench, cookie, _) = filled(140);
    let numbers = |text: &str| -> Vec<u64> {
        text.split("> regel ")
            .skip(1)
            .map(|rest| rest.split('<').next().expect("a number").parse().expect("a number"))
            .collect()
    };
    let mut at = "/logboek?partner=00000099000000000002&besluit=geweigerd".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = bench.get(&at, &cookie);
        assert!(page.text.len() < 100_000, "{} bytes", page.text.len());
        seen.extend(numbers(&page.text));
        let next = page.text.split('"').find(|part| part.contains("voor=")).map(|part| part.replace("&#38;", "&"));
        let Some(next) = next else { break };
        assert!(next.contains("besluit=geweigerd"), "{next}");
        at = next;
    }
    let mut sorted = seen.clone();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    sorted.dedup();
    assert_eq!((seen.len(), &seen), (46, &sorted), "every refusal once, newest first");
    let none = bench.get("/logboek?doel=P3", &cookie);
    assert!(none.text.contains("Geen regel voldoet") && numbers(&none.text).is_empty());
    for wrong in ["van=gisteren", "partner=1", "regel=X", "voor=x"] {
        assert_eq!(bench.get(&format!("/logboek?{wrong}"), &cookie).status, 422, "{wrong}");
    }
    let recorded = bench.recorded();
    let (_, what, arguments) = recorded.iter().rev().find(|(_, what, _)| what == "console logboek").expect("recorded");
    assert!(arguments.contains("voor"), "{what} {arguments}");
    bench.get("/logboek?tekst=jansen", &cookie);
    assert!(!format!("{:?}", bench.recorded()).contains("jansen"), "a word may say who somebody is");
}

#[test]
fn the_evidence_of_a_transfer_holds_in_the_tree_of_its_checkpoint() {
    let (bench, cookie, _) = filled(250);
    let page = bench.get("/logboek?regel=DENY", &cookie);
    let place = page.text.split('"').find(|part| part.starts_with("/overdracht/")).expect("a transfer").to_owned();
    let id = place.rsplit('/').next().expect("an id");
    let mut end = entry(&bench, 0, Phase::Outcome);
    (end.transfer_id, end.outcome, end.decision) = (TransferId::parse(id).expect("id"), Some(Outcome::Failed), None);
    let _ = bench.core.transfer_log().append(&end).expect("appended");
    bench.core.follow_log();
    let seen = bench.get(&format!("{place}/bewijs.json"), &cookie);
    assert!(seen.header("content-disposition").starts_with("attachment; filename=\"bewijs-"), "{:?}", seen.headers);
    let evidence: serde_json::Value = serde_json::from_str(&seen.text).expect("JSON");
    let note = evidence["checkpoint"].as_str().expect("a note");
    let name = evidence["log"]["key_name"].as_str().expect("a name");
    let key = bench.core.transfer_log().verifying_key();
    assert_eq!(evidence["log"]["key"], ketenpoort::crypto::hex(&key.0));
    let checkpoint = Checkpoint::open(note.as_bytes(), name, &key).expect("signed");
    assert_eq!(Note::decode(note.as_bytes()).expect("a note").encode(), note);
    let entries = evidence["entries"].as_array().expect("a list");
    assert_eq!(entries.len(), 2);
    for proven in entries {
        let bytes = STANDARD.decode(proven["bytes"].as_str().expect("text")).expect("base64");
        let path = proven["path"].as_array().expect("a list").iter();
        let path: Vec<_> = path
            .map(|hash| ketenpoort::crypto::Digest::from_hex(hash.as_str().expect("text")).expect("a hash"))
            .collect();
        let number = proven["number"].as_u64().expect("a number");
        verify_inclusion(leaf_hash(&bytes), number, checkpoint.size, &path, &checkpoint.root).expect("in the tree");
        assert_eq!(Entry::decode(&bytes).expect("an entry").transfer_id.to_string(), id);
    }
    assert_eq!(bench.get("/overdracht/00000000-0000-7000-8000-000000000000", &cookie).status, 404);
    assert_eq!(bench.get("/overdracht/x/bewijs.json", &cookie).status, 404);
}

#[test]
fn a_bsn_is_read_and_forgotten() {
    let (bench, cookie, _) = filled(1);
    let csrf = bench.get("/persoon", &cookie).csrf();
    let ask =
        |bsn: &str, shape: &str| bench.post("/persoon", &cookie, &[("csrf", &csrf), ("bsn", bsn), ("vorm", shape)]);
    for good in ["111222333", "111 222 333", " 1112.22.333"] {
        let seen = ask(good, "pagina");
        assert!(seen.status == 200 && seen.text.contains("voor de betrokkene"), "{}", seen.text);
        assert!(!seen.text.contains("111222333") && !seen.text.contains(good));
    }
    assert!(ask("111222333", "bestand").header("content-disposition").contains("overzicht.html"));
    for wrong in ["", "111222334", "000000000", "abc", "1112223331"] {
        let seen = ask(wrong, "pagina");
        assert!(seen.status == 422 && seen.text.contains("geen geldig BSN"), "{wrong}");
        assert!(wrong.is_empty() || !seen.text.contains(wrong), "{wrong}");
    }
    let seen = bench.get("/persoon?bsn=111222333", &cookie);
    assert!(seen.status == 422 && !seen.text.contains("111222333"), "a number in an address is refused");
    let recorded = format!("{:?}", bench.recorded());
    assert!(
        recorded.contains("console persoon") && !recorded.contains("111222333") && !recorded.contains("111 222 333")
    );
}

#[test]
fn the_page_that_checks_evidence_is_the_file_of_the_documentation_and_runs_nothing_else() {
    let bench = Bench::new();
    let seen = bench.get("/controle", "");
    let hash = digest(seen.text.as_bytes()).to_hex();
    let told = include_str!("../../../docs/console.md");
    assert!(told.contains(&hash), "docs/console.md does not name the hash of controle.html: {hash}");
    assert_eq!(bench.get("/controle?bewaar", "").text, seen.text, "the file is the page");
    let policy = seen.header("content-security-policy");
    assert_eq!(policy.matches("'sha256-").count(), 2, "{policy}");
    for (open, close) in [("<script>", "</script>"), ("<style>", "</style>")] {
        assert_eq!((seen.text.matches(open).count(), seen.text.matches(close).count()), (1, 1), "{open}");
        let inside = &seen.text[seen.text.find(open).expect("begin") + open.len()..seen.text.find(close).expect("end")];
        let source = format!("'sha256-{}'", STANDARD.encode(digest(inside.as_bytes()).0));
        assert!(policy.contains(&source), "{policy} lacks {source}");
    }
    assert!(!seen.text.contains("innerHTML") && !seen.text.contains("eval("), "it writes text alone");
    let fields = ketenpoort::translog::entry::FIELD_NAMES.join(" ");
    let list = seen.text.split("FIELDS = (").nth(1).and_then(|rest| rest.split(").split").next()).expect("a list");
    let list: String = list.replace("\" +\n    \"", "").replace('"', "");
    assert_eq!(list, fields, "the page reads the fields in the order of the bytes");
}

#[test]
fn the_report_is_narrowed_by_its_address() {
    let (bench, cookie, _) = filled(0);
    let all = bench.get("/rapport", &cookie);
    let one = bench.get("/rapport?indicator=IND-01&van=2024&tot=2024", &cookie);
    assert!(
        all.text.contains("Tabellen in deze keuze</dt><dd>2<")
            && one.text.contains("Tabellen in deze keuze</dt><dd>1<")
    );
    assert!(one.text.contains("<option value=\"2024\" selected>"), "the choice is shown again");
    let csv = bench.get("/rapport/rapport.csv?van=2024", &cookie);
    assert!(csv.text.contains("IND-01") && !csv.text.contains("2023"), "{}", csv.text);
    assert_eq!(bench.get("/rapport?indicator=IND-99", &cookie).status, 422);
    assert_eq!(bench.get("/rapport?van=x", &cookie).status, 422);
}

#[test]
fn what_is_recorded_is_what_is_shown_and_a_bsn_has_one_field() {
    let (bench, cookie, _) = filled(3);
    let place = bench.get("/logboek?regel=DENY", &cookie).text;
    let place = place.split('"').find(|part| part.starts_with("/overdracht/")).expect("a transfer").to_owned();
    let csrf = bench.get("/account", &cookie).csrf();
    let before = bench.recorded().len();
    let many: String = (0..40).map(|n| format!("a{n}=1&")).collect();
    for at in [
        format!("{place}?id=00000000-0000-7000-8000-000000000000"),
        format!("{place}/bewijs.json?id=x"),
        "/logboek?partner=00000099000000000001&partner=00000099000000000002".to_owned(),
        format!("/logboek?{many}partner=00000099000000000002"),
        "/logboek?tekst=111222333".to_owned(),
        "/logboek?doel=111+222+333".to_owned(),
        "/logboek?111222333=x".to_owned(),
    ] {
        let seen = bench.get(&at, &cookie);
        assert_eq!(seen.status, 422, "{at}");
        assert!(!seen.text.contains("111222333"), "{at} is not said again");
    }
    let twice = [("csrf", csrf.as_str()), ("bsn", "111222333"), ("alles", "ja"), ("alles", "nee")];
    assert_eq!(bench.post("/persoon", &cookie, &twice).status, 422);
    assert_eq!(bench.post("/persoon?alles=nee", &cookie, &twice[..3]).status, 422, "in two places");
    assert_eq!(bench.recorded().len(), before, "nothing was shown");
    assert!(!bench.get("/logboek?tekst=111222333", "").header("location").contains("111222333"));
    assert_eq!(bench.get("/stijl/%ff", "").status, 404);
    assert_eq!(bench.get("/stijl/%ff", "").header("x-content-type-options"), "nosniff");
}

#[test]
fn a_refusal_under_the_same_number_does_not_undo_what_was_given() {
    let (bench, cookie, _) = filled(0);
    let given = entry(&bench, 0, Phase::Intent);
    let mut again = entry(&bench, 1, Phase::Deny);
    again.transfer_id = given.transfer_id;
    for one in [&given, &again] {
        let _ = bench.core.transfer_log().append(one).expect("appended");
    }
    bench.core.follow_log();
    let seen = bench.get(&format!("/overdracht/{}", given.transfer_id), &cookie);
    assert!(seen.text.contains("toegestaan; een andere vraag"), "{}", seen.text);
    assert!(!seen.text.contains("er zijn geen gegevens gegeven"));
}
