//! One request about a child from end to end: our own decision, INTENT, TLS, the decision of who is asked, INTENT, sealed content, inbox, RECEIVED
//! and receipt, with both logs on a disk. Median and 99th percentile of requests one after another.
//! `cargo bench --bench case`; a number of requests can be given as an argument.

#[path = "../tests/it/cases/network.rs"]
mod network;
#[path = "../tests/it/cases/world.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod world;

use std::time::{Duration, Instant};

use ketenpoort::policy::case::situation::Situation;
use ketenpoort::service::cases::ask::CaseOrder;
use ketenpoort::transport::server::Limits;
use network::{Network, certified, pin_of};
use world::{REGISTERED, Who, Wire, World};

const ANNA: &str = "111222333";

fn main() {
    // `cargo test --benches` runs every bench without its argument.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let count = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(2_000_usize);
    let dir = tempfile::tempdir().expect("a folder");
    let files = certified(dir.path());
    let home = tempfile::tempdir_in(std::env::current_dir().expect("a folder")).expect("a folder on the disk");
    let world = World::at(home, &|who| pin_of(&files, who));
    deliver(&world);
    let network = Network::serving(&world, &files, Limits::default());
    let mut wire = Wire::of(&world, Who::Gi);
    wire.over = Some(&network.client);
    let order = CaseOrder {
        situation: situation(),
        child: world.child(Who::Gi, ANNA),
        number: None,
        deadline: Duration::from_secs(10),
    };
    let gi = world.core(Who::Gi);
    let mut took: Vec<Duration> = (0..count + 50)
        .map(|_| {
            // No bound on the number of requests in a minute.
            world.later(2_000);
            let begun = Instant::now();
            let got = gi.request_case(&wire, &order).expect("answered");
            let took = begun.elapsed();
            gi.confirm_case(got.transfer).expect("taken over");
            took
        })
        .skip(50)
        .collect();
    took.sort();
    let at = |share: usize| took[(took.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!("{count} requests: median {:.2} ms, 99th percentile {:.2} ms, largest {:.2} ms", at(50), at(99), at(100));
}

fn deliver(world: &World) {
    let executor = Who::Gi.oin().to_string();
    let values = [
        ("identity;naam", "Anna Voorbeeld"),
        ("identity;geboortedatum", "2014-06-15"),
        ("professionals_contact;", "J. Werker, wijkteam Noord"),
        ("active_help;", "ambulante begeleiding sinds maart"),
        ("measure;", "11"),
        ("measure_dates;", "2026-03-01.."),
        ("executor;", executor.as_str()),
    ];
    let row = |(n, (field, value)): (usize, &(&str, &str))| format!("{n};1;{ANNA};{field};{value};;;{REGISTERED}\n");
    world.deliver(Who::Gem, &values.iter().enumerate().map(row).collect::<String>());
}

fn situation() -> Situation {
    let text = serde_json::json!({
        "exchange": "SCN-07", "purpose": "P5",
        "sender": {"oin": Who::Gem.oin(), "type": "LT"}, "receiver": {"oin": Who::Gi.oin(), "type": "GI"},
        "fields": ["identity", "professionals_contact", "active_help"],
        "measure": {"code": "11", "from": "2026-03-01", "to": null, "executor": Who::Gi.oin()},
    });
    Situation::from_json(&text.to_string()).expect("a situation")
}
