//! The rule file itself: what is wrong with a file is found when it is read, and a changed law is another file.

use ketenpoort::policy::case::{Rules, decide};

use super::{situation, table};

fn faults(change: impl Fn(&str) -> String) -> String {
    let changed = change(Rules::national_text());
    assert_ne!(changed, Rules::national_text(), "the change changes something");
    Rules::from_toml(&changed).map(|_| ()).expect_err("a fault").to_string()
}

#[test]
fn a_file_with_a_fault_is_no_rule_file() {
    let replace = |from: &'static str, to: &'static str| move |text: &str| text.replacen(from, to, 1);
    let again = |head: &'static str| move |text: &str| format!("{text}\n{head}");
    // A misspelt last day would make a rule endless.
    assert!(faults(replace("to = \"2026-12-31\"", "tot = \"2026-12-31\"")).contains("tot"));
    assert!(faults(replace("article = \"BW 1:265j\"", "article = \"\"")).contains("artikel ontbreekt"));
    assert!(faults(replace("article = \"BW 1:265j\"", "article = \"-\"")).contains("waarom er geen is"));
    assert!(faults(replace("from = \"2015-01-01\"\nto", "from = \"2027-01-01\"\nto")).contains("vóór de eerste"));
    assert!(faults(replace("grounds = [\"G-OTS\"]", "grounds = []")).contains("zegt waarom het uit staat"));
    assert!(faults(replace("grounds = [\"G-OTS\"]", "grounds = [\"G-NIETS\"]")).contains("bestaat niet"));
    assert!(faults(replace("\"safety_agreements\"]", "\"source_identity\"]")).contains("woordenboek"));
    assert!(faults(replace("minimum = [\"rekest\"]", "minimum = [\"plan\"]")).contains("binnen het maximum"));
    assert!(faults(replace("name = \"D-OFF\"", "name = \"D-ON\"")).contains("D-ON"));
    assert!(faults(replace("`{field}` bestaat niet", "`{bsn}` bestaat niet")).contains("niet kan invullen"));
    assert!(faults(replace("people = 2", "people = 1")).contains("twee mensen"));
    assert!(faults(replace("years = 12", "years = 17")).contains("lopen op"));
    assert!(faults(replace("with_field = \"identity\"", "with_field = \"identiy\"")).contains("hangt af van een veld"));
    assert!(faults(replace("receivers = [\"RVDK\"]", "receivers = [\"RVKD\"]")).contains("rol die niet bestaat"));
    assert!(faults(replace("days_late = 42", "days_late = 9999")).contains("70 dagen"));
    // What nobody uses, names wrong or cannot decide by is a fault too: a file never fails open.
    assert!(faults(replace("trigger = [\"eigen_beweging\"]\n", "")).contains("trigger"));
    assert!(faults(replace("trigger = [\"eigen_beweging\"]", "trigger = []")).contains("alleen uit eigen beweging"));
    assert!(faults(replace("codes = [\"11\"]", "codes = [\"1\"]")).contains("op de lijst"));
    assert!(faults(replace("name = \"P9\"", "name = \"P10\"")).contains("P1 tot en met P9"));
    assert!(faults(replace("program = 2", "program = 1")).contains("ander programma"));
    assert!(faults(replace("anonymous = true\n", "")).contains("alleen een anonieme grond"));
    assert!(faults(replace("grounds = [\"G-SCHOOL\"]", "grounds = [\"G-POLICE\"]")).contains("gebruikt deze grond"));
    assert!(faults(replace("grounds = [\"G-VT-IN\"]", "grounds = [\"G-ANON\"]")).contains("gaan niet samen"));
    assert!(
        faults(replace("code = \"KP-CASUS-TOESTEMMING\"", "code = \"KP-CASUS-VELDEN\"")).contains("hoort niet bij")
    );
    assert!(faults(replace("months = 3", "months = 300")).contains("24 maanden"));
    assert!(faults(replace("code = \"ernstig_nadeel\"", "code = \"Zomaar wat\"")).contains("code en titel"));
    let age =
        "[[age]]\nname = \"majority\"\nyears = 17\narticle = \"BW 1:233\"\nfrom = \"2030-01-01\"\nsource = \"M\"\n";
    assert!(faults(again(age)).contains("dezelfde dag"));
    let ends = "article = \"BW 1:233\"\nfrom = \"2015-01-01\"\nto = \"2026-12-31\"";
    assert!(faults(replace("article = \"BW 1:233\"\nfrom = \"2015-01-01\"", ends)).contains("zonder gat"));
}

#[test]
fn a_new_law_is_a_new_file_and_old_days_keep_the_old_law() {
    let old = Rules::national();
    let ground = "[[ground]]\nname = \"G-OTS\"\narticle = \"Jeugdwet 7.3.11(5)\"\nfrom = \"2027-01-01\"\nsource = \"D\"\n\
                  trigger = [\"desgevraagd\", \"eigen_beweging\"]\nchild = \"minor\"\nmeasure = { codes = [\"11\"], executor = \"receiver\" }\nzin = \"Toegestaan.\"\n";
    let new = Rules::from_toml(&format!("{}\n{ground}", Rules::national_text())).expect("sound");
    assert_ne!(old.hash(), new.hash());
    let mut changed = 0;
    for row in table() {
        let situation = situation(&row);
        let (before, after) = (decide(old, &situation), decide(&new, &situation));
        if row["exchange"] == "SCN-07" && before.rule() == "D-LAW" && row["date"].starts_with("2027") {
            assert_eq!((after.rule(), after.article()), ("G-OTS", "Jeugdwet 7.3.11(5)"), "{}", row["id"]);
            changed += 1;
        } else {
            assert_eq!((before.rule(), before.zin()), (after.rule(), after.zin()), "{}", row["id"]);
        }
    }
    assert!(changed > 0);
}
