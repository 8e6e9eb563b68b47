// SPDX-License-Identifier: GPL-2.0
//! Where things are: the label and the replica in the reserved head of a component, and what is in
//! a replica.
//!
//! ```text
//! reserved head    | 0: not ours | 1: label | 32: replica | 224: label again | 255: not ours |
//! replica          | 0: head | 1, 2: root | 3, 4: root | 5: slots ...            | last: tail |
//! ```
//!
//! A partition of its own has a label and replicas at the same places: the first replica begins at
//! page [`REPLICA_PAGE`], says how long it is, and the next one follows behind it. The first page
//! is left alone everywhere, since it may hold a boot sector.
//!
//! All replicas of a set use the slots that the smallest one has, and the same slot for the same
//! page; so apart from its head, tail and roots one replica is like the other.

use super::page::PAGE_BYTES;
use crate::{
    limits::{
        REPLICA_PAGES_MAX,
        REPLICA_PAGES_MIN,
        RESERVED_HEAD_SECTORS, //
    },
    units::SECTOR_BYTES, //
};

/// Sectors of a page.
pub const PAGE_SECTORS: u64 = PAGE_BYTES as u64 / SECTOR_BYTES;

/// Pages of the reserved head.
pub const RESERVED_PAGES: u32 = (RESERVED_HEAD_SECTORS / PAGE_SECTORS) as u32;

/// First pages of the two copies of a component's label.
pub const LABEL_PAGE: [u32; 2] = [LABEL_FIRST, LABEL_AGAIN];
const LABEL_FIRST: u32 = 1;
const LABEL_AGAIN: u32 = 224;

/// Most pages of one copy of a label.
pub const LABEL_PAGES: u32 = 31;

/// First page of the first replica on a device.
pub const REPLICA_PAGE: u32 = 32;

/// Pages of a replica in the reserved head.
pub const REPLICA_PAGES_IN_HEAD: u32 = 192;

/// Places of the two roots in a replica. They are written in turn, so that one is always whole;
/// each is written twice, in one write, so that a page that goes bad takes no commit with it.
pub const ROOT_PLACE: [[u32; 2]; 2] = [[1, 2], [3, 4]];

/// Place of the first slot in a replica.
pub const FIRST_SLOT: u32 = 5;

/// Slots that only changes of state may use, so that a full database can still say "erred".
pub const SPARE_SLOTS: u32 = 8;

const _: () = assert!(RESERVED_PAGES == 256);
const _: () = assert!(LABEL_FIRST + LABEL_PAGES <= REPLICA_PAGE);
const _: () = assert!(REPLICA_PAGE + REPLICA_PAGES_IN_HEAD <= LABEL_AGAIN);
const _: () = assert!(LABEL_AGAIN + LABEL_PAGES < RESERVED_PAGES);
const _: () = assert!(REPLICA_PAGES_MIN > FIRST_SLOT + SPARE_SLOTS + 1);
const _: () = assert!(REPLICA_PAGES_IN_HEAD >= REPLICA_PAGES_MIN);
const _: () = assert!(REPLICA_PAGES_IN_HEAD <= REPLICA_PAGES_MAX);
const _: () = assert!(page_sector(16, 3) == 16 + 3 * PAGE_SECTORS);

/// First sector of a page of a replica that begins at a sector of its device.
pub const fn page_sector(start_sector: u64, place: u32) -> u64 {
    start_sector.saturating_add((place as u64).saturating_mul(PAGE_SECTORS))
}

/// The places of the root that is not at this place.
pub const fn other_root(place: u32) -> [u32; 2] {
    let [first, second] = ROOT_PLACE;
    let [once, again] = first;
    if place == once || place == again {
        second
    } else {
        first
    }
}

/// Whether a page of a replica of so many pages is a slot.
pub const fn is_slot(place: u32, replica_pages: u32) -> bool {
    place >= FIRST_SLOT && place < replica_pages.saturating_sub(1)
}

/// Slots of a replica of so many pages.
pub const fn slots(replica_pages: u32) -> u32 {
    replica_pages.saturating_sub(1).saturating_sub(FIRST_SLOT)
}

/// Whether a replica may have so many pages.
pub const fn is_replica_size(pages: u32) -> bool {
    pages >= REPLICA_PAGES_MIN && pages <= REPLICA_PAGES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_neither_head_nor_root_nor_tail() {
        let pages = REPLICA_PAGES_IN_HEAD;
        let found = (0..pages + 2).filter(|place| is_slot(*place, pages));
        assert_eq!(found.count() as u32, slots(pages));
        assert!(!is_slot(0, pages) && !is_slot(4, pages) && !is_slot(pages - 1, pages));
        assert_eq!((other_root(1), other_root(4)), ([3, 4], [1, 2]));
        assert!(!is_slot(5, 0));
    }
}
