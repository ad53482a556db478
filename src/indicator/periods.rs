//! Which of the periods asked lie inside another one, and whether they make it up: year, halves, quarters, months.

use std::collections::BTreeSet;

use crate::domain::period::{Period, PeriodKind};

/// The longest of `asked` that lie inside `period` without overlap, and whether they leave no day uncovered.
pub(super) fn inside(period: Period, asked: &BTreeSet<Period>) -> (Vec<Period>, bool) {
    let halves = parts(period);
    let mut found = Vec::new();
    let mut complete = !halves.is_empty();
    for part in halves {
        if asked.contains(&part) {
            found.push(part);
        } else {
            let (smaller, whole) = inside(part, asked);
            found.extend(smaller);
            complete &= whole;
        }
    }
    (found, complete)
}

/// A year's halves, a half's quarters, a quarter's months.
fn parts(period: Period) -> Vec<Period> {
    let (year, month, _) = period.bounds().0.ymd();
    let names = match period.kind() {
        PeriodKind::Year => vec![format!("{year:04}-H1"), format!("{year:04}-H2")],
        PeriodKind::Half => {
            let first = (month + 2) / 3;
            vec![format!("{year:04}-Q{first}"), format!("{year:04}-Q{}", first + 1)]
        }
        PeriodKind::Quarter => (month..month + 3).map(|m| format!("{year:04}-{m:02}")).collect(),
        PeriodKind::Month => Vec::new(),
    };
    names.iter().filter_map(|name| Period::parse(name).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_made_of_its_halves_or_its_quarters() {
        let period = |text: &str| Period::parse(text).expect("period in the test");
        let asked = |list: &[&str]| list.iter().map(|t| period(t)).collect::<BTreeSet<_>>();
        let names = |(found, complete): (Vec<Period>, bool)| {
            (found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), complete)
        };
        let all = asked(&["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4", "2023-Q4"]);
        assert_eq!(names(inside(period("2024"), &all)), ("2024-Q1 2024-Q2 2024-Q3 2024-Q4".to_owned(), true));
        assert_eq!(names(inside(period("2024-H2"), &all)), ("2024-Q3 2024-Q4".to_owned(), true));
        let mixed = asked(&["2024-H1", "2024-Q1", "2024-Q4", "2024-07"]);
        assert_eq!(names(inside(period("2024"), &mixed)), ("2024-H1 2024-07 2024-Q4".to_owned(), false));
        assert_eq!(names(inside(period("2024-03"), &all)), (String::new(), false));
    }
}
