//! What a node tells: for each child and question one bundle, which is the child's tag sealed to the monitor and the node's rows of
//! that child. All bundles of all questions in one random order, sealed to the gate in chunks. The monitor, through whose hands the
//! chunks may go, learns their length; the gate cannot open a tag.

use std::collections::HashSet;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::document::Run;
use super::draw::shuffle;
use super::fault::{Fault, LinkFault};
use crate::crypto::oprf::OprfOutput;
use crate::crypto::{Sealer, on_all_cores, open_with, seal_to};
use crate::domain::linked::{LeftOut, LinkedRow, Role};
use crate::domain::oin::Oin;

pub use crate::crypto::AgreementKey;

/// Length of a tag.
pub const TAG: usize = 16;
/// Length of a sealed tag: encapsulated key, tag, authenticator.
pub const SEALED_TAG: usize = 32 + TAG + 16;
/// Length of a chunk before it is sealed, at most; sealed it fits a message of 1 MiB.
pub const CHUNK: usize = 512 * 1024;
/// What a seal adds: encapsulated key and authenticator.
pub(super) const SEAL_OVERHEAD: usize = 32 + 16;
/// The stream of a node comes in multiples of at least this.
const STREAM_PADDING: usize = 16 * 1024;
/// Rows of one child at one node in one question, at most.
const MOST_ROWS: usize = 1024;
/// Question, sealed tag, number of rows.
const BUNDLE_HEAD: usize = 2 + SEALED_TAG + 2;
/// Stands where a question's number stands once the bundles are over.
const END: u16 = u16::MAX;

const TAG_LABEL: &[u8] = b"ketenpoort/v1/link-tag\0";
const ROWS_LABEL: &[u8] = b"ketenpoort/v1/link-rows\0";
const USE_LABEL: &[u8] = b"ketenpoort/v1/link-use\0";

/// What a node tells of one question.
#[derive(Default)]
pub struct Told {
    /// For each child with rows: its place among the tokens, and its rows, with true days.
    pub children: Vec<(usize, Vec<LinkedRow>)>,
    /// What is left out, as counts.
    pub left_out: LeftOut,
}

/// The tag of a child and the shift of its days, for one question and period of one run.
struct Secrets {
    tag: Zeroizing<[u8; TAG]>,
    shift: u32,
}

impl Secrets {
    fn of(output: &OprfOutput, run: &Run, question: usize) -> Self {
        // The name of a question is the last part: it needs no length.
        let name = run.document.questions[question].to_string();
        let derived = output.derive(&[USE_LABEL, &run.hash.0, name.as_bytes()]);
        let bytes = derived.expose();
        let mut tag = Zeroizing::new([0; TAG]);
        tag.copy_from_slice(&bytes[..TAG]);
        let shift = u32::from_be_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]);
        Self { tag, shift }
    }
}

/// The tag of a child in a question, for tests that know its output.
#[cfg(test)]
pub(super) fn tag_of(run: &Run, output: &OprfOutput, question: usize) -> [u8; TAG] {
    *Secrets::of(output, run, question).tag
}

/// Seals tags to the monitor.
pub(super) fn tag_sealer(run: &Run) -> Sealer {
    Sealer::new(&run.document.monitor.key, &run.context(TAG_LABEL, &[]))
}

/// A tag under an encapsulation of its own.
pub(super) fn seal_tag(sealer: &Sealer, tag: &[u8; TAG]) -> [u8; SEALED_TAG] {
    let sealed = sealer.seal(tag);
    let mut out = [0; SEALED_TAG];
    out.copy_from_slice(&sealed);
    out
}

/// Opens a tag; none when it is not one of this run.
pub(super) fn open_tag(run: &Run, key: &AgreementKey, sealed: &[u8; SEALED_TAG]) -> Option<[u8; TAG]> {
    let opened = Zeroizing::new(open_with(key, &run.context(TAG_LABEL, &[]), &[], sealed).ok()?);
    opened.as_slice().try_into().ok()
}

