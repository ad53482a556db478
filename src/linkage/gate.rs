//! The gate: takes the chunks of every node, mixes their sealed tags with void ones, hands them to the monitor once, and puts the rows
//! together by the monitor's groups. It never sees a tag. Everything is in memory and dies with the run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use zeroize::{Zeroize, Zeroizing};

use super::believed::{Doubt, Handle, believed};
use super::document::Run;
use super::draw::shuffle;
use super::fault::{Fault, LinkFault};
use super::monitor::{Grouping, TAGS_PER_CHUNK, most_tags};
use super::rows::{
    AgreementKey, Bundle, CHUNK, SEAL_OVERHEAD, SEALED_TAG, TAG, longest_stream, open_chunk, read_stream, seal_tag,
    tag_sealer,
};
use super::voids::Voids;
use crate::crypto::{Digest, MacKey, digest, on_all_cores, random};
use crate::domain::linked::{Group, LeftOut};
use crate::domain::oin::Oin;

/// What came of one node so far.
#[derive(Default)]
struct Inflow {
    stream: Zeroizing<Vec<u8>>,
    chunks: Vec<Digest>,
    done: bool,
}

/// How far the gate is.
enum State {
    /// With the key of the run, which opens nothing more once every chunk is in.
    Collecting(AgreementKey, BTreeMap<Oin, Inflow>),
    /// The monitor has, or is getting, the batch.
    Asked {
        bundles: Vec<Bundle>,
        left_out: Vec<LeftOut>,
        handles: Vec<Handle>,
        tags: Vec<[u8; SEALED_TAG]>,
    },
    Ended,
}

/// All that the nodes told of one question, with rows put together by child.
#[derive(PartialEq, Eq, Default)]
pub struct Linked {
    /// One group for each child, in no order that means anything.
    pub groups: Vec<Group>,
    /// What the nodes left out, added up.
    pub left_out: LeftOut,
}

/// A run as the gate sees it.
pub struct GateRun {
    run: Arc<Run>,
    /// Sizes of the void groups.
    voids: Vec<usize>,
    state: State,
}

impl GateRun {
    /// A run in which this party is the gate; its void groups follow from the plan and a secret of its own.
    ///
    /// # Errors
    /// [`Fault::Role`]; [`Fault::OtherKey`].
    pub fn new(run: Arc<Run>, own: Oin, key: AgreementKey, secret: &MacKey) -> Result<Self, LinkFault> {
        let voids = Voids::of(&run.document).draw_for(&run.document, secret);
        Self::of(run, own, key, voids)
    }

    /// As [`GateRun::new`] with other void groups than those of a real run, for tests and measurements.
    ///
    /// # Errors
    /// As [`GateRun::new`].
    pub fn with_voids(run: Arc<Run>, own: Oin, key: AgreementKey, voids: &Voids) -> Result<Self, LinkFault> {
        Self::of(run, own, key, voids.draw())
    }

    fn of(run: Arc<Run>, own: Oin, key: AgreementKey, voids: Vec<usize>) -> Result<Self, LinkFault> {
        if run.document.gate.oin != own {
            return Err(Fault::Role.of(own));
        }
        if run.document.gate.key != key.public() {
            return Err(Fault::OtherKey.of(run.document.monitor.oin));
        }
        let inflows = run.document.nodes.iter().map(|node| (node.oin, Inflow::default())).collect();
        Ok(Self { run, voids, state: State::Collecting(key, inflows) })
    }

