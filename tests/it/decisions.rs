//! The table of expected decisions about one child, row by row; properties of the decision over arbitrary situations; `policy explain`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Output, Stdio};

use ketenpoort::domain::day::Day;
use ketenpoort::domain::moment::day_in_amsterdam;
use ketenpoort::domain::reason::ReasonCode;
use ketenpoort::policy::case::situation::Situation;
use ketenpoort::policy::case::{Decision, Rules, decide};
use serde_json::{Value, json};

mod convenant;
mod properties;
mod rules;

/// A row of the table by its column names.
pub type Row = BTreeMap<String, String>;

/// The rows of the table.
pub fn table() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/decisions/table.csv");
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').quoting(false).from_path(path).expect("the table");
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

fn party(key: &str) -> String {
    let number = match key {
        "gem1" => 101,
        "gem2" => 102,
        "gem3" => 103,
        "vt1" => 201,
        "vt2" => 202,
        "rvdk1" => 301,
        "politie1" => 401,
        "leerplicht1" => 402,
        "gi1" => 501,
        "gi2" => 502,
        "gi3" => 503,
        "jha1" => 601,
        "jbt1" => 701,
        "mon1" => 801,
        "xx1" => 999,
        // A parent, the child, or a name that is nobody's.
        _ => return key.to_owned(),
    };
    format!("00000099000000{number}000")
}

fn or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

/// The parts of a value; `-` is none.
fn parts<'a>(text: &'a str, between: &str) -> Vec<&'a str> {
    if text == "-" || text.is_empty() { Vec::new() } else { text.split(between).collect() }
}

fn consent(text: &str, fields: &[&str]) -> Value {
    let m: Vec<&str> = text.split('|').collect();
    let list = |text: &str| text.split('+').filter(|t| !t.is_empty()).map(party).collect::<Vec<_>>();
    let covered = if m[5] == "@req" { fields.iter().map(|f| (*f).to_owned()).collect() } else { list(m[5]) };
    let mut consent = json!({
        "by": party(m[1]), "capacity": m[2], "receivers": list(m[3]), "purposes": list(m[4]), "fields": covered,
        "from": or_null(m[6]), "to": or_null(m[7]), "withdrawn": or_null(m[8]),
    });
    if !m[0].is_empty() {
        consent["kind"] = json!(m[0]);
    }
    consent
}

/// The request of a row, as `policy explain` reads it.
pub fn request(row: &Row) -> Value {
    let fields = parts(&row["fields"], ",");
    let custody = parts(&row["custody"], ",").into_iter().map(|entry| {
        let (who, kind) = entry.split_once(':').expect("who:kind");
        json!({"who": party(who), "kind": kind})
    });
    let measure: Vec<&str> = parts(&row["measure"], "|");
    let measure = (measure.len() == 4).then(|| {
        let executor = if measure[3].is_empty() { Value::Null } else { json!(party(measure[3])) };
        json!({"code": or_null(measure[0]), "from": or_null(measure[1]), "to": or_null(measure[2]), "executor": executor})
    });
    let consents: Vec<Value> = parts(&row["consents"], " & ").into_iter().map(|text| consent(text, &fields)).collect();
    let leave = row["override"].split_once('|').map(|(reason, rest)| {
        let (names, refused) = rest.split_once('|').unwrap_or((rest, "-"));
        let refused = parts(refused, "+").into_iter().map(party).collect::<Vec<_>>();
        json!({"reason": reason, "approved_by": parts(names, "+"), "refused": refused})
    });
    json!({
        "exchange": or_null(&row["exchange"]), "purpose": or_null(&row["purpose"]),
        "sender": {"oin": party(&row["sender"]), "type": or_null(&row["sender_type"])},
        "receiver": {"oin": party(&row["receiver"]), "type": or_null(&row["receiver_type"])},
        "fields": fields, "date": or_null(&row["date"]),
        "child": {"born": or_null(&row["born"]), "unborn": row["unborn"] == "ja"},
        "custody": custody.collect::<Vec<_>>(), "measure": measure, "consents": consents,
        "trigger": or_null(&row["trigger"]), "override": leave,
    })
}

/// The situation of a row.
pub fn situation(row: &Row) -> Situation {
    Situation::from_json(&request(row).to_string()).expect("a situation")
}

fn told(decision: &Decision) -> [String; 5] {
    let text = |t: Option<&str>| t.unwrap_or_default().to_owned();
    let verdict = if decision.allowed() { "allow" } else { "deny" };
    [
        verdict.to_owned(),
        text(Some(decision.rule())),
        text(Some(decision.article())),
        text(decision.field()),
        text(decision.fact()),
    ]
}

