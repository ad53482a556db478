//! Decisions about one child per second: an allow by consent (two parents and a child of fourteen), an allow under an OTS, and two refusals.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ketenpoort::policy::case::{Rules, Situation, decide};
use serde_json::{Value, json};

const TEAM: &str = "00000099000000101000";
const INSTITUTION: &str = "00000099000000501000";

fn request(exchange: &str, purpose: &str, fields: &[&str]) -> Value {
    let consent = |by: &str, capacity: &str| {
        json!({"by": by, "capacity": capacity, "receivers": [INSTITUTION], "purposes": ["P6"], "fields": fields,
               "from": "2024-01-01", "to": "2024-12-31", "withdrawn": null})
    };
    json!({
        "exchange": exchange, "purpose": purpose, "sender": {"oin": TEAM, "type": "LT"}, "receiver": {"oin": INSTITUTION, "type": "GI"},
        "fields": fields, "date": "2024-06-12", "child": {"born": "2010-03-05", "unborn": false},
        "custody": [{"who": "ouder1", "kind": "gezag"}, {"who": "ouder2", "kind": "gezag"}],
        "measure": {"code": "11", "from": "2024-01-15", "to": null, "executor": INSTITUTION},
        "consents": [consent("kind", "kind"), consent("ouder1", "gezag"), consent("ouder2", "gezag")],
        "trigger": "desgevraagd", "override": null,
    })
}

fn bench(criterion: &mut Criterion) {
    let fields = ["identity", "active_help", "plan_goals", "professionals_contact"];
    let consent = request("SCN-08", "P6", &fields);
    let mut withdrawn = consent.clone();
    withdrawn["consents"][2]["withdrawn"] = json!("2024-06-11");
    let cases = [
        ("allow_by_consent", consent, "G-CONSENT"),
        ("allow_under_ots", request("SCN-07", "P5", &fields), "G-OTS"),
        ("deny_withdrawn", withdrawn, "D-CONSENT-WITHDRAWN"),
        ("deny_field", request("SCN-08", "P6", &["identity", "professionals_contact", "source_identity"]), "D-SOURCE"),
    ];
    let mut group = criterion.benchmark_group("decisions");
    group.throughput(Throughput::Elements(1));
    for (name, request, rule) in cases {
        let situation = Situation::from_json(&request.to_string()).expect("a situation");
        assert_eq!(decide(Rules::national(), &situation).rule(), rule);
        group.bench_function(name, |b| b.iter(|| decide(Rules::national(), black_box(&situation))));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
