//! What changed between two convenants, as Dutch lines.

use serde_json::Value;

use super::convenant::Convenant;

/// The differences from `old` to `new`, one line each with its place; empty when the documents are the same.
#[must_use]
pub fn diff(old: &Convenant, new: &Convenant) -> Vec<String> {
    let value = |c: &Convenant| serde_json::to_value(c).unwrap_or_default();
    let mut lines = Vec::new();
    compare("", &value(old), &value(new), &mut lines);
    lines
}

/// The name of an item of a list, so that items are compared with themselves when the order changes.
fn name_of(item: &Value) -> Option<String> {
    let text = |v: &Value| v.as_str().map(str::to_owned);
    if let Some(oin) = item.pointer("/card/card/oin") {
        return text(oin);
    }
    let named = ["purpose", "recipient", "indicator", "period", "code", "exchange"]
        .iter()
        .find_map(|k| item.get(k))
        .and_then(text)?;
    let second = ["days", "van"].iter().find_map(|k| item.get(k)).and_then(text);
    // An indicator has a grant by each route.
    let second = second.or_else(|| item.get("route").and_then(text).filter(|route| route == "sum"));
    Some(second.map_or(named.clone(), |s| format!("{named}.{s}")))
}

fn join(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

/// The parts of a document with their names, in order.
type Parts = Vec<(String, Value)>;

/// The parts that can be compared one by one; none for plain values and lists whose items have no name.
fn parts(value: &Value) -> Option<Parts> {
    match value {
        Value::Object(fields) => Some(fields.clone().into_iter().collect()),
        Value::Array(items) => items.iter().map(|item| name_of(item).map(|name| (name, item.clone()))).collect(),
        _ => None,
    }
}

fn compare(place: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    if old == new {
        return;
    }
    let (Some(before), Some(after)) = (parts(old), parts(new)) else {
        lines.push(format!("{place}: was {old}, wordt {new}"));
        return;
    };
    let found = lines.len();
    for (name, was) in &before {
        let place = join(place, name);
        match after.iter().find(|(n, _)| n == name) {
            Some((_, becomes)) => compare(&place, was, becomes, lines),
            None => lines.push(format!("{place}: vervalt (was {was})")),
        }
    }
    for (name, becomes) in after.iter().filter(|(name, _)| before.iter().all(|(n, _)| n != name)) {
        lines.push(format!("{}: komt erbij ({becomes})", join(place, name)));
    }
    if lines.len() == found {
        lines.push(format!("{place}: alleen de volgorde is anders"));
    }
}
