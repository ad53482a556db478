//! `log retention` and `log confidentiality` on an open node.

use super::officer::{ConfidentialityCommand, Marking};
use crate::console::words;
use crate::node::Node;
use crate::node::command::Outcome;
use crate::service::confidential::Marked;
use crate::service::subjects::SubjectError;
use crate::translog::entry::{Confidentiality, TransferId};

impl Node {
    /// Shows whose retention is past, and destroys those keys when asked.
    pub(in crate::node) fn retention(&self, apply: bool) -> Outcome {
        let count = match self.core.retention(apply) {
            Ok(count) => count,
            Err(e) => return Outcome::failed(e.to_string()),
        };
        let mut text = format!(
            "Personen met verzegelde regels in het log: {}\n\
             Bewaartermijn van alle regels verstreken: {}\n\
             Met een regel zonder bewaartermijn (blijft bewaard): {}\n",
            count.subjects, count.past, count.unlimited
        );
        if count.waiting > 0 {
            text.push_str(&format!(
                "{} regel(s) zijn over hun termijn maar blijven leesbaar: een sleutel geldt voor alle regels over één \
                 persoon en gaat pas weg als de jongste regel over zijn termijn is.\n",
                count.waiting
            ));
        }
        match count.complete_on {
            Some(on) => text.push_str(&format!(
                "Vernietigd: {} sleutel(s). Volledig op {}, als de laatste herstelkopie is verlopen. De regels zelf \
                 blijven staan, zonder persoon; elk bewijs blijft kloppen.\n",
                count.destroyed,
                words::day(on)
            )),
            None if apply => text.push_str("Er was niets te vernietigen.\n"),
            None if count.past > 0 => text.push_str("Er is nog niets vernietigd; gebruik --apply.\n"),
            None => {}
        }
        Outcome::done(text)
    }

    /// Marks a transfer or an activity as confidential, or lifts that.
    pub(super) fn confidentiality(&self, command: &ConfidentialityCommand) -> Outcome {
        let what = match &command.what {
            Marking::Activity(uri) => Marked::Activity(uri.clone()),
            Marking::Transfer(text) => match TransferId::parse(text) {
                Ok(id) => Marked::Transfer(id),
                Err(e) => return Outcome { exit: 2, stderr: e.to_string(), ..Outcome::default() },
            },
        };
        let as_now = if command.lifted { Confidentiality::Lifted } else { Confidentiality::Confidential };
        match self.core.mark_confidential(&what, as_now, &command.reason) {
            Ok(true) if command.lifted => {
                Outcome::done("Vertrouwelijkheid opgeheven: de betrokkene ziet dit weer in zijn overzicht.")
            }
            Ok(true) => Outcome::done(
                "Vertrouwelijk: dit staat niet in het overzicht van de betrokkene (UAVG 41) tot het wordt opgeheven.",
            ),
            Ok(false) => Outcome::refused("deze overdracht staat niet in het log"),
            Err(e @ (SubjectError::Reason | SubjectError::Activity)) => Outcome::refused(e.to_string()),
            Err(e) => Outcome::failed(e.to_string()),
        }
    }
}
