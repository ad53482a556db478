//! The text of a receipt: a first line, then a line per part in one fixed order, `name value`; an unused part has no line.

use std::iter::Peekable;
use std::str::Split;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Kind, Receipt};
use crate::crypto::Digest;
use crate::domain::oin::Oin;
use crate::translog::entry::{Aggregate, Decision, TransferId};

/// The first line.
const HEAD: &str = "ketenpoort.nl/receipt/v1";

impl Receipt {
    /// The text that is signed.
    pub(super) fn text(&self) -> String {
        let mut out = format!("{HEAD}\n");
        let mut line = |name: &str, value: &str| out.push_str(&format!("{name} {value}\n"));
        line("kind", self.kind.as_str());
        line("signer", self.signer.as_str());
        line("counterparty", self.counterparty.as_str());
        line("transfer", &self.transfer.to_string());
        line("time", &self.time_ms.to_string());
        let number = |number: &u64| number.to_string();
        let hash = |hash: &Digest| STANDARD.encode(hash.0);
        self.counter.iter().for_each(|n| line("counter", &number(n)));
        self.decision.iter().for_each(|decision| line("decision", decision.as_str()));
        self.reason_codes.iter().for_each(|code| line("reason", code));
        let hashes = [
            ("entry", self.entry),
            ("peer-entry", self.peer_entry),
            ("query", self.query),
            ("commitment", self.commitment),
        ];
        for (name, value) in &hashes {
            value.iter().for_each(|value| line(name, &hash(value)));
        }
        self.field_names.iter().for_each(|name| line("field", name));
        self.aggregate.iter().for_each(|a| line("aggregate", &format!("{} {} {}", a.cells, a.suppressed, a.min_n)));
        self.row_count.iter().for_each(|n| line("rows", &number(n)));
        line("checkpoint", &STANDARD.encode(&self.checkpoint));
        out
    }

    /// Reads a text; the caller compares it with [`Receipt::text`], so that there is one form.
    pub(super) fn read(text: &str) -> Option<Self> {
        let lines = &mut text.strip_suffix('\n')?.split('\n').peekable();
        if lines.next()? != HEAD {
            return None;
        }
        let kind = take(lines, "kind")?;
        let receipt = Self {
            kind: Kind::ALL.into_iter().find(|known| known.as_str() == kind)?,
            signer: Oin::parse(take(lines, "signer")?).ok()?,
            counterparty: Oin::parse(take(lines, "counterparty")?).ok()?,
            transfer: TransferId::parse(take(lines, "transfer")?).ok()?,
            time_ms: take(lines, "time")?.parse().ok()?,
            counter: optional(lines, "counter", |text| text.parse().ok())?,
            decision: optional(lines, "decision", Decision::parse)?,
            reason_codes: repeated(lines, "reason"),
            entry: optional(lines, "entry", hash)?,
            peer_entry: optional(lines, "peer-entry", hash)?,
            query: optional(lines, "query", hash)?,
            commitment: optional(lines, "commitment", hash)?,
            field_names: repeated(lines, "field"),
            aggregate: optional(lines, "aggregate", aggregate)?,
            row_count: optional(lines, "rows", |text| text.parse().ok())?,
            checkpoint: String::from_utf8(STANDARD.decode(take(lines, "checkpoint")?).ok()?).ok()?,
        };
        lines.next().is_none().then_some(receipt)
    }
}

type Lines<'a> = Peekable<Split<'a, char>>;

/// The value of the next line, if it has this name.
fn take<'a>(lines: &mut Lines<'a>, name: &str) -> Option<&'a str> {
    let value = lines.peek()?.strip_prefix(name)?.strip_prefix(' ')?;
    lines.next();
    Some(value)
}

/// The outer `None` is a line of this name that cannot be read.
#[expect(clippy::option_option, reason = "a line may be absent, and a line may be wrong")]
fn optional<T>(lines: &mut Lines<'_>, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    take(lines, name).map_or(Some(None), |value| read(value).map(Some))
}

fn repeated(lines: &mut Lines<'_>, name: &str) -> Vec<String> {
    std::iter::from_fn(|| take(lines, name).map(str::to_owned)).collect()
}

fn hash(text: &str) -> Option<Digest> {
    Some(Digest(STANDARD.decode(text).ok()?.try_into().ok()?))
}

fn aggregate(text: &str) -> Option<Aggregate> {
    let [cells, suppressed, min_n] = text.split(' ').collect::<Vec<_>>().try_into().ok()?;
    Some(Aggregate { cells: cells.parse().ok()?, suppressed: suppressed.parse().ok()?, min_n: min_n.parse().ok()? })
}
