//! The register of consents: what is registered counts from that moment, what is withdrawn counts no more, an erased child is gone from it,
//! nothing of it is readable on disk, and whoever received something can be told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use ketenpoort::crypto::{KeyTree, Secret32, Tag, hex, random};
use ketenpoort::domain::activity::ActivityBase;
use ketenpoort::domain::codes::OrgType;
use ketenpoort::domain::day::Day;
use ketenpoort::domain::gemeente::GemeenteList;
use ketenpoort::domain::oin::Oin;
use ketenpoort::policy::case::registry::{ConsentEvent, Given, Standing, register};
use ketenpoort::policy::case::situation::{Capacity, Consent, ConsentKind, Situation};
use ketenpoort::policy::case::{Rules, decide, fhir};
use ketenpoort::service::consent::{CONSENT, ConsentError, WITHDRAWAL};
use ketenpoort::service::core::{Clock, Core, Identity};
use ketenpoort::service::informed::{INFORMED, Told};
use ketenpoort::service::notices::Why;
use ketenpoort::translog::entry::{Direction, Entry, Outcome, Phase, TransferId};
use ketenpoort::translog::sealed::SealedPart;
use serde_json::{Value, json};

use crate::decisions::{request, situation, table};
use crate::three::Three;

/// The local team and the institution of the table.
const TEAM: &str = "00000099000000101000";
const INSTITUTION: &str = "00000099000000501000";
/// Numbers of consents.
const A: &str = "018dfa2c-6800-7707-8707-07070707070a";
const B: &str = "018dfa2c-6800-7707-8707-07070707070b";
const C: &str = "018dfa2c-6800-7707-8707-07070707070c";
/// A word that may stand in no file of the node.
const SECRET: &str = "Gespreksverslag-Zomereik";

/// A clock that the test sets; midnight UTC of a day is still that day in Amsterdam.
struct SetClock(AtomicI32);

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap() * 86_400_000 + 43_200_000
    }

    fn today(&self) -> Day {
        Day(self.0.load(Ordering::Relaxed))
    }
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

struct Team {
    dir: tempfile::TempDir,
    clock: Arc<SetClock>,
}

impl Team {
    fn new(today: &str) -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Core::create(&dir.path().join("data"), Oin::parse(TEAM).unwrap(), &keys()).unwrap();
        Self { dir, clock: Arc::new(SetClock(AtomicI32::new(day(today).0))) }
    }

    fn open(&self) -> Core {
        let oin = Oin::parse(TEAM).unwrap();
        let identity = Identity {
            oin,
            name: "Lokaal team".to_owned(),
            org_type: OrgType::Gem,
            levert: Vec::new(),
            activities: ActivityBase::of_oin(oin),
        };
        let clock: Arc<dyn Clock> = Arc::<SetClock>::clone(&self.clock);
        Core::open(&self.dir.path().join("data"), identity, keys(), GemeenteList::new(Vec::new()), clock).unwrap()
    }

    fn set(&self, today: &str) {
        self.clock.0.store(day(today).0, Ordering::Relaxed);
    }
}

/// The child of most tests.
fn child() -> Tag {
    Tag::from_bytes([5; 32])
}

fn keys() -> KeyTree {
    KeyTree::new(Secret32::new([9; 32]))
}

/// The first allowed hand-over by consent of the table, on this day.
fn handover(on: &str) -> Situation {
    let rows = table();
    let mut asked = situation(rows.iter().find(|row| row["id"] == "08-001").unwrap());
    asked.date = Some(day(on));
    asked
}

/// What a custody holder consents to.
fn given(by: &str, from: &str, to: &str) -> Given {
    let asked = handover(from);
    let consent = Consent {
        kind: ConsentKind::Geheim,
        by: by.to_owned(),
        capacity: if by == "kind" { Capacity::Kind } else { Capacity::Gezag },
        receivers: vec![Oin::parse(INSTITUTION).unwrap()],
        purposes: vec!["P6".to_owned()],
        fields: asked.fields,
        from: Some(day(from)),
        to: Some(day(to)),
        withdrawn: None,
    };
    Given { consent, born: Some(day("2012-06-15")), evidence: SECRET.to_owned() }
}

fn rule(node: &Core, asked: &Situation) -> String {
    node.consent_check(&child(), asked.clone()).unwrap().rule().to_owned()
}

/// Whether a file under a directory holds this text.
fn holds(dir: &Path, needle: &str) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, needle);
        }
        std::fs::read(&path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
    })
}