    /// Takes the next chunk of a node; the same chunk again changes nothing.
    ///
    /// # Errors
    /// [`Fault::Role`], [`Fault::OutOfTurn`], [`Fault::Seal`], the doing of the node; [`Fault::TooMany`] of a stream that is longer
    /// than its declared elements can need.
    pub fn take(&mut self, from: Oin, (at, last): (u32, bool), sealed: &[u8]) -> Result<(), LinkFault> {
        let State::Collecting(key, inflows) = &mut self.state else {
            return Err(Fault::OutOfTurn.of(from));
        };
        let inflow = inflows.get_mut(&from).ok_or_else(|| Fault::Role.of(from))?;
        let (at, hash) = (at as usize, digest(sealed));
        if let Some(before) = inflow.chunks.get(at) {
            return if *before == hash { Ok(()) } else { Err(Fault::OutOfTurn.of(from)) };
        }
        if inflow.done || at != inflow.chunks.len() {
            return Err(Fault::OutOfTurn.of(from));
        }
        let longest = longest_stream(&self.run, &from)?;
        if sealed.len() > CHUNK + SEAL_OVERHEAD || inflow.stream.len() + sealed.len() > longest + SEAL_OVERHEAD {
            return Err(Fault::TooMany.of(from));
        }
        let opened = open_chunk(&self.run, key, (from, at, last), sealed)?;
        append(&mut inflow.stream, &opened);
        inflow.chunks.push(hash);
        inflow.done = last;
        Ok(())
    }

