// SPDX-License-Identifier: GPL-2.0
//! The journal (jbd2): what was committed and is not yet in its place. It is read as recovery reads
//! it, but nothing is written: the result is an [`Overlay`].

use crate::{
    bytes::Bytes,
    extents::Extent,
    overlay::{
        Overlay,
        Place, //
    },
    source::Source,
    Error,
    FileSystem,
    Result, //
};
use crc32c::{
    crc32c,
    crc32c_append, //
};
use std::collections::BTreeMap;

/// First word of each block of the journal's own, big-endian like all of it.
pub const MAGIC: u32 = 0xc03b_3998;

/// Kinds of such blocks.
mod kind {
    pub(super) const DESCRIPTOR: u32 = 1;
    pub(super) const COMMIT: u32 = 2;
    pub(super) const SUPERBLOCK_1: u32 = 3;
    pub(super) const SUPERBLOCK_2: u32 = 4;
    pub(super) const REVOKE: u32 = 5;
}

mod incompat {
    pub(super) const REVOKE: u32 = 1;
    pub(super) const BIT64: u32 = 2;
    pub(super) const ASYNC_COMMIT: u32 = 4;
    pub(super) const CSUM_V2: u32 = 8;
    pub(super) const CSUM_V3: u32 = 0x10;
    pub(super) const FAST_COMMIT: u32 = 0x20;
    pub(super) const KNOWN: u32 = REVOKE | BIT64 | ASYNC_COMMIT | CSUM_V2 | CSUM_V3 | FAST_COMMIT;
}

/// Bits of a tag.
mod tag {
    pub(super) const ESCAPED: u32 = 1;
    pub(super) const SAME_UUID: u32 = 2;
    pub(super) const LAST: u32 = 8;
}

/// Bytes before what a block of the journal has to say.
const HEAD: usize = 12;

/// Blocks at the end of a journal that are for fast commits, if it does not say.
const FAST_BLOCKS: u32 = 256;

/// First tag of an area of fast commits.
const FAST_HEAD: u16 = 9;

/// Reads the journal of a file system that was not unmounted.
pub(crate) fn read<S: Source>(fs: &FileSystem<S>) -> Result<Overlay> {
    let Some(number) = fs.superblock().journal() else {
        if fs.superblock().journal_uuid() != [0; 16] {
            let is_wrong = "is on another device and counts: mount and unmount the file system";
            return Err(Error::corrupt("the journal", is_wrong));
        }
        return Ok(Overlay::default());
    };
    let inode = fs.inode(number)?;
    let mapped = fs.extents(&inode);
    if let Some(fault) = mapped.fault {
        return Err(fault);
    }
    let first = mapped.extents.first().map_or(0, |extent| extent.physical);
    let superblock = fs.block(first)?;
    let Some(mut journal) = Journal::parse(fs, &superblock, mapped.extents)? else {
        return Ok(Overlay::default());
    };
    journal.scan();
    journal.note_fast_commits();
    Ok(journal.overlay())
}

/// A block that a transaction has written: its number, and where the journal has it.
struct Written {
    transaction: u32,
    block: u64,
    place: Place,
}

struct Journal<'a, S> {
    fs: &'a FileSystem<S>,
    extents: Vec<Extent>,
    features: u32,
    /// Seed of all checksums, if there are some.
    seed: Option<u32>,
    /// Blocks that are used in turn, from the first to before the last.
    first: u64,
    last: u64,
    start: u64,
    transaction: u32,
    written: Vec<Written>,
    /// The newest transaction by which a block was revoked.
    revoked: BTreeMap<u64, u32>,
    warnings: Vec<String>,
}

/// What one transaction has, until it is known to be committed.
#[derive(Default)]
struct Pending {
    written: Vec<Written>,
    revoked: Vec<u64>,
}

