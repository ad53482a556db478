//! One child on a page: a BSN is read once and becomes what this node calls the child; forms of the same session carry that sealed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::answer::Fault;
use super::visit::Visit;
use crate::crypto::Tag;
use crate::domain::bsn::{BsnReading, read_bsn};

/// Whom the BSN of the form is about; none when it is not a BSN.
pub fn asked(visit: &Visit<'_>) -> Option<Tag> {
    let typed = visit.field("bsn").chars().filter(|c| !matches!(c, ' ' | '.' | '-'));
    let typed: Zeroizing<String> = Zeroizing::new(typed.collect());
    match read_bsn(&typed) {
        BsnReading::Subject { bsn, .. } => Some(visit.core().subject_of(&bsn)),
        _ => None,
    }
}

fn context(visit: &Visit<'_>) -> Vec<u8> {
    let session = visit.session.as_ref().map_or("", |session| session.csrf.as_str());
    [b"ketenpoort/v1/console-kind\0", session.as_bytes()].concat()
}

/// The child for a form of this session; of no use in another one or after a restart.
pub fn sealed(visit: &Visit<'_>, subject: &Tag) -> String {
    STANDARD.encode(visit.console.child.seal(&context(visit), subject.expose()))
}

/// The child of a form of this session.
pub fn opened(visit: &Visit<'_>) -> Result<Tag, Fault> {
    let sealed = STANDARD.decode(visit.field("kind"));
    let opened = sealed.ok().and_then(|sealed| visit.console.child.open(&context(visit), &sealed).ok());
    let bytes = opened.map(Zeroizing::new).and_then(|bytes| bytes.as_slice().try_into().ok());
    bytes.map(Tag::from_bytes).ok_or(Fault::Foreign)
}
