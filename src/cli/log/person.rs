//! Asking for a person: the BSN is typed without echo, checked, turned into the node's own pseudonym and forgotten, all in
//! this process. It is never an argument, never in the environment, and never goes to the node.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

use console::Term;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::domain::bsn::{Bsn, BsnReading, read_bsn};
use crate::node::command::Outcome;
use crate::node::log::person::Person;

/// More than this is no BSN and no name.
const MAX_INPUT: usize = 256;

/// Asks for the BSN of a person and derives what this node calls that person.
///
/// # Errors
/// The outcome to show: no BSN, or a configuration or key that cannot be read.
pub(in crate::cli) fn ask(node: &Path, descriptor: Option<u32>) -> Result<Person, Outcome> {
    let config = Config::load(node).map_err(|e| Outcome::failed(e.to_string()))?;
    let bsn = read(descriptor)?;
    Person::of(&config, &bsn).map_err(Outcome::failed)
}

/// Reads a BSN: from a descriptor, or typed without echo.
///
/// # Errors
/// The outcome to show: no BSN, or nothing to read it from.
pub(in crate::cli) fn read(descriptor: Option<u32>) -> Result<Bsn, Outcome> {
    let failed = |e: std::io::Error| Outcome::failed(format!("het BSN is niet te lezen: {e}"));
    let text = match descriptor {
        Some(number) => File::open(format!("/dev/fd/{number}")).and_then(|mut file| line(&mut file)).map_err(failed)?,
        None if std::io::stdin().is_terminal() => {
            eprint!("BSN (wordt niet getoond): ");
            Zeroizing::new(Term::stderr().read_secure_line().map_err(failed)?)
        }
        None => line(&mut std::io::stdin()).map_err(failed)?,
    };
    match read_bsn(text.trim()) {
        BsnReading::Subject { bsn, .. } => Ok(bsn),
        _ => Err(Outcome { exit: 2, stderr: "dit is geen geldig BSN (elfproef)".to_owned(), ..Outcome::default() }),
    }
}

/// The next line and no byte more, in a buffer of its own that is wiped.
pub(super) fn line(from: &mut impl Read) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new([0_u8; MAX_INPUT]);
    let mut length = 0;
    while length < MAX_INPUT && !text[..length].contains(&b'\n') {
        match from.read(&mut text[length..=length])? {
            0 => break,
            read => length += read,
        }
    }
    let first = text[..length].split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(Zeroizing::new(std::str::from_utf8(first).unwrap_or_default().to_owned()))
}