#[test]
fn a_consent_counts_when_it_is_registered_and_no_more_when_it_is_withdrawn() {
    let team = Team::new("2024-03-01");
    let node = team.open();
    let mut asked = handover("2024-03-01");
    asked.child.born = Some(day("2012-06-15"));
    assert_eq!(rule(&node, &asked), "D-CONSENT-NONE");
    assert_eq!(node.opener().unwrap().keys().len(), 0, "asking makes no key");
    node.consent_add(&child(), given("ouder1", "2024-03-01", "2024-12-31")).unwrap();
    assert_eq!(rule(&node, &asked), "D-CONSENT-NONE", "one of two");
    let second = node.consent_add(&child(), given("ouder2", "2024-03-01", "2024-12-31")).unwrap();
    assert_eq!(rule(&node, &asked), "G-CONSENT");
    // The twelfth birthday: from that day the child itself must consent.
    for (on, expected) in [("2024-06-14", "G-CONSENT"), ("2024-06-15", "D-CONSENT-NONE")] {
        asked.date = Some(day(on));
        assert_eq!(rule(&node, &asked), expected, "{on}");
    }
    team.set("2024-06-15");
    node.consent_add(&child(), given("kind", "2024-06-15", "2024-12-31")).unwrap();
    assert_eq!(rule(&node, &asked), "G-CONSENT");
    node.consent_withdraw(&child(), &second, day("2024-06-17")).unwrap();
    drop(node);
    // A start later, from the journal.
    let node = team.open();
    for (on, expected) in [("2024-06-16", "G-CONSENT"), ("2024-06-17", "D-CONSENT-WITHDRAWN")] {
        asked.date = Some(day(on));
        assert_eq!(rule(&node, &asked), expected, "{on}");
    }
    assert!(matches!(node.consent_withdraw(&child(), &second, day("2024-06-18")), Err(ConsentError::NotOpen)));
    assert!(matches!(node.consent_withdraw(&child(), "niets", day("2024-06-18")), Err(ConsentError::Unknown(_))));
    let other = Tag::from_bytes([6; 32]);
    assert!(matches!(node.consent_withdraw(&other, &second, day("2024-06-18")), Err(ConsentError::Unknown(_))));
    assert_eq!(node.consents_of(&other).unwrap(), vec![]);
    let log = |service: &str| -> Vec<Entry> {
        let all = node.transfer_log().entries(0..node.transfer_log().len()).map(|entry| entry.unwrap().1);
        all.filter(|entry| entry.service == service && entry.phase == Phase::Intent).collect()
    };
    assert_eq!((log(CONSENT).len(), log(WITHDRAWAL).len()), (3, 1));
    let withdrawal = &log(WITHDRAWAL)[0];
    assert_eq!(withdrawal.refers_to.unwrap().to_string(), second);
    assert_eq!(withdrawal.rules_version, Rules::national().version());
    assert!(!withdrawal.subject_label.is_empty() && withdrawal.retention_until.is_some());
    // The employee is found by the trace.
    let trace = &node.consents_of(&child()).unwrap()[1].trace;
    assert!(log(CONSENT).iter().any(|entry| hex(&entry.trace_id.unwrap()) == *trace));
    drop(node);
    for secret in [SECRET, "ouder1", "ouder2"] {
        assert!(!holds(team.dir.path(), secret), "{secret} is readable on disk");
    }
}

#[test]
fn an_erased_child_is_gone_from_the_register_for_ever() {
    let team = Team::new("2024-03-01");
    let node = team.open();
    let stays = Tag::from_bytes([7; 32]);
    for child in [child(), stays] {
        node.consent_add(&child, given("ouder1", "2024-03-01", "2024-12-31")).unwrap();
    }
    node.erase_subject(&child(), "verzoek van de ouders").unwrap();
    assert_eq!(node.consents_of(&child()).unwrap(), vec![]);
    drop(node);
    let node = team.open();
    assert_eq!((node.consents_of(&child()).unwrap().len(), node.consents_of(&stays).unwrap().len()), (0, 1));
    node.consent_add(&child(), given("ouder2", "2024-03-01", "2024-12-31")).unwrap();
    let consents = node.consents_of(&child()).unwrap();
    assert_eq!(consents.iter().map(|known| known.given.consent.by.as_str()).collect::<Vec<_>>(), ["ouder2"]);
}

/// Something that is done to a sound consent.
type Change<'a> = &'a dyn Fn(&mut Given);

