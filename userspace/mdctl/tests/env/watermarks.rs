// SPDX-License-Identifier: GPL-2.0
//! Watermarks of soft partitions, written as the kernel writes them.

use super::{
    TestEnvironment,
    DISK_SECTORS, //
};
use md_model::{
    database::identity::Uuid,
    limits::RESERVED_HEAD_SECTORS,
    name::UnitName,
    soft::{
        chain::{
            tiles,
            Content, //
        },
        taken::{
            sort,
            Taken, //
        },
        watermark::{
            Behind,
            Stamp,
            Version,
            Watermark,
            COPY_SECTORS, //
        },
        Base,
        Extent, //
    },
};

/// Soft partitions by number and extents, each an own sector and how many follow.
pub(crate) type Parts<'a> = &'a [(u32, &'a [(u64, u64)])];

impl TestEnvironment {
    /// Writes the watermarks of a layout on a disk, as the kernel does; but for the one at a place.
    pub(crate) fn write_marks(&self, disk: &str, parts: Parts<'_>, but_for: Option<u64>) {
        self.write_bytes(&format!("dev/{disk}"), &with_marks(parts, but_for));
    }
}

/// A disk with watermarks.
fn with_marks(parts: Parts<'_>, but_for: Option<u64>) -> Vec<u8> {
    let base = Base::of(RESERVED_HEAD_SECTORS, DISK_SECTORS).unwrap();
    let mut taken: Vec<_> = parts
        .iter()
        .flat_map(|(owner, extents)| {
            extents
                .iter()
                .zip(0..)
                .map(|((sector, count), sequence)| Taken {
                    extent: Extent {
                        sector: *sector,
                        count: *count,
                    },
                    owner: *owner,
                    sequence,
                })
        })
        .collect();
    sort(&mut taken);
    let mut disk = vec![0; DISK_SECTORS as usize * 512];
    for tile in tiles(&base, &taken) {
        let behind = match tile.content {
            Content::Taken(one) => Behind::Extent(stamp(one.owner, one.sequence, parts)),
            Content::Free => Behind::Free,
            Content::End => Behind::End,
        };
        let mark = Watermark {
            base: Uuid::from_bytes([7; 16]),
            sector: tile.sector,
            length: tile.length,
            behind,
        };
        for place in [tile.sector, tile.sector + COPY_SECTORS] {
            let from = place as usize * 512;
            if Some(tile.sector) != but_for {
                assert!(mark.encode(&mut disk[from..from + 4096]));
            }
        }
    }
    disk
}

fn stamp(owner: u32, sequence: u32, parts: Parts<'_>) -> Stamp {
    let (_, extents) = parts.iter().find(|(number, _)| *number == owner).unwrap();
    Stamp {
        soft: Uuid::from_bytes([owner as u8; 16]),
        name: UnitName::from_number(owner).unwrap(),
        sequence,
        version: Version {
            generation: 3,
            extents: extents.len() as u32,
            total_sectors: extents.iter().map(|(_, count)| count).sum(),
        },
    }
}
