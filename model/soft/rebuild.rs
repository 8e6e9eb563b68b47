// SPDX-License-Identifier: GPL-2.0
//! Which soft partitions the watermarks of a base describe, for who has no other record of them.
//!
//! The first extent of a soft partition says which layout is in force: its number, how many extents
//! it has, and how many sectors. Its other extents are those of the highest number that is not
//! above. An extent with a higher one is from a change that did not come to its end, and one that
//! is not asked for from a change that did not clean up behind it; both are free. So a soft
//! partition is either rebuilt as it was, or not at all: if the layout of one first extent is not
//! complete, that of the next lower number is tried.

use core::cmp::Ordering;

use super::{
    watermark::{
        Stamp,
        Version, //
    },
    Extent,
};
use crate::{
    database::identity::Uuid,
    name::UnitName, //
};

/// An extent that a chain leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Found {
    /// Where it is.
    pub extent: Extent,
    /// Whose.
    pub stamp: Stamp,
}

/// One of the extents of a layout that is put together; the caller has the memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// Where it is.
    pub extent: Extent,
    /// The layout that it is from; 0 for none yet.
    generation: u64,
    is_ambiguous: bool,
}

impl Candidate {
    /// What a list holds before it is filled.
    pub const UNFILLED: Self = Self {
        extent: Extent::UNFILLED,
        generation: 0,
        is_ambiguous: false,
    };
}

/// A soft partition that was rebuilt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rebuilt {
    /// Its name.
    pub name: UnitName,
    /// The layout in force.
    pub version: Version,
}

/// Rebuilds a soft partition from the extents of a chain. Its own are then the first ones of `out`,
/// as many as [`Version::extents`] says. `None` if no layout of it is complete, or `out` is too
/// short for it.
pub fn rebuild(found: &[Found], soft: &Uuid, out: &mut [Candidate]) -> Option<Rebuilt> {
    let mut below = u64::MAX;
    loop {
        let first = newest_first(found, soft, below)?;
        let version = first.stamp.version;
        if gather(found, &first, out).is_some() {
            return Some(Rebuilt {
                name: first.stamp.name,
                version,
            });
        }
        below = version.generation;
    }
}

/// The first extent of a soft partition with the highest number that is below a bound.
fn newest_first(found: &[Found], soft: &Uuid, below: u64) -> Option<Found> {
    let firsts = found.iter().filter(|one| {
        let Stamp {
            sequence, version, ..
        } = one.stamp;
        one.stamp.soft == *soft && sequence == 0 && version.generation < below
    });
    firsts
        .max_by_key(|one| one.stamp.version.generation)
        .copied()
}

/// Puts the layout together that a first extent names; `None` if it is not complete.
fn gather(found: &[Found], first: &Found, out: &mut [Candidate]) -> Option<()> {
    let version = first.stamp.version;
    let own = out.get_mut(..version.extents as usize)?;
    own.fill(Candidate::UNFILLED);
    for one in found {
        let Stamp { soft, sequence, .. } = one.stamp;
        let generation = one.stamp.version.generation;
        if soft != first.stamp.soft || generation > version.generation {
            continue;
        }
        let Some(candidate) = own.get_mut(sequence as usize) else {
            continue;
        };
        match generation.cmp(&candidate.generation) {
            Ordering::Greater => {
                *candidate = Candidate {
                    extent: one.extent,
                    generation,
                    is_ambiguous: false,
                };
            }
            Ordering::Equal => candidate.is_ambiguous = true,
            Ordering::Less => {}
        }
    }
    let is_whole = |one: &Candidate| one.generation > 0 && !one.is_ambiguous;
    let (last, others) = own.split_last_mut()?;
    if !is_whole(last) || !others.iter().all(is_whole) {
        return None;
    }
    let before = others
        .iter()
        .try_fold(0_u64, |sum, one| sum.checked_add(one.extent.count))?;
    // The last one may be longer on its way to another layout, or from it.
    let count = version.total_sectors.checked_sub(before)?;
    if count == 0 || count > last.extent.count {
        return None;
    }
    last.extent.count = count;
    Some(())
}

