//! Is a convenant sound? Every fault at once, in Dutch, with the place in the document.

use std::collections::BTreeSet;
use std::fmt;

use super::breakdown::{area_faults, breakdown_faults, crosses_openly};
use super::card::is_line;
use super::case::terms::case_faults;
use super::convenant::{Convenant, Grant, Party, Purpose, Role, Route};
use super::link::link_faults;
use super::rules::{AGE_BANDS, BinCut, MEASURES, OTHER, day_kinds, definition_edges, norms};
use crate::domain::codes::OrgType;
use crate::domain::period::PeriodKind;
use crate::domain::query::{Dimension, IndicatorId};

/// One fault of a convenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where in the document, as a path.
    pub place: String,
    /// What is wrong, in Dutch.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn when(&mut self, wrong: bool, place: &str, text: impl Into<String>) {
        if wrong {
            self.0.push(Fault { place: place.to_owned(), text: text.into() });
        }
    }
}

/// Every fault of the convenant, in the order of the document; empty when it may be signed.
#[must_use]
pub fn check(convenant: &Convenant) -> Vec<Fault> {
    let mut faults = Faults::default();
    check_head(convenant, &mut faults);
    check_disclosure(convenant, &mut faults);
    check_domains(convenant, &mut faults);
    check_purposes(convenant, &mut faults);
    for grant in &convenant.indicators {
        check_grant(grant, &mut faults);
    }
    check_indicators(convenant, &mut faults);
    for cut in &convenant.bin_cuts {
        check_cut(convenant, cut, &mut faults);
    }
    check_gemeenten(convenant, &mut faults);
    check_chain(convenant, &mut faults);
    link_faults(convenant).into_iter().for_each(|(place, text)| faults.when(true, &place, text));
    case_faults(convenant).into_iter().for_each(|(place, text)| faults.when(true, &place, text));
    for party in &convenant.parties {
        check_party(party, &mut faults);
    }
    check_parties(convenant, &mut faults);
    faults.0
}

fn repeated<T: Ord>(items: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    !items.into_iter().all(|item| seen.insert(item))
}

fn check_head(c: &Convenant, faults: &mut Faults) {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let id = !c.id.is_empty() && c.id.len() <= 64 && c.id.bytes().all(plain);
    faults.when(!id, "id", "gebruik hoogstens 64 kleine letters, cijfers en koppeltekens");
    faults.when(c.version == 0, "version", "versies beginnen bij 1");
    faults.when(!is_line(&c.title, 200), "title", "de titel is leeg, te lang of bevat stuurtekens");
    faults.when(c.valid_to < c.valid_from, "valid_to", "de laatste dag ligt vóór de eerste");
    faults.when(c.settlement_days > 366, "settlement_days", "hoogstens 366 dagen");
    let years = 1..=30;
    faults.when(!years.contains(&c.retention.events_years), "retention.events_years", "kies 1 tot en met 30 jaar");
    faults.when(!years.contains(&c.retention.log_years), "retention.log_years", "kies 1 tot en met 30 jaar");
    let witness = c.witness.unwrap_or_default();
    faults.when(
        !witness.is_sound(),
        "witness",
        "het quorum is meer dan de helft van de getuigen en hoogstens hun aantal; hoogstens 16 getuigen",
    );
}

fn check_disclosure(c: &Convenant, faults: &mut Faults) {
    let d = c.disclosure;
    let place = |name: &str| format!("disclosure.{name}");
    faults.when(!(10..=1000).contains(&d.threshold), &place("threshold"), "de drempel is minstens 10 (hoogstens 1000)");
    // The bounds of a sum over organisations and the words of the report are of this rounding.
    faults.when(d.rounding != 5 || d.threshold < 5, &place("rounding"), "afronding op 5, onder de drempel");
    faults.when(!(3..=100).contains(&d.min_families), &place("min_families"), "minstens 3 gezinnen (hoogstens 100)");
    faults.when(!(1..=80).contains(&d.dominance_percent), &place("dominance_percent"), "hoogstens 80 procent");
    faults.when(!(30..=1000).contains(&d.share_noemer), &place("share_noemer"), "minstens 30 (hoogstens 1000)");
}

fn is_code(code: &str) -> bool {
    code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit())
}

