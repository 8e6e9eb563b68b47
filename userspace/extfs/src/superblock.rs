// SPDX-License-Identifier: GPL-2.0
//! The superblock: geometry and features.

use crate::{
    bytes::Bytes,
    source::Source,
    Error,
    Result, //
};

/// Where it is on the device, in bytes.
pub const OFFSET: u64 = 1024;

/// How many bytes it has.
pub const BYTES: usize = 1024;

const MAGIC: u16 = 0xef53;

/// Features of which a reader must know.
mod incompat {
    pub(super) const RECOVER: u32 = 0x4;
    pub(super) const META_BG: u32 = 0x10;
    pub(super) const EXTENTS: u32 = 0x40;
    pub(super) const BIT64: u32 = 0x80;
    pub(super) const LARGEDIR: u32 = 0x4000;
    /// FILETYPE, MMP, FLEX_BG, EA_INODE, CSUM_SEED, INLINE_DATA, ENCRYPT and CASEFOLD mean nothing
    /// here, or show in what they are about.
    pub(super) const HARMLESS: u32 = 0x2 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x8000 | 0x30000;
    pub(super) const KNOWN: u32 = RECOVER | META_BG | EXTENTS | BIT64 | LARGEDIR | HARMLESS;
    /// Names of the others.
    pub(super) const NAMES: &[(u32, &str)] = &[
        (0x1, "compression"),
        (0x8, "journal_dev"),
        (0x1000, "dirdata"),
    ];
}

/// Features that a reader may ignore, but that say which fields count.
mod ro_compat {
    pub(super) const SPARSE_SUPER: u32 = 0x1;
    pub(super) const GDT_CSUM: u32 = 0x10;
    pub(super) const BIGALLOC: u32 = 0x200;
    pub(super) const METADATA_CSUM: u32 = 0x400;
}

mod compat {
    pub(super) const SPARSE_SUPER2: u32 = 0x200;
    pub(super) const ORPHAN_FILE: u32 = 0x1000;
}

/// The superblock, checked.
#[derive(Clone, Debug)]
pub struct Superblock {
    inodes: u32,
    blocks: u64,
    first_data_block: u32,
    block_bytes: u32,
    blocks_per_group: u32,
    inodes_per_group: u32,
    inode_bytes: u32,
    descriptor_bytes: u32,
    first_meta_group: u32,
    first_inode: u32,
    compat: u32,
    incompat: u32,
    ro_compat: u32,
    backups: [u32; 2],
    uuid: [u8; 16],
    journal_uuid: [u8; 16],
    journal: u32,
    internal: [u32; 5],
    written: u32,
    digest: u32,
    mounted_at: String,
    label: String,
}

impl Superblock {
    /// Reads that of a device.
    pub(crate) fn read(source: &impl Source) -> Result<Self> {
        if source.bytes() < OFFSET + BYTES as u64 {
            return Err(Error::Foreign);
        }
        let mut bytes = [0; BYTES];
        let read = source.read_at(&mut bytes, OFFSET);
        read.map_err(|error| Error::Unreadable {
            offset: OFFSET,
            error,
        })?;
        Superblock::parse(&bytes, source.bytes())
    }

    /// Takes it from its bytes, and checks it for a device of this size.
    pub(crate) fn parse(bytes: &[u8], device_bytes: u64) -> Result<Self> {
        let raw = Bytes(bytes);
        if raw.u16(56) != MAGIC {
            return Err(Error::Foreign);
        }
        let is_old = raw.u32(76) == 0;
        let incompat = if is_old { 0 } else { raw.u32(96) };
        known(incompat)?;
        let high = |at| {
            let is_wide = incompat & incompat::BIT64 != 0;
            u64::from(if is_wide { raw.u32(at) } else { 0 }) << 32
        };
        let superblock = Superblock {
            inodes: raw.u32(0),
            blocks: high(336) | u64::from(raw.u32(4)),
            first_data_block: raw.u32(20),
            block_bytes: 1024u32.checked_shl(raw.u32(24).min(32)).unwrap_or(0),
            blocks_per_group: raw.u32(32),
            inodes_per_group: raw.u32(40),
            inode_bytes: if is_old { 128 } else { u32::from(raw.u16(88)) },
            descriptor_bytes: if incompat & incompat::BIT64 == 0 {
                32
            } else {
                u32::from(raw.u16(254))
            },
            first_meta_group: raw.u32(260),
            first_inode: if is_old { 11 } else { raw.u32(84) },
            compat: raw.u32(92),
            incompat,
            ro_compat: raw.u32(100),
            backups: [raw.u32(0x24c), raw.u32(0x250)],
            uuid: raw.part(104, 16).try_into().unwrap_or_default(),
            journal_uuid: raw.part(208, 16).try_into().unwrap_or_default(),
            journal: raw.u32(224),
            internal: [0x240, 0x244, 0x26c, 224, 0x280].map(|at| raw.u32(at)),
            written: raw.u32(48),
            // With its own checksum, all of it would always have the same one.
            digest: crc32c::crc32c(raw.part(0, BYTES - 4)),
            mounted_at: text(raw.part(136, 64)),
            label: text(raw.part(120, 16)),
        };
        superblock.check(device_bytes)?;
        Ok(superblock)
    }

