// SPDX-License-Identifier: GPL-2.0
//! What the sides of a mirror say about one place.
//!
//! More than half of the sides that were read have to say the same for another one to be wrong:
//! with two sides that differ nobody knows which is the right one, and with three two outvote the
//! third. Where a side has nothing but zeroes, that is told: something may have been discarded
//! there, or never written.

use crate::{
    limits::SUBMIRRORS_MAX,
    mirror::side_bit,
    units::SECTOR_BYTES, //
};

/// Sides that there may be.
pub const SIDES: usize = SUBMIRRORS_MAX as usize;

/// What the sides have at one place, all equally long; `None` for one that is not read.
pub type Contents<'a> = [Option<&'a [u8]>; SIDES];

/// What a comparison says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// All sides that were read have the same, or there were not two of them.
    Equal,
    /// One side has something else than more than half of those that were read.
    Outvoted(u32),
    /// There is no such majority.
    NoMajority,
}

/// A place where sides differ. Sides as bits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Difference {
    /// Those that were read.
    pub compared: u32,
    /// The one that has something else than the majority; none without a majority.
    pub outvoted: u32,
    /// Those that have nothing but zeroes.
    pub zeroed: u32,
}

/// What a scrub does about differences.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// It reports them.
    Check,
    /// The side that is outvoted gets what the majority has.
    Majority,
    /// All sides get what this one has.
    From(u32),
}

/// Where a difference is mended from, and which sides are written, as bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mend {
    /// The side that is right.
    pub source: u32,
    /// Those that are not.
    pub targets: u32,
}

/// Compares the sides.
pub fn compare(contents: &Contents<'_>) -> Verdict {
    let read = bits_of(contents, |_| true).count_ones();
    for candidate in contents.iter().flatten() {
        let agreeing = bits_of(contents, |other| other == *candidate);
        if agreeing.count_ones().saturating_mul(2) > read {
            let others = bits_of(contents, |other| other != *candidate);
            return match others {
                0 => Verdict::Equal,
                others => Verdict::Outvoted(others.trailing_zeros()),
            };
        }
    }
    if read == 0 {
        Verdict::Equal
    } else {
        Verdict::NoMajority
    }
}

/// The difference at one place, if there is one.
pub fn difference(contents: &Contents<'_>) -> Option<Difference> {
    let outvoted = match compare(contents) {
        Verdict::Equal => return None,
        Verdict::Outvoted(side) => side_bit(side),
        Verdict::NoMajority => 0,
    };
    Some(Difference {
        compared: bits_of(contents, |_| true),
        outvoted,
        zeroed: bits_of(contents, |side| side.iter().all(|byte| *byte == 0)),
    })
}

/// Calls `each` with the runs of sectors that differ in the same way: the first one, counted from
/// the beginning of what the sides have, how many, and how.
pub fn for_differences(contents: &Contents<'_>, mut each: impl FnMut(u64, u64, &Difference)) {
    if compare(contents) == Verdict::Equal {
        return;
    }
    let mut run: Option<(u64, u64, Difference)> = None;
    let lengths = contents.iter().flatten().map(|side| side.len());
    let sectors = lengths
        .min()
        .unwrap_or(0)
        .checked_div(SECTOR_BYTES as usize)
        .unwrap_or(0);
    for (number, at) in (0..sectors).zip(0_u64..) {
        let found = difference(&sector_of(contents, number));
        run = match (run, found) {
            (Some((first, count, how)), Some(found)) if how == found => {
                Some((first, count.saturating_add(1), how))
            }
            (before, found) => {
                if let Some((first, count, how)) = before {
                    each(first, count, &how);
                }
                found.map(|found| (at, 1, found))
            }
        };
    }
    if let Some((first, count, how)) = run {
        each(first, count, &how);
    }
}

/// What a scrub in this mode does about a difference; `None` if it only reports it.
pub fn mend(mode: Mode, difference: &Difference) -> Option<Mend> {
    let (source, targets) = match mode {
        Mode::Check => return None,
        Mode::Majority => {
            let right = difference.compared & !difference.outvoted;
            (right.trailing_zeros(), difference.outvoted)
        }
        Mode::From(side) => (side, difference.compared & !side_bit(side)),
    };
    let is_there = difference.compared & side_bit(source) != 0;
    (is_there && targets != 0).then_some(Mend { source, targets })
}

/// One sector of what the sides have.
fn sector_of<'a>(contents: &Contents<'a>, number: usize) -> Contents<'a> {
    let bytes = SECTOR_BYTES as usize;
    contents.map(|side| {
        let start = number.checked_mul(bytes)?;
        side?.get(start..start.checked_add(bytes)?)
    })
}