fn check_domains(c: &Convenant, faults: &mut Faults) {
    let d = &c.domains;
    faults.when(
        d.leeftijd != AGE_BANDS,
        "domains.leeftijd",
        format!("de klassen zijn altijd {}", AGE_BANDS.join(", ")),
    );
    faults.when(d.maatregel != MEASURES, "domains.maatregel", format!("de codes zijn altijd {}", MEASURES.join(", ")));
    let place = "domains.gemeente";
    let Some((last, codes)) = d.gemeente.split_last() else {
        return faults.when(true, place, format!("noem de gemeenten van de regio en als laatste `{OTHER}`"));
    };
    faults.when(last != OTHER, place, format!("de laatste waarde is `{OTHER}`"));
    faults.when(repeated(codes.iter()), place, "een gemeente staat er dubbel in");
    for code in codes {
        let known = c.gemeenten.iter().any(|g| g.code == *code);
        faults.when(!known, place, format!("gemeente {code} staat niet in de lijst gemeenten"));
    }
    area_faults(d).into_iter().for_each(|text| faults.when(true, "domains.gebied", text));
    let by_area = c.indicators.iter().flat_map(|grant| &grant.tables).flat_map(|table| &table.by);
    let asked = by_area.flatten().any(|d| *d == Dimension::Gebied);
    faults.when(asked && d.gebied.is_empty(), "domains.gebied", "een tabel naar gebied vraagt om gebieden");
}

fn check_purposes(c: &Convenant, faults: &mut Faults) {
    let place = "purposes";
    faults.when(repeated(c.purposes.iter().map(|p| p.purpose)), place, "een doel staat er dubbel in");
    for term in &c.purposes {
        faults.when(
            !is_line(&term.legal_basis, 500),
            &format!("{place}.{:?}.legal_basis", term.purpose),
            "de grondslag is leeg, te lang of bevat stuurtekens",
        );
    }
    let monitoring = c.purposes.iter().any(|p| p.purpose == Purpose::P1);
    faults.when(!monitoring && !c.indicators.is_empty(), place, "indicatoren vragen om doel P1 met zijn grondslag");
}

fn check_grant(grant: &Grant, faults: &mut Faults) {
    let place = format!("indicators.{}", grant.indicator);
    faults.when(
        grant.indicator == IndicatorId::Ind24,
        &place,
        "IND-24 gaat over de eigen levering van een organisatie en wordt niet vrijgegeven",
    );
    faults.when(
        grant.indicator.only_linked() && grant.route != Route::Link,
        &format!("{place}.route"),
        "dit cijfer gaat over meer organisaties tegelijk: alleen de route `link` kan het geven",
    );
    faults.when(!is_line(&grant.version, 20), &format!("{place}.version"), "noem de versie van de definitie");
    faults.when(grant.tables.is_empty(), &format!("{place}.tables"), "noem minstens één periodesoort");
    faults.when(
        repeated(grant.tables.iter().map(|t| t.period)),
        &format!("{place}.tables"),
        "een periodesoort staat er dubbel in",
    );
    for table in &grant.tables {
        let place = format!("{place}.{}", kind_name(table.period));
        faults.when(
            !matches!(table.period, PeriodKind::Year | PeriodKind::Quarter),
            &place,
            "deze versie van Ketenpoort geeft alleen kwartalen en jaren vrij",
        );
        breakdown_faults(&table.by).into_iter().for_each(|text| faults.when(true, &format!("{place}.by"), text));
    }
    let open = crosses_openly(grant);
    faults.when(
        open,
        &format!("{place}.tables"),
        "drie kruisende tabellen van twee dimensies vragen ook om de tabel van alle drie",
    );
}

fn kind_name(kind: PeriodKind) -> &'static str {
    match kind {
        PeriodKind::Year => "year",
        PeriodKind::Half => "half",
        PeriodKind::Quarter => "quarter",
        PeriodKind::Month => "month",
    }
}

/// Fewest organisations that may take part in a regional sum: with two, each knows the other.
pub const LEAST_CONTRIBUTORS: usize = 3;

/// Most dimensions of a regional sum: its vector grows with the product of the domains, at every node.
const MOST_SUMMED: usize = 2;