/// The chunks of a node for the gate, in the order in which they are to come.
///
/// # Errors
/// [`Fault::Role`]; [`Fault::Rows`] when what is told does not fit the questions of the run or the number of outputs.
pub fn seal_rows(run: &Arc<Run>, own: Oin, outputs: &[OprfOutput], told: &[Told]) -> Result<Vec<Vec<u8>>, LinkFault> {
    let (number, _) = run.node(&own)?;
    // A void row would hand over its shift, and a child that comes twice would be the fault of others.
    let fits = |(child, rows): &(usize, Vec<LinkedRow>)| {
        let ours = |row: &LinkedRow| row.organisation == number && row.role != Role::Void;
        *child < outputs.len() && rows.len() <= MOST_ROWS && rows.iter().all(ours)
    };
    let once = |told: &Told| {
        let mut seen = HashSet::new();
        told.children.iter().all(|(child, _)| seen.insert(*child))
    };
    let whole = told.iter().all(|told| told.children.iter().all(fits) && once(told));
    if told.len() != run.document.questions.len() || !whole {
        return Err(Fault::Rows.of(own));
    }
    let mut bundles: Vec<(usize, usize, &[LinkedRow])> = told
        .iter()
        .enumerate()
        .flat_map(|(question, told)| told.children.iter().map(move |(child, rows)| (question, *child, &rows[..])))
        .collect();
    shuffle(&mut bundles);
    let sealer = tag_sealer(run);
    let sealed = on_all_cores(&bundles, |some| {
        some.iter().map(|(question, child, rows)| bundle((run, &sealer), *question, &outputs[*child], rows)).collect()
    });
    let mut stream = Zeroizing::new(Vec::new());
    for of in told.iter().map(|told| told.left_out) {
        stream.extend(of.without_subject.to_be_bytes());
        stream.extend(of.imprecise.to_be_bytes());
    }
    sealed.iter().for_each(|bundle| stream.extend_from_slice(bundle));
    stream.extend(END.to_be_bytes());
    let padded = stream.len().next_multiple_of(step_of(run, &own)?);
    stream.resize(padded, 0);
    let last = stream.len().div_ceil(CHUNK) - 1;
    let chunks = stream.chunks(CHUNK).enumerate();
    Ok(chunks
        .map(|(at, plain)| seal_to(&run.document.gate.key, &place_of(run, &own, at, at == last), &[], plain))
        .collect())
}

/// The length of a stream comes in steps of about an eighth of what a row for each declared element and question takes: within a
/// step it tells nothing, and who carries it sees hardly more.
fn step_of(run: &Run, maker: &Oin) -> Result<usize, LinkFault> {
    let (_, declared) = run.node(maker)?;
    let plain =
        (declared as usize).saturating_mul(run.document.questions.len()).saturating_mul(BUNDLE_HEAD + LinkedRow::BYTES);
    Ok((plain / 8).max(1).checked_next_multiple_of(STREAM_PADDING).unwrap_or(STREAM_PADDING))
}

/// The longest stream that the gate takes of a node: sixteen rows for each declared element and question, with a step to spare.
pub(super) fn longest_stream(run: &Run, maker: &Oin) -> Result<usize, LinkFault> {
    let (_, declared) = run.node(maker)?;
    let bundles = (declared as usize).saturating_mul(run.document.questions.len());
    let rows = bundles.saturating_mul(BUNDLE_HEAD + 16 * LinkedRow::BYTES);
    Ok(rows.saturating_add(MOST_ROWS * LinkedRow::BYTES).saturating_add(step_of(run, maker)?))
}