    fn check(&self, device_bytes: u64) -> Result<()> {
        let wrong = |is_wrong| Err(Error::corrupt("the superblock", is_wrong));
        let Some(bytes) = self.blocks.checked_mul(u64::from(self.block_bytes)) else {
            return wrong("has more blocks than there can be");
        };
        if !(1024..=65536).contains(&self.block_bytes) {
            return wrong("has an impossible block size");
        }
        if bytes > device_bytes {
            return wrong("has more blocks than the device");
        }
        let inode_is_possible = self.inode_bytes.is_power_of_two() && self.inode_bytes >= 128;
        if !inode_is_possible || self.inode_bytes > self.block_bytes {
            return wrong("has an impossible inode size");
        }
        let descriptors = 32..=self.block_bytes.min(1024);
        if !self.descriptor_bytes.is_power_of_two() || !descriptors.contains(&self.descriptor_bytes)
        {
            return wrong("has an impossible size of group descriptors");
        }
        let table = u64::from(self.inodes_per_group) * u64::from(self.inode_bytes);
        let group = u64::from(self.blocks_per_group) * u64::from(self.block_bytes);
        let is_possible = table > 0 && table <= group && table <= bytes;
        if !is_possible || u64::from(self.first_data_block) >= self.blocks {
            return wrong("has an impossible division into groups");
        }
        if u64::from(self.inodes) > self.groups() * u64::from(self.inodes_per_group) {
            return wrong("has more inodes than its groups");
        }
        Ok(())
    }

    /// Number of inodes; they are numbered from 1 on.
    pub fn inodes(&self) -> u32 {
        self.inodes
    }

    /// Number of blocks.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Bytes of a block.
    pub fn block_bytes(&self) -> u32 {
        self.block_bytes
    }

    /// Bytes of an inode.
    pub fn inode_bytes(&self) -> u32 {
        self.inode_bytes
    }

    /// Its UUID.
    pub fn uuid(&self) -> [u8; 16] {
        self.uuid
    }

    /// When it was last written to, in seconds since 1970.
    pub fn written(&self) -> u32 {
        self.written
    }

    /// A number that changes with anything in it, as when it is mounted, or written to.
    pub fn digest(&self) -> u32 {
        self.digest
    }

    /// Where it was mounted last.
    pub fn mounted_at(&self) -> &str {
        &self.mounted_at
    }

    /// Its label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether it was not unmounted, so that its journal counts.
    pub fn needs_recovery(&self) -> bool {
        self.incompat & incompat::RECOVER != 0
    }

    /// Whether an inode is the file system's own, and nobody's file.
    pub fn is_internal(&self, inode: u32) -> bool {
        const ROOT: u32 = 2;
        let is_reserved = inode < self.first_inode && inode != ROOT;
        let [usr, grp, prj, journal, orphans] = self.internal;
        let has_orphans = self.compat & compat::ORPHAN_FILE != 0;
        is_reserved || [usr, grp, prj, journal].contains(&inode) || has_orphans && inode == orphans
    }

    /// Whether directories may have sizes of 64 bits.
    pub(crate) fn has_large_directories(&self) -> bool {
        self.incompat & incompat::LARGEDIR != 0
    }

    /// Inode of the journal, if it is in the file system.
    pub(crate) fn journal(&self) -> Option<u32> {
        (self.journal != 0).then_some(self.journal)
    }

    /// UUID of a journal that is on another device; zeros if there is none.
    pub(crate) fn journal_uuid(&self) -> [u8; 16] {
        self.journal_uuid
    }

    /// Number of groups.
    pub(crate) fn groups(&self) -> u64 {
        let blocks = self.blocks.saturating_sub(u64::from(self.first_data_block));
        blocks.div_ceil(u64::from(self.blocks_per_group.max(1)))
    }

    pub(crate) fn inodes_per_group(&self) -> u32 {
        self.inodes_per_group
    }

    pub(crate) fn descriptor_bytes(&self) -> u32 {
        self.descriptor_bytes
    }

    /// Whether descriptors say which inodes were never used.
    pub(crate) fn has_descriptor_checksums(&self) -> bool {
        self.ro_compat & (ro_compat::GDT_CSUM | ro_compat::METADATA_CSUM) != 0
    }