impl<'a, S: Source> Journal<'a, S> {
    /// The journal with this superblock, or none if it is empty.
    fn parse(
        fs: &'a FileSystem<S>,
        superblock: &[u8],
        extents: Vec<Extent>,
    ) -> Result<Option<Self>> {
        let raw = Bytes(superblock);
        let wrong = |is_wrong| Err(Error::corrupt("the journal", is_wrong));
        let is_one = [kind::SUPERBLOCK_1, kind::SUPERBLOCK_2].contains(&raw.be_u32(4));
        if raw.be_u32(0) != MAGIC || !is_one {
            return wrong("has no superblock");
        }
        if raw.be_u32(12) != fs.superblock().block_bytes() {
            return wrong("has blocks of another size than the file system");
        }
        let is_new = raw.be_u32(4) == kind::SUPERBLOCK_2;
        let features = if is_new { raw.be_u32(40) } else { 0 };
        if features & !incompat::KNOWN != 0 {
            return Err(Error::Unknown(format!("journal {features:#x}")));
        }
        if raw.be_u32(28) == 0 {
            return Ok(None);
        }
        let has_sums = features & (incompat::CSUM_V2 | incompat::CSUM_V3) != 0;
        let fast = match (features & incompat::FAST_COMMIT != 0, raw.be_u32(0x54)) {
            (false, _) => 0,
            (true, 0) => FAST_BLOCKS,
            (true, count) => count,
        };
        let mapped: u64 = extents.iter().map(|extent| extent.blocks).sum();
        let last = u64::from(raw.be_u32(16).saturating_sub(fast)).min(mapped);
        let (first, start) = (u64::from(raw.be_u32(20)), u64::from(raw.be_u32(28)));
        if first == 0 || first >= last || !(first..last).contains(&start) {
            return wrong("has an impossible size");
        }
        Ok(Some(Journal {
            fs,
            extents,
            features,
            seed: has_sums.then(|| raw_crc(!0, raw.part(48, 16))),
            first,
            last,
            start,
            transaction: raw.be_u32(24),
            written: Vec::new(),
            revoked: BTreeMap::new(),
            warnings: Vec::new(),
        }))
    }

    /// Where a block of the journal is on the device.
    fn physical(&self, block: u64) -> Option<u64> {
        let after = self
            .extents
            .partition_point(|extent| extent.logical <= block);
        let extent = self.extents.get(after.checked_sub(1)?)?;
        let within = block - extent.logical;
        (within < extent.blocks).then_some(extent.physical + within)
    }

    /// A block of the journal; one that cannot be read ends it, as in recovery.
    fn block(&self, number: u64) -> Option<Vec<u8>> {
        self.fs.block(self.physical(number)?).ok()
    }

    fn next(&self, block: u64) -> u64 {
        if block + 1 >= self.last {
            self.first
        } else {
            block + 1
        }
    }

    /// Goes through all transactions that are complete.
    fn scan(&mut self) {
        let mut pending = Pending::default();
        let mut at = self.start;
        // No block belongs to two transactions.
        let mut left = self.last - self.first;
        while left > 0 {
            let Some(block) = self.block(at) else {
                return;
            };
            let raw = Bytes(&block);
            if raw.be_u32(0) != MAGIC || raw.be_u32(8) != self.transaction {
                return;
            }
            at = self.next(at);
            left -= 1;
            match raw.be_u32(4) {
                kind::DESCRIPTOR if self.has_tail_sum(&block) => {
                    for written in self.tags(&block, at) {
                        at = self.next(at);
                        left = left.saturating_sub(1);
                        pending.written.push(written);
                    }
                }
                kind::REVOKE if self.has_tail_sum(&block) => {
                    pending.revoked.extend(self.revokes(&block));
                }
                kind::COMMIT if self.has_commit_sum(&block) => self.commit(&mut pending),
                _ => return,
            }
        }
    }

    fn commit(&mut self, pending: &mut Pending) {
        for block in pending.revoked.drain(..) {
            self.revoked.insert(block, self.transaction);
        }
        self.written.append(&mut pending.written);
        self.transaction = self.transaction.wrapping_add(1);
    }

    /// The blocks that a descriptor announces, of which the first is the block `at`.
    fn tags(&mut self, block: &[u8], mut at: u64) -> Vec<Written> {
        let has_v3 = self.features & incompat::CSUM_V3 != 0;
        let is_wide = self.features & incompat::BIT64 != 0;
        let bytes = match (has_v3, self.features & incompat::CSUM_V2 != 0, is_wide) {
            (true, _, _) => 16,
            (_, has_v2, true) => 12 + if has_v2 { 2 } else { 0 },
            (_, has_v2, false) => 8 + if has_v2 { 2 } else { 0 },
        };
        let end = block.len() - if self.seed.is_some() { 4 } else { 0 };
        let mut written = Vec::new();
        let mut offset = HEAD;
        while offset + bytes <= end {
            let raw = Bytes(Bytes(block).part(offset, bytes));
            let (flags, high, sum) = if has_v3 {
                (raw.be_u32(4), raw.be_u32(8), raw.be_u32(12))
            } else {
                let high = if is_wide { raw.be_u32(8) } else { 0 };
                (u32::from(raw.be_u16(6)), high, u32::from(raw.be_u16(4)))
            };
            let high = if is_wide { u64::from(high) } else { 0 };
            let number = (high << 32) | u64::from(raw.be_u32(0));
            written.extend(self.tagged(number, at, flags, sum));
            at = self.next(at);
            offset += bytes;
            if flags & tag::SAME_UUID == 0 {
                offset += 16;
            }
            if flags & tag::LAST != 0 {
                break;
            }
        }
        written
    }

