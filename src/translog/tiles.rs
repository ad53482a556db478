//! C2SP tlog-tiles (c2sp.org/tlog-tiles): the tree and the entries as static files of at most 256 items.

use crate::crypto::Digest;

use super::merkle::{CompactTree, leaf_hash};

/// Items in a full tile; a tile of level L holds roots of subtrees of 256^L leaves.
pub const TILE_WIDTH: u16 = 256;
const WIDTH: u64 = 256;

/// Path of hash tile `index` of `level`; `width` items, 256 is a full tile.
#[must_use]
pub fn tile_path(level: u8, index: u64, width: u16) -> String {
    format!("tile/{level}/{}{}", number(index), partial(width))
}

/// Path of entry bundle `index` with `width` entries, 256 is a full bundle.
#[must_use]
pub fn bundle_path(index: u64, width: u16) -> String {
    format!("tile/entries/{}{}", number(index), partial(width))
}

/// Path of bundle `index` of receipts with `width` receipts, 256 is a full bundle.
#[must_use]
pub fn receipts_path(index: u64, width: u16) -> String {
    format!("receipts/{}{}", number(index), partial(width))
}

/// Three digits per path element, all but the last with an `x` in front: 1234067 is `x001/x234/067`.
fn number(index: u64) -> String {
    let mut text = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    text
}

fn partial(width: u16) -> String {
    if width == TILE_WIDTH { String::new() } else { format!(".p/{width}") }
}

/// Every hash tile of a tree of `size` leaves, as (level, index, width), levels from below.
pub fn tiles_of(size: u64) -> impl Iterator<Item = (u8, u64, u16)> {
    let levels =
        (0_u8..8).map(move |level| (level, size >> (8 * u32::from(level)))).take_while(|(_, count)| *count > 0);
    levels.flat_map(|(level, count)| widths(count).map(move |(index, width)| (level, index, width)))
}

/// Every entry bundle of a log of `size` entries, as (index, width).
pub fn bundles_of(size: u64) -> impl Iterator<Item = (u64, u16)> {
    widths(size)
}

fn widths(count: u64) -> impl Iterator<Item = (u64, u16)> {
    let last = u16::try_from(count % WIDTH).unwrap_or_default();
    let full = (0..count / WIDTH).map(|index| (index, TILE_WIDTH));
    full.chain((last > 0).then_some((count / WIDTH, last)))
}

/// A bundle: each entry with its length in two bytes in front. Entries are at most 65,535 bytes.
pub fn put_in_bundle(bundle: &mut Vec<u8>, entry: &[u8]) {
    bundle.extend_from_slice(&u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
    bundle.extend_from_slice(entry);
}

/// The entries of a bundle; the error is what was read before the bytes broke off.
///
/// # Errors
/// The whole entries at the start, when the rest is no entry with its length.
pub fn split_bundle(bytes: &[u8]) -> Result<Vec<&[u8]>, Vec<&[u8]>> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let cut = rest
            .split_first_chunk::<2>()
            .and_then(|(length, tail)| tail.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        let Some((entry, tail)) = cut else { return Err(entries) };
        entries.push(entry);
        rest = tail;
    }
    Ok(entries)
}

/// A file of a log: path and bytes.
pub type TileFile = (String, Vec<u8>);

/// Makes every hash tile of a log from its leaf hashes in order, with the tree beside it.
#[derive(Debug, Default)]
pub struct HashTiles {
    tree: CompactTree,
    /// Per level the hashes of the tile that is not full yet; level 7 would start at 2^56 entries.
    levels: [Vec<Digest>; 7],
}

impl HashTiles {
    /// The tree of the leaves so far.
    #[must_use]
    pub fn tree(&self) -> &CompactTree {
        &self.tree
    }

