// SPDX-License-Identifier: GPL-2.0
//! What a schedule is made of: how many replicas, and which faults how often. Faults that no design
//! survives are left out here, by a rule, and not by luck.

use crate::random::Random;

/// Which kinds of faults there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// Disks die, come back, are missing, fail and hang; replicas come and go.
    Loud,
    /// Bits flip on one disk. All disks are there, of at least three voters, and none is deleted.
    Rot,
    /// Writes to one disk go elsewhere; the rest as with [`Mode::Rot`].
    Misdirected,
}

/// The plan of one schedule. Rates are times out of a thousand, at each step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) mode: Mode,
    pub(crate) voters: usize,
    pub(crate) has_tie: bool,
    /// Whether a clone of the first disk is there whenever the disk is.
    pub(crate) has_clone: bool,
    /// Pages of every replica.
    pub(crate) pages: u32,
    pub(crate) steps: u64,
    pub(crate) cut_rate: usize,
    pub(crate) reload_rate: usize,
    pub(crate) death_rate: usize,
    pub(crate) return_rate: usize,
    pub(crate) error_rate: usize,
    pub(crate) hang_rate: usize,
    pub(crate) arrival_rate: usize,
    pub(crate) member_rate: usize,
    /// Of a disk to be there at a load.
    pub(crate) presence_rate: usize,
    pub(crate) silent_rate: usize,
}

impl Plan {
    /// Draws a plan.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mode = match random.below(10) {
            0 | 1 => Mode::Rot,
            2 => Mode::Misdirected,
            _ => Mode::Loud,
        };
        let is_loud = mode == Mode::Loud;
        let loud = |rate: usize| if is_loud { rate } else { 0 };
        let voters = if is_loud {
            random.one_of(&[1, 2, 2, 3, 3, 4]).unwrap_or(2)
        } else {
            3 + random.below(2)
        };
        let mut often = |rates: &[usize]| random.one_of(rates).unwrap_or(0);
        Self {
            mode,
            voters,
            has_tie: often(&[0, 1]) == 1,
            has_clone: often(&[0, 0, 0, 0, 0, 0, 0, 1]) == 1,
            pages: often(&[18, 20, 24]) as u32,
            steps: often(&[150, 180, 220, 260]) as u64,
            cut_rate: often(&[5, 10, 25]),
            reload_rate: often(&[0, 5, 20]),
            death_rate: loud(often(&[0, 3, 10])),
            return_rate: often(&[20, 60]),
            error_rate: loud(often(&[0, 2, 8])),
            hang_rate: often(&[0, 5, 20]),
            arrival_rate: often(&[15, 50]),
            member_rate: loud(often(&[0, 10, 30])),
            presence_rate: if is_loud {
                often(&[650, 800, 950])
            } else {
                1000
            },
            silent_rate: if is_loud { 0 } else { often(&[5, 20, 60]) },
        }
    }
}
