// SPDX-License-Identifier: GPL-2.0
//! The chain of watermarks from the start of a base to its end: the one that it should have, and
//! walking the one that it has.
//!
//! Only what the chain leads to counts. Whatever looks like a watermark in the data of a soft
//! partition, an older watermark that has become data among it, is never reached.

use super::{
    taken::{
        gap,
        Taken, //
    },
    watermark::{
        judge,
        Behind,
        Watermark, //
    },
    Base,
};
use crate::{
    database::{
        identity::Uuid,
        page::Damage, //
    },
    limits::GRAIN_SECTORS, //
};

/// What is between two watermarks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Content {
    /// Nothing.
    Free,
    /// An extent.
    Taken(Taken),
    /// The base ends.
    End,
}

/// A watermark that there should be, without whose it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tile {
    /// Its place.
    pub sector: u64,
    /// Sectors between its place and the next one's.
    pub length: u64,
    /// What they are.
    pub content: Content,
}

/// The chain of a base of which this is taken, in order.
pub fn tiles<'a>(base: &'a Base, taken: &'a [Taken]) -> impl DoubleEndedIterator<Item = Tile> + 'a {
    let last = taken.len().saturating_mul(2).saturating_add(1);
    (0..=last).filter_map(move |number| tile(base, taken, number))
}

/// Tile number `number`: in turn a gap, which there may not be, and what is taken behind it; then
/// the end.
pub(super) fn tile(base: &Base, taken: &[Taken], number: usize) -> Option<Tile> {
    let index = number / 2;
    if number % 2 == 0 {
        free_tile(base, taken, index)
    } else if let Some(one) = taken.get(index) {
        Some(taken_tile(one))
    } else {
        Some(end_tile(base))
    }
}

fn free_tile(base: &Base, taken: &[Taken], index: usize) -> Option<Tile> {
    let run = gap(base, taken, index)?;
    let length = run.to.checked_sub(run.from)?.checked_sub(GRAIN_SECTORS)?;
    Some(Tile {
        sector: run.from,
        length,
        content: Content::Free,
    })
}

fn taken_tile(one: &Taken) -> Tile {
    Tile {
        sector: one.extent.place(),
        length: one.extent.count,
        content: Content::Taken(*one),
    }
}

fn end_tile(base: &Base) -> Tile {
    Tile {
        sector: base.end,
        length: 0,
        content: Content::End,
    }
}

/// The tile whose watermark is at a place, if there is one.
pub fn tile_at(base: &Base, taken: &[Taken], sector: u64) -> Option<Tile> {
    if sector == base.end {
        return Some(end_tile(base));
    }
    let index = taken.partition_point(|one| one.extent.place() < sector);
    match taken.get(index) {
        Some(one) if one.extent.place() == sector => Some(taken_tile(one)),
        _ => free_tile(base, taken, index).filter(|free| free.sector == sector),
    }
}

/// Whether a watermark that was found says what one that was expected does. That of an extent but
/// for the first one may be from an older layout of its soft partition, in which it was the same.
pub fn agrees(expected: &Watermark, found: &Watermark) -> bool {
    let is_alike = (expected.base, expected.sector, expected.length)
        == (found.base, found.sector, found.length);
    let is_same = match (expected.behind, found.behind) {
        (Behind::Extent(expected), Behind::Extent(found)) => {
            let is_own = (expected.soft, expected.name, expected.sequence)
                == (found.soft, found.name, found.sequence);
            let is_older = found.version.generation <= expected.version.generation;
            is_own
                && if expected.sequence == 0 {
                    found.version == expected.version
                } else {
                    is_older
                }
        }
        (expected, found) => expected == found,
    };
    is_alike && is_same
}

/// Where a chain is broken, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Broken {
    /// The place.
    pub sector: u64,
    /// What is wrong with the first copy there.
    pub damage: Damage,
}

/// A walk along a chain, from watermark to watermark.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    end: u64,
    base: Option<Uuid>,
    next: Option<u64>,
}

