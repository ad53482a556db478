//! The road to a measure: preventive youth protection, the council's research and the court.

use super::events::{Case, Facts, Path, after, after_working_days};
use crate::domain::codes::{EventType as E, Maatregel, Reden, Uitkomst as U};
use crate::domain::day::Day;

/// Beyond this age in days the council starts no research.
const COUNCIL_UNTIL: i32 = 6_450;

/// A road that is fixed before the council hears of it: by whom, and when the court decides (none: at once, provisionally).
#[derive(Clone, Copy)]
pub(super) struct Fixed {
    institution: usize,
    decided: Option<Day>,
}

/// The days of a research of the council.
struct Research {
    start: Day,
    end: Day,
    court: Day,
}

impl Path<'_> {
    /// Preventive youth protection; answers the institution and its first day.
    pub(super) fn preventive(&mut self, start: Day) -> (usize, Day) {
        let institution = self.draw_institution();
        let case = self.case(institution);
        self.emit(&case, E::GiPjbStart, start, Facts::measure(Maatregel::Pjb));
        let worker = after_working_days(start, self.rng.days(4.0, 0.9, 0));
        self.emit(&case, E::GiToewijzingWerker, worker, Facts::NONE);
        let contact = after_working_days(start, self.rng.days(7.0, 0.8, 1));
        self.emit(&case, E::GiEersteContact, contact, Facts::NONE);
        let plan = after(start, self.rng.days(48.0, 0.4, 7));
        self.emit(&case, E::GiPlan, plan, Facts::NONE);
        let duration = self.rng.days(230.0, 0.45, 30);
        let ending = Facts::ending(Maatregel::Pjb, Reden::R31);
        if !self.rng.chance(0.62) {
            self.emit(&case, E::GiPjbEinde, after(start, duration), ending);
            return (institution, start);
        }
        let lead = self.rng.days(215.0, 0.5, 25);
        self.emit(&case, E::GiPjbEinde, after(start, (lead - 1).min(duration + 60)), ending);
        if self.rng.chance(0.12) {
            let received = after(start, (lead - 15).max(5));
            self.council(received, Some(Fixed { institution, decided: None }));
        } else {
            let received = after(start, (lead - 130).max(5));
            self.council(received, Some(Fixed { institution, decided: Some(after(start, lead)) }));
        }
        (institution, start)
    }

    /// A request for research at the council; answers the institution that gets a measure, and from when.
    pub(super) fn council(&mut self, received: Day, fixed: Option<Fixed>) -> Option<(usize, Day)> {
        if self.age(received) > COUNCIL_UNTIL {
            return None;
        }
        let case = self.case(self.roles().council);
        self.emit(&case, E::RvdkVtoOntvangen, received, Facts::NONE);
        let intake = after(received, self.rng.within(1..9));
        if fixed.is_none() && self.rng.chance(0.15) {
            self.emit(&case, E::RvdkIntake, intake, Facts::outcome(U::Nee));
            return None;
        }
        let institution = fixed.map_or_else(|| self.draw_institution(), |f| f.institution);
        let urgent = fixed.map_or_else(|| self.rng.chance(0.14), |f| f.decided.is_none());
        if urgent {
            return Some(self.provisional(&case, received, institution));
        }
        self.emit(&case, E::RvdkIntake, intake, Facts::outcome(U::Ja));
        self.research(&case, received, institution, fixed.and_then(|f| f.decided))
    }

    fn research(
        &mut self,
        case: &Case,
        received: Day,
        institution: usize,
        decided: Option<Day>,
    ) -> Option<(usize, Day)> {
        let days = self.research_days(received, decided);
        self.emit(case, E::RvdkOnderzoekStart, days.start, Facts::NONE);
        let free = decided.is_none();
        if free && self.rng.chance(0.32) {
            self.emit(case, E::RvdkOnderzoekEinde, days.end, Facts::outcome(U::Geen));
            return None;
        }
        self.emit(case, E::RvdkOnderzoekEinde, days.end, Facts::outcome(U::Rekest));
        if self.rng.chance(0.2) {
            let table = self.case(self.roles().table_seat);
            let session = after(days.end, self.rng.within(1..12));
            self.emit(&table, E::JbtTafel, session, Facts::outcome(U::Moment2));
            self.emit(&table, E::JbtBesluit, after(days.end, 12), Facts::outcome(U::Vto));
        }
        if free && self.rng.chance(0.08) {
            self.emit(case, E::RechtUitspraak, days.court, Facts::outcome(U::Nee));
            return None;
        }
        let measure = if free {
            self.rng.weighted(&[
                (0.91, Maatregel::Ots),
                (0.06, Maatregel::Voogdij),
                (0.015, Maatregel::VoorlopigeVoogdij),
                (0.015, Maatregel::TijdelijkeVoogdij),
            ])
        } else {
            Maatregel::Ots
        };
        self.emit(case, E::RechtUitspraak, days.court, Facts::order(measure, institution));
        self.measure(institution, measure, days.court, None);
        Some((institution, days.court))
    }

    fn research_days(&mut self, received: Day, decided: Option<Day>) -> Research {
        let start = after(received, self.rng.days(21.0, 0.7, 1));
        let end = after(start, self.rng.days(90.0, 0.33, 20));
        let court = after(end, self.rng.days(28.0, 0.45, 5));
        match decided {
            None => Research { start, end, court },
            Some(day) => {
                let court = day.max(after(received, 20));
                let end = after(court, -25).max(after(received, 12));
                Research { start: start.min(after(end, -8)), end, court }
            }
        }
    }

    /// A provisional supervision order with the research during it, mostly followed by a supervision order.
    fn provisional(&mut self, case: &Case, received: Day, institution: usize) -> (usize, Day) {
        let start = after(received, self.rng.within(0..6));
        let days = if self.rng.chance(0.85) { self.rng.within(80..92) } else { self.rng.within(14..80) };
        let end = after(start, days);
        let follows = self.rng.chance(0.8);
        self.emit(case, E::RechtUitspraak, start, Facts::order(Maatregel::Vots, institution));
        let intake = after(start, self.rng.within(0..4)).max(received);
        self.emit(case, E::RvdkIntake, intake, Facts::outcome(U::Ja));
        let research = after(start, self.rng.within(1..10));
        let finished = after(end, -self.rng.within(12..30)).max(after(research, 5));
        let outcome = if follows { U::Rekest } else { U::Geen };
        self.emit(case, E::RvdkOnderzoekStart, research, Facts::NONE);
        self.emit(case, E::RvdkOnderzoekEinde, finished, Facts::outcome(outcome));
        // Only about a quarter of the followed orders is registered as such.
        let reason = if follows && self.rng.chance(0.25) {
            Reden::R07
        } else {
            self.rng.weighted(&[(0.85, Reden::R04), (0.15, Reden::R02)])
        };
        let own = self.case(institution);
        self.start_of_measure(&own, Maatregel::Vots, start);
        self.emit(&own, E::GiMaatregelEinde, end, Facts::ending(Maatregel::Vots, reason));
        if follows {
            let gap = match self.rng.unit() {
                u if u < 0.85 => 1,
                u if u < 0.97 => self.rng.within(2..20),
                _ => self.rng.within(32..60),
            };
            let next = after(end, gap);
            self.emit(case, E::RechtUitspraak, next, Facts::order(Maatregel::Ots, institution));
            self.measure(institution, Maatregel::Ots, next, None);
        }
        (institution, start)
    }

    /// The institution that a new measure goes to.
    pub(super) fn draw_institution(&mut self) -> usize {
        let [large, middle, small] = self.roles().institutions;
        self.rng.weighted(&[(0.60, large), (0.25, middle), (0.15, small)])
    }
}