#[test]
fn what_cannot_be_a_consent_is_not_registered_and_every_reason_is_said() {
    let team = Team::new("2024-06-14");
    let node = team.open();
    let begun = node.transfer_log().len();
    let sound = || given("ouder1", "2024-03-01", "2024-12-31");
    let wrong: [(&str, Change); 14] = [
        ("rol of naam", &|g| g.consent.by = String::new()),
        ("rol of naam", &|g| g.consent.by = "111 222 333".to_owned()),
        ("bewijs", &|g| g.evidence = "brief van 111222333".to_owned()),
        ("ontvanger", &|g| g.consent.receivers.clear()),
        ("één doel", &|g| g.consent.fields.clear()),
        ("ligt vóór", &|g| g.consent.to = Some(day("2024-02-01"))),
        ("toekomst", &|g| g.consent.from = Some(day("2024-06-15"))),
        ("zonder einde", &|g| g.consent.to = None),
        ("consent withdraw", &|g| g.consent.withdrawn = Some(day("2024-06-14"))),
        ("geen gezag", &|g| g.consent.capacity = Capacity::GeenGezag),
        ("stemt in als", &|g| g.consent.capacity = Capacity::Kind),
        ("vanaf 12 jaar", &|g| (g.consent.by, g.consent.capacity) = ("kind".to_owned(), Capacity::Kind)),
        ("geen grondslag voor doel P4", &|g| g.consent.purposes = vec!["P4".to_owned()]),
        ("`safety_agreements`", &|g| g.consent.fields.push("safety_agreements".to_owned())),
    ];
    for (said, change) in wrong {
        let mut changed = sound();
        change(&mut changed);
        let error = node.consent_add(&child(), changed).expect_err(said).to_string();
        assert!(error.contains(said) && !error.contains("111222333"), "{error}");
    }
    assert_eq!(node.transfer_log().len(), begun, "nothing was begun");
    // Consent after AVG 6(1)a is kept apart and never carries an exchange.
    let mut other = sound();
    other.consent.kind = ConsentKind::Avg;
    node.consent_add(&child(), other).unwrap();
    assert_eq!(rule(&node, &handover("2024-06-14")), "D-CONSENT-KIND");
}

/// A transfer in the log to an organisation.
fn sent(node: &Core, to: &str, article: &str, outcome: Option<Outcome>) -> String {
    let (ours, to) = (Oin::parse(TEAM).unwrap(), Oin::parse(to).unwrap());
    let id = TransferId::new(1_700_000_000_000, random());
    let intent = Entry {
        sender_oin: Some(ours),
        receiver_oin: Some(to),
        service: "SCN-08".to_owned(),
        purpose: "P6".to_owned(),
        ground_article: article.to_owned(),
        field_names: vec!["identity".to_owned()],
        ..Entry::new(id, Direction::Outgoing, Phase::Intent, 1_700_000_000_000)
    };
    let part = SealedPart { subject: Some(child()), ..SealedPart::default() };
    let _ = node.note_about(intent.clone(), &part).unwrap();
    if let Some(outcome) = outcome {
        let end = Entry {
            sender_oin: intent.sender_oin,
            receiver_oin: intent.receiver_oin,
            outcome: Some(outcome),
            ..Entry::new(id, Direction::Outgoing, Phase::Outcome, 1_700_000_000_005)
        };
        let _ = node.transfer_log().append(&end).unwrap();
    }
    id.to_string()
}

#[test]
fn whoever_received_something_is_named_for_a_withdrawal_a_correction_and_an_erasure() {
    let team = Team::new("2024-06-14");
    let node = team.open();
    let id = node.consent_add(&child(), given("ouder1", "2024-03-01", "2024-12-31")).unwrap();
    let arrived = sent(&node, INSTITUTION, "Jeugdwet 7.3.11(1)", Some(Outcome::Confirmed));
    let unsure = sent(&node, INSTITUTION, "Jeugdwet 7.3.11(1)", None);
    sent(&node, INSTITUTION, "Jeugdwet 7.3.11(1)", Some(Outcome::Failed));
    sent(&node, "00000099000000201000", "Wmo 5.2.6", Some(Outcome::Confirmed));
    let withdrawn = node.consent_withdraw(&child(), &id, day("2024-06-14")).unwrap();
    let notices = node.notices_of(&child(), Some(&withdrawn.given.consent)).unwrap();
    assert_eq!(notices.len(), 1, "Veilig Thuis was told on another ground: {notices:?}");
    assert_eq!((notices[0].receiver.as_str(), notices[0].certain), (INSTITUTION, false));
    assert_eq!(notices[0].transfers, [arrived, unsure], "what certainly did not leave does not count");
    let all = node.recipients(&child(), Why::Correction).unwrap();
    assert_eq!(
        all.iter().map(|notice| notice.receiver.as_str()).collect::<Vec<_>>(),
        ["00000099000000201000", INSTITUTION]
    );
    let last = node.transfer_log().len();
    let looked = node.transfer_log().entry(last - 2).unwrap().unwrap();
    assert_eq!((looked.ground_article.as_str(), looked.row_count), ("AVG 16 en 19", Some(2)));
    assert_eq!(node.recipients(&Tag::from_bytes([8; 32]), Why::Erasure).unwrap(), vec![]);
}

