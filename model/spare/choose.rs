// SPDX-License-Identifier: GPL-2.0
//! Which spare of a pool a component gets: the first one in the pool's order that fits (`svm.md`
//! section 7). There is no search for the best fit, and a spare is given out whole, so that the
//! administrator puts small ones first.
//!
//! A spare begins with a reserved head, which has its label: by that it is found again
//! (`DURABILITY.md` clause 19). So data is always put behind that head, also those of a component
//! that has none and begins at block 0. SVM put such data at block 0 of a spare with a label; there
//! a label was a table of partitions, and part of the data.

use super::state::State;
use crate::limits::RESERVED_HEAD_SECTORS;

/// What a component needs that has failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Need {
    /// Sectors of data on it.
    pub size_sectors: u64,
    /// The largest logical block that who uses the metadevice can do with, in bytes.
    pub block_bytes: u32,
}

/// A spare of the pool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Offer {
    /// Its state.
    pub state: State,
    /// Whether its device is there.
    pub is_there: bool,
    /// Sectors of the whole device.
    pub capacity_sectors: u64,
    /// Its logical block, in bytes.
    pub block_bytes: u32,
}

/// First sector of the data on each spare.
pub const START_SECTOR: u64 = RESERVED_HEAD_SECTORS;

/// Sectors of data that a device with so many sectors has room for as a spare.
pub const fn room(capacity_sectors: u64) -> u64 {
    capacity_sectors.saturating_sub(START_SECTOR)
}

/// Whether a spare can stand for a component.
pub const fn fits(need: &Need, offer: &Offer) -> bool {
    matches!(offer.state, State::Available)
        && offer.is_there
        && offer.block_bytes <= need.block_bytes
        && room(offer.capacity_sectors) >= need.size_sectors
}

/// The place in the pool of the first spare that fits.
pub fn choose(need: &Need, pool: impl IntoIterator<Item = Offer>) -> Option<usize> {
    pool.into_iter().position(|offer| fits(need, &offer))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEED: Need = Need {
        size_sectors: 1000,
        block_bytes: 4096,
    };

    const GOOD: Offer = Offer {
        state: State::Available,
        is_there: true,
        capacity_sectors: START_SECTOR + 1000,
        block_bytes: 512,
    };

    /// `svm.md` 13.5 (37): of a small and a large one the one that fits, and no best fit.
    #[test]
    fn the_first_one_that_fits_is_taken() {
        let small = Offer {
            capacity_sectors: START_SECTOR + 999,
            ..GOOD
        };
        let large = Offer {
            capacity_sectors: START_SECTOR + 100_000,
            ..GOOD
        };
        assert_eq!(choose(&NEED, [small, large, GOOD]), Some(1));
        assert_eq!(choose(&NEED, [small, GOOD, large]), Some(1));
        assert_eq!(choose(&NEED, [GOOD, large]), Some(0));
        assert_eq!(choose(&NEED, [small]), None);
        assert_eq!(choose(&NEED, []), None);
    }

    /// What is in use, broken, away, or has larger blocks than the users rely on.
    #[test]
    fn what_cannot_stand_for_it_is_passed_over() {
        for state in [State::Available, State::InUse, State::Broken] {
            for is_there in [false, true] {
                for block_bytes in [512, 4096, 8192] {
                    let offer = Offer {
                        state,
                        is_there,
                        block_bytes,
                        ..GOOD
                    };
                    let expected = state == State::Available && is_there && block_bytes <= 4096;
                    assert_eq!(fits(&NEED, &offer), expected, "{offer:?}");
                }
            }
        }
    }

    /// A device that is all head has room for nothing, whatever is asked for.
    #[test]
    fn a_device_without_room_behind_its_head_fits_nothing() {
        for capacity_sectors in [0, 1, START_SECTOR - 1, START_SECTOR] {
            let tiny = Offer {
                capacity_sectors,
                ..GOOD
            };
            assert_eq!(room(capacity_sectors), 0);
            assert!(!fits(&NEED, &tiny));
        }
        assert_eq!(room(u64::MAX), u64::MAX - START_SECTOR);
    }
}