    /// One of them. It is there even if its contents are damaged, so that those behind it are
    /// found.
    fn tagged(&mut self, number: u64, at: u64, flags: u32, sum: u32) -> Option<Written> {
        let place = self.physical(at)?;
        let bytes = self.fs.block(place).ok();
        let sound = bytes.filter(|bytes| self.has_block_sum(bytes, sum));
        if sound.is_none() {
            let warning = format!("block {number} is damaged in the journal");
            self.warnings.push(warning);
        }
        Some(Written {
            transaction: self.transaction,
            // What lies on the device is older, but it is whole.
            block: sound.as_ref().map_or(u64::MAX, |_| number),
            place: Place {
                block: place,
                is_escaped: flags & tag::ESCAPED != 0,
                checksum: sound.map_or(0, |bytes| crc32c(&bytes)),
            },
        })
    }

    fn revokes(&self, block: &[u8]) -> Vec<u64> {
        let raw = Bytes(block);
        let end = (raw.be_u32(12) as usize).min(block.len());
        let entries = block.get(HEAD + 4..end).unwrap_or_default();
        if self.features & incompat::BIT64 == 0 {
            let words = entries.chunks_exact(4);
            return words.map(|word| u64::from(Bytes(word).be_u32(0))).collect();
        }
        let wide = |entry: &[u8]| {
            (u64::from(Bytes(entry).be_u32(0)) << 32) | u64::from(Bytes(entry).be_u32(4))
        };
        entries.chunks_exact(8).map(wide).collect()
    }

    /// Whether the checksum at the end of a block fits, if there are checksums.
    fn has_tail_sum(&self, block: &[u8]) -> bool {
        let at = block.len().saturating_sub(4);
        self.seed.is_none_or(|seed| {
            let sum = raw_crc(seed, block.get(..at).unwrap_or_default());
            raw_crc(sum, &[0; 4]) == Bytes(block).be_u32(at)
        })
    }

    fn has_commit_sum(&self, block: &[u8]) -> bool {
        const AT: usize = 16;
        self.seed.is_none_or(|seed| {
            let sum = raw_crc(seed, block.get(..AT).unwrap_or_default());
            let sum = raw_crc(sum, &[0; 4]);
            let sum = raw_crc(sum, block.get(AT + 4..).unwrap_or_default());
            sum == Bytes(block).be_u32(AT)
        })
    }

    /// Whether the contents of a block in the journal fit its tag.
    fn has_block_sum(&self, bytes: &[u8], sum: u32) -> bool {
        let Some(seed) = self.seed else {
            return true;
        };
        let is = raw_crc(raw_crc(seed, &self.transaction.to_be_bytes()), bytes);
        if self.features & incompat::CSUM_V3 != 0 {
            is == sum
        } else {
            is & 0xffff == sum
        }
    }

    /// What was committed the fast way stands behind the journal proper, in a form of its own that
    /// is not read here.
    fn note_fast_commits(&mut self) {
        if self.features & incompat::FAST_COMMIT == 0 {
            return;
        }
        let Some(block) = self.block(self.last) else {
            return;
        };
        let raw = Bytes(&block);
        // A tag, its length, features, and the transaction that it belongs to.
        if raw.u16(0) == FAST_HEAD && raw.u32(8) == self.transaction {
            let warning = "the newest changes are in fast commits, which are left out: mount and \
                           unmount the file system to have them";
            self.warnings.push(warning.to_string());
        }
    }

    /// What is left of all writes: the newest of each block that was not revoked later.
    fn overlay(self) -> Overlay {
        let mut blocks = BTreeMap::new();
        for written in self.written {
            let revoked = self.revoked.get(&written.block);
            // Numbers of transactions wrap around.
            let is_newer = |by: &u32| (written.transaction.wrapping_sub(*by) as i32) > 0;
            if revoked.is_none_or(is_newer) && written.block < self.fs.superblock().blocks() {
                blocks.insert(written.block, written.place);
            }
        }
        Overlay {
            blocks,
            warnings: self.warnings,
        }
    }
}

/// crc32c as jbd2 has it: without the inversions at both ends.
fn raw_crc(seed: u32, bytes: &[u8]) -> u32 {
    !crc32c_append(!seed, bytes)
}
