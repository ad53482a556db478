//! Which breakdowns a convenant may grant: the order of dimensions, areas of municipalities, and tables that cross each other.

use std::collections::BTreeSet;

use super::convenant::Grant;
use super::rules::Domains;
use crate::domain::query::{Dimension, MOST_DIMENSIONS};

/// Longest name of an area.
const LONGEST: usize = 40;

/// What is wrong with the breakdowns of one kind of period, in Dutch.
pub(super) fn breakdown_faults(by: &[Vec<Dimension>]) -> Vec<&'static str> {
    let mut faults = Vec::new();
    let mut when = |wrong: bool, text| {
        if wrong {
            faults.push(text);
        }
    };
    let mut seen = BTreeSet::new();
    when(!by.iter().any(Vec::is_empty), "het totaal `[]` hoort erbij");
    when(!by.iter().all(|dimensions| seen.insert(dimensions)), "een uitsplitsing staat er dubbel in");
    for dimensions in by {
        when(dimensions.len() > MOST_DIMENSIONS, "hoogstens drie dimensies");
        when(
            !dimensions.windows(2).all(|pair| pair[0] < pair[1]),
            "dimensies in de volgorde gemeente, maatregel, leeftijd, gebied, elk hoogstens één keer",
        );
        when(
            dimensions.contains(&Dimension::Organisatie),
            "een node geeft alleen eigen cijfers vrij en een regionaal cijfer is van niemand apart; uitsplitsen naar organisatie kan niet",
        );
        when(
            dimensions.contains(&Dimension::Gebied) && dimensions.contains(&Dimension::Gemeente),
            "het gebied volgt al uit de gemeente: kies een van beide",
        );
    }
    faults
}

/// What is wrong with the areas of a convenant, in Dutch; nothing when it has none.
pub(super) fn area_faults(domains: &Domains) -> Vec<String> {
    let areas = &domains.gebied;
    let mut faults = Vec::new();
    if areas.len() == 1 {
        faults.push("een regio heeft minstens twee gebieden, of geen".to_owned());
    }
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let mut names = BTreeSet::new();
    for area in areas {
        let named = !area.name.is_empty() && area.name.len() <= LONGEST && area.name.bytes().all(plain);
        if !named || !names.insert(&area.name) {
            faults.push(format!(
                "gebied `{}`: kies een eigen naam van hoogstens {LONGEST} kleine letters, cijfers en koppeltekens",
                area.name
            ));
        }
        if area.gemeenten.is_empty() || !area.gemeenten.windows(2).all(|pair| pair[0] < pair[1]) {
            faults.push(format!("gebied `{}`: gemeenten oplopend, elk hoogstens één keer, minstens één", area.name));
        }
    }
    let mut inside: Vec<&String> = areas.iter().flat_map(|area| &area.gemeenten).collect();
    let mut declared: Vec<&String> = domains.gemeente.iter().collect();
    inside.sort();
    declared.sort();
    if !areas.is_empty() && inside != declared {
        faults.push("elke waarde van `gemeente`, `overig` ook, ligt in precies één gebied".to_owned());
    }
    faults
}

/// Whether three tables of two dimensions cross each other without the joint table: they pin it, whatever their periods within a
/// year, and the audit knows of it only when it is granted too.
pub(super) fn crosses_openly(grant: &Grant) -> bool {
    let all: Vec<Vec<Dimension>> = grant.tables.iter().flat_map(|table| table.by.clone()).collect();
    is_open(&all) || grant.tables.iter().any(|table| is_open(&table.by))
}

fn is_open(by: &[Vec<Dimension>]) -> bool {
    use Dimension::{Gebied, Gemeente, Leeftijd, Maatregel};
    let has = |wanted: &[Dimension]| {
        by.iter().any(|dims| dims.len() == wanted.len() && wanted.iter().all(|d| dims.contains(d)))
    };
    let with =
        |place: Dimension| (has(&[place, Maatregel]), has(&[place, Leeftijd]), has(&[place, Maatregel, Leeftijd]));
    let (towns, areas) = (with(Gemeente), with(Gebied));
    if !has(&[Maatregel, Leeftijd]) {
        return false;
    }
    // Both by municipality need the joint table by municipality; otherwise one by area will do.
    let fine = towns.0 && towns.1;
    let crossed = (towns.0 || areas.0) && (towns.1 || areas.1);
    crossed && !towns.2 && (fine || !areas.2)
}
