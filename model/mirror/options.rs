// SPDX-License-Identifier: GPL-2.0
//! What an administrator may choose for a mirror (`svm.md` section 4.1).
//!
//! The numbers are SVM's. They are also those of the ioctl interface, so that nothing translates.

use super::throttle::Limits;
use crate::limits::PASS_MAX;

/// Which side a read goes to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ReadPolicy {
    /// Each side in turn.
    #[default]
    RoundRobin,
    /// Each side has an equal part of the mirror, so that a disk's head stays in its part.
    Geometric,
    /// The first side, as long as it can be read.
    First,
    /// Each side in turn, and another one as well if it takes long ([`super::hedge`]). SVM has no
    /// such policy.
    Hedged,
}

impl ReadPolicy {
    /// The policy with this number; `None` if there is none.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::RoundRobin),
            1 => Some(Self::Geometric),
            2 => Some(Self::First),
            3 => Some(Self::Hedged),
            _ => None,
        }
    }

    /// The policy's number.
    pub const fn number(self) -> u32 {
        match self {
            Self::RoundRobin => 0,
            Self::Geometric => 1,
            Self::First => 2,
            Self::Hedged => 3,
        }
    }
}

/// How a write goes to the sides.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WritePolicy {
    /// To all sides at once.
    #[default]
    Parallel,
    /// To one side after the other.
    Serial,
    /// To all sides at once, from a copy of our own: whoever changes the memory on the way changes
    /// no side (`DURABILITY.md` clause 14). SVM has no such policy.
    Copy,
}

impl WritePolicy {
    /// The policy with this number; `None` if there is none.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Parallel),
            1 => Some(Self::Serial),
            2 => Some(Self::Copy),
            _ => None,
        }
    }

    /// The policy's number.
    pub const fn number(self) -> u32 {
        match self {
            Self::Parallel => 0,
            Self::Serial => 1,
            Self::Copy => 2,
        }
    }
}

/// Options of a mirror. Their defaults are those of who does not ask for others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    /// Which side a read goes to.
    pub read: ReadPolicy,
    /// How a write goes to the sides.
    pub write: WritePolicy,
    /// In which pass the mirror is resynced at boot, 1 to [`PASS_MAX`]; 0 for in none.
    pub pass: u8,
    /// How fast it is resynced.
    pub pace: Limits,
}

impl Options {
    /// The pass with this number; `None` if it is above [`PASS_MAX`].
    pub fn pass_from_number(number: u32) -> Option<u8> {
        u8::try_from(number)
            .ok()
            .filter(|pass| u32::from(*pass) <= PASS_MAX)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            read: ReadPolicy::default(),
            write: WritePolicy::default(),
            pass: 1,
            pace: Limits::DEFAULT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `svm.md` 4.1: read 0 roundrobin, 1 geometric, 2 first; write 0 parallel, 1 serial. Read 3
    /// and write 2 are ours.
    #[test]
    fn policies_have_the_numbers_of_svm() {
        let reads = [
            ReadPolicy::RoundRobin,
            ReadPolicy::Geometric,
            ReadPolicy::First,
            ReadPolicy::Hedged,
        ];
        for (number, policy) in (0..).zip(reads) {
            assert_eq!(ReadPolicy::from_number(number), Some(policy));
            assert_eq!(policy.number(), number);
        }
        let writes = [
            WritePolicy::Parallel,
            WritePolicy::Serial,
            WritePolicy::Copy,
        ];
        for (number, policy) in (0..).zip(writes) {
            assert_eq!(WritePolicy::from_number(number), Some(policy));
            assert_eq!(policy.number(), number);
        }
    }

    #[test]
    fn other_numbers_are_no_policies() {
        assert_eq!(ReadPolicy::from_number(4), None);
        assert_eq!(ReadPolicy::from_number(u32::MAX), None);
        assert_eq!(WritePolicy::from_number(3), None);
        assert_eq!(WritePolicy::from_number(u32::MAX), None);
    }

    /// `svm.md` 4.1: pass 0 to 9.
    #[test]
    fn a_pass_is_a_number_up_to_nine() {
        assert_eq!(Options::pass_from_number(0), Some(0));
        assert_eq!(Options::pass_from_number(9), Some(9));
        assert_eq!(Options::pass_from_number(10), None);
        assert_eq!(Options::pass_from_number(257), None, "not its lowest byte");
    }

    /// `svm.md` 4.1: roundrobin, parallel and pass 1, unless asked for others.
    #[test]
    fn who_asks_for_nothing_gets_the_defaults_of_svm() {
        let options = Options::default();
        assert_eq!(options.read, ReadPolicy::RoundRobin);
        assert_eq!(options.write, WritePolicy::Parallel);
        assert_eq!(options.pass, 1);
    }
}
