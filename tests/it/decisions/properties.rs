//! Properties of the decision: it answers everything, and it moves only in the directions that law lets it move.

use ketenpoort::domain::day::Day;
use ketenpoort::policy::case::situation::{Capacity, Consent, CustodyKind, Origin, Origins, Situation, Trigger};
use ketenpoort::policy::case::{Rules, decide};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::{request, situation, table};

fn allowed(situation: &Situation) -> bool {
    decide(Rules::national(), situation).allowed()
}

/// Situations of the table, each an allow or a refusal near one.
fn of_table() -> impl Strategy<Value = Situation> {
    select(table()).prop_map(|row| situation(&row))
}

/// Situations of the table that a rule with such a name allows.
fn allowed_by(start: &'static str) -> impl Strategy<Value = Situation> {
    let rows: Vec<_> = table().into_iter().filter(|row| row["rule"].starts_with(start)).collect();
    select(rows).prop_map(|row| situation(&row))
}

/// A day within some years of the one of a situation.
fn moved() -> impl Strategy<Value = i32> {
    prop_oneof![Just(0), -3..=3i32, -9000..=9000i32]
}

/// A consent of the table that another situation may borrow.
fn consents() -> Vec<Consent> {
    table().iter().flat_map(|row| situation(row).consents).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, max_global_rejects: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_total_and_says_which_rule(
        row in select(table()),
        place in any::<Index>(),
        value in prop_oneof![Just(Value::Null), any::<String>().prop_map(Value::from), Just(json!([])), Just(json!("2024-02-29"))],
    ) {
        let mut text = request(&row);
        let members = text.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        text[place.get(&members)] = value;
        if let Ok(read) = Situation::from_json(&text.to_string()) {
            let decision = decide(Rules::national(), &read);
            prop_assert!(decision.zin().contains(decision.rule()) && !decision.article().is_empty());
            prop_assert_eq!(decision.allowed(), decision.rule().starts_with("G-"));
            prop_assert_eq!(decision.reason().is_some(), !decision.allowed());
        }
    }

    #[test]
    fn fewer_fields_keep_an_allow_as_long_as_the_minimum_is_there(row in allowed_by("G-"), place in any::<Index>(), days in moved()) {
        let mut row = moved_by(row, days);
        prop_assume!(!row.fields.is_empty() && allowed(&row));
        let least = Rules::national().exchange(row.exchange.as_deref().expect("allowed"), row.date).expect("allowed");
        let gone = row.fields.remove(place.index(row.fields.len()));
        // A consult without identity is another question: one about nobody.
        prop_assume!(row.exchange.as_deref() != Some("SCN-15") || gone != "identity");
        let still = least.minimum.contains(&gone) && !row.fields.contains(&gone);
        prop_assert_eq!(allowed(&row), !still, "without {}", gone);
    }

    #[test]
    fn a_consent_more_never_refuses(row in of_table(), more in select(consents()), days in moved()) {
        let before = moved_by(row, days);
        let mut after = before.clone();
        after.consents.push(more);
        // A question about nobody has no consents.
        let anonymous = decide(Rules::national(), &before).rule() == "G-ANON";
        prop_assert!(anonymous || allowed(&after) || !allowed(&before));
    }

    #[test]
    fn a_pull_is_answered_only_by_duty_or_consent(row in of_table(), days in moved(), unknown in any::<bool>()) {
        let mut row = moved_by(row, days);
        row.trigger = if unknown { None } else { Some(Trigger::Desgevraagd) };
        let decision = decide(Rules::national(), &row);
        let (rule, answers) = (decision.rule(), ["G-OTS", "G-CONSENT", "G-OVERRIDE"]);
        prop_assert!(!decision.allowed() || answers.contains(&rule), "{}", rule);
    }

    #[test]
    fn from_whom_a_fact_is_changes_the_sentence_and_nothing_else(row in of_table(), from in select(vec![Origin::Told, Origin::Stated])) {
        let before = decide(Rules::national(), &row);
        let mut row = row;
        row.origins = Origins::of(from);
        let after = decide(Rules::national(), &row);
        prop_assert_eq!((before.rule(), before.article()), (after.rule(), after.article()));
        let looked = !after.rests_on().is_empty();
        prop_assert!(after.rests_on().iter().all(|(_, origin)| *origin == from));
        prop_assert_eq!(looked, after.zin().contains("Niet uit de eigen gegevens"));
    }

    #[test]
    fn one_more_field_never_allows_beyond_the_maximum(row in of_table(), field in select(Rules::national().fields().to_vec())) {
        let mut row = row;
        row.fields.push(field.name.clone());
        let known = row.exchange.as_deref().and_then(|name| Rules::national().exchange(name, row.date));
        if allowed(&row) {
            prop_assert!(known.is_some_and(|exchange| row.fields.iter().all(|field| exchange.maximum.contains(field))));
        }
        row.fields.push("source_identity".to_owned());
        prop_assert!(!allowed(&row));
    }

    #[test]
    fn withdrawing_counts_from_its_day_and_only_what_consent_carried_ends(row in allowed_by("G-CONSENT"), days in 0..40i32) {
        let day = row.date.expect("allowed");
        let mut all = row.clone();
        all.consents.iter_mut().for_each(|consent| consent.withdrawn = Some(Day(day.0 + days)));
        let rule = decide(Rules::national(), &all).rule().to_owned();
        prop_assert_eq!(rule == "G-CONSENT", days > 0, "{}", rule);
    }

    #[test]
    fn where_consent_carries_the_right_people_gave_it(row in allowed_by("G-CONSENT"), days in moved()) {
        let row = moved_by(row, days);
        let decision = decide(Rules::national(), &row);
        prop_assume!(decision.rule() == "G-CONSENT");
        let (day, born) = (row.date.expect("allowed"), row.child.born.expect("allowed"));
        let gave = |who: &str| row.consents.iter().any(|consent| consent.by == who);
        let age = if row.child.unborn { -1 } else { born.age_on(day) };
        prop_assert!(age < 12 || gave("kind"));
        prop_assert!(age >= 16 || row.custody.iter().all(|entry| gave(&entry.who)));
        prop_assert!(age >= 16 || !row.custody.is_empty());
        let guardian = row.custody.iter().any(|entry| entry.kind == CustodyKind::Voogdij);
        prop_assert!(!guardian || age >= 16 || row.consents.iter().any(|consent| row.custody.iter().any(|c| c.who == consent.by)));
        prop_assert!(age < 23);
    }
}