    /// The nodes from which chunks are still to come.
    #[must_use]
    pub fn awaited(&self) -> Vec<Oin> {
        match &self.state {
            State::Collecting(_, inflows) => {
                inflows.iter().filter(|(_, flow)| !flow.done).map(|(oin, _)| *oin).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Reads the streams and mixes the batch, once every node is done; back comes how many chunks of tags there are.
    ///
    /// # Errors
    /// [`Fault::Incomplete`] of the nodes that are awaited; [`Fault::Rows`], [`Fault::Repeated`] of a node; [`Fault::SecondBatch`].
    pub fn mix(&mut self) -> Result<u32, LinkFault> {
        let awaited = self.awaited();
        if !awaited.is_empty() {
            return Err(LinkFault { fault: Fault::Incomplete, culprits: awaited });
        }
        let inflows = match std::mem::replace(&mut self.state, State::Ended) {
            State::Collecting(_, inflows) => inflows,
            other => {
                self.state = other;
                return Err(Fault::SecondBatch.of(self.run.document.gate.oin));
            }
        };
        let (bundles, left_out) = self.read(inflows)?;
        let sizes = &self.voids;
        if bundles.len() + sizes.iter().sum::<usize>() > most_tags(&self.run) {
            return Err(Fault::TooMany.of_nobody());
        }
        let mut handles: Vec<Handle> = (0..bundles.len()).map(Handle::Bundle).collect();
        for (void, size) in sizes.iter().enumerate() {
            handles.extend(std::iter::repeat_n(Handle::Void(void), *size));
        }
        shuffle(&mut handles);
        let void_tags: Zeroizing<Vec<[u8; TAG]>> = Zeroizing::new(sizes.iter().map(|_| random()).collect());
        let sealer = tag_sealer(&self.run);
        let sealed = |handle: &Handle| match handle {
            Handle::Bundle(at) => bundles[*at].sealed,
            Handle::Void(void) => seal_tag(&sealer, &void_tags[*void]),
        };
        let tags = on_all_cores(&handles, |some| some.iter().map(sealed).collect());
        let chunks = tags.len().div_ceil(TAGS_PER_CHUNK);
        self.state = State::Asked { bundles, left_out, handles, tags };
        Ok(u32::try_from(chunks).unwrap_or(u32::MAX))
    }

    /// Every stream read, and no encapsulation twice.
    fn read(&self, inflows: BTreeMap<Oin, Inflow>) -> Result<(Vec<Bundle>, Vec<LeftOut>), LinkFault> {
        let mut bundles: Vec<Bundle> = Vec::new();
        let mut sums = vec![LeftOut::default(); self.run.document.questions.len()];
        let mut seen = HashMap::new();
        for (maker, inflow) in inflows {
            let (left_out, of_node) = read_stream(&self.run, maker, &inflow.stream)?;
            for (sum, of) in sums.iter_mut().zip(left_out) {
                sum.without_subject = sum.without_subject.saturating_add(of.without_subject);
                sum.imprecise = sum.imprecise.saturating_add(of.imprecise);
            }
            for bundle in of_node {
                let encapsulation = bundle.sealed.first_chunk::<32>().copied().unwrap_or_default();
                if let Some(before) = seen.insert(encapsulation, maker) {
                    // Of two nodes with the same seal it cannot be said whose it was.
                    let culprits = BTreeSet::from([before, maker]).into_iter().collect();
                    return Err(LinkFault { fault: Fault::Repeated, culprits });
                }
                bundles.push(bundle);
            }
        }
        Ok((bundles, sums))
    }

    /// A chunk of the batch for the monitor; the same one each time.
    ///
    /// # Errors
    /// [`Fault::OutOfTurn`].
    pub fn tags(&self, chunk: u32) -> Result<Vec<u8>, LinkFault> {
        let State::Asked { tags, .. } = &self.state else { return Err(Fault::OutOfTurn.of_nobody()) };
        let chunk = tags.chunks(TAGS_PER_CHUNK).nth(chunk as usize);
        chunk.map(<[_]>::concat).ok_or_else(|| Fault::OutOfTurn.of_nobody())
    }

    /// Puts the rows together by the monitor's groups, for each question of the run in order. Whatever comes of it, the run has ended.
    ///
    /// # Errors
    /// [`Fault::OutOfTurn`]; [`Fault::Groups`] of the monitor; [`Fault::Seal`] of the monitor and the nodes whose tags it says do not open;
    /// [`Fault::Rows`] of the monitor and nodes when a group holds what no honest ones bring about. The names tell whose a handle
    /// is: they are for the gate's log and its operator, and never reach the monitor.
    pub fn link(&mut self, grouping: &Grouping) -> Result<Vec<Linked>, LinkFault> {
        let State::Asked { bundles, left_out, handles, .. } = std::mem::replace(&mut self.state, State::Ended) else {
            return Err(Fault::OutOfTurn.of_nobody());
        };
        let groups = believed(grouping, &handles).map_err(|doubt| match doubt {
            Doubt::Lie => Fault::Groups.of(self.run.document.monitor.oin),
            Doubt::Unopened(at) => self.together(Fault::Seal, at.iter().map(|at| bundles[*at].node).collect()),
        })?;
        let mut linked: Vec<Linked> =
            left_out.into_iter().map(|left_out| Linked { groups: Vec::new(), left_out }).collect();
        let mut rows: Vec<_> = bundles.into_iter().map(Some).collect();
        for group in groups {
            let taken: Vec<Bundle> = group.iter().filter_map(|at| rows[*at].take()).collect();
            let Some(first) = taken.first() else { continue };
            let question = usize::from(first.question);
            let mut nodes = BTreeSet::new();
            let twice: BTreeSet<u16> =
                taken.iter().map(|bundle| bundle.node).filter(|node| !nodes.insert(*node)).collect();
            if !twice.is_empty() {
                return Err(self.together(Fault::Rows, twice));
            }
            if taken.iter().any(|bundle| usize::from(bundle.question) != question) {
                return Err(self.together(Fault::Rows, nodes));
            }
            linked[question].groups.push(Group(taken.into_iter().flat_map(|bundle| bundle.rows).collect()));
        }
        linked.iter_mut().for_each(|of| shuffle(&mut of.groups));
        Ok(linked)
    }

    /// The monitor says so, or these nodes made it so.
    fn together(&self, fault: Fault, nodes: BTreeSet<u16>) -> LinkFault {
        let named = nodes.into_iter().filter_map(|number| self.run.document.nodes.get(usize::from(number)));
        let culprits = std::iter::once(self.run.document.monitor.oin).chain(named.map(|node| node.oin)).collect();
        LinkFault { fault, culprits }
    }
}

/// Appends without leaving a copy behind where the bytes were.
fn append(stream: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if stream.capacity() < stream.len() + bytes.len() {
        let mut longer = Vec::with_capacity(2 * (stream.len() + bytes.len()));
        longer.extend_from_slice(stream);
        let mut before = std::mem::replace(&mut **stream, longer);
        before.zeroize();
    }
    stream.extend_from_slice(bytes);
}
