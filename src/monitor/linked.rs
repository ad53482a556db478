//! Linked figures by themselves, apart from a report.

use super::later::Later;
use super::links::Linking;
use super::produce::{Question, links_of, monitored};
use super::pull::Patience;
use super::sums::Summed;
use crate::service::api::Peers;
use crate::service::core::Core;

/// The linked figures of a question as the gate released them; with `make`, what is due is made first, in one run.
///
/// # Errors
/// A Dutch sentence: no convenant in force, not the monitor, or nothing granted.
pub fn linked(core: &Core, peers: &dyn Peers, question: &Question, make: bool) -> Result<Summed, String> {
    let standing = core.standing();
    let convenant = monitored(core, &standing)?;
    let terms = convenant.convenant();
    let mut later = Later::default();
    let settled = later.split(&links_of(terms, question), terms.settlement_days, standing.day);
    let gate = terms.gate().filter(|_| !settled.tables().is_empty());
    let gate = gate.ok_or("het convenant geeft van deze vraag nog geen gekoppeld cijfer; zie `convenant show`")?.oin;
    let (without, patience) = (&question.without[..], Patience::default());
    let linking = Linking { core, peers, convenant, gate, without, patience };
    Ok(if make { linking.pull(&settled) } else { linking.released(&settled) })
}
