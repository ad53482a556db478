//! `log erase` on an open node.

use serde_json::json;

use super::notices::told;
use super::officer::EraseCommand;
use crate::node::Node;
use crate::node::command::Outcome;
use crate::node::show::pretty;
use crate::service::notices::Why;
use crate::service::subjects::{RECOVERY_DAYS, SubjectError};

impl Node {
    /// Destroys a person's key and says what that does and does not do.
    pub(super) fn erase(&self, command: &EraseCommand) -> Outcome {
        // Afterwards the log no longer says who received something.
        let notices = match self.core.recipients(command.person.subject(), Why::Erasure) {
            Ok(notices) => notices,
            Err(e) => return Outcome::failed(e.to_string()),
        };
        let erased = match self.core.erase_subject(command.person.subject(), &command.reason) {
            Ok(erased) => erased,
            Err(e @ SubjectError::Reason) => return Outcome::refused(e.to_string()),
            Err(e) => return Outcome::failed(e.to_string()),
        };
        if !erased.destroyed {
            return Outcome::done(if command.json {
                pretty(&json!({"vernietigd": false, "regels_onleesbaar": 0}))
            } else {
                "Geen sleutel gevonden, niets vernietigd: deze node kent geen regels over deze persoon, of de sleutel was al \
                 vernietigd. Ook deze poging staat in het log, zonder persoon.\n"
                    .to_owned()
            });
        }
        if command.json {
            return Outcome::done(pretty(&json!({
                "vernietigd": true, "regels_onleesbaar": erased.entries, "volledig_op": erased.complete_on, "akkoord_volgens_opgave": command.approved_by, "berichten": notices,
            })));
        }
        Outcome::done(format!(
            "De sleutel van deze persoon is vernietigd. {} regel(s) van het transferlog zijn niet meer te lezen of te \
             vinden als regels over deze persoon.\n\
             Het log zelf is heel gebleven: elk bewijs over andere regels klopt nog. De verwijdering staat in het log, \
             zonder persoon.\n\
             Volledig op {}: dan is de laatste herstelkopie van de sleutels ({RECOVERY_DAYS} dagen) verlopen. Bewaar geen \
             oudere kopie van de map data/subjects.\n\
             Niet verwijderd: gebeurtenissen die uw organisatie over deze persoon heeft aangeleverd. Verwijder die in het \
             bronsysteem en lever opnieuw aan (statuscode 3, of een vervangende levering).\n\
             Akkoord volgens opgave, vastgelegd in het auditlog: {}. De opdracht kan niet nagaan of zij het zelf waren.\n{}",
            erased.entries,
            erased.complete_on,
            command.approved_by.join(" en "),
            told(&notices, Why::Erasure),
        ))
    }
}