impl Walk {
    /// From the start of a base, whose watermarks may have any identity, but all the same.
    pub fn new(base: &Base) -> Self {
        Self {
            end: base.end,
            base: None,
            next: Some(base.start),
        }
    }

    /// The place to be read next; `None` at the end.
    pub fn place(&self) -> Option<u64> {
        self.next
    }

    /// Identity of the watermarks of the base; nil before the first one.
    pub fn base(&self) -> Uuid {
        self.base.unwrap_or(Uuid::NIL)
    }

    /// Goes on, by the two copies of what was read at [`Self::place`]. A walk that is broken does
    /// not go on.
    pub fn step(&mut self, copies: (&[u8], &[u8])) -> Result<Watermark, Broken> {
        let sector = self.next.take().unwrap_or(self.end);
        let broken = |damage| Broken { sector, damage };
        let mark = judge(copies, sector, self.base).map_err(broken)?;
        let next = mark.next();
        if next.is_some_and(|next| next > self.end) {
            let found = mark.length;
            let name = super::watermark::LENGTH.name;
            return Err(broken(Damage::Value { name, found }));
        }
        self.base = Some(mark.base);
        self.next = next;
        Ok(mark)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::soft::Extent;

    const BASE: Base = Base {
        start: 2048,
        end: 8192,
    };

    fn taken(sector: u64, count: u64) -> Taken {
        Taken {
            extent: Extent { sector, count },
            owner: 0,
            sequence: 0,
        }
    }

    #[test]
    fn tiles_lead_from_start_to_end() {
        let lists: [&[Taken]; 4] = [
            &[],
            &[taken(2064, 32)],
            &[taken(4096, 32), taken(4144, 16)],
            &[taken(2064, 8192 - 2064)],
        ];
        for list in lists {
            let all: Vec<_> = tiles(&BASE, list).collect();
            let mut at = BASE.start;
            for tile in &all {
                assert_eq!(tile.sector, at);
                assert_eq!(tile_at(&BASE, list, at), Some(*tile));
                assert_eq!(tile_at(&BASE, list, at + 1), None);
                at += GRAIN_SECTORS + tile.length;
            }
            assert_eq!(at, BASE.end + GRAIN_SECTORS);
            assert_eq!(all.last().map(|tile| tile.content), Some(Content::End));
            let mut backward: Vec<_> = tiles(&BASE, list).rev().collect();
            backward.reverse();
            assert_eq!(backward, all);
            let found = all
                .iter()
                .filter(|t| matches!(t.content, Content::Taken(_)));
            assert_eq!(found.count(), list.len());
        }
    }

    fn page(mark: &Watermark) -> [u8; 512] {
        let mut page = [0; 512];
        assert!(mark.encode(&mut page));
        page
    }

    #[test]
    fn a_walk_ends_where_the_chain_does() {
        let free = Watermark {
            base: Uuid::from_bytes([3; 16]),
            sector: 2048,
            length: 96,
            behind: Behind::Free,
        };
        let end = Watermark {
            sector: 2160,
            length: 0,
            behind: Behind::End,
            ..free
        };
        let mut walk = Walk::new(&BASE);
        assert_eq!(walk.place(), Some(2048));
        assert_eq!(walk.step((&page(&free), &[])), Ok(free));
        assert_eq!((walk.place(), walk.base()), (Some(2160), free.base));
        let stranger = Watermark {
            base: Uuid::from_bytes([4; 16]),
            ..end
        };
        let mut other = walk;
        assert!(other.step((&page(&stranger), &[])).is_err());
        assert_eq!(other.place(), None, "a broken walk does not go on");
        assert_eq!(walk.step((&[], &page(&end))), Ok(end));
        assert_eq!(walk.place(), None);
        let beyond = Watermark {
            length: 8192,
            ..free
        };
        let broken = Walk::new(&BASE).step((&page(&beyond), &[]));
        assert_eq!(broken.err().map(|broken| broken.sector), Some(2048));
    }
}
