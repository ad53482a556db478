//! Two years of one organisation: children, measures and municipalities, deliveries with late rows and corrections. And,
//! apart from the product, which records a node that freezes settled quarters may count, and the counts of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use ketenpoort::domain::day::Day;
use ketenpoort::domain::period::Period;

use super::tables::Name;

/// First year of the story; it lasts two.
pub const FIRST: i16 = 2026;
/// Columns of the files.
pub const HEADER: &str = "event_id;status;bsn;gemeente;type;datum;geregistreerd_op;maatregel;reden;zaak\n";

/// One record as the organisation has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    pub child: usize,
    pub start: bool,
    pub measure: &'static str,
    pub gemeente: &'static str,
    pub day: Day,
    pub reason: &'static str,
}

/// The children in each cell.
pub type Cells = BTreeMap<Name, BTreeSet<usize>>;

/// Records by number of the event.
pub type Records = BTreeMap<u32, Record>;

/// The organisation: what it knows, and what has settled.
pub struct World {
    dice: u64,
    next: u32,
    children: usize,
    waiting: Vec<(i16, u32, Record)>,
    /// Delivered and not taken back.
    pub current: Records,
    /// As they were when their quarter froze.
    pub frozen: Records,
    settled: BTreeSet<Period>,
}

/// Quarter number `n` of the story, from 0.
pub fn quarter(n: i16) -> Period {
    Period::quarter(FIRST + n / 4, i8::try_from(n % 4).expect("0 to 3") + 1)
}

impl World {
    pub fn new(seed: u64) -> Self {
        let none = BTreeMap::new;
        let mut world = Self {
            dice: seed,
            next: 0,
            children: 0,
            waiting: Vec::new(),
            current: none(),
            frozen: none(),
            settled: BTreeSet::new(),
        };
        (0..8).for_each(|n| world.happen(n));
        world
    }

    /// A number below `below`.
    fn roll(&mut self, below: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % below
    }