#[test]
fn every_row_of_the_table_is_decided_as_written() {
    let rows = table();
    assert!(rows.len() >= 700, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let decision = decide(Rules::national(), &situation(row));
        let fact = row["fact"]
            .split_once('[')
            .map_or(row["fact"].clone(), |(path, who)| format!("{path}[{}]", party(who.trim_end_matches(']'))));
        let expected = [&row["decision"], &row["rule"], &row["article"], &row["field"], &fact].map(Clone::clone);
        if told(&decision) != expected {
            wrong.push(format!("{}: expected {expected:?}, decided {:?}", row["id"], told(&decision)));
        }
        assert!(fact.is_empty() || decision.zin().contains(&fact), "{}: {}", row["id"], decision.zin());
        assert!(decision.zin().contains(decision.rule()), "{}: {}", row["id"], decision.zin());
    }
    assert!(wrong.is_empty(), "{} of {} rows differ\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn the_day_of_a_moment_is_that_of_amsterdam() {
    for row in table() {
        let moment: jiff::Timestamp = row["moment_utc"].parse().expect("RFC 3339");
        let day = day_in_amsterdam(u64::try_from(moment.as_millisecond()).expect("after 1970"));
        assert_eq!(day.to_string(), row["date"], "{}", row["id"]);
    }
}

#[test]
fn the_table_reaches_every_rule_of_the_file() {
    let reached: BTreeSet<String> = table().iter().map(|row| row["rule"].clone()).collect();
    let text = Rules::national_text();
    let written = text.lines().filter_map(|line| line.strip_prefix("name = \"")).map(|name| name.trim_end_matches('"'));
    let written: BTreeSet<String> =
        written.filter(|name| name.starts_with("G-") || name.starts_with("D-")).map(str::to_owned).collect();
    assert_eq!(reached, written);
}

fn explain(text: &str, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ketenpoort"));
    command.args(["policy", "explain", "--request", "-"]).args(flags);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    child.stdin.take().expect("stdin").write_all(text.as_bytes()).expect("written");
    child.wait_with_output().expect("ended")
}

#[test]
fn explain_answers_the_json_of_the_command_and_names_each_reason_code() {
    let reasons = [
        ReasonCode::CasePurpose,
        ReasonCode::CaseExchange,
        ReasonCode::CaseFields,
        ReasonCode::CaseGround,
        ReasonCode::CaseConsent,
    ];
    let rules = ["D-PURPOSE", "D-OFF", "D-FIELD-MAX", "D-MEASURE-ENDED", "D-CONSENT-WITHDRAWN", "G-OTS"];
    let rows = table();
    for (at, rule) in rules.into_iter().enumerate() {
        let row = rows.iter().find(|row| row["rule"] == rule).expect("a row");
        let output = explain(&request(row).to_string(), &["--json"]);
        assert_eq!(output.status.code(), Some(0), "a refusal is an answer too");
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let names: Vec<&String> = answer.as_object().expect("an object").keys().collect();
        let members = ["facts", "field", "reason_code", "rule", "rules_hash", "rules_version", "source", "zin"];
        assert_eq!(names, [&["article", "decision"], &members[..]].concat());
        assert_eq!(answer["rules_hash"], Rules::national().hash().to_hex());
        assert_eq!((&answer["rule"], &answer["decision"]), (&json!(rule), &json!(row["decision"])));
        assert_eq!(answer["reason_code"], reasons.get(at).map_or(Value::Null, |reason| json!(reason.code())));
        assert_eq!(answer["rules_version"], Rules::national().version());
    }
}

#[test]
fn text_of_a_request_neither_forges_the_answer_nor_puts_a_bsn_in_it() {
    let rows = table();
    let row = rows.iter().find(|row| row["rule"] == "G-CONSENT").expect("an allow");
    let who = |name: &str| {
        let mut asked = situation(row);
        asked.custody[0].who = name.to_owned();
        decide(Rules::national(), &asked)
    };
    for name in ["\u{1b}[2J\nouder1", "111222333", "ouder 111.222.333"] {
        let decision = who(name);
        assert_eq!(decision.rule(), "D-CONSENT-NONE");
        let shown = format!("{} {}", decision.zin(), decision.fact().expect("a fact"));
        assert!(!shown.contains("111222333") && !shown.contains("111.222") && !shown.contains('\u{1b}'), "{shown}");
    }
    let mut asked = situation(row);
    asked.fields.push("\u{1b}[31m".to_owned());
    assert!(!decide(Rules::national(), &asked).field().expect("a field").contains('\u{1b}'));
    let withdrawn = rows.iter().find(|row| row["rule"] == "D-CONSENT-WITHDRAWN").expect("a refusal");
    let said = decide(Rules::national(), &situation(withdrawn));
    assert!(
        said.zin().starts_with("Geweigerd. De toestemming van ") && said.zin().contains("is ingetrokken en telt op"),
        "{}",
        said.zin()
    );
}

#[test]
fn explain_says_what_is_wrong_with_a_situation_that_it_cannot_read() {
    let rows = table();
    let row = rows.iter().find(|row| row["rule"] == "G-RECON").expect("an allow");
    let mut misspelt = request(row);
    misspelt["withdrawnn"] = json!("2024-01-01");
    let mut no_day = request(row);
    no_day["date"] = json!("2024-02-30");
    for text in ["", "{", "[]", &misspelt.to_string(), &no_day.to_string()] {
        let output = explain(text, &["--json"]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{text}");
        assert!(!output.stderr.is_empty());
    }
    let output = explain(&request(row).to_string(), &[]);
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(said.contains("G-RECON") && said.contains("toegestaan"), "{said}");
    assert!(Day::parse("2024-02-30").is_err());
}