#[test]
fn an_exchange_of_which_nobody_was_told_stays_on_the_list_until_that_is_noted() {
    let team = Team::new("2024-06-14");
    let node = team.open();
    let first = sent(&node, INSTITUTION, "Jeugdwet 7.3.11(1)", Some(Outcome::Confirmed));
    let second = sent(&node, INSTITUTION, "Jeugdwet 7.3.11(1)", Some(Outcome::Confirmed));
    let id = |text: &str| TransferId::parse(text).unwrap();
    let open = |node: &Core| -> Vec<(String, bool)> {
        node.uninformed().unwrap().into_iter().map(|line| (line.transfer, line.postponed)).collect()
    };
    let mut both = vec![(first.clone(), false), (second.clone(), false)];
    both.sort();
    assert_eq!(open(&node), both);
    assert!(node.uninformed().unwrap().iter().all(|line| line.late), "the transfers are of November 2023");
    assert!(node.note_informed(id(&first), &Told::On(day("2024-06-13"))).unwrap());
    assert!(node.note_informed(id(&second), &Told::NotYet("lopend onderzoek".to_owned())).unwrap());
    assert!(node.note_informed(id(&second), &Told::NotYet("om 111222333".to_owned())).is_err());
    assert!(!node.note_informed(id(A), &Told::On(day("2024-06-13"))).unwrap(), "no such transfer");
    assert_eq!(open(&node), [(second.clone(), true)]);
    // The note is about the child, and an overview of it says so.
    let about = node.entries_about(&child()).unwrap();
    assert_eq!(about.iter().filter(|(_, entry, _)| entry.service == INFORMED).count(), 2);
    drop(node);
    assert!(!holds(team.dir.path(), "lopend onderzoek"));
    let node = team.open();
    node.note_informed(id(&second), &Told::On(day("2024-06-14"))).unwrap();
    assert_eq!(open(&node), []);
}

#[test]
fn an_override_stands_in_the_list_of_its_month_with_its_reason() {
    let team = Team::new("2024-06-14");
    let node = team.open();
    sent(&node, INSTITUTION, "Jeugdwet 7.3.11(1)", None);
    let article = "Jeugdwet 7.3.4(2)";
    let (ours, to) = (Oin::parse(TEAM).unwrap(), Oin::parse(INSTITUTION).unwrap());
    let entry = Entry {
        sender_oin: Some(ours),
        receiver_oin: Some(to),
        service: "SCN-08".to_owned(),
        ground_article: article.to_owned(),
        ..Entry::new(
            TransferId::new(1_717_200_000_000, random()),
            Direction::Outgoing,
            Phase::Intent,
            1_717_200_000_000,
        )
    };
    let part = SealedPart { subject: Some(child()), reference: "ernstig nadeel".to_owned(), ..SealedPart::default() };
    let _ = node.note_about(entry, &part).unwrap();
    // June 2024 in UTC.
    let june = node.overrides(1_717_192_800_000, 1_719_784_800_000).unwrap();
    assert_eq!(june.len(), 1);
    assert_eq!((june[0].article.as_str(), june[0].exchange.as_str(), june[0].partner), (article, "SCN-08", Some(to)));
    assert_eq!(june[0].reason.as_deref(), Some("ernstig nadeel"));
    assert_eq!(node.overrides(1_719_784_800_000, u64::MAX).unwrap(), vec![]);
    node.erase_subject(&child(), "verzoek").unwrap();
    assert_eq!(node.overrides(0, u64::MAX).unwrap()[0].reason, None, "the reason went with the key");
}

