//! What happens to one invented child, and how the organisation to which it happens writes it down.

use std::collections::HashSet;

use super::places::{Organisation, Roles, municipal_number};
use super::population::Child;
use super::rng::Rng;
use crate::domain::codes::{EventType, Kader, Maatregel, Owner, Reden, Uitkomst};
use crate::domain::day::Day;

/// The trajectory of a child at one organisation.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) org: usize,
    pub(super) zaak: String,
}

/// The codes of an event.
#[derive(Clone, Copy, Default)]
pub(super) struct Facts {
    pub(super) maatregel: Option<Maatregel>,
    pub(super) reden: Option<Reden>,
    pub(super) kader: Option<Kader>,
    pub(super) uitkomst: Option<Uitkomst>,
    pub(super) melder: &'static str,
    pub(super) partij: Option<usize>,
    pub(super) anonymous: bool,
}

impl Facts {
    /// No code at all.
    pub(super) const NONE: Self =
        Self { maatregel: None, reden: None, kader: None, uitkomst: None, melder: "", partij: None, anonymous: false };

    pub(super) fn outcome(uitkomst: Uitkomst) -> Self {
        Self { uitkomst: Some(uitkomst), ..Self::NONE }
    }

    pub(super) fn measure(maatregel: Maatregel) -> Self {
        Self { maatregel: Some(maatregel), ..Self::NONE }
    }

    pub(super) fn ending(maatregel: Maatregel, reden: Reden) -> Self {
        Self { reden: Some(reden), ..Self::measure(maatregel) }
    }

    pub(super) fn partner(org: usize) -> Self {
        Self { partij: Some(org), ..Self::NONE }
    }

    pub(super) fn order(maatregel: Maatregel, institution: usize) -> Self {
        Self { uitkomst: Some(Uitkomst::Ja), partij: Some(institution), ..Self::measure(maatregel) }
    }
}

/// One event as it truly happened, with its registration.
#[derive(Clone)]
pub(super) struct Happening {
    /// Number of the child; none when the organisation does not know who it is.
    pub(super) child: Option<usize>,
    pub(super) kind: EventType,
    pub(super) day: Day,
    pub(super) facts: Facts,
    pub(super) zaak: String,
    pub(super) id: String,
    pub(super) gemeente: &'static str,
    pub(super) registered: Day,
    /// Second of that day, in local time.
    pub(super) second: i32,
    pub(super) scheiding: &'static str,
}

/// Everything that the paths write into.
pub(super) struct World {
    pub(super) first: Day,
    pub(super) last: Day,
    pub(super) horizon: Day,
    pub(super) organisations: Vec<Organisation>,
    pub(super) roles: Roles,
    pub(super) uuid_ids: Vec<bool>,
    pub(super) children: Vec<Child>,
    /// Events per organisation.
    pub(super) events: Vec<Vec<Happening>>,
    /// Registration noise, apart from the paths, so that siblings can share a path but not a registration.
    pub(super) noise: Rng,
}

type Seen = HashSet<(usize, EventType, Day, Option<Maatregel>, String)>;

/// The course of one child through the chain.
pub(super) struct Path<'w> {
    pub(super) world: &'w mut World,
    pub(super) child: usize,
    pub(super) rng: Rng,
    seen: Seen,
}

/// A day, later (or earlier) by a number of days.
pub(super) fn after(day: Day, days: i32) -> Day {
    Day(day.0 + days)
}

/// The first day with exactly `count` working days in (day, result].
pub(super) fn after_working_days(day: Day, count: i32) -> Day {
    let mut at = day;
    let mut left = count;
    while left > 0 {
        at = after(at, 1);
        left -= i32::from(at.is_working_day());
    }
    at
}

impl<'w> Path<'w> {
    pub(super) fn new(world: &'w mut World, child: usize) -> Self {
        let rng = world.children[child].path.clone();
        Self { world, child, rng, seen: Seen::new() }
    }

    pub(super) fn roles(&self) -> Roles {
        self.world.roles
    }

    /// Age in days.
    pub(super) fn age(&self, on: Day) -> i32 {
        on.0 - self.world.children[self.child].born.0
    }

    /// The municipality's number at that day, when it lies in the region.
    pub(super) fn municipality(&self, on: Day) -> Option<usize> {
        municipal_number(self.world.children[self.child].gemeente_on(on))
    }

    /// Opens a case with an own number in the manner of the organisation.
    pub(super) fn case(&mut self, org: usize) -> Case {
        let number = self.rng.next() >> 28;
        let zaak = match self.world.organisations[org].key.as_str() {
            "gi-gamma" => format!("W,{number}"),     // a separator inside the value
            "jha-berk" => format!("{number} \"b\""), // a quote inside the value
            _ if org % 2 == 1 => format!("Z{number}"),
            _ => number.to_string(),
        };
        Case { org, zaak }
    }

    /// Writes down that this happened, unless it lies beyond the data or is written already.
    pub(super) fn emit(&mut self, case: &Case, kind: EventType, day: Day, facts: Facts) {
        if day > self.world.horizon || !self.seen.insert((case.org, kind, day, facts.maatregel, case.zaak.clone())) {
            return;
        }
        let world = &mut *self.world;
        let child = &world.children[self.child];
        let noise = &mut world.noise;
        let lag = if noise.chance(0.05) { noise.within(61..201) } else { noise.lag(4.0) };
        let second = noise.within(28_800..64_800);
        let id = if world.uuid_ids[case.org] {
            uuid(noise)
        } else {
            let key = world.organisations[case.org].key.to_uppercase().replace("GEM-", "G");
            format!("{key}-{:07}", world.events[case.org].len() + 1)
        };
        let event = Happening {
            child: (!facts.anonymous).then_some(self.child),
            kind,
            day,
            facts,
            zaak: case.zaak.clone(),
            id,
            gemeente: child.gemeente_on(day),
            registered: after(day, lag),
            second,
            scheiding: separation(kind, child.separation),
        };
        world.events[case.org].push(event);
    }
}

/// What an organisation registers of separating parents; the draw belongs to the family.
fn separation(kind: EventType, draw: f64) -> &'static str {
    let (yes, known) = match kind.owner() {
        Owner::Gi => (0.65, 0.9),
        Owner::Vt | Owner::Lt => (0.25, 0.6),
        _ => (0.0, 0.0),
    };
    match draw {
        d if d < yes => "J",
        d if d < known => "N",
        _ => "",
    }
}

fn uuid(rng: &mut Rng) -> String {
    let (a, b) = (rng.next(), rng.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0x0fff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}