/// A sum needs its kinds of owner, enough organisations of each, and the two parties that put it together.
fn check_sum(c: &Convenant, grant: &Grant, faults: &mut Faults) {
    let place = format!("indicators.{}.owners", grant.indicator);
    if grant.route != Route::Sum {
        faults.when(!grant.owners.is_empty(), &place, "alleen de route `sum` noemt soorten eigenaren");
        return;
    }
    faults.when(grant.owners.is_empty(), &place, "noem de soorten eigenaren waarvan de reeksen worden opgeteld");
    let ascending = grant.owners.windows(2).all(|pair| pair[0] < pair[1]);
    faults.when(!ascending, &place, "soorten eigenaren in de volgorde van het contract, elk hoogstens één keer");
    for owner in &grant.owners {
        let count = c.owners_of(*owner).len();
        faults.when(
            count < LEAST_CONTRIBUTORS,
            &place,
            format!(
                "{owner} heeft {count} leverende partijen; een regionale som vraagt er minstens {LEAST_CONTRIBUTORS}, \
                 gebruik anders de route `node`"
            ),
        );
    }
    let widest = grant.tables.iter().flat_map(|table| &table.by).map(Vec::len).max().unwrap_or(0);
    faults.when(
        widest > MOST_SUMMED,
        &format!("indicators.{}.tables", grant.indicator),
        "een regionale som splitst uit naar hoogstens twee dimensies",
    );
    let both = c.monitor().is_some() && c.gate().is_some();
    faults.when(
        !both,
        &format!("indicators.{}.route", grant.indicator),
        "`sum` vraagt een ketenmonitor en een poortwachter",
    );
}

fn check_indicators(c: &Convenant, faults: &mut Faults) {
    faults.when(
        repeated(c.indicators.iter().map(|g| (g.indicator, g.route as u8))),
        "indicators",
        "een indicator staat er dubbel in met dezelfde route",
    );
    c.indicators.iter().for_each(|grant| check_sum(c, grant, faults));
    for grant in &c.indicators {
        for days in day_kinds(grant.indicator) {
            let missing = c.bin_cut(grant.indicator, *days).is_none();
            faults.when(missing, "bin_cuts", format!("klassen van {} ({days:?}) ontbreken", grant.indicator));
        }
    }
}

fn check_cut(c: &Convenant, cut: &BinCut, faults: &mut Faults) {
    let place = format!("bin_cuts.{}", cut.indicator);
    faults.when(!day_kinds(cut.indicator).contains(&cut.days), &place, "deze indicator telt deze soort dagen niet");
    faults.when(
        c.indicators.iter().all(|grant| grant.indicator != cut.indicator),
        &place,
        "deze indicator staat niet in het convenant",
    );
    let same = c.bin_cuts.iter().filter(|o| o.indicator == cut.indicator && o.days == cut.days).count();
    faults.when(same > 1, &place, "deze klassen staan er dubbel in");
    let ascending = cut.edges.windows(2).all(|pair| pair[0] < pair[1]);
    faults.when(cut.edges.is_empty() || !ascending, &place, "grenzen lopen op, en er is er minstens één");
    let known = definition_edges(cut.indicator);
    for edge in &cut.edges {
        let text = format!("grens {edge} is geen klassegrens van de definitie ({known:?})");
        faults.when(!known.contains(edge), &place, text);
    }
    for norm in norms(cut.indicator, cut.days) {
        faults.when(!cut.edges.contains(norm), &place, format!("de norm {norm} moet een grens zijn"));
    }
}

fn check_gemeenten(c: &Convenant, faults: &mut Faults) {
    faults.when(c.gemeenten.is_empty(), "gemeenten", "noem de gemeentecodes met hun geldigheid");
    for (i, term) in c.gemeenten.iter().enumerate() {
        let place = format!("gemeenten.{}", term.code);
        faults.when(!is_code(&term.code), &place, "een gemeentecode heeft vier cijfers");
        faults.when(term.tot.is_some_and(|tot| tot < term.van), &place, "de laatste dag ligt vóór de eerste");
        faults.when(term.name.as_ref().is_some_and(|n| !is_line(n, 100)), &place, "de naam is onbruikbaar");
        let overlap = c.gemeenten[..i].iter().any(|other| {
            other.code == term.code
                && other.tot.is_none_or(|tot| term.van <= tot)
                && term.tot.is_none_or(|tot| other.van <= tot)
        });
        faults.when(overlap, &place, "de geldigheid overlapt met een andere regel van deze code");
    }
}

