//! Ten million events in columns: a group-by scan over four dimensions against reading as many bytes from memory, and the
//! tables of single indicators. `cargo bench --bench indicator`; a number of events can be given as an argument.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ketenpoort::crypto::{Tag, digest};
use ketenpoort::domain::codes::{EventType, Maatregel};
use ketenpoort::domain::day::{Day, PartialDate, WorkCalendar};
use ketenpoort::domain::event::{Event, Gemeente};
use ketenpoort::domain::oin::Oin;
use ketenpoort::domain::period::Period;
use ketenpoort::domain::query::{Dimension, IndicatorId, TableQuery};
use ketenpoort::indicator::columns::Columns;
use ketenpoort::indicator::compute::{Settings, compute};
use ketenpoort::indicator::scan::count_events;

const FIRST: i32 = 18_628; // 2021-01-01
const DAYS: u64 = 1_826;
/// Bytes of an event that the scan reads.
const READ: usize = 12;

fn main() {
    // `cargo test --benches` only asks whether it starts.
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let events: u64 = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(10_000_000);
    let started = Instant::now();
    let columns = Columns::build((0..events).map(event));
    println!("{events} events in columns: {:.1} s", started.elapsed().as_secs_f64());

    let year = Period::year_of(2024);
    let scan = best(|| black_box(count_events(&columns, year.bounds())).len());
    let bytes = vec![1_u64; columns.len() * READ / 8];
    let read = best(|| black_box(bytes.iter().fold(0_u64, |sum, n| sum ^ n)));
    println!("group-by scan of type, gemeente, maatregel, leeftijd: {:.1} ms", ms(scan));
    println!("reading {READ} bytes an event from memory: {:.1} ms; ratio {:.1}", ms(read), ms(scan) / ms(read));

    let calendar = WorkCalendar::new();
    let settings = Settings {
        horizon: Day(FIRST + 1_825),
        data_from: Day(FIRST),
        within: 365,
        organisation: Oin::parse("00000099000880002329").expect("OIN"),
    };
    for &indicator in IndicatorId::ALL.iter().filter(|&&i| i != IndicatorId::Ind24) {
        let query = TableQuery { indicator, period: year, by: vec![Dimension::Gemeente, Dimension::Leeftijd] };
        let started = Instant::now();
        let cells = compute(&columns, &settings, &calendar, &query, digest(b"bench")).cells().len();
        println!("{indicator} 2024 by gemeente and leeftijd: {:.0} ms, {cells} numbers", ms(started.elapsed()));
    }
}

/// The shortest of seven turns: what the machine can do when nothing else runs.
fn best<T>(mut work: impl FnMut() -> T) -> Duration {
    let turn = |_| {
        let started = Instant::now();
        black_box(work());
        started.elapsed()
    };
    (0..7).map(turn).min().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// A number that looks random, the same in every run (splitmix64).
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn event(number: u64) -> Event {
    let random = mix(number);
    let part = |shift: u32, below: u64| (random >> shift) % below;
    let child = part(0, 1_000_000);
    let mut subject = [0_u8; 32];
    subject[..8].copy_from_slice(&mix(child).to_be_bytes());
    let kinds = EventType::ALL.len() as u64;
    let event_type = EventType::from_index(u8::try_from(part(20, kinds)).expect("small")).expect("a type");
    let with_measure = event_type.as_str().starts_with("GI_");
    let maatregel = with_measure.then(|| Maatregel::ALL[usize::try_from(part(28, 6)).expect("small")]);
    let day = Day(FIRST + i32::try_from(part(32, DAYS)).expect("small"));
    Event {
        event_id: format!("E{number:09}").into(),
        subject: Some(Tag::from_bytes(subject)),
        event_type,
        datum: PartialDate::exact(day),
        registered: day,
        gemeente: Gemeente(u16::try_from(141 + part(44, 14)).expect("small")),
        maatregel,
        reden: None,
        kader: None,
        uitkomst: event_type.outcomes().first().copied(),
        melder: None,
        partij: None,
        zaak: u128::from(part(50, 3)),
        gezin: u128::from(child / 2 + 1),
        geslacht: None,
        scheiding: None,
        born: Some(Day(FIRST - i32::try_from(mix(child) % 6_000).expect("small"))),
    }
}
