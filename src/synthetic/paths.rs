//! The voluntary side of the chain: Veilig Thuis, local team, jeugdbeschermingstafel and youth help.

use super::events::{Case, Facts, Path, after, after_working_days};
use crate::domain::codes::{EventType as E, Kader, Uitkomst as U};
use crate::domain::day::Day;

/// Days up to which a new report, and a new case of the local team, still makes sense.
const REPORT_UNTIL: i32 = 18 * 365;
const TEAM_UNTIL: i32 = 19 * 365;

/// Capacities of those who report to Veilig Thuis, with the police first.
const REPORTERS: [(f64, &str); 10] = [
    (0.62, "01"),
    (0.08, "15"),
    (0.06, "03"),
    (0.08, "08"),
    (0.04, "05"),
    (0.04, "10"),
    (0.01, "16"),
    (0.03, "33"),
    (0.02, "35"),
    (0.02, "41"),
];

const TABLE_REPORTERS: [(f64, &str); 5] = [(0.55, "08"), (0.20, "14"), (0.10, "10"), (0.06, "16"), (0.09, "09")];

const ADVICE_SEEKERS: [(f64, &str); 5] = [(1.0, "08"), (1.0, "15"), (1.0, "33"), (1.0, "35"), (1.0, "10")];

const TRIAGE: [(f64, U); 5] =
    [(0.22, U::Einde), (0.13, U::Advies), (0.35, U::Direct), (0.13, U::Venv), (0.17, U::Onderzoek)];

