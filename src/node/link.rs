//! `link run` and `link show`: linked figures by themselves, and the newest run that this node knows.

use serde_json::json;

use super::command::{LinkCommand, Outcome};
use super::show;
use crate::linkage::document::RunDocument;
use crate::monitor::linked::linked;
use crate::monitor::produce::Question;
use crate::monitor::sums::Summed;
use crate::service::api::Peers;
use crate::service::core::Core;

/// Makes what is due and asks what is released (`link run`), or only asks (`link show`); without periods nothing is asked of anybody.
pub fn run(core: &Core, peers: &dyn Peers, command: &LinkCommand) -> Outcome {
    let asked = if command.periods.is_empty() {
        Ok(Summed::default())
    } else {
        let question = Question {
            periods: command.periods.clone(),
            indicators: command.indicators.clone(),
            by: command.by.clone(),
            example: false,
            without: command.without.clone(),
        };
        linked(core, peers, &question, command.make)
    };
    let found = match asked {
        Ok(found) => found,
        Err(reason) => return Outcome::refused(reason),
    };
    let runs = core.linked_runs();
    let stdout = if command.json { as_json(&runs, &found) } else { as_text(&runs, &found) };
    let failed = found.gate.is_some() || !found.absent.is_empty();
    let stderr: Vec<String> =
        found.absent.iter().map(|(oin, why)| format!("{oin}: {} {}", why.code(), why.sentence())).collect();
    Outcome { exit: u8::from(failed), stdout, stderr: stderr.join("\n") }
}

fn as_json(runs: &[(String, RunDocument)], found: &Summed) -> String {
    let run = |(convenant, run): &(String, RunDocument)| json!({"convenant": convenant, "hash": run.hash().to_string(), "document": run});
    show::pretty(&json!({
        "rondes": runs.iter().map(run).collect::<Vec<_>>(),
        "tabellen": found.tables,
        "nog_niet": found.pending.iter().map(|p| json!({"tabel": p.table, "reden": p.reason.code(), "vanaf": p.from})).collect::<Vec<_>>(),
        "mislukt": found.absent.iter().map(|(oin, why)| json!({"oin": oin, "reden": why.code()})).collect::<Vec<_>>(),
        "poortwachter": found.gate.map(crate::domain::reason::ReasonCode::code),
    }))
}

fn as_text(runs: &[(String, RunDocument)], found: &Summed) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (convenant, run) in runs {
        let [p, q] = run.blinders.each_ref().map(|blinder| blinder.oin);
        lines.push(format!(
            "laatste ronde van {convenant}: nummer {}, {} tabellen, {} vragen, blinders {p} en {q}",
            run.number,
            run.tables.len(),
            run.questions.len()
        ));
        for node in &run.nodes {
            let used = run.spent_by(&node.oin) + u64::from(node.elements);
            lines.push(format!("  {}: {} elementen, dit jaar {used}", node.oin, node.elements));
        }
        lines.extend(run.without.iter().map(|oin| format!("  {oin}: weggelaten")));
    }
    if runs.is_empty() {
        lines.push("deze node kent geen gekoppelde ronde".to_owned());
    }
    lines.extend(found.tables.iter().map(|table| show::table(table, false).stdout));
    lines.extend(
        found.pending.iter().map(|p| format!("{} {}: {}", p.table.indicator, p.table.period, p.reason.sentence())),
    );
    lines.extend(found.gate.map(|why| format!("poortwachter: {} {}", why.code(), why.sentence())));
    lines.join("\n")
}