    /// Group of an inode, and its index there.
    pub(crate) fn place_of(&self, inode: u32) -> Result<(u64, u32)> {
        match inode.checked_sub(1).filter(|_| inode <= self.inodes) {
            Some(index) => Ok((
                u64::from(index / self.inodes_per_group),
                index % self.inodes_per_group,
            )),
            None => Err(Error::corrupt(format!("inode {inode}"), "does not exist")),
        }
    }

    /// Block with the descriptor of a group, and the descriptor's index there.
    pub(crate) fn descriptor_place(&self, group: u64) -> (u64, u64) {
        let in_block = u64::from(self.block_bytes / self.descriptor_bytes);
        let (meta_group, index) = (group / in_block, group % in_block);
        let is_apart = self.incompat & incompat::META_BG != 0
            && meta_group >= u64::from(self.first_meta_group);
        if is_apart {
            let first = meta_group * in_block;
            let start = self.group_start(first);
            return (start + u64::from(self.has_backup(first)), index);
        }
        (self.group_start(0) + 1 + meta_group, index)
    }

    /// The block of a group that a superblock may be in.
    fn group_start(&self, group: u64) -> u64 {
        let start = u64::from(self.first_data_block)
            .saturating_add(group.saturating_mul(u64::from(self.blocks_per_group)));
        // Small blocks in large clusters: the first block is counted, and the superblock is in the
        // second.
        let is_bigalloc = self.ro_compat & ro_compat::BIGALLOC != 0;
        start + u64::from(start == 0 && self.block_bytes == 1024 && is_bigalloc)
    }

    /// Whether a group begins with a copy of the superblock.
    fn has_backup(&self, group: u64) -> bool {
        if self.compat & compat::SPARSE_SUPER2 != 0 {
            return group == 0 || self.backups.map(u64::from).contains(&group);
        }
        let is_power_of = |base: u64| {
            let mut power = base;
            while power < group {
                power = power.saturating_mul(base);
            }
            power == group
        };
        let is_sparse = self.ro_compat & ro_compat::SPARSE_SUPER != 0;
        !is_sparse || group <= 1 || [3, 5, 7].into_iter().any(is_power_of)
    }
}

/// Refuses features that are not known.
fn known(incompat: u32) -> Result<()> {
    let unknown = incompat & !incompat::KNOWN;
    if unknown == 0 {
        return Ok(());
    }
    let names = incompat::NAMES.iter().filter(|(bit, _)| unknown & bit != 0);
    let mut words: Vec<String> = names.map(|(_, name)| (*name).to_string()).collect();
    let named = incompat::NAMES.iter().fold(0, |all, (bit, _)| all | bit);
    if unknown & !named != 0 {
        words.push(format!("{:#x}", unknown & !named));
    }
    Err(Error::Unknown(words.join(", ")))
}

fn text(field: &[u8]) -> String {
    let bytes = field.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut bytes = vec![0; BYTES];
        let mut put = |at: usize, value: u32| {
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        };
        put(0, 64);
        put(4, 1024);
        put(20, 1);
        put(32, 8192);
        put(40, 64);
        put(56, 0xef53);
        put(76, 1);
        put(84, 11);
        put(88, 256);
        bytes
    }

    #[test]
    fn geometry_is_taken_and_checked() {
        let superblock = Superblock::parse(&sample(), 1 << 20).unwrap();
        assert_eq!(superblock.groups(), 1);
        assert_eq!(superblock.descriptor_place(0), (2, 0));
        assert_eq!(superblock.place_of(64).unwrap(), (0, 63));
        assert!(superblock.place_of(65).is_err() && superblock.place_of(0).is_err());
        assert!(superblock.is_internal(8) && superblock.is_internal(1));
        assert!(!superblock.is_internal(2) && !superblock.is_internal(11));
    }

    #[test]
    fn impossible_ones_are_refused() {
        let changes: [(usize, u32); 8] = [
            (56, 0),
            (4, 1025),
            (24, 7),
            (24, 40),
            (40, 0),
            (40, 80_000_000),
            (88, 100),
            (96, 0x1000),
        ];
        for (at, value) in changes {
            let mut bytes = sample();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            assert!(Superblock::parse(&bytes, 1 << 20).is_err(), "{at}: {value}");
        }
    }

    #[test]
    fn unknown_features_are_named() {
        let error = known(0x8 | 0x1000 | 0x80_0000).unwrap_err().to_string();
        assert!(error.ends_with("journal_dev, dirdata, 0x800000"), "{error}");
    }

    #[test]
    fn backups_are_where_mke2fs_puts_them() {
        let mut superblock = Superblock::parse(&sample(), 1 << 20).unwrap();
        superblock.ro_compat = ro_compat::SPARSE_SUPER;
        let groups = (0..60).filter(|group| superblock.has_backup(*group));
        assert_eq!(groups.collect::<Vec<_>>(), [0, 1, 3, 5, 7, 9, 25, 27, 49]);
    }
}
