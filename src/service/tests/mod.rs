//! A node on disk with a clock that tests set and a convenant in force, for the tests of this room.

mod auditing;
mod breaching;
mod exporting;
mod freezing;
mod records;
mod reopening;
mod restoring;
mod witnesses;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use super::audit::Employee;
use super::core::{Clock, Core, CoreError, Identity};
use super::deliver::IntakeOptions;
use crate::domain::activity::ActivityBase;
use crate::domain::codes::{OrgType, Owner};
use crate::domain::day::Day;
use crate::domain::event::Gemeente;
use crate::domain::gemeente::{GemeenteList, GemeenteSpan};
use crate::domain::query::IndicatorId;
use crate::intake::IntakeReport;
use crate::policy::convenant::Convenant;
use crate::policy::fixture::{INSTITUTION, day, draft, keys, oin, signed};

const HEADER: &str = "event_id;status;bsn;gemeente;type;datum;geregistreerd_op;maatregel;reden;zaak\n";

struct SetClock(AtomicI32);

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::SeqCst)).expect("after 1970") * 86_400_000 + 43_200_000
    }

    fn today(&self) -> Day {
        Day(self.0.load(Ordering::SeqCst))
    }
}

/// An institution that settles a quarter 14 days after its end.
struct TestNode {
    dir: tempfile::TempDir,
    clock: Arc<SetClock>,
    core: Core,
}

impl TestNode {
    /// Begins on a day of 2026, without data.
    fn new(today: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Core::create(dir.path(), oin(INSTITUTION), &keys(INSTITUTION)).expect("journals");
        let clock = Arc::new(SetClock(AtomicI32::new(day(today).0)));
        let core = open(dir.path(), &clock).expect("opens");
        let small = |c: &mut Convenant| {
            c.settlement_days = 14;
            c.indicators.retain(|grant| grant.indicator == IndicatorId::Ind02);
            c.indicators[0].tables.iter_mut().for_each(|table| table.by = vec![vec![]]);
            c.bin_cuts.clear();
        };
        let mut terms = draft();
        small(&mut terms);
        record(&core, "convenant accept");
        core.convenant_accept(&signed(terms).to_text()).expect("in force");
        Self { dir, clock, core }
    }

    fn set(&self, today: &str) {
        self.clock.0.store(day(today).0, Ordering::SeqCst);
    }

    /// Takes in one file with these rows.
    fn deliver(&self, rows: &[String], options: IntakeOptions) -> IntakeReport {
        self.deliver_bytes(format!("{HEADER}{}", rows.concat()).as_bytes(), options)
    }

    fn deliver_bytes(&self, bytes: &[u8], options: IntakeOptions) -> IntakeReport {
        let file = self.dir.path().join("levering.csv");
        std::fs::write(&file, bytes).expect("written");
        self.core.intake(&[file], options, &|_, _| ()).expect("taken in").remove(0)
    }

    /// Another node that opens a copy of the directory.
    fn reopened(&self) -> (tempfile::TempDir, Core) {
        let copy = tempfile::tempdir().expect("a folder");
        copy_folder(self.dir.path(), copy.path());
        let core = open(copy.path(), &self.clock).expect("opens again");
        (copy, core)
    }
}

/// An employee gives a command.
fn record(core: &Core, command: &str) {
    let who = Employee {
        uid: 1000,
        user: "medewerker".to_owned(),
        login_uid: None,
        login_user: None,
        pid: 1,
        process: "ketenpoort".to_owned(),
        via: "slot".to_owned(),
        device: "machine".to_owned(),
    };
    let trace = core.audit_begin(who, command, std::collections::BTreeMap::new()).expect("recorded");
    core.audit_end(&trace, 0).expect("recorded");
}

fn open(data: &Path, clock: &Arc<SetClock>) -> Result<Core, CoreError> {
    let identity = Identity {
        oin: oin(INSTITUTION),
        name: "Instelling".to_owned(),
        org_type: OrgType::Gi,
        levert: vec![Owner::Gi],
        activities: ActivityBase::of_oin(oin(INSTITUTION)),
    };
    let span = |code| GemeenteSpan { code: Gemeente(code), from: None, to: None };
    let gemeenten = GemeenteList::new(vec![span(1), span(2)]);
    Core::open(data, identity, keys(INSTITUTION), gemeenten, Arc::clone(clock) as Arc<dyn Clock>)
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            std::fs::create_dir_all(&target).expect("a folder");
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// Options with a data window.
fn window(from: &str, to: &str) -> IntakeOptions {
    IntakeOptions { window: Some((day(from), day(to))), ..IntakeOptions::default() }
}

/// The end of a measure of child `child`, in the words of the file; `datum` as `JJJJMMDD`.
fn end_of_measure(event: u32, child: u32, datum: &str) -> String {
    let bsn = BSNS.with(|bsns| bsns[child as usize].clone());
    format!("e{event};1;{bsn};0001;GI_MAATREGEL_EINDE;{datum};2026-12-31T12:00:00+01:00;11;01;z{child}\n")
}

thread_local! {
    /// Numbers that pass the check.
    static BSNS: Vec<String> = (100_000_000_u32..).map(|n| n.to_string()).filter(|n| passes(n)).take(200).collect();
}

fn passes(number: &str) -> bool {
    let digits: Vec<i32> = number.bytes().map(|b| i32::from(b - b'0')).collect();
    let sum: i32 = digits.iter().zip([9, 8, 7, 6, 5, 4, 3, 2, -1]).map(|(d, w)| d * w).sum();
    sum % 11 == 0
}