fn bundle(
    (run, sealer): (&Run, &Sealer),
    question: usize,
    output: &OprfOutput,
    rows: &[LinkedRow],
) -> Zeroizing<Vec<u8>> {
    let secrets = Secrets::of(output, run, question);
    let mut bytes = Zeroizing::new(Vec::with_capacity(BUNDLE_HEAD + rows.len() * LinkedRow::BYTES));
    bytes.extend(u16::try_from(question).unwrap_or(END).to_be_bytes());
    bytes.extend(seal_tag(sealer, &secrets.tag));
    bytes.extend(u16::try_from(rows.len()).unwrap_or_default().to_be_bytes());
    let mut order: Vec<&LinkedRow> = rows.iter().collect();
    shuffle(&mut order);
    order.iter().for_each(|row| bytes.extend(row.shifted(secrets.shift).to_bytes()));
    bytes
}

/// What binds a chunk: run, maker, place in the stream, and whether it is the last.
fn place_of(run: &Run, maker: &Oin, at: usize, last: bool) -> Vec<u8> {
    let at = u32::try_from(at).unwrap_or(u32::MAX).to_be_bytes();
    run.context(ROWS_LABEL, &[maker.as_str().as_bytes(), &at, &[u8::from(last)]])
}

/// Opens a chunk at the gate.
///
/// # Errors
/// [`Fault::Seal`] of its maker.
pub(super) fn open_chunk(
    run: &Run,
    key: &AgreementKey,
    (maker, at, last): (Oin, usize, bool),
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, LinkFault> {
    let opened = open_with(key, &place_of(run, &maker, at, last), &[], sealed);
    opened.map(Zeroizing::new).map_err(|_| Fault::Seal.of(maker))
}

/// A bundle as the gate reads it.
pub(super) struct Bundle {
    pub(super) question: u16,
    pub(super) node: u16,
    pub(super) sealed: [u8; SEALED_TAG],
    pub(super) rows: Vec<LinkedRow>,
}

/// Reads the whole stream of a node: what it left out of each question, and its bundles.
///
/// # Errors
/// [`Fault::Rows`] of the node for anything that is not in its one form or speaks for another node.
pub(super) fn read_stream(run: &Run, maker: Oin, stream: &[u8]) -> Result<(Vec<LeftOut>, Vec<Bundle>), LinkFault> {
    let (node, declared) = run.node(&maker)?;
    let mut reader = Reader { rest: stream, step: step_of(run, &maker)? };
    let read = reader.read(run.document.questions.len(), node).filter(|(_, bundles)| {
        // A child has one bundle in a question at most, and no node has more children than it declared.
        let mut counts = vec![0_u32; run.document.questions.len()];
        bundles.iter().for_each(|bundle| counts[usize::from(bundle.question)] += 1);
        counts.iter().all(|count| *count <= declared)
    });
    read.ok_or_else(|| Fault::Rows.of(maker))
}

struct Reader<'a> {
    rest: &'a [u8],
    step: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }

    fn read(&mut self, questions: usize, node: u16) -> Option<(Vec<LeftOut>, Vec<Bundle>)> {
        let mut left_out = Vec::new();
        for _ in 0..questions {
            let without_subject = u32::from_be_bytes(self.take()?);
            let imprecise = u32::from_be_bytes(self.take()?);
            left_out.push(LeftOut { without_subject, imprecise });
        }
        let mut bundles = Vec::new();
        loop {
            let question = u16::from_be_bytes(self.take()?);
            if question == END {
                let only_padding = self.rest.len() < self.step && self.rest.iter().all(|byte| *byte == 0);
                return only_padding.then_some((left_out, bundles));
            }
            let sealed = self.take::<SEALED_TAG>()?;
            let count = u16::from_be_bytes(self.take()?);
            (usize::from(count) <= MOST_ROWS).then_some(())?;
            let mut rows = Vec::new();
            for _ in 0..count {
                let row = LinkedRow::from_bytes(&self.take()?)?;
                (row.organisation == node && row.role != Role::Void).then_some(())?;
                rows.push(row);
            }
            (usize::from(question) < questions).then_some(())?;
            bundles.push(Bundle { question, node, sealed, rows });
        }
    }
}