    fn pick(&mut self, of: &[(u64, &'static str)]) -> &'static str {
        let mut rolled = self.roll(of.iter().map(|(weight, _)| weight).sum());
        for &(weight, what) in of {
            if rolled < weight {
                return what;
            }
            rolled -= weight;
        }
        unreachable!("the weights add up")
    }

    fn somewhere(&mut self) -> &'static str {
        self.pick(&[(50, "0001"), (35, "0002"), (15, "0003")])
    }

    /// What begins in a quarter, and how it ends later on.
    fn happen(&mut self, n: i16) {
        let (first, _) = quarter(n).bounds();
        for _ in 0..55 + self.roll(30) {
            let child = if self.roll(12) == 0 && self.children > 0 {
                usize::try_from(self.roll(self.children as u64)).expect("small")
            } else {
                self.children += 1;
                self.children - 1
            };
            let measure = self.pick(&[(60, "11"), (25, "12"), (15, "21")]);
            let (gemeente, day) = (self.somewhere(), Day(first.0 + self.days(88)));
            let start = Record { child, start: true, measure, gemeente, day, reason: "" };
            self.register(start.clone());
            if self.roll(10) < 6 {
                let reason = self.pick(if measure == "21" { &[(3, "11"), (1, "12")] } else { &[(3, "02"), (1, "04")] });
                let day = Day(day.0 + 40 + self.days(260));
                self.register(Record { start: false, day, reason, ..start });
            }
        }
    }

    fn days(&mut self, below: u64) -> i32 {
        i32::try_from(self.roll(below)).expect("small")
    }

    /// Most are delivered with their quarter, some one or two quarters late.
    fn register(&mut self, record: Record) {
        let (year, month, _) = record.day.ymd();
        let happens = (year - FIRST) * 4 + (i16::from(month) - 1) / 3;
        let late = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2][usize::try_from(self.roll(10)).expect("below 10")];
        self.waiting.push((happens + late, self.next, record));
        self.next += 1;
    }

    /// The rows of the delivery after quarter `n`: new ones, late ones, and corrections of earlier ones.
    pub fn deliver(&mut self, n: i16) -> String {
        let mut rows = String::from(HEADER);
        let corrected: Vec<u32> = self.current.keys().copied().collect();
        for id in corrected {
            match self.roll(60) {
                0 => {
                    self.current.remove(&id);
                    rows.push_str(&format!("e{id};3;;;;;2027-12-31T12:00:00+01:00;;;\n"));
                }
                1 => {
                    let gemeente = self.somewhere();
                    self.change(id, &mut rows, |record| record.gemeente = gemeente);
                }
                2 => self.change(id, &mut rows, |record| record.day = Day(record.day.0 - 30)),
                _ => {}
            }
        }
        let (now, later) = std::mem::take(&mut self.waiting).into_iter().partition(|(at, ..)| *at <= n);
        self.waiting = later;
        let now: Vec<(i16, u32, Record)> = now;
        for (_, id, record) in now {
            rows.push_str(&row(id, &record));
            self.current.insert(id, record);
        }
        rows
    }

    fn change(&mut self, id: u32, rows: &mut String, by: impl Fn(&mut Record)) {
        let record = self.current.get_mut(&id).expect("a current record");
        let before = record.clone();
        by(record);
        if record.day < quarter(0).bounds().0 {
            record.day = before.day;
        }
        rows.push_str(&row(id, record));
    }

    /// What a revision counts: the settled quarters as the organisation knows them now.
    pub fn known_of_settled(&self) -> Records {
        let settled = |record: &Record| self.settled.contains(&Period::quarter_of(record.day));
        self.current.iter().filter(|(_, r)| settled(r)).map(|(&id, r)| (id, r.clone())).collect()
    }

    /// The quarters up to number `n` are settled now: their records stay what they are.
    pub fn settle(&mut self, n: i16) {
        let new: BTreeSet<Period> = (0..=n).map(quarter).filter(|q| !self.settled.contains(q)).collect();
        for (&id, record) in &self.current {
            if new.contains(&Period::quarter_of(record.day)) && !self.frozen.contains_key(&id) {
                self.frozen.insert(id, record.clone());
            }
        }
        self.settled.extend(new);
    }
}

fn row(id: u32, record: &Record) -> String {
    let (kind, (year, month, day)) = (if record.start { "START" } else { "EINDE" }, record.day.ymd());
    let Record { child, measure, gemeente, reason, .. } = record;
    let bsn = &BSNS[*child];
    format!(
        "e{id};1;{bsn};{gemeente};GI_MAATREGEL_{kind};{year:04}{month:02}{day:02};2027-12-31T12:00:00+01:00;{measure};{reason};z{id}\n"
    )
}

/// Numbers that pass the check and are never issued.
static BSNS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let whole = |first: u32| {
        let digits = first.to_string().into_bytes().into_iter().map(|b| u32::from(b - b'0'));
        let last = digits.zip((2..=9).rev()).map(|(d, w)| d * w).sum::<u32>() % 11;
        (last < 10).then(|| format!("{first}{last}"))
    };
    (99_000_000..).filter_map(whole).take(1_000).collect()
});

/// The children in every cell of IND-01 and IND-02, over quarters and years, by municipality and by measure.
pub fn cells(records: &Records) -> Cells {
    let mut cells = Cells::new();
    for record in records.values() {
        let series = match record.measure {
            "11" => "OTS",
            "12" => "VOTS",
            _ => "VOOGDIJ",
        };
        let mut names = vec!["JB".to_owned(), series.to_owned()];
        if !record.start {
            names.push(format!("{series}|{}", record.reason));
        }
        let indicator = if record.start { "IND-01" } else { "IND-02" };
        let town = if record.gemeente == "0003" { "overig" } else { record.gemeente };
        let breakdowns = [(vec![], vec![]), (vec!["gemeente"], vec![town]), (vec!["maatregel"], vec![record.measure])];
        let periods = [Period::quarter_of(record.day), Period::year_of(record.day.ymd().0)];
        for (series, period) in names.iter().flat_map(|s| periods.map(|p| (s.clone(), p))) {
            for (by, key) in &breakdowns {
                let name = Name {
                    indicator: indicator.to_owned(),
                    period: period.to_string(),
                    by: by.iter().map(|&d| d.to_owned()).collect(),
                    series: series.clone(),
                    measure: "n_kinderen".to_owned(),
                    key: key.iter().map(|&k| k.to_owned()).collect(),
                };
                cells.entry(name).or_default().insert(record.child);
            }
        }
    }
    cells
}