/// The sides that were read and are so, as bits.
fn bits_of(contents: &Contents<'_>, is_so: impl Fn(&[u8]) -> bool) -> u32 {
    let sides = (0..).zip(contents.iter());
    let found = sides.filter(|(_, side)| side.is_some_and(&is_so));
    found.fold(0, |bits, (side, _)| bits | side_bit(side))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    /// What the sides have: nothing, or one of four contents, of which number 0 is zeroes.
    fn all() -> impl Iterator<Item = [Option<u8>; SIDES]> {
        (0..625_u32).map(|number| {
            [1_u32, 5, 25, 125].map(|digit| {
                let content = number.checked_div(digit)?.checked_rem(5)?;
                u8::try_from(content).ok()?.checked_sub(1)
            })
        })
    }

    fn sector(byte: u8) -> [u8; 512] {
        [byte; 512]
    }

    /// Each combination, against counting by hand.
    #[test]
    fn more_than_half_of_those_that_were_read_are_right() {
        let sectors = [0, 1, 2, 3].map(sector);
        for sides in all() {
            let contents = sides.map(|side| Some(&sectors[usize::from(side?)][..]));
            let read: Vec<_> = sides.iter().flatten().copied().collect();
            let votes = |side: &u8| read.iter().filter(|other| *other == side).count();
            let winner = read.iter().find(|side| votes(side) * 2 > read.len());
            let expected = match winner {
                None if read.is_empty() => Verdict::Equal,
                None => Verdict::NoMajority,
                Some(winner) => {
                    let mut sides = sides.iter();
                    match sides.position(|side| side.is_some_and(|side| side != *winner)) {
                        None => Verdict::Equal,
                        Some(other) => Verdict::Outvoted(other as u32),
                    }
                }
            };
            assert_eq!(compare(&contents), expected, "{sides:?}");
            let found = difference(&contents);
            assert_eq!(found.is_none(), expected == Verdict::Equal, "{sides:?}");
            let bits = |is_so: fn(&u8) -> bool| {
                let chosen =
                    (0..4).filter(|side| sides[*side as usize].as_ref().is_some_and(is_so));
                chosen.fold(0, |bits, side: u32| bits | crate::mirror::side_bit(side))
            };
            if let Some(found) = found {
                assert_eq!(found.compared, bits(|_| true), "{sides:?}");
                assert_eq!(found.zeroed, bits(|side| *side == 0), "{sides:?}");
                let outvoted = match expected {
                    Verdict::Outvoted(side) => 1 << side,
                    _ => 0,
                };
                assert_eq!(found.outvoted, outvoted, "{sides:?}");
            }
        }
    }

    /// Whatever the sides have and is asked for, nobody is written who is right, nor from a side
    /// that was not read; and afterwards all that was read is the same, if anything is done.
    #[test]
    fn a_mend_makes_the_sides_equal_or_does_nothing() {
        let sectors = [0, 1, 2, 3].map(sector);
        let modes = [Mode::Check, Mode::Majority].into_iter();
        let modes: Vec<_> = modes.chain((0..5).map(Mode::From)).collect();
        for sides in all() {
            let contents = sides.map(|side| Some(&sectors[usize::from(side?)][..]));
            let Some(found) = difference(&contents) else {
                continue;
            };
            for mode in &modes {
                let Some(Mend { source, targets }) = mend(*mode, &found) else {
                    let asked = match mode {
                        Mode::Check => false,
                        Mode::Majority => found.outvoted != 0,
                        Mode::From(side) => found.compared & side_bit(*side) != 0,
                    };
                    assert!(!asked, "{mode:?} of {sides:?} does nothing");
                    continue;
                };
                let right = sides[source as usize].expect("a side that was read");
                let after: Vec<_> = (0..4_u32)
                    .filter_map(|side| {
                        let now = sides[side as usize]?;
                        Some(if targets & (1 << side) != 0 {
                            right
                        } else {
                            now
                        })
                    })
                    .collect();
                assert!(
                    after.iter().all(|side| *side == right),
                    "{mode:?}, {sides:?}"
                );
                if *mode == Mode::Majority {
                    assert_eq!(targets.count_ones(), 1, "{sides:?}");
                    assert_eq!(targets & !found.compared, 0, "{sides:?}");
                }
            }
        }
    }

    /// What is found of three sides of 8 sectors.
    fn found(sides: [&[u8; 8]; 3]) -> Vec<(u64, u64, u32, u32)> {
        let bytes = sides.map(|side| {
            let bytes = side.iter().flat_map(|byte| [*byte; 512]);
            bytes.collect::<Vec<_>>()
        });
        let [a, b, c] = &bytes;
        let contents: Contents<'_> = [Some(a), Some(b), Some(c), None];
        let mut found = Vec::new();
        for_differences(&contents, |first, count, how| {
            assert_eq!(how.compared, 0b111);
            found.push((first, count, how.outvoted, how.zeroed));
        });
        found
    }

    #[test]
    fn each_sector_that_differs_is_found_with_its_neighbours() {
        assert_eq!(found([b"abcdefgh"; 3]), []);
        assert_eq!(
            found([b"abcdefgh", b"abXXefgh", b"abcdefgY"]),
            [(2, 2, 0b010, 0), (7, 1, 0b100, 0)]
        );
        assert_eq!(
            found([b"Zbcdefgh", b"Ybcdefgh", b"Xbcdefgh"]),
            [(0, 1, 0, 0)]
        );
        assert_eq!(
            found([b"\0\0cdefgh", b"abcdefgh", b"aXcdefgh"]),
            [(0, 1, 0b001, 0b001), (1, 1, 0, 0b001)]
        );
    }

    /// One byte is enough, wherever it is.
    #[test]
    fn a_single_byte_is_a_difference() {
        for at in 0..1024 {
            let (one, mut other) = ([7; 1024], [7; 1024]);
            other[at] = 6;
            let mut found = Vec::new();
            let contents: Contents<'_> = [None, Some(&one), None, Some(&other)];
            for_differences(&contents, |first, count, how| {
                found.push((first, count, *how))
            });
            let how = Difference {
                compared: 0b1010,
                outvoted: 0,
                zeroed: 0,
            };
            assert_eq!(found, [(at as u64 / 512, 1, how)]);
        }
    }
}