/// The same situation on another day.
fn moved_by(mut row: Situation, days: i32) -> Situation {
    row.date = row.date.map(|day| Day(day.0 + days));
    row
}

#[test]
fn on_the_birthday_and_never_before_it_other_people_must_consent() {
    let rows = table();
    let row = rows.iter().find(|row| row["id"] == "08-001").expect("the first of SCN-08");
    let base = situation(row);
    let day = |text: &str| Day::parse(text).expect("a day");
    let rule = |s: &Situation| decide(Rules::national(), s).rule().to_owned();
    // Who gave consent, the birth date, the day on which it changes, and what is decided the day before and on the day.
    for (by, born, birthday, before, after) in [
        (["ouder1", "ouder2"], "2012-06-15", "2024-06-15", "G-CONSENT", "D-CONSENT-NONE"),
        (["ouder1", "ouder2"], "2012-02-29", "2024-02-29", "G-CONSENT", "D-CONSENT-NONE"),
        (["kind", "kind"], "2008-06-15", "2024-06-15", "D-CONSENT-NONE", "G-CONSENT"),
        (["kind", "kind"], "2008-02-29", "2024-02-29", "D-CONSENT-NONE", "G-CONSENT"),
        (["kind", "kind"], "2001-06-15", "2024-06-15", "G-CONSENT", "D-YOUTH"),
        (["kind", "kind"], "2000-02-29", "2023-03-01", "G-CONSENT", "D-YOUTH"),
    ] {
        let mut situation = base.clone();
        situation.child.born = Some(day(born));
        for (consent, who) in situation.consents.iter_mut().zip(by) {
            who.clone_into(&mut consent.by);
            consent.capacity = if who == "kind" { Capacity::Kind } else { Capacity::Gezag };
            (consent.from, consent.to) = (Some(day("2022-08-01")), Some(day("2025-12-31")));
        }
        situation.date = Some(Day(day(birthday).0 - 1));
        assert_eq!(rule(&situation), before, "{born}, the day before {birthday}");
        situation.date = Some(day(birthday));
        assert_eq!(rule(&situation), after, "{born} on {birthday}");
    }
}
