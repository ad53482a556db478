//! Event types and code lists of the input contract, section 2, and definitions 1.2, with their owners.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as the contract writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the exact code.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }

            /// The value with this number, as stored in columns and journals.
            #[must_use]
            pub fn from_index(index: u8) -> Option<Self> {
                Self::ALL.get(usize::from(index)).copied()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

pub(crate) use closed_list;

closed_list! {
    /// Who owns an event type (input contract 2); an organisation delivers the types of its `levert` list.
    Owner {
        /// Local team; its node is the municipality's.
        Lt = "LT",
        /// Municipality.
        Gem = "GEM",
        /// Jeugdbeschermingstafel.
        Jbt = "JBT",
        /// Veilig Thuis.
        Vt = "VT",
        /// Raad voor de Kinderbescherming.
        Rvdk = "RVDK",
        /// Certified institution.
        Gi = "GI",
        /// Youth-help provider.
        Jha = "JHA",
    }
}

closed_list! {
    /// What kind of organisation a node belongs to.
    OrgType {
        /// Municipality, with its local teams.
        Gem = "GEM",
        /// Veilig Thuis.
        Vt = "VT",
        /// Raad voor de Kinderbescherming.
        Rvdk = "RVDK",
        /// Certified institution.
        Gi = "GI",
        /// Youth-help provider.
        Jha = "JHA",
        /// Ketenmonitor: receives released figures, delivers no records.
        Monitor = "MONITOR",
        /// Poortwachter: counts regional figures, delivers no records.
        Gate = "POORTWACHTER",
    }
}

closed_list! {
    /// An event type of input contract 2.
    EventType {
        /// Referral to the local team.
        LtAanmelding = "LT_AANMELDING",
        /// Start at the local team.
        LtStart = "LT_START",
        /// End at the local team.
        LtEinde = "LT_EINDE",
        /// Hand-over by the local team.
        LtOverdracht = "LT_OVERDRACHT",
        /// Request for research by the municipality.
        GemVto = "GEM_VTO",
        /// Allocation of help.
        GemToewijzing = "GEM_TOEWIJZING",
        /// Referral to the jeugdbeschermingstafel.
        JbtAanmelding = "JBT_AANMELDING",
        /// Session of the jeugdbeschermingstafel.
        JbtTafel = "JBT_TAFEL",
        /// Decision of the jeugdbeschermingstafel.
        JbtBesluit = "JBT_BESLUIT",
        /// Advice asked of Veilig Thuis.
        VtAdvies = "VT_ADVIES",
        /// Report to Veilig Thuis.
        VtMelding = "VT_MELDING",
        /// Triage of a report.
        VtTriage = "VT_TRIAGE",
        /// Start of Veilig Thuis research.
        VtOnderzoekStart = "VT_ONDERZOEK_START",
        /// End of Veilig Thuis research.
        VtOnderzoekEinde = "VT_ONDERZOEK_EINDE",
        /// Hand-over by Veilig Thuis.
        VtOverdracht = "VT_OVERDRACHT",
        /// Request for research by Veilig Thuis.
        VtVto = "VT_VTO",
        /// Request for research received by the Raad.
        RvdkVtoOntvangen = "RVDK_VTO_ONTVANGEN",
        /// Intake decision of the Raad.
        RvdkIntake = "RVDK_INTAKE",
        /// Start of research by the Raad.
        RvdkOnderzoekStart = "RVDK_ONDERZOEK_START",
        /// End of research by the Raad.
        RvdkOnderzoekEinde = "RVDK_ONDERZOEK_EINDE",
        /// Court decision.
        RechtUitspraak = "RECHT_UITSPRAAK",
        /// Notice to the certified institution.
        GiKennisgeving = "GI_KENNISGEVING",
        /// Start of preventive youth protection.
        GiPjbStart = "GI_PJB_START",
        /// End of preventive youth protection.
        GiPjbEinde = "GI_PJB_EINDE",
        /// Start of a measure.
        GiMaatregelStart = "GI_MAATREGEL_START",
        /// End of a measure.
        GiMaatregelEinde = "GI_MAATREGEL_EINDE",
        /// Placed on the inflow list.
        GiInstroomlijst = "GI_INSTROOMLIJST",
        /// Worker assigned.
        GiToewijzingWerker = "GI_TOEWIJZING_WERKER",
        /// First contact.
        GiEersteContact = "GI_EERSTE_CONTACT",
        /// Plan made.
        GiPlan = "GI_PLAN",
        /// Handed over to another institution.
        GiOvergedragen = "GI_OVERGEDRAGEN",
        /// Taken over from another institution.
        GiOvergenomen = "GI_OVERGENOMEN",
        /// Help asked for under a measure.
        GiHulpvraag = "GI_HULPVRAAG",
        /// Referral to a provider.
        JhAanmelding = "JH_AANMELDING",
        /// Start of help.
        JhStart = "JH_START",
        /// End of help.
        JhEinde = "JH_EINDE",
    }
}

closed_list! {
    /// Type of measure (CBS Beleidsinformatie Jeugd).
    Maatregel {
        /// Ondertoezichtstelling.
        Ots = "11",
        /// Voorlopige ondertoezichtstelling.
        Vots = "12",
        /// Voogdij.
        Voogdij = "21",
        /// Voorlopige voogdij.
        VoorlopigeVoogdij = "22",
        /// Tijdelijke voogdij.
        TijdelijkeVoogdij = "23",
        /// Preventieve jeugdbescherming.
        Pjb = "31",
    }
}

closed_list! {
    /// Reason of ending a measure (CBS Beleidsinformatie Jeugd).
    Reden {
        /// (V)OTS: came of age.
        R01 = "01",
        /// (V)OTS: lifted early.
        R02 = "02",
        /// (V)OTS: not extended.
        R03 = "03",
        /// (V)OTS: according to plan.
        R04 = "04",
        /// (V)OTS: measure that ends custody.
        R05 = "05",
        /// (V)OTS: death.
        R06 = "06",
        /// VOTS turned into OTS.
        R07 = "07",
        /// Voogdij: came of age.
        R11 = "11",
        /// Voogdij: to a foster parent.
        R12 = "12",
        /// Voogdij: to a contact person.
        R13 = "13",
        /// Voogdij: custody restored.
        R14 = "14",
        /// Voogdij: death.
        R15 = "15",
        /// PJB: end.
        R31 = "31",
    }
}

closed_list! {
    /// Frame in which help is given.
    Kader {
        /// Voluntary.
        Vrijwillig = "VRIJWILLIG",
        /// Under pressure.
        Drang = "DRANG",
        /// Compelled.
        Dwang = "DWANG",
    }
}

closed_list! {
    /// Outcome codes of all types together; which type allows which follows from [`EventType::outcomes`].
    Uitkomst {
        /// First moment of the tafel.
        Moment1 = "1",
        /// Second moment of the tafel.
        Moment2 = "2",
        /// Third moment of the tafel.
        Moment3 = "3",
        /// Voluntary help.
        Vrijwillig = "VRIJWILLIG",
        /// Preventive youth protection.
        Pjb = "PJB",
        /// Request for research.
        Vto = "VTO",
        /// Scale down.
        Afschalen = "AFSCHALEN",
        /// Extend.
        Verlengen = "VERLENGEN",
        /// None, or no petition.
        Geen = "GEEN",
        /// Advice.
        Advies = "ADVIES",
        /// Direct transfer.
        Direct = "DIRECT",
        /// Conditions and follow-up.
        Venv = "VENV",
        /// Research.
        Onderzoek = "ONDERZOEK",
        /// End.
        Einde = "EINDE",
        /// Petition to the court.
        Rekest = "REKEST",
        /// Yes.
        Ja = "J",
        /// No.
        Nee = "N",
    }
}

closed_list! {
    /// Sex as stored.
    Geslacht {
        /// Male.
        M = "M",
        /// Female.
        V = "V",
        /// Unknown.
        O = "O",
    }
}

impl EventType {
    /// The owner of the type (input contract 2).
    #[must_use]
    pub fn owner(self) -> Owner {
        let name = self.as_str();
        match name.split('_').next().unwrap_or_default() {
            "LT" => Owner::Lt,
            "GEM" => Owner::Gem,
            "JBT" => Owner::Jbt,
            "VT" => Owner::Vt,
            "RVDK" | "RECHT" => Owner::Rvdk,
            "GI" => Owner::Gi,
            _ => Owner::Jha,
        }
    }

    /// Whether the event ends a stock or a wait of IND-03 or IND-17 (an end, a hand-over, a worker assigned, ..), so that
    /// one that is missing inflates that figure.
    #[must_use]
    pub fn closes(self) -> bool {
        matches!(
            self,
            Self::LtStart
                | Self::LtEinde
                | Self::LtOverdracht
                | Self::VtTriage
                | Self::RvdkIntake
                | Self::RvdkOnderzoekStart
                | Self::RechtUitspraak
                | Self::GiPjbEinde
                | Self::GiMaatregelEinde
                | Self::GiToewijzingWerker
                | Self::GiEersteContact
                | Self::GiOvergedragen
                | Self::JhStart
                | Self::JhEinde
        )
    }

    /// Outcome codes that the type requires; empty when it uses none (definitions 1.2).
    #[must_use]
    pub fn outcomes(self) -> &'static [Uitkomst] {
        use Uitkomst as U;
        match self {
            Self::JbtTafel => &[U::Moment1, U::Moment2, U::Moment3],
            Self::JbtBesluit => &[U::Vrijwillig, U::Pjb, U::Vto, U::Afschalen, U::Verlengen, U::Geen],
            Self::VtTriage => &[U::Advies, U::Direct, U::Venv, U::Onderzoek, U::Einde],
            Self::RvdkIntake | Self::RechtUitspraak => &[U::Ja, U::Nee],
            Self::RvdkOnderzoekEinde => &[U::Rekest, U::Geen],
            _ => &[],
        }
    }
}

impl Maatregel {
    /// The measures of civil child protection (`JB`).
    pub const JB: &'static [Self] =
        &[Self::Ots, Self::Vots, Self::Voogdij, Self::VoorlopigeVoogdij, Self::TijdelijkeVoogdij];

    /// The reasons with which this measure can end.
    #[must_use]
    pub fn reasons(self) -> &'static [Reden] {
        use Reden as R;
        match self {
            Self::Ots | Self::Vots => &[R::R01, R::R02, R::R03, R::R04, R::R05, R::R06, R::R07],
            Self::Voogdij | Self::VoorlopigeVoogdij | Self::TijdelijkeVoogdij => {
                &[R::R11, R::R12, R::R13, R::R14, R::R15]
            }
            Self::Pjb => &[R::R31],
        }
    }
}

/// Whether `code` is a capacity of the reporter: 01-20, 30-36, 40 or 41 (Uitvoeringsregeling Wmo 2015).
#[must_use]
pub fn is_melder(code: &str) -> bool {
    code.len() == 2
        && code.bytes().all(|b| b.is_ascii_digit())
        && matches!(code.parse::<u8>(), Ok(1..=20 | 30..=36 | 40 | 41))
}
