//! The course of a measure at a certified institution: start, workers, help, transfer, end, and what follows.

use super::events::{Case, Facts, Path, after, after_working_days};
use super::places::OUTSIDE;
use super::population::draw_municipality;
use crate::domain::codes::{EventType as E, Maatregel, Reden, Uitkomst as U};
use crate::domain::day::Day;

const OF_AGE: i32 = 6_575;
const MEASURE_UNTIL: i32 = 6_560;
const REENTRY_UNTIL: i32 = 6_450;

/// First and last day of the backlog at the middle institution.
const BACKLOG: ((i16, i8, i8), (i16, i8, i8)) = ((2022, 4, 1), (2022, 12, 31));

/// A measure while it runs.
struct Running {
    measure: Maatregel,
    start: Day,
    end: Day,
    reason: Reden,
}

impl Path<'_> {
    /// A measure from its first day to what follows after its end. A measure that ran before the data begins lasts at
    /// least until `not_before`.
    pub(super) fn measure(&mut self, institution: usize, measure: Maatregel, start: Day, not_before: Option<Day>) {
        self.measure_again(institution, (measure, start), not_before, 0);
    }

    fn measure_again(
        &mut self,
        institution: usize,
        (measure, start): (Maatregel, Day),
        not_before: Option<Day>,
        reentries: u8,
    ) {
        if self.age(start) > MEASURE_UNTIL {
            return;
        }
        let case = self.case(institution);
        self.start_of_measure(&case, measure, start);
        let running = self.draw_end(measure, start, not_before);
        self.household_moves(&running);
        self.help_under_measure(&case, &running);
        self.change_workers(&case, &running);
        let last = self.transfer(case, &running);
        self.closing_table(&running);
        self.emit(&last, E::GiMaatregelEinde, running.end, Facts::ending(measure, running.reason));
        self.what_follows(last.org, &running, reentries);
    }

    /// Notice, start, inflow list, worker, first contact and plan.
    pub(super) fn start_of_measure(&mut self, case: &Case, measure: Maatregel, start: Day) {
        let delay = if self.rng.chance(0.95) { self.rng.within(0..4) } else { self.rng.within(5..20) };
        let notice = after(start, delay);
        let backlog = self.in_backlog(case.org, notice);
        let slow = if backlog { 7.0 } else { 1.0 };
        self.emit(case, E::GiKennisgeving, notice, Facts::NONE);
        self.emit(case, E::GiMaatregelStart, start, Facts::measure(measure));
        let wait = self.rng.days(4.0 * slow, 0.95, 0);
        if wait > 5 {
            self.emit(case, E::GiInstroomlijst, after_working_days(notice, 5), Facts::NONE);
        }
        if self.rng.chance(0.985) {
            self.emit(case, E::GiToewijzingWerker, after_working_days(notice, wait), Facts::NONE);
        }
        if self.rng.chance(0.975) {
            let contact = after_working_days(notice, self.rng.days(6.0 * slow, 0.8, 0));
            self.emit(case, E::GiEersteContact, contact, Facts::NONE);
        }
        if self.rng.chance(0.95) {
            let median = if backlog { 46.0 * 1.4 } else { 46.0 };
            let plan = after(start, self.rng.days(median, 0.45, 5));
            self.emit(case, E::GiPlan, plan, Facts::NONE);
        }
    }

    fn in_backlog(&self, org: usize, day: Day) -> bool {
        let ymd = day.ymd();
        org == self.roles().institutions[1] && BACKLOG.0 <= ymd && ymd <= BACKLOG.1
    }

    fn draw_end(&mut self, measure: Maatregel, start: Day, not_before: Option<Day>) -> Running {
        let (mut end, mut reason) = if measure == Maatregel::Ots {
            self.draw_supervision_end(start)
        } else {
            let days = match measure {
                Maatregel::VoorlopigeVoogdij => 90,
                Maatregel::TijdelijkeVoogdij => 180,
                _ => self.rng.within(300..2_600),
            };
            let reason =
                self.rng.weighted(&[(0.5, Reden::R12), (0.2, Reden::R13), (0.28, Reden::R14), (0.02, Reden::R15)]);
            (after(start, days), reason)
        };
        while not_before.is_some_and(|least| end < least) {
            end = after(end, 365);
        }
        let of_age = after(self.world.children[self.child].born, OF_AGE);
        if end >= of_age {
            end = of_age;
            reason = if measure == Maatregel::Ots { Reden::R01 } else { Reden::R11 };
        }
        Running { measure, start, end, reason }
    }

    /// A supervision order runs for whole years; half are extended each time, one in eight is lifted early.
    fn draw_supervision_end(&mut self, start: Day) -> (Day, Reden) {
        if self.rng.chance(0.12) {
            return (after(start, self.rng.within(60..330)), Reden::R02);
        }
        let mut years = 1;
        while years < 5 && self.rng.chance(0.5) {
            years += 1;
        }
        let reason =
            self.rng.weighted(&[(0.62, Reden::R04), (0.11, Reden::R03), (0.135, Reden::R05), (0.015, Reden::R06)]);
        (after(start, 365 * years - 1), reason)
    }

    fn household_moves(&mut self, running: &Running) {
        if !self.rng.chance(0.05) {
            return;
        }
        let latest = (running.end.0 - running.start.0).max(31);
        let day = after(running.start, self.rng.within(30..latest));
        let to = if self.rng.chance(0.2) {
            self.rng.weighted(&OUTSIDE.map(|(code, _)| (1.0, code)))
        } else {
            draw_municipality(&mut self.rng)
        };
        self.world.children[self.child].move_to(day, to);
    }

    fn help_under_measure(&mut self, case: &Case, running: &Running) {
        if !self.rng.chance(0.72) {
            return;
        }
        let asked = after(running.start, self.rng.within(10..70));
        if asked < running.end {
            self.emit(case, E::GiHulpvraag, asked, Facts::NONE);
            let referred = after(asked, self.rng.within(1..12));
            self.youth_help(referred, 66.0);
        }
    }

    fn change_workers(&mut self, case: &Case, running: &Running) {
        let mut day = after(running.start, self.rng.within(200..520));
        while day < running.end {
            if self.rng.chance(0.5) {
                self.emit(case, E::GiToewijzingWerker, day, Facts::NONE);
            }
            day = after(day, self.rng.within(250..600));
        }
    }

    /// One in ten longer measures goes to another institution, a fifth of these with a gap; both sides report it.
    /// Answers the case in which the measure ends.
    fn transfer(&mut self, case: Case, running: &Running) -> Case {
        let length = running.end.0 - running.start.0;
        if !self.rng.chance(0.10) || length <= 150 {
            return case;
        }
        let others: Vec<_> =
            self.roles().institutions.iter().filter(|org| **org != case.org).map(|org| (1.0, *org)).collect();
        let next = self.rng.weighted(&others);
        let handed = after(running.start, self.rng.within(60..length - 60));
        let gap = if self.rng.chance(0.8) { 0 } else { self.rng.within(1..50) };
        let taken = after(handed, 1 + gap);
        let own = self.case(next);
        let facts = Facts::measure(running.measure);
        self.emit(&case, E::GiOvergedragen, handed, Facts { partij: Some(next), ..facts });
        self.emit(&own, E::GiOvergenomen, taken, Facts { partij: Some(case.org), ..facts });
        let worker = after_working_days(taken, self.rng.days(4.0, 0.8, 0));
        self.emit(&own, E::GiToewijzingWerker, worker, Facts::NONE);
        own
    }

    fn closing_table(&mut self, running: &Running) {
        let long = running.end.0 - running.start.0 > 100;
        if running.measure != Maatregel::Ots || !long || !self.rng.chance(0.3) {
            return;
        }
        let case = self.case(self.roles().table_seat);
        let day = after(running.end, -self.rng.within(40..75));
        let decision = self.rng.weighted(&[(0.8, U::Afschalen), (0.2, U::Verlengen)]);
        self.emit(&case, E::JbtTafel, day, Facts::outcome(U::Moment3));
        self.emit(&case, E::JbtBesluit, day, Facts::outcome(decision));
    }

    fn what_follows(&mut self, institution: usize, running: &Running, reentries: u8) {
        match running.reason {
            Reden::R05 => {
                let next = after(running.end, 1);
                let order = self.case(self.roles().council);
                self.emit(&order, E::RechtUitspraak, next, Facts::order(Maatregel::Voogdij, institution));
                self.measure_again(institution, (Maatregel::Voogdij, next), None, reentries);
            }
            Reden::R01 | Reden::R06 | Reden::R11 | Reden::R15 => {}
            _ if reentries >= 2 => {}
            _ => {
                if self.rng.chance(0.4) {
                    let aftercare = after(running.end, self.rng.within(1..20));
                    self.local_team(aftercare, 2);
                }
                self.reentry(institution, running.end, reentries);
            }
        }
    }

    fn reentry(&mut self, institution: usize, ended: Day, reentries: u8) {
        let days = match self.rng.unit() {
            u if u < 0.10 => self.rng.within(14..360),
            u if u < 0.15 => self.rng.within(361..720),
            _ => return,
        };
        let day = after(ended, days);
        if self.age(day) >= REENTRY_UNTIL {
            return;
        }
        let measure = if self.rng.chance(0.25) { Maatregel::Vots } else { Maatregel::Ots };
        let order = self.case(self.roles().council);
        self.emit(&order, E::RvdkVtoOntvangen, after(day, -10), Facts::NONE);
        self.emit(&order, E::RechtUitspraak, day, Facts::order(measure, institution));
        if measure == Maatregel::Vots {
            let case = self.case(institution);
            self.start_of_measure(&case, measure, day);
            self.emit(&case, E::GiMaatregelEinde, after(day, 90), Facts::ending(measure, Reden::R04));
        } else {
            self.measure_again(institution, (measure, day), None, reentries + 1);
        }
    }
}
