//! The fields of an exchange about one child, by the names that requests, consents and convenants use.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::codes::closed_list;

closed_list! {
    /// A field of an exchange.
    CaseField {
        /// Who the child is.
        Identity = "identity",
        /// Who has custody or guardianship.
        Custody = "custody",
        /// What the concern is about, as a category.
        ConcernCategory = "concern_category",
        /// Help until now.
        HelpSoFar = "help_so_far",
        /// Whether parents and child were told.
        Informed = "informed",
        /// Whether there is a concern about direct safety.
        SafetyFlag = "safety_flag",
        /// Whether the Raad asks the court for a measure.
        Rekest = "rekest",
        /// The measure.
        Measure = "measure",
        /// First and last day of the measure.
        MeasureDates = "measure_dates",
        /// Who executes the measure.
        Executor = "executor",
        /// When the measure is expected to begin.
        ExpectedStart = "expected_start",
        /// When the measure ends.
        EndDate = "end_date",
        /// State of the plan.
        Plan = "plan",
        /// Goals of the plan.
        PlanGoals = "plan_goals",
        /// Help that is wanted or still needed.
        HelpWish = "help_wish",
        /// Professionals and how to reach them.
        ProfessionalsContact = "professionals_contact",
        /// Help that runs now.
        ActiveHelp = "active_help",
        /// What was agreed on safety.
        SafetyAgreements = "safety_agreements",
        /// The frame in which help is given.
        MeasureStatus = "measure_status",
        /// Phase of the help or measure.
        Phase = "phase",
        /// Number of the file at the sender.
        DossierRef = "dossier_ref",
        /// Who reported to Veilig Thuis: never stored, never sent.
        SourceIdentity = "source_identity",
    }
}

/// How a field is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldClass {
    /// Sealed under the key of the child; opened to decide, and to send.
    Decides,
    /// Sealed under the key of the child; opened only to send it, under a permit for it.
    Sealed,
    /// Never stored: refused where it comes in (Uitvoeringsbesluit Wmo 2015 4.1.8(3)).
    Never,
}

impl CaseField {
    /// How the field is kept.
    #[must_use]
    pub fn class(self) -> FieldClass {
        match self {
            Self::SourceIdentity => FieldClass::Never,
            Self::Identity | Self::Custody | Self::Measure | Self::MeasureDates | Self::Executor => FieldClass::Decides,
            _ => FieldClass::Sealed,
        }
    }
}

/// One value of one part of a field of a child. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseValue {
    /// Which field.
    pub field: CaseField,
    /// Which part of it, by the dictionary.
    pub part: String,
    /// The value, in the form of the dictionary.
    pub value: String,
    /// First day on which it holds; none is always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<crate::domain::day::Day>,
    /// Last day on which it holds; none is still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<crate::domain::day::Day>,
}

impl CaseValue {
    /// Whether it holds on a day; first and last day count.
    #[must_use]
    pub fn holds_on(&self, day: crate::domain::day::Day) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

impl fmt::Debug for CaseValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseValue({}/{})", self.field, self.part)
    }
}
