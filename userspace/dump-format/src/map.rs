// SPDX-License-Identifier: GPL-2.0
//! A map of inodes: a bit for each, from inode 1 on, the low bit of a byte first.

use crate::{
    records,
    RECORD, //
};

/// A set of inodes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Map {
    bytes: Vec<u8>,
    inodes: u32,
}

impl Map {
    /// The empty set for a file system with so many inodes.
    pub fn new(inodes: u32) -> Self {
        // One bit more than inodes, as dump has always counted.
        let bytes = (u64::from(inodes) + 1).div_ceil(8);
        let bytes = records(bytes) as usize * RECORD;
        Map {
            bytes: vec![0; bytes],
            inodes,
        }
    }

    /// The set with these bytes.
    pub fn from_bytes(bytes: Vec<u8>, inodes: u32) -> Self {
        Map { bytes, inodes }
    }

    /// How many inodes the file system has.
    pub fn inodes(&self) -> u32 {
        self.inodes
    }

    /// Its bytes, whole records.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds an inode; one that does not exist is left out.
    pub fn insert(&mut self, inode: u32) {
        if let Some((byte, bit)) = self.place(inode) {
            if let Some(byte) = self.bytes.get_mut(byte) {
                *byte |= bit;
            }
        }
    }

    /// Takes an inode out.
    pub fn remove(&mut self, inode: u32) {
        if let Some((byte, bit)) = self.place(inode) {
            if let Some(byte) = self.bytes.get_mut(byte) {
                *byte &= !bit;
            }
        }
    }

    /// Whether an inode is in it.
    pub fn contains(&self, inode: u32) -> bool {
        let byte_with_bit = |(byte, bit)| self.bytes.get(byte).map(|byte| byte & bit != 0);
        self.place(inode).and_then(byte_with_bit).unwrap_or(false)
    }

    /// The inodes in it from one on, ascending.
    pub fn iter_from(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        let start = first.max(1);
        let in_byte = move |(index, byte): (usize, &u8)| {
            let byte = *byte;
            let base = index as u64 * 8 + 1;
            (0..8)
                .filter(move |bit| (byte >> bit) & 1 == 1)
                .filter_map(move |bit| u32::try_from(base + bit).ok())
        };
        let skipped = (start as usize - 1) / 8;
        self.bytes
            .iter()
            .enumerate()
            .skip(skipped)
            .filter(|(_, byte)| **byte != 0)
            .flat_map(in_byte)
            .filter(move |inode| *inode >= start)
    }

    /// How many are in it.
    pub fn len(&self) -> u32 {
        self.bytes.iter().map(|byte| byte.count_ones()).sum()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn place(&self, inode: u32) -> Option<(usize, u8)> {
        let index = inode.checked_sub(1).filter(|_| inode <= self.inodes)?;
        Some((index as usize / 8, 1 << (index % 8)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_0_is_inode_1() {
        let mut map = Map::new(20);
        for inode in [1, 2, 11, 20, 21, 0] {
            map.insert(inode);
        }
        assert_eq!(map.bytes()[..3], [0b11, 0b100, 0b1000]);
        assert_eq!(map.iter_from(0).collect::<Vec<_>>(), [1, 2, 11, 20]);
        assert_eq!(map.iter_from(3).collect::<Vec<_>>(), [11, 20]);
        assert_eq!(map.iter_from(12).collect::<Vec<_>>(), [20]);
        assert_eq!(map.len(), 4);
        map.remove(2);
        assert!(!map.contains(2) && map.contains(11) && !map.contains(0));
    }

    #[test]
    fn it_fills_whole_records() {
        for (inodes, records) in [(1, 1), (8190, 1), (8191, 1), (8192, 2), (5_000_000, 611)] {
            assert_eq!(Map::new(inodes).bytes().len(), records * RECORD, "{inodes}");
        }
    }
}