#[test]
fn events_add_up_whatever_their_order_of_arrival_repeats() {
    let add = |id: &str, by: &str| ConsentEvent::Given {
        id: id.to_owned(),
        recorded_ms: 1_709_294_400_000,
        trace: "0123456789abcdef0123456789abcdef".to_owned(),
        given: Box::new(given(by, "2024-03-01", "2024-12-31")),
    };
    let end = |id: &str, on: &str| ConsentEvent::Withdrawn {
        id: id.to_owned(),
        day: day(on),
        recorded_ms: 1_709_294_400_000,
        trace: String::new(),
    };
    let all = register([
        add(A, "ouder1"),
        end(C, "2024-04-01"),
        add(B, "ouder2"),
        end(B, "2024-05-01"),
        end(B, "2024-06-01"),
        add(B, "kind"),
    ]);
    assert_eq!(all.iter().map(|known| known.id.as_str()).collect::<Vec<_>>(), [A, B]);
    assert_eq!((all[1].given.consent.by.as_str(), all[1].given.consent.withdrawn), ("ouder2", Some(day("2024-05-01"))));
    let standings = ["2024-02-29", "2024-03-01", "2024-04-30", "2024-05-01"].map(|on| all[1].standing(day(on)));
    assert_eq!(standings, [Standing::NotYet, Standing::Holds, Standing::Holds, Standing::Withdrawn]);
    assert_eq!(all[0].standing(day("2025-01-01")), Standing::Expired);

    // The FHIR resources of the register, as a FHIR R4 library accepted them (tests/data/consent/README.md).
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/consent/bundle.json");
    let made = serde_json::to_string_pretty(&fhir::bundle(&all, day("2024-06-01"))).unwrap() + "\n";
    if std::env::var_os("KETENPOORT_VERNIEUW").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    assert_eq!(made, std::fs::read_to_string(path).unwrap());
    let ended: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(
        ended["entry"][1]["resource"]["provision"]["period"],
        json!({"start": "2024-03-01", "end": "2024-04-30"})
    );
    assert_eq!(ended["entry"][1]["resource"]["status"], "inactive");
}

/// Runs a command on node `a` with a BSN on standard input.
fn typed(three: &Three, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
    command.args(words).args(["--node", &three.path("a")]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(b"999990019\n");
    child.wait_with_output().unwrap()
}

#[test]
fn the_register_works_while_the_node_runs_and_while_it_is_stopped() {
    let mut three = Three::new();
    three.certify();
    let rows = table();
    let row = rows.iter().find(|row| row["id"] == "08-001").unwrap();
    let mut asked = request(row);
    // Under the clock of this machine: consents are given today at the latest.
    asked["date"] = json!("2026-03-01");
    let file = three.path("situatie.json");
    std::fs::write(&file, asked.to_string()).unwrap();
    let fields = asked["fields"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect::<Vec<_>>().join(",");
    let add = |by: &str| {
        let words = [
            "consent",
            "add",
            "--by",
            by,
            "--capacity",
            "gezag",
            "--receiver",
            INSTITUTION,
            "--purpose",
            "P6",
            "--field",
            &fields,
            "--from",
            "2026-03-01",
            "--to",
            "2026-12-31",
            "--evidence",
            SECRET,
            "--json",
        ];
        let output = typed(&three, &words);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["toestemming"].as_str().unwrap().to_owned()
    };
    let decided = || -> Value {
        let output = typed(&three, &["consent", "check", "--request", &file, "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    add("ouder1");
    assert_eq!(decided()["rule"], "D-CONSENT-NONE");
    let second = add("ouder2");
    assert_eq!(decided()["rule"], "G-CONSENT");
    three.serve(&["a"]);
    assert_eq!(decided_running(&three, &file)["rule"], "G-CONSENT");
    let output = typed(&three, &["consent", "withdraw", "--id", &second, "--from", "2026-03-01"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("nog niets verstrekt"), "{said}");
    assert_eq!(decided_running(&three, &file)["rule"], "D-CONSENT-WITHDRAWN");
    let shown = typed(&three, &["consent", "show", "--fhir"]);
    let bundle: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(bundle["entry"].as_array().unwrap().len(), 2);
    let text = String::from_utf8(typed(&three, &["consent", "show"]).stdout).unwrap();
    assert!(text.contains("ingetrokken") && text.contains(SECRET) && !text.contains("999990019"), "{text}");
    let audit = three.node(&["log", "audit", "--json"], "a");
    assert!(audit.contains("consent withdraw") && !audit.contains(SECRET) && !audit.contains("ouder2"), "{audit}");
    assert_eq!(
        decide(Rules::national(), &Situation::from_json(&asked.to_string()).unwrap()).rule(),
        "D-CONSENT-EXPIRED"
    );
}

fn decided_running(three: &Three, file: &str) -> Value {
    let output = typed(three, &["consent", "check", "--request", file, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
