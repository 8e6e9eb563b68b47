// SPDX-License-Identifier: GPL-2.0
//! What becomes of blocks that a side could not read, and another one could: they are written
//! again, since most disks then take another place for them, and are read once more. Only if that
//! fails the component is given up.
//!
//! Only a *medium error* is met with that: the disk has said that it has lost these very blocks. A
//! disk that does not answer, or a cable that is bad, does not become better when it is written to.

/// Sectors that are written at once: 4 KiB, what most disks have for a block.
pub const BLOCK_SECTORS: u64 = 8;

/// Places that may wait.
pub const PLACES_MAX: usize = 16;

/// How a read has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Read {
    /// With the data.
    Good,
    /// The disk has lost the data, or has given back something else than was written.
    Medium,
    /// With another error.
    Other,
}

/// What is done next about a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Nothing.
    Leave,
    /// It is written with what another side has, and read again.
    Rewrite,
    /// Nothing: it is good again, which is counted.
    Healed,
    /// Its component has not kept what was written to it, and is given up like one that has failed
    /// a write.
    GiveUp,
}

/// What is done about a block that a side has read like this. `has_source`: another side has its
/// data.
pub const fn first(read: Read, has_source: bool) -> Next {
    match (read, has_source) {
        (Read::Medium, true) => Next::Rewrite,
        (Read::Good | Read::Other, _) | (Read::Medium, false) => Next::Leave,
    }
}

/// What is done about a block that was written again and then read; `is_written`: the write was
/// successful. A write that fails is judged as any other one.
pub const fn second(is_written: bool, read: Read) -> Next {
    match (is_written, read) {
        (false, _) | (true, Read::Medium) => Next::GiveUp,
        (true, Read::Good) => Next::Healed,
        (true, Read::Other) => Next::Leave,
    }
}

/// Sectors that some sides could not read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Place {
    /// The sides, as bits.
    pub sides: u32,
    /// First sector.
    pub sector: u64,
    /// How many.
    pub count: u64,
}

/// Places that wait for being mended. Bounded: what there is no room for is found again by the next
/// read or scrub.
#[derive(Clone, Debug, Default)]
pub struct Places([Option<Place>; PLACES_MAX]);

impl Places {
    /// None.
    pub const fn new() -> Self {
        Self([None; PLACES_MAX])
    }

    /// Adds one, if it is not there already and there is room.
    pub fn add(&mut self, place: Place) {
        if place.count == 0 || place.sides == 0 {
            return;
        }
        if self.0.iter().flatten().any(|other| *other == place) {
            return;
        }
        if let Some(free) = self.0.iter_mut().find(|place| place.is_none()) {
            *free = Some(place);
        }
    }

    /// Takes one out.
    pub fn take(&mut self) -> Option<Place> {
        self.0.iter_mut().find_map(Option::take)
    }

    /// Forgets all of them: the sides are not what they were.
    pub fn forget(&mut self) {
        self.0 = [None; PLACES_MAX];
    }
}

/// The blocks of a place, each as its first sector and how many: whole blocks but for the ends of
/// the mirror, which has `sectors`.
pub fn blocks(place: &Place, sectors: u64) -> impl Iterator<Item = (u64, u64)> {
    let end = place.sector.saturating_add(place.count).min(sectors);
    let mut next = if place.sector < end {
        place.sector & !(BLOCK_SECTORS.wrapping_sub(1))
    } else {
        end
    };
    core::iter::from_fn(move || {
        let first = next;
        if first >= end {
            return None;
        }
        next = first.saturating_add(BLOCK_SECTORS);
        Some((first, next.min(sectors).saturating_sub(first)))
    })
}

/// Sides on which blocks are to be rewritten that a resync has read from another one, as bits:
/// `lost` have lost them. Those that are `behind` are written there anyhow; where the sides may
/// differ, all are.
pub const fn lost_in_resync(lost: u32, behind: u32, is_uncertain: bool) -> u32 {
    if is_uncertain {
        0
    } else {
        lost & !behind
    }
}