/// Whether an extent of a chain is part of a layout that was rebuilt, as the caller has it.
pub fn is_part(found: &Found, soft: &Uuid, layout: &[Candidate]) -> bool {
    let candidate = layout.get(found.stamp.sequence as usize);
    found.stamp.soft == *soft
        && candidate.is_some_and(|candidate| candidate.extent.sector == found.extent.sector)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const SOFT: Uuid = Uuid::from_bytes([1; 16]);

    fn found(sequence: u32, generation: u64, of: (u32, u64), extent: (u64, u64)) -> Found {
        let (sector, count) = extent;
        Found {
            extent: Extent { sector, count },
            stamp: Stamp {
                soft: SOFT,
                name: UnitName::from_number(20).expect("a name"),
                sequence,
                version: Version {
                    generation,
                    extents: of.0,
                    total_sectors: of.1,
                },
            },
        }
    }

    fn rebuilt(all: &[Found]) -> Option<(u64, Vec<(u64, u64)>)> {
        let mut out = [Candidate::UNFILLED; 5];
        let rebuilt = rebuild(all, &SOFT, &mut out)?;
        let own = &out[..rebuilt.version.extents as usize];
        let extents = own.iter().map(|one| (one.extent.sector, one.extent.count));
        Some((rebuilt.version.generation, extents.collect()))
    }

    #[test]
    fn a_layout_is_rebuilt_if_it_is_complete() {
        let all = [
            found(1, 3, (2, 48), (4096, 32)),
            found(0, 3, (2, 48), (2064, 16)),
        ];
        let layout = [(2064, 16), (4096, 32)].to_vec();
        assert_eq!(rebuilt(&all), Some((3, layout)));
        assert_eq!(rebuilt(&all[..1]), None, "the first one is missing");
        assert_eq!(rebuilt(&all[1..]), None, "the second one is missing");
        assert_eq!(rebuild(&all, &Uuid::NIL, &mut []), None);
        assert_eq!(rebuild(&all, &SOFT, &mut []), None, "no room");
    }

    /// The first extent is written last: until then the new ones do not count.
    #[test]
    fn an_interrupted_growth_has_not_happened() {
        let mut all = [
            found(0, 1, (1, 16), (2064, 16)),
            found(1, 2, (2, 48), (4096, 32)),
        ];
        assert_eq!(rebuilt(&all), Some((1, [(2064, 16)].to_vec())));
        all[0] = found(0, 2, (2, 48), (2064, 16));
        let grown = [(2064, 16), (4096, 32)].to_vec();
        assert_eq!(rebuilt(&all), Some((2, grown)));
    }

    /// An extent that has become longer, or is to become shorter, has as much as the layout says.
    #[test]
    fn the_last_extent_has_what_is_left() {
        let all = [
            found(0, 5, (2, 32), (2064, 16)),
            found(1, 1, (2, 80), (4096, 64)),
        ];
        assert_eq!(rebuilt(&all), Some((5, [(2064, 16), (4096, 16)].to_vec())));
        let long = [found(0, 5, (1, 96), (2064, 64))];
        assert_eq!(rebuilt(&long), None, "there is not so much");
        let short = [
            found(0, 5, (2, 16), (2064, 16)),
            found(1, 1, (2, 80), (4096, 64)),
        ];
        assert_eq!(rebuilt(&short), None, "nothing is left for the last");
    }

    #[test]
    fn of_several_the_highest_that_is_complete_counts() {
        let all = [
            found(0, 9, (3, 96), (2064, 16)),
            found(0, 4, (2, 48), (8192, 16)),
            found(1, 4, (2, 48), (4096, 32)),
            found(1, 2, (2, 48), (6144, 32)),
        ];
        assert_eq!(rebuilt(&all), Some((4, [(8192, 16), (4096, 32)].to_vec())));
        let twice = [all[1], all[2], found(1, 4, (2, 48), (10240, 32))];
        assert_eq!(rebuilt(&twice), None, "nobody knows which");
        let mut out = [Candidate::UNFILLED; 3];
        rebuild(&all, &SOFT, &mut out).expect("complete");
        let parts = all.map(|one| is_part(&one, &SOFT, &out[..2]));
        assert_eq!(parts, [false, true, true, false]);
    }
}
