//! How the parts of the node stand, in words: for the administrator's page, and what of it the officer must know too.

use super::office::Expiring;
use super::visit::Visit;
use super::words;
use crate::service::witness::view::LogStatus;

/// A certificate that expires within this many days is told of.
const SOON_DAYS: u64 = 42;
/// A revocation list within this many hours.
const SOON_HOURS: u64 = 24;
/// A clock may differ this many seconds from those of the witnesses.
const CLOCK_S: u64 = 60;
/// Less room than this is told of, and less than the second number is bad.
const ROOM: (u64, u64) = (5 << 30, 1 << 30);

/// How one part stands.
pub struct Check {
    /// The part.
    pub what: String,
    /// A tone of the style sheet: `good`, `wait` or `bad`.
    pub tone: &'static str,
    /// The same in a word.
    pub word: &'static str,
    /// What there is to tell.
    pub told: String,
}

impl Check {
    fn of(tone: &'static str, what: impl Into<String>, told: impl Into<String>) -> Self {
        let word = match tone {
            "good" => "in orde",
            "bad" => "fout",
            _ => "let op",
        };
        Self { what: what.into(), tone, word, told: told.into() }
    }

    fn good(what: impl Into<String>, told: impl Into<String>) -> Self {
        Self::of("good", what, told)
    }

    fn wait(what: impl Into<String>, told: impl Into<String>) -> Self {
        Self::of("wait", what, told)
    }

    fn bad(what: impl Into<String>, told: impl Into<String>) -> Self {
        Self::of("bad", what, told)
    }

    /// As one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{}: {}.", self.what, self.told)
    }
}

/// Every part of the node.
pub fn all(visit: &Visit<'_>) -> Vec<Check> {
    let status = visit.core().log_status();
    let mut found = vec![disk(visit)];
    found.push(match status.stopped {
        Some(reason) => Check::bad("Uitwisseling", format!("gestopt: {} {}", reason.sentence(), reason.remedy())),
        None => Check::good("Uitwisseling", "toegestaan"),
    });
    found.push(witnesses(&status));
    found.push(index(visit, &status));
    found.push(match &status.audit.missing {
        Some(_) => Check::bad("Auditlog", "is niet wat het was: ingekort, vervangen of teruggezet"),
        None => Check::good("Auditlog", format!("{} records", status.audit.records)),
    });
    found.push(journal(visit));
    for path in &status.put_aside {
        found.push(Check::bad("Getuigenbestanden", format!("onleesbaar en opzij gezet: {path}")));
    }
    found.extend(visit.console.office.certificates().iter().map(|one| expiry(one, visit.now_ms)));
    found.push(clock(visit, &status));
    found
}

/// A certificate or revocation list.
pub fn expiry(expiring: &Expiring, now_ms: u64) -> Check {
    let (what, now) = (expiring.what.clone(), now_ms / 1000);
    let Some(until) = expiring.until_s else { return Check::bad(what, "niet te lezen") };
    let moment = words::moment(until.saturating_mul(1000));
    let soon = if expiring.list { SOON_HOURS * 3600 } else { SOON_DAYS * 86_400 };
    match until.saturating_sub(now) {
        0 => Check::bad(what, format!("verlopen op {moment}")),
        left if left < soon => Check::wait(what, format!("verloopt op {moment}")),
        _ => Check::good(what, format!("geldig tot {moment}")),
    }
}

/// The witnesses of the log.
pub fn witnesses(status: &LogStatus) -> Check {
    let what = "Getuigen";
    let confirmed = |at: u64| words::moment(at.saturating_mul(1000));
    let waiting = || words::span(status.waiting_ms.unwrap_or(0));
    match &status.cosigned {
        _ if status.alarm => Check::bad(what, format!("al {} geen bevestiging door genoeg getuigen", waiting())),
        None if status.quorums.is_empty() => Check::wait(what, "er is geen andere partij die dit log kan bevestigen"),
        None => Check::wait(what, "nog niet door genoeg getuigen bevestigd"),
        Some(cosigned) if status.waiting_ms.is_some() => Check::good(
            what,
            format!(
                "bevestigd tot regel {} ({}); de oudste nieuwe regel wacht {}",
                cosigned.size,
                confirmed(cosigned.time_s),
                waiting()
            ),
        ),
        Some(cosigned) => {
            Check::good(what, format!("alle {} regels bevestigd, {}", cosigned.size, confirmed(cosigned.time_s)))
        }
    }
}

fn disk(visit: &Visit<'_>) -> Check {
    let what = "Schijf";
    if visit.core().failed() {
        return Check::bad(what, "een schrijfactie is mislukt; de node stopt. Herstel de schijf en start opnieuw");
    }
    let room = visit.console.office.room();
    let parts: Vec<String> =
        room.parts.iter().map(|(what, bytes)| format!("{what} {}", words::bytes(*bytes))).collect();
    let used = parts.join(", ");
    match room.free {
        None => Check::wait(what, format!("vrije ruimte niet gecontroleerd; in gebruik: {used}")),
        Some((free, whole)) => {
            let told = format!("{} vrij van {}; in gebruik: {used}", words::bytes(free), words::bytes(whole));
            match free {
                free if free < ROOM.1 => Check::bad(what, told),
                free if free < ROOM.0 => Check::wait(what, told),
                _ => Check::good(what, told),
            }
        }
    }
}

fn index(visit: &Visit<'_>, status: &LogStatus) -> Check {
    let what = "Transferlog";
    match visit.core().indexed() {
        Some(indexed) if indexed < status.size => {
            Check::wait(what, format!("{} regels; de index is bij tot regel {indexed} en loopt in", status.size))
        }
        Some(_) => Check::good(what, format!("{} regels; de index is bij", status.size)),
        None => Check::good(what, format!("{} regels; de index was nog niet nodig", status.size)),
    }
}

fn journal(visit: &Visit<'_>) -> Check {
    let journal = visit.core().state_store().journal();
    match journal.failed() {
        true => Check::bad("Journaal", "een schrijfactie is mislukt; start de node opnieuw"),
        false => Check::good("Journaal", format!("{} records, elke schrijfactie sinds de start gelukt", journal.len())),
    }
}

/// Our clock against those of the witnesses, as their signatures tell.
fn clock(visit: &Visit<'_>, status: &LogStatus) -> Check {
    let now = words::moment(visit.now_ms);
    let mut ahead: Vec<i64> =
        status.quorums.iter().flat_map(|quorum| &quorum.witnesses).filter_map(|witness| witness.ahead_s).collect();
    ahead.sort_unstable();
    let Some(middle) = ahead.get(ahead.len() / 2) else {
        return Check::wait("Klok", format!("{now}; niet gecontroleerd: sinds de start tekende geen getuige"));
    };
    let told = format!("{now}; {} s verschil met {} getuige(n)", middle.abs(), ahead.len());
    match middle.unsigned_abs() > CLOCK_S {
        true => Check::bad("Klok", format!("{told}: zet de klok gelijk")),
        false => Check::good("Klok", told),
    }
}
