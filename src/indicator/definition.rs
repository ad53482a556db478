//! Definitions as data: what each indicator counts, in which series and measures, who can own them, and which may leave.

use std::sync::LazyLock;

use super::catalog;
use crate::domain::codes::{OrgType, Owner};
use crate::domain::query::IndicatorId;

/// What an indicator's period means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timing {
    /// What happened in the period.
    Flow,
    /// How it stands on the last day of the period; periods with the same last day are one and the same.
    LastDay,
    /// The whole delivery, without a period.
    Delivery,
}

/// How the counts of an indicator hang together over periods and breakdowns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Distinct children with an event; a child can count in several cells and periods.
    Child,
    /// Children by their first event in the period: one cell a period, and anew in every period.
    FirstEvent,
    /// Children by their first event ever: one cell and one period.
    FirstEver,
    /// Trajectories, each in one cell and one period.
    Trajectory,
    /// Rows of a delivery.
    Row,
}

/// What a measure is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MeasureKind {
    /// A count of units.
    Count,
    /// One count for each bin of days, named `bin:a-b` or `bin:a+`.
    Bins,
    /// A number derived from single records, or a difference.
    Derived,
}

/// Who may see a measure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Visibility {
    /// A node releases it through disclosure control.
    Released,
    /// Computed for disclosure control, because a relation needs it; never released.
    Hidden,
    /// Computed for disclosure control and never released here: another release counts the same children, and its audit guards
    /// the count. A reader is taken to know it exactly, unless it is too small to have been printed there.
    Elsewhere,
    /// The organisation's own view only.
    Own,
}

/// A measure of an indicator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Measure {
    /// Name in tables; `bin` stands for all bins.
    pub name: &'static str,
    /// Dutch words for a column head.
    pub title: &'static str,
    /// What it is.
    pub kind: MeasureKind,
    /// Who may see what a node counts.
    pub visibility: Visibility,
    /// Who may see what the gate counts from linked rows.
    pub linked: Visibility,
}

/// In what a norm is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NormUnit {
    /// Dutch working days.
    WorkingDays,
    /// Calendar days.
    CalendarDays,
    /// Calendar months.
    Months,
}

/// A norm: at most this long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Norm {
    /// The number.
    pub value: u32,
    /// Of what.
    pub unit: NormUnit,
    /// Where it comes from, in Dutch.
    pub source: &'static str,
}

/// A series of an indicator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Series {
    /// Name in tables.
    pub name: String,
    /// Dutch words for a heading.
    pub title: String,
    /// Owner of the events that are counted; an organisation that does not deliver them has no such series.
    pub owner: Owner,
    /// Its norm, when there is one.
    pub norm: Option<Norm>,
    /// Whether a node may release it.
    pub released: bool,
    /// Whether linkage counts it.
    pub linked: bool,
}

/// Everything that a reader or a program has to know of an indicator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Definition {
    /// Its number.
    pub id: IndicatorId,
    /// Version of the definition.
    pub version: &'static str,
    /// Dutch title.
    pub title: &'static str,
    /// What it counts, in Dutch sentences for the report.
    pub description: &'static str,
    /// The population of the counts, in Dutch words.
    pub population: &'static str,
    /// What its period means.
    pub timing: Timing,
    /// What is counted.
    pub unit: Unit,
    /// Every series that can occur, in order of presentation.
    pub series: Vec<Series>,
    /// Every measure, in order of presentation.
    pub measures: Vec<Measure>,
}

impl Definition {
    /// The series of this name.
    #[must_use]
    pub fn series(&self, name: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.name == name)
    }

    /// The measure of this name in a table (`bin:6-10` belongs to `bin`).
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<&Measure> {
        let name = if name.starts_with("bin:") { "bin" } else { name };
        self.measures.iter().find(|measure| measure.name == name)
    }

    /// The series that an organisation delivering the events of `owners` can own.
    pub fn series_of<'a>(&'a self, owners: &'a [Owner]) -> impl Iterator<Item = &'a Series> {
        self.series.iter().filter(|series| owners.contains(&series.owner))
    }

    /// The kinds of organisation that can own a series of this indicator.
    #[must_use]
    pub fn org_types(&self) -> Vec<OrgType> {
        let mut types: Vec<_> = self.series.iter().map(|series| org_type(series.owner)).collect();
        types.sort_unstable();
        types.dedup();
        types
    }
}

/// The kind of organisation that delivers the events of an owner: those of the local team and the
/// jeugdbeschermingstafel come from a municipality's node.
#[must_use]
pub fn org_type(owner: Owner) -> OrgType {
    match owner {
        Owner::Lt | Owner::Gem | Owner::Jbt => OrgType::Gem,
        Owner::Vt => OrgType::Vt,
        Owner::Rvdk => OrgType::Rvdk,
        Owner::Gi => OrgType::Gi,
        Owner::Jha => OrgType::Jha,
    }
}

static DEFINITIONS: LazyLock<Vec<Definition>> =
    LazyLock::new(|| IndicatorId::ALL.iter().map(|&id| catalog::definition(id)).collect());

/// Every definition, in the order of [`IndicatorId::ALL`].
#[must_use]
pub fn definitions() -> &'static [Definition] {
    &DEFINITIONS
}

/// The definition of an indicator.
#[must_use]
pub fn definition(id: IndicatorId) -> &'static Definition {
    &DEFINITIONS[id as usize]
}