impl Path<'_> {
    /// A report to Veilig Thuis, what follows from it, and perhaps the next report.
    pub(super) fn veilig_thuis(&mut self, day: Day, earlier_reports: u8) {
        if day > after(self.world.last, 300) || self.age(day) > REPORT_UNTIL {
            return;
        }
        let case = self.case(self.roles().veilig_thuis);
        let melder = self.rng.weighted(&REPORTERS);
        self.emit(&case, E::VtMelding, day, Facts { melder, ..Facts::NONE });
        let triage = after_working_days(day, self.rng.days(6.0, 0.857, 0));
        let outcome = self.rng.weighted(&TRIAGE);
        self.emit(&case, E::VtTriage, triage, Facts::outcome(outcome));
        match outcome {
            U::Onderzoek => self.veilig_thuis_research(&case, triage),
            U::Direct => {
                let goes_on = self.rng.chance(0.85);
                self.hand_to_team(&case, triage, 0..8, goes_on);
            }
            U::Venv if self.rng.chance(0.5) => self.hand_to_team(&case, triage, 50..130, true),
            _ => {}
        }
        if earlier_reports < 3 && self.rng.chance(0.35) {
            let next = after(day, self.rng.days(140.0, 0.9, 3));
            self.veilig_thuis(next, earlier_reports + 1);
        }
    }

    fn veilig_thuis_research(&mut self, case: &Case, triage: Day) {
        let start = after(triage, self.rng.within(0..11));
        let end = after(start, self.rng.days(75.0, 0.4, 7));
        self.emit(case, E::VtOnderzoekStart, start, Facts::NONE);
        self.emit(case, E::VtOnderzoekEinde, end, Facts::NONE);
        let draw = self.rng.unit();
        if draw < 0.45 {
            let request = after(end, self.rng.within(0..8));
            self.emit(case, E::VtVto, request, Facts::NONE);
            let received = after(end, self.rng.within(2..12));
            self.council(received, None);
        } else if draw < 0.85 {
            self.hand_to_team(case, end, 0..8, true);
        }
    }

    /// Hands the case over to the local team of the municipality, which takes it up when `goes_on`.
    fn hand_to_team(&mut self, case: &Case, from: Day, wait: std::ops::Range<i32>, goes_on: bool) {
        let Some(team) = self.municipality(from) else { return };
        let handed = after(from, self.rng.within(wait));
        self.emit(case, E::VtOverdracht, handed, Facts::partner(team));
        if goes_on {
            let taken_up = after(handed, self.rng.within(2..14));
            self.local_team(taken_up, 0);
        }
    }

    /// Advice asked of Veilig Thuis, in which the child is not named.
    pub(super) fn advice(&mut self, from: Day) {
        for _ in 0..3 {
            let day = after(from, self.rng.within(0..300));
            let melder = self.rng.weighted(&ADVICE_SEEKERS);
            let case = self.case(self.roles().veilig_thuis);
            self.emit(&case, E::VtAdvies, day, Facts { melder, anonymous: true, ..Facts::NONE });
        }
    }

    /// Help of a provider, with this median of waiting days; a few withdraw before it starts.
    pub(super) fn youth_help(&mut self, referred: Day, wait: f64) {
        let [first, second] = self.roles().providers;
        let provider = self.rng.weighted(&[(0.6, first), (0.4, second)]);
        let case = self.case(provider);
        self.emit(&case, E::JhAanmelding, referred, Facts::NONE);
        let start = after(referred, self.rng.days(wait, 0.7, 0));
        if self.rng.chance(0.93) {
            self.emit(&case, E::JhStart, start, Facts::NONE);
            let end = after(start, self.rng.days(240.0, 0.6, 14));
            self.emit(&case, E::JhEinde, end, Facts::NONE);
        } else if self.rng.chance(0.8) {
            let withdrawn = after(start, self.rng.within(10..60));
            self.emit(&case, E::JhEinde, withdrawn, Facts::NONE);
        }
    }

    /// A case of the local team; `earlier` says how deep in the chain (2: no way to the table any more).
    pub(super) fn local_team(&mut self, day: Day, earlier: u8) {
        if day > after(self.world.last, 200) || self.age(day) > TEAM_UNTIL {
            return;
        }
        let Some(org) = self.municipality(day) else { return };
        let case = self.case(org);
        let kader = self.rng.weighted(&[(0.85, Kader::Vrijwillig), (0.15, Kader::Drang)]);
        let frame = Facts { kader: Some(kader), ..Facts::NONE };
        self.emit(&case, E::LtAanmelding, day, Facts::NONE);
        let start = after(day, self.rng.days(14.0, 0.8, 0));
        if self.rng.chance(0.05) {
            if self.rng.chance(0.85) {
                let withdrawn = after(start, self.rng.within(5..60));
                self.emit(&case, E::LtEinde, withdrawn, Facts::NONE);
            }
            return;
        }
        self.emit(&case, E::LtStart, start, frame);
        if self.rng.chance(0.45) {
            let allocated = after(start, self.rng.days(30.0, 0.7, 2));
            self.emit(&case, E::GemToewijzing, allocated, Facts::NONE);
            let referred = after(allocated, self.rng.within(0..10));
            self.youth_help(referred, 35.0);
        }
        let duration = self.rng.days(200.0, 0.6, 21);
        let to_table = if kader == Kader::Vrijwillig { 0.36 } else { 0.55 };
        let taken_over = if earlier < 2 && self.rng.chance(to_table) {
            let reported = after(start, self.rng.days(90.0, 0.6, 14));
            self.table(reported)
        } else {
            None
        };
        match taken_over {
            Some((institution, from)) if self.rng.chance(0.7) => {
                let handed = after(from, self.rng.within(0..20));
                self.emit(&case, E::LtOverdracht, handed, Facts { partij: Some(institution), ..frame });
                let ended = after(from, self.rng.within(20..60));
                self.emit(&case, E::LtEinde, ended, frame);
            }
            _ => self.emit(&case, E::LtEinde, after(start, duration), frame),
        }
    }

    /// The jeugdbeschermingstafel; answers the institution that takes over, and from when.
    fn table(&mut self, day: Day) -> Option<(usize, Day)> {
        let case = self.case(self.roles().table_seat);
        let melder = self.rng.weighted(&TABLE_REPORTERS);
        self.emit(&case, E::JbtAanmelding, day, Facts { melder, ..Facts::NONE });
        let session = after(day, self.rng.within(10..36));
        self.emit(&case, E::JbtTafel, session, Facts::outcome(U::Moment1));
        let decided = after(session, self.rng.weighted(&[(3.0, 0), (1.0, 2), (1.0, 7)]));
        let decision = self.rng.weighted(&[(0.36, U::Vrijwillig), (0.20, U::Pjb), (0.42, U::Vto), (0.02, U::Geen)]);
        self.emit(&case, E::JbtBesluit, decided, Facts::outcome(decision));
        match decision {
            U::Pjb => {
                let start = after(decided, self.rng.within(3..21));
                Some(self.preventive(start))
            }
            U::Vto => {
                if let Some(org) = self.municipality(decided) {
                    let sent = after(decided, self.rng.within(0..6));
                    let own = self.case(org);
                    self.emit(&own, E::GemVto, sent, Facts::NONE);
                }
                let received = after(decided, self.rng.within(1..10));
                self.council(received, None)
            }
            _ => None,
        }
    }
}