fn check_chain(c: &Convenant, faults: &mut Faults) {
    let Some(chain) = &c.chain else { return };
    let maker = c.party(&chain.made_by).filter(|party| party.has(Role::Delivering));
    faults.when(maker.is_none(), "chain.made_by", "de maker van de ketensleutel is een leverende partij");
    if let Some(maker) = maker {
        let signed = chain.signed_by(&c.id, &maker.card.card().signing);
        faults.when(
            !signed,
            "chain.sealed",
            "een verzegelde sleutel is niet door de maker ondertekend of heeft een foute lengte",
        );
    }
    faults.when(repeated(chain.sealed.iter().map(|s| s.recipient)), "chain.sealed", "een ontvanger staat er dubbel in");
    for blob in &chain.sealed {
        let place = format!("chain.sealed.{}", blob.recipient);
        let Some(party) = c.party(&blob.recipient) else {
            faults.when(true, &place, "de ontvanger is geen partij");
            continue;
        };
        let counts = party.has(Role::Monitor) || party.has(Role::Gate);
        faults.when(counts, &place, "ketenmonitor en poortwachter krijgen nooit een ketensleutel");
        faults.when(
            !counts && !party.has(Role::Delivering),
            &place,
            "alleen leverende partijen krijgen een ketensleutel",
        );
    }
    for card in c.with_role(Role::Delivering) {
        let missing = !chain.sealed.iter().any(|blob| blob.recipient == card.oin);
        faults.when(missing, "chain.sealed", format!("de sleutel voor {} ({}) ontbreekt", card.name, card.oin));
    }
}

fn check_party(party: &Party, faults: &mut Faults) {
    let card = party.card.card();
    let place = format!("parties.{}", card.oin);
    if let Err(error) = party.card.verify() {
        faults.when(true, &place, error.to_string());
    }
    faults.when(party.roles.is_empty(), &place, "een partij heeft minstens één rol");
    let ascending = party.roles.windows(2).all(|pair| pair[0] < pair[1]);
    faults.when(!ascending, &place, "rollen in de volgorde delivering, monitor, gate, elk hoogstens één keer");
    for (role, kind) in [(Role::Monitor, OrgType::Monitor), (Role::Gate, OrgType::Gate)] {
        faults.when(
            party.has(role) != (card.org_type == kind),
            &place,
            format!("rol en soort organisatie ({kind}) horen bij elkaar"),
        );
    }
    let several = party.has(Role::Delivering) && party.roles.len() > 1;
    faults.when(several, &place, "wie gegevens levert is geen ketenmonitor of poortwachter");
}

fn check_parties(c: &Convenant, faults: &mut Faults) {
    let place = "parties";
    faults.when(c.with_role(Role::Monitor).count() != 1, place, "er is precies één ketenmonitor");
    faults.when(c.with_role(Role::Gate).count() > 1, place, "er is hoogstens één poortwachter");
    faults.when(c.with_role(Role::Delivering).next().is_none(), place, "er is minstens één leverende partij");
    let cards = || c.parties.iter().map(|party| party.card.card());
    faults.when(repeated(cards().map(|card| card.oin)), place, "een OIN staat er dubbel in");
    faults.when(repeated(cards().map(|card| card.endpoint.as_str())), place, "twee partijen noemen hetzelfde endpoint");
    faults.when(
        repeated(cards().flat_map(|card| card.signature_keys().map(|key| key.0))),
        place,
        "twee partijen delen een ondertekensleutel",
    );
    faults.when(
        repeated(cards().map(|card| *card.agreement.as_bytes())),
        place,
        "twee partijen delen een verzegelsleutel",
    );
    let pins = cards().flat_map(|card| [Some(card.tls_pin), card.next_tls_pin]).flatten();
    faults.when(repeated(pins), place, "twee partijen delen een TLS-sleutel");
    let tests = cards().filter(|card| card.oin.is_test()).count();
    faults.when(
        tests != 0 && tests != c.parties.len(),
        place,
        "test-OIN's (00000099..) en echte OIN's staan door elkaar",
    );
}