/// How many of `count` sectors from sector `from` on are in the first block: what is tried when all
/// of them together could be read on no side. `None` if they were no more than that.
pub fn first_block(from: u64, count: u64) -> Option<u64> {
    let before = from.checked_rem(BLOCK_SECTORS)?;
    let left = BLOCK_SECTORS.checked_sub(before)?;
    (left < count).then_some(left)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::{
        Next::*,
        Read::*,
        *, //
    };

    /// `DURABILITY.md` section 2, and issue 7: a medium error is met with a rewrite before the
    /// component is given up; nothing else is.
    #[test]
    fn every_combination_is_met_as_the_tables_say() {
        let firsts = [
            (Good, false, Leave),
            (Good, true, Leave),
            (Medium, false, Leave),
            (Medium, true, Rewrite),
            (Other, false, Leave),
            (Other, true, Leave),
        ];
        let seconds = [
            (false, Good, GiveUp),
            (false, Medium, GiveUp),
            (false, Other, GiveUp),
            (true, Good, Healed),
            (true, Medium, GiveUp),
            (true, Other, Leave),
        ];
        for read in [Good, Medium, Other] {
            for yes in [false, true] {
                let line = firsts.iter().find(|line| (line.0, line.1) == (read, yes));
                assert_eq!(Some(first(read, yes)), line.map(|line| line.2));
                let line = seconds.iter().find(|line| (line.0, line.1) == (yes, read));
                assert_eq!(Some(second(yes, read)), line.map(|line| line.2));
            }
        }
    }

    fn place(sector: u64) -> Place {
        Place {
            sides: 1,
            sector,
            count: 8,
        }
    }

    #[test]
    fn places_wait_once_and_only_as_many_as_there_is_room_for() {
        let mut places = Places::new();
        places.add(Place::default());
        assert_eq!(places.take(), None);
        for sector in (0..100).chain(0..100) {
            places.add(place(sector));
        }
        let taken: Vec<_> = core::iter::from_fn(|| places.take()).collect();
        assert_eq!(taken, (0..PLACES_MAX as u64).map(place).collect::<Vec<_>>());
        places.add(place(5));
        places.forget();
        assert_eq!(places.take(), None);
    }

    #[test]
    fn the_blocks_of_a_place_are_whole_ones() {
        let found = |sector, count, sectors| {
            let place = Place {
                sides: 1,
                sector,
                count,
            };
            blocks(&place, sectors).collect::<Vec<_>>()
        };
        assert_eq!(found(8, 8, 100), [(8, 8)]);
        assert_eq!(found(7, 2, 100), [(0, 8), (8, 8)]);
        assert_eq!(found(90, 50, 99), [(88, 8), (96, 3)]);
        assert_eq!(found(200, 8, 100), []);
        assert_eq!(found(u64::MAX, u64::MAX, u64::MAX), []);
    }

    /// A side that is behind, or may be, is written by the resync itself.
    #[test]
    fn a_resync_mends_where_it_does_not_write() {
        let table = [
            (0b000, 0b100, false, 0b000),
            (0b001, 0b100, false, 0b001),
            (0b011, 0b100, false, 0b011),
            (0b101, 0b100, false, 0b001),
            (0b100, 0b100, false, 0b000),
            (0b001, 0b000, true, 0b000),
            (0b011, 0b100, true, 0b000),
        ];
        for (lost, behind, is_uncertain, expected) in table {
            let found = lost_in_resync(lost, behind, is_uncertain);
            assert_eq!(found, expected, "{lost:b} {behind:b} {is_uncertain}");
        }
    }

    #[test]
    fn what_cannot_be_read_at_once_is_read_block_by_block() {
        for from in 0..40_u64 {
            let (mut at, end) = (from, 64);
            while let Some(length) = first_block(at, end - at) {
                assert!((1..=BLOCK_SECTORS).contains(&length));
                at += length;
                assert_eq!(at % BLOCK_SECTORS, 0, "no block is cut in two");
            }
            assert!(end - at <= BLOCK_SECTORS && at < end);
        }
        assert_eq!(first_block(8, 8), None);
        assert_eq!(first_block(8, 9), Some(8));
        assert_eq!(first_block(u64::MAX, u64::MAX), Some(1));
    }
}
