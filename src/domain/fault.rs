//! What the operating system says of a file or disk, in the operator's language and with what to do about it.

use std::fmt;
use std::io;

/// An error of the operating system as the operator reads it: in Dutch where the kind is known, else in its own words.
#[derive(Debug)]
pub struct Said<'a>(&'a io::Error);

/// Says an error of the operating system in Dutch.
#[must_use]
pub fn said(error: &io::Error) -> Said<'_> {
    Said(error)
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use io::ErrorKind as Kind;
        let text = match self.0.kind() {
            // One that we made ourselves says what it has to say.
            _ if self.0.raw_os_error().is_none() && self.0.get_ref().is_some() => return fmt::Display::fmt(self.0, f),
            Kind::NotFound => "bestaat niet",
            Kind::PermissionDenied => "geen toegang; controleer eigenaar en rechten",
            Kind::AlreadyExists => "bestaat al",
            Kind::ReadOnlyFilesystem => {
                "de schijf is alleen-lezen; herstel haar, of kopieer de map naar een andere schijf om haar te lezen"
            }
            Kind::StorageFull => "de schijf is vol; maak ruimte",
            Kind::QuotaExceeded => "het quotum op de schijf is bereikt; maak ruimte",
            Kind::FileTooLarge => "het bestand mag niet groter worden; controleer de limieten van het proces",
            Kind::IsADirectory => "is een map, geen bestand",
            Kind::NotADirectory => "is geen map",
            Kind::AddrInUse => "de poort is in gebruik",
            Kind::AddrNotAvailable => "dit adres is niet van deze machine",
            Kind::UnexpectedEof => "breekt te vroeg af",
            Kind::InvalidData => "is geen tekst (UTF-8)",
            _ if self.0.raw_os_error() == Some(EIO) => "de schijf meldt een lees- of schrijffout; controleer de schijf",
            _ if self.0.raw_os_error() == Some(EMFILE) => "te veel open bestanden; verhoog de limiet van het proces",
            _ => return fmt::Display::fmt(self.0, f),
        };
        f.write_str(text)
    }
}

/// `errno` of an input or output error (POSIX), for which there is no kind.
const EIO: i32 = 5;
/// `errno` of too many open files (POSIX).
const EMFILE: i32 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_said_in_dutch_and_ours_as_they_are() {
        let missing = std::fs::read("/bestaat/niet").unwrap_err();
        assert_eq!(said(&missing).to_string(), "bestaat niet");
        for (errno, part) in [(30, "alleen-lezen"), (28, "vol"), (5, "controleer de schijf"), (24, "open bestanden")] {
            let text = said(&io::Error::from_raw_os_error(errno)).to_string();
            assert!(text.contains(part) && !text.contains("os error"), "{text}");
        }
        assert_eq!(said(&io::Error::new(io::ErrorKind::AlreadyExists, "eigen tekst")).to_string(), "eigen tekst");
    }
}
