//! Exchange about children: what waits to be taken over, of whom nobody is on record as told, and what was let pass without a
//! consent. Values of a child are never on these pages: who works with the child takes them over.

use askama::Template;

use super::answer::{Answer, Fault};
use super::frame::Frame;
use super::visit::Visit;
use super::words;
use crate::domain::day::Day;
use crate::policy::case::Rules;
use crate::service::cases::inbox::KEPT_MS;
use crate::service::informed::Told;
use crate::service::subjects::SubjectError;
use crate::translog::entry::TransferId;

/// Lines of a list on a page.
const PAGE: usize = 200;
const DAY_MS: u64 = 86_400_000;
/// Overrides of this many days are shown.
const OVERRIDES_DAYS: u64 = 92;

struct Waiting {
    transfer: String,
    what: String,
    from: String,
    came: String,
    until: String,
    fields: String,
}

struct Untold {
    transfer: String,
    what: String,
    way: &'static str,
    partner: String,
    since: String,
    tone: &'static str,
    state: &'static str,
}

struct Override {
    transfer: String,
    what: String,
    partner: String,
    at: String,
    fields: String,
    reason: String,
    article: String,
}

#[derive(Template)]
#[template(path = "cases.html")]
struct CasesPage {
    frame: Frame,
    waiting: Vec<Waiting>,
    untold: Vec<Untold>,
    untold_total: usize,
    overrides: Vec<Override>,
    today: String,
    said: &'static str,
    fault: String,
}

fn title(exchange: &str) -> String {
    let row = Rules::national().exchanges().iter().find(|row| row.name == exchange);
    row.map_or_else(|| exchange.to_owned(), |row| format!("{} ({exchange})", row.title))
}

/// The page.
pub fn show(visit: &Visit<'_>) -> Result<Answer, Fault> {
    page(visit, "", String::new())
}

fn page(visit: &Visit<'_>, said: &'static str, fault: String) -> Result<Answer, Fault> {
    let core = visit.core();
    let names = core.party_names();
    let broken = |e: SubjectError| Fault::Broken(e.to_string());
    let inbox = core.inbox().map_err(|reason| Fault::Broken(reason.sentence().to_owned()))?;
    let waiting = inbox.into_iter().map(|(id, arrived)| Waiting {
        transfer: id.to_string(),
        what: title(&arrived.document.exchange),
        from: words::party(arrived.from, &names),
        came: words::moment(arrived.at_ms),
        until: words::moment(arrived.at_ms.saturating_add(KEPT_MS)),
        fields: arrived.document.fields().join(", "),
    });
    let untold = core.uninformed().map_err(broken)?;
    let partner = |oin: Option<_>| oin.map_or_else(String::new, |oin| words::party(oin, &names));
    let (overrides, refused) = (
        core.overrides(visit.now_ms.saturating_sub(OVERRIDES_DAYS * DAY_MS), u64::MAX).map_err(broken)?,
        !fault.is_empty(),
    );
    let page = CasesPage {
        frame: Frame::of(visit, "Over één kind"),
        waiting: waiting.collect(),
        untold_total: untold.len(),
        untold: untold
            .into_iter()
            .take(PAGE)
            .map(|one| Untold {
                what: title(&one.exchange),
                way: if one.direction == "INCOMING" { "van" } else { "naar" },
                partner: partner(one.partner),
                since: words::moment(one.start_ms),
                tone: if one.late { "bad" } else { "wait" },
                state: match (one.late, one.postponed) {
                    (true, _) => "langer dan een maand",
                    (false, true) => "uitgesteld met reden",
                    (false, false) => "nog te doen",
                },
                transfer: one.transfer,
            })
            .collect(),
        overrides: overrides
            .into_iter()
            .rev()
            .take(PAGE)
            .map(|one| Override {
                what: title(&one.exchange),
                partner: partner(one.partner),
                at: words::moment(one.start_ms),
                fields: one.fields.join(", "),
                reason: one.reason.unwrap_or_else(|| "niet (meer) te lezen".to_owned()),
                article: one.article,
                transfer: one.transfer,
            })
            .collect(),
        today: core.clock.today().to_string(),
        said,
        fault,
    };
    let answer = Answer::page(&page)?;
    Ok(if refused { answer.with_status(422) } else { answer })
}

/// Notes that those concerned were told of an exchange, or why not yet.
pub fn informed(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let Ok(transfer) = TransferId::parse(visit.field("overdracht").trim()) else {
        return page(visit, "", "Dit is geen nummer van een overdracht.".to_owned());
    };
    let today = visit.core().clock.today();
    let told = match (Day::parse(visit.field("dag").trim()), visit.field("reden").trim()) {
        (Ok(day), "") if day <= today => Told::On(day),
        (Err(_), reason) if !reason.is_empty() => Told::NotYet(reason.to_owned()),
        _ => {
            let fault = "Vul de dag in waarop betrokkenen zijn geïnformeerd (niet in de toekomst), of waarom nog niet.";
            return page(visit, "", fault.to_owned());
        }
    };
    match visit.core().note_informed(transfer, &told) {
        Ok(true) => page(visit, "Vastgelegd.", String::new()),
        Ok(false) => page(visit, "", "Het log kent geen uitwisseling over een kind met dit nummer.".to_owned()),
        Err(e @ SubjectError::Reason) => page(visit, "", e.to_string()),
        Err(e) => Err(Fault::Broken(e.to_string())),
    }
}
