//! Why a file is refused whole (definitions 1.1), with a sentence for the operator that never shows a field's content.

use serde::Serialize;
use thiserror::Error;

/// The kinds of refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// A byte sequence that is no UTF-8.
    NietUtf8,
    /// No header, a column twice, or a required column missing.
    KopFout,
    /// Columns that the contract does not have.
    KolomOnbekend,
    /// A row with another number of fields than the header.
    AantalVelden,
    /// Broken quoting, or a field larger than 131,072 characters.
    CsvFout,
    /// More rows than a file of this kind may have.
    TeVeelRegels,
}

impl RefusalCode {
    /// The code as reports write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NietUtf8 => "niet_utf8",
            Self::KopFout => "kop_fout",
            Self::KolomOnbekend => "kolom_onbekend",
            Self::AantalVelden => "aantal_velden",
            Self::CsvFout => "csv_fout",
            Self::TeVeelRegels => "te_veel_regels",
        }
    }

    fn zin(self) -> &'static str {
        match self {
            Self::NietUtf8 => "Het bestand is geen UTF-8. Exporteer het opnieuw als UTF-8.",
            Self::KopFout => "De kopregel klopt niet. Zet de kolomnamen van het invoercontract op de eerste regel.",
            Self::TeVeelRegels => "Het bestand heeft te veel regels. Splits het.",
            Self::KolomOnbekend => "De kopregel noemt kolommen die niet in het invoercontract staan. Laat ze weg.",
            Self::AantalVelden => {
                "Een regel heeft een ander aantal velden dan de kopregel. Kijk naar lege regels, \
                 scheidingstekens en aanhalingstekens op die plaats."
            }
            Self::CsvFout => {
                "De aanhalingstekens kloppen niet. Zet een veld met een scheidingsteken of regeleinde tussen dubbele \
                 aanhalingstekens, en schrijf een aanhalingsteken daarin dubbel."
            }
        }
    }
}

/// A file that is refused whole: nothing of it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Error, Serialize)]
#[error("{}, regel {line}{}: {} {detail}", .code.as_str(), .column.map(|c| format!(", positie {c}")).unwrap_or_default(), .code.zin())]
pub struct FileRefusal {
    /// What is wrong.
    pub code: RefusalCode,
    /// Line, the header is line 1.
    pub line: u32,
    /// Position in that line where reading stopped, in characters from 1; none when the whole header is meant.
    pub column: Option<u32>,
    /// What exactly, in Dutch, without any content of a row; may be empty.
    pub detail: String,
}

impl FileRefusal {
    /// The Dutch sentence on what to do.
    #[must_use]
    pub fn zin(&self) -> &'static str {
        self.code.zin()
    }
}