    /// Adds the hash of the next leaf and returns the tiles that are full now, from below.
    pub fn push(&mut self, leaf: Digest) -> Vec<TileFile> {
        self.tree.append(leaf);
        let mut full = Vec::new();
        let mut hash = leaf;
        let mut index = self.tree.size() - 1;
        for (level, hashes) in (0_u8..).zip(&mut self.levels) {
            hashes.push(hash);
            index /= WIDTH;
            if hashes.len() < usize::from(TILE_WIDTH) {
                break;
            }
            full.push((tile_path(level, index, TILE_WIDTH), tile_bytes(hashes)));
            hash = tile_root(hashes);
            hashes.clear();
        }
        full
    }

    /// The tiles that are not full yet; the leaves are at the end of the log.
    #[must_use]
    pub fn finish(self) -> Vec<TileFile> {
        let mut files = Vec::new();
        let mut index = self.tree.size();
        for (level, hashes) in (0_u8..).zip(&self.levels) {
            index /= WIDTH;
            if let Ok(width @ 1..) = u16::try_from(hashes.len()) {
                files.push((tile_path(level, index, width), tile_bytes(hashes)));
            }
        }
        files
    }
}

/// Makes every tile and bundle of a log from its entries in order, in constant memory.
#[derive(Debug, Default)]
pub struct TileWriter {
    hashes: HashTiles,
    bundle: Vec<u8>,
}

impl TileWriter {
    /// A writer at the start of a log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of the entries so far.
    #[must_use]
    pub fn tree(&self) -> &CompactTree {
        self.hashes.tree()
    }

    /// Adds the next entry and returns the files that are full now.
    pub fn push(&mut self, entry: &[u8]) -> Vec<TileFile> {
        put_in_bundle(&mut self.bundle, entry);
        let mut full = self.hashes.push(leaf_hash(entry));
        let size = self.tree().size();
        if size.is_multiple_of(WIDTH) {
            full.push((bundle_path(size / WIDTH - 1, TILE_WIDTH), std::mem::take(&mut self.bundle)));
        }
        full
    }

    /// The files that are not full yet; the writer is at the end of the log.
    #[must_use]
    pub fn finish(self) -> Vec<TileFile> {
        let last = bundles_of(self.tree().size()).last().filter(|(_, width)| *width < TILE_WIDTH);
        let mut files = self.hashes.finish();
        files.extend(last.map(|(index, width)| (bundle_path(index, width), self.bundle)));
        files
    }
}

fn tile_bytes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Root of the subtree over these hashes, as if they were leaves' hashes.
#[must_use]
pub fn tile_root(hashes: &[Digest]) -> Digest {
    let mut tree = CompactTree::new();
    hashes.iter().for_each(|hash| tree.append(*hash));
    tree.root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(tile_path(0, 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(tile_path(3, 0, 12), "tile/3/000.p/12");
        assert_eq!(bundle_path(999, 1), "tile/entries/999.p/1");
        assert_eq!(bundle_path(1000, 256), "tile/entries/x001/000");
    }

    #[test]
    fn the_writer_makes_exactly_the_files_of_the_size() {
        for size in [0_u64, 1, 255, 256, 257, 512, 600, 65_536, 65_537] {
            let mut writer = TileWriter::new();
            let mut made: Vec<String> = Vec::new();
            for n in 0..size {
                made.extend(writer.push(&n.to_be_bytes()).into_iter().map(|(path, _)| path));
            }
            made.extend(writer.finish().into_iter().map(|(path, _)| path));
            let mut expected: Vec<String> = tiles_of(size).map(|(l, n, w)| tile_path(l, n, w)).collect();
            expected.extend(bundles_of(size).map(|(n, w)| bundle_path(n, w)));
            made.sort();
            expected.sort();
            assert_eq!(made, expected, "size {size}");
        }
    }

    #[test]
    fn a_bundle_gives_its_entries_back_and_a_cut_one_does_not() {
        let mut bundle = Vec::new();
        put_in_bundle(&mut bundle, b"one");
        put_in_bundle(&mut bundle, b"");
        assert_eq!(split_bundle(&bundle), Ok(vec![&b"one"[..], b""]));
        assert_eq!(split_bundle(&bundle[..4]), Err(vec![]));
        assert_eq!(split_bundle(&bundle[..6]), Err(vec![&b"one"[..]]));
    }
}
