//! What a sheet has to know of the events that units are anchored in: the events of a node here, those that linkage told in `linked`.

use std::collections::HashMap;

use super::columns::{Row, at};
use super::definition::Unit as UnitKind;
use super::release::Release;
use super::view::View;
use crate::domain::codes::Maatregel;
use crate::domain::event::Gemeente;
use crate::domain::oin::Oin;
use crate::domain::query::Dimension;
use crate::policy::rules::{AGE_BANDS, Domains, OTHER};

/// Stands for the municipalities that a release does not name; no municipality has code 0000.
const OTHER_GEMEENTE: u16 = 0;

/// Where units are anchored: the events of a node, or the anchors that linkage told. Anchors are known by a number.
pub(super) trait Anchors {
    /// The child of an anchor, by a number; none for an event without subject.
    fn child(&self, anchor: Row) -> Option<u32>;
    /// The family of an anchor.
    fn family(&self, anchor: Row) -> u64;
    /// The name of what an anchor counts for, when units are compared.
    fn name(&self, anchor: Row, unit: UnitKind) -> Option<u128>;
    /// The value of a dimension, as a small number.
    fn value(&self, dimension: Dimension, anchor: Row, trajectory: Option<u32>) -> u16;
    /// The text of such a number.
    fn text(&self, dimension: Dimension, value: u16) -> String;
}

/// The areas of a release: its names, and in which of them each municipality lies.
#[derive(Default)]
struct Areas {
    names: Vec<String>,
    of: HashMap<Gemeente, u16>,
    /// Of the municipalities that the release does not name.
    other: u16,
}

impl Areas {
    fn of(domains: &Domains) -> Self {
        let place = |code: &str| domains.area_of(code).and_then(|place| u16::try_from(place).ok()).unwrap_or(u16::MAX);
        let named = domains.gemeente.iter().filter_map(|code| Some((Gemeente::parse(code)?, place(code))));
        Self { of: named.collect(), other: place(OTHER), names: domains.values(Dimension::Gebied).into_owned() }
    }
}

/// The events of a node as anchors.
pub(super) struct Events<'a> {
    view: View<'a>,
    organisation: Oin,
    declared: Option<Vec<Gemeente>>,
    areas: Areas,
    measure_events: Vec<[Option<Row>; 2]>,
}

impl<'a> Events<'a> {
    /// The events of an organisation, for tables by these dimensions, in its own view or for a release.
    pub fn new(view: View<'a>, by: &[Dimension], organisation: Oin, release: Option<&Release>) -> Self {
        let by_measure = by.contains(&Dimension::Maatregel);
        let measure_events = if by_measure { view.measure_events() } else { Vec::new() };
        let areas = release.map(|release| Areas::of(&release.domains)).unwrap_or_default();
        Self { view, organisation, declared: release.map(Release::gemeenten), areas, measure_events }
    }
}

impl Anchors for Events<'_> {
    fn child(&self, anchor: Row) -> Option<u32> {
        self.view.columns.subject(anchor)
    }

    fn family(&self, anchor: Row) -> u64 {
        u64::from(self.view.columns.family(anchor))
    }

    fn name(&self, anchor: Row, unit: UnitKind) -> Option<u128> {
        self.view.columns.identity(anchor, unit)
    }

    fn value(&self, dimension: Dimension, anchor: Row, trajectory: Option<u32>) -> u16 {
        let columns = self.view.columns;
        match dimension {
            Dimension::Gemeente => {
                let code = columns.gemeente(anchor);
                let declared = self.declared.as_ref().is_none_or(|declared| declared.contains(&code));
                if declared { code.0 } else { OTHER_GEMEENTE }
            }
            Dimension::Maatregel => {
                let of_trajectory =
                    trajectory.and_then(|t| self.view.trajectory_measure(self.measure_events[at(t)], anchor));
                of_trajectory.or_else(|| columns.maatregel(anchor)).map_or(0, |m| 1 + m as u16)
            }
            Dimension::Leeftijd => u16::from(columns.age(anchor)),
            Dimension::Organisatie => 0,
            Dimension::Gebied => self.areas.of.get(&columns.gemeente(anchor)).copied().unwrap_or(self.areas.other),
        }
    }

    fn text(&self, dimension: Dimension, value: u16) -> String {
        match dimension {
            Dimension::Gemeente if value == OTHER_GEMEENTE => OTHER.to_owned(),
            Dimension::Gemeente => format!("{value:04}"),
            Dimension::Maatregel => {
                let code = value.checked_sub(1).and_then(|v| Maatregel::ALL.get(usize::from(v)));
                code.map_or("-", |m| m.as_str()).to_owned()
            }
            Dimension::Leeftijd => AGE_BANDS.get(usize::from(value)).copied().unwrap_or("ONB").to_owned(),
            Dimension::Organisatie => self.organisation.to_string(),
            // In the own view, which knows no convenant, an area has no name; see `service::own`.
            Dimension::Gebied => self.areas.names.get(usize::from(value)).cloned().unwrap_or_default(),
        }
    }
}
