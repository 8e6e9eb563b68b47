// SPDX-License-Identifier: GPL-2.0
//! What a dump consists of, before its records have numbers.

use crate::{
    header::Header,
    RECORD, //
};
use serde::{
    Deserialize,
    Serialize, //
};
use std::sync::Arc;
use zerocopy::IntoBytes;

/// Parts of a dump, in this order.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum Stage {
    /// The map of the inodes that are in use.
    #[default]
    Used,
    /// The map of those that are in the dump.
    Wanted,
    /// The directories.
    Directories,
    /// Everything else.
    Files,
    /// Nothing but the end.
    End,
}

/// A place in a dump that does not depend on blocks and volumes.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
pub struct Place {
    /// Part of the dump.
    pub stage: Stage,
    /// Inode; 0 for a map.
    pub inode: u32,
    /// Records of this inode, or of the map, that come before.
    pub record: u64,
}

/// One or more records that belong together.
#[derive(Clone, Debug)]
pub struct Item {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub contents: Contents,
}

/// What is in records.
#[derive(Clone, Debug)]
pub enum Contents {
    /// A header, without what only the layout knows.
    Header(Box<Header>),
    /// Some of these bytes.
    Bytes {
        /// All bytes, whole records.
        bytes: Arc<[u8]>,
        /// How many records of them come before.
        skipped: u64,
        /// How many records of them it is.
        records: u64,
    },
    /// What is on the disk.
    Disk {
        /// From this byte on.
        offset: u64,
        /// So many records.
        records: u64,
    },
}

impl Item {
    /// How many records it is.
    pub fn records(&self) -> u64 {
        self.contents.records()
    }

    /// Whether it is a header.
    pub fn is_header(&self) -> bool {
        matches!(self.contents, Contents::Header(_))
    }

    /// The inode of the file that begins with it: no directory, and nothing behind its beginning.
    pub fn file(&self) -> Option<u32> {
        let is_first = self.place.record == 0 && self.place.stage == Stage::Files;
        (is_first && self.is_header()).then_some(self.place.inode)
    }

    /// Cuts it: leaves at most `limit` records in it, and hands out the rest if there is one.
    pub fn cut(&mut self, limit: u64) -> Option<Item> {
        let contents = self.contents.cut(limit)?;
        let record = self.place.record + limit;
        let place = Place {
            record,
            ..self.place
        };
        Some(Item { place, contents })
    }
}

impl Contents {
    /// All of these bytes, with zeros behind them to fill a record.
    pub fn of_bytes(mut bytes: Vec<u8>) -> Self {
        bytes.resize(bytes.len().next_multiple_of(RECORD), 0);
        let records = (bytes.len() / RECORD) as u64;
        Contents::Bytes {
            bytes: bytes.into(),
            skipped: 0,
            records,
        }
    }

    /// How many records it is.
    pub fn records(&self) -> u64 {
        match self {
            Contents::Header(_) => 1,
            Contents::Bytes { records, .. } | Contents::Disk { records, .. } => *records,
        }
    }

    /// Cuts it: leaves at most `limit` records in it, and hands out the rest if there is one.
    pub fn cut(&mut self, limit: u64) -> Option<Contents> {
        let over = self.records().checked_sub(limit).filter(|over| *over > 0)?;
        let mut rest = self.clone();
        self.set_records(limit);
        rest.set_records(over);
        match &mut rest {
            Contents::Bytes { skipped, .. } => *skipped += limit,
            Contents::Disk { offset, .. } => *offset += limit * RECORD as u64,
            Contents::Header(_) => {}
        }
        Some(rest)
    }

    /// The bytes of it that it is, if it is of bytes.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Contents::Header(header) => Some(header.as_bytes()),
            Contents::Bytes {
                bytes,
                skipped,
                records,
            } => {
                let start = *skipped as usize * RECORD;
                bytes.get(start..start + *records as usize * RECORD)
            }
            Contents::Disk { .. } => None,
        }
    }

    fn set_records(&mut self, count: u64) {
        match self {
            Contents::Header(_) => {}
            Contents::Bytes { records, .. } | Contents::Disk { records, .. } => *records = count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(contents: Contents) -> Item {
        Item {
            place: Place::default(),
            contents,
        }
    }

    #[test]
    fn the_parts_of_a_cut_are_the_whole() {
        let mut disk = item(Contents::Disk {
            offset: 4096,
            records: 5,
        });
        let rest = disk.cut(2).unwrap();
        assert_eq!(disk.records(), 2);
        assert_eq!((rest.records(), rest.place.record), (3, 2));
        assert!(matches!(rest.contents, Contents::Disk { offset: 6144, .. }));
        assert!(disk.cut(2).is_none());
        let bytes = (0..3 * RECORD + 1).map(|n| (n / RECORD) as u8).collect();
        let mut first = item(Contents::of_bytes(bytes));
        let mut second = first.cut(1).unwrap();
        let third = second.cut(1).unwrap();
        let value = |item: &Item| item.contents.bytes().unwrap()[0];
        assert_eq!((value(&first), value(&second), value(&third)), (0, 1, 2));
        assert_eq!(third.records(), 2);
        assert_eq!(third.place.record, 2);
    }
}
