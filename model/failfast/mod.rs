// SPDX-License-Identifier: GPL-2.0
//! Disks that several hosts can reach: who may use one, and what is done when this host may not any
//! more (mhd(7I); `multihost.md`).
//!
//! - [`verdict`]: what an answer of a disk says about our access.
//! - [`watch`]: the prober's state machine: when to ask, and when access counts as lost.
//! - [`takeover`]: how a disk is taken from another host, and how it is seen that it stays ours.
//! - [`persist`]: the same by persistent reservations, where a disk has no other ones.
//! - [`wire`]: the SCSI commands for persistent reservations.
//!
//! # What is promised
//!
//! A host acts ([`Action`]) if, and only if, the disk has refused something with a reservation
//! conflict, or does not have the host's key any more, while failfast is on. A disk that answers
//! late, or not at all, or that is gone, has said nothing about whose it is: nothing is done, since
//! whoever has taken it over is protected by the disk itself, which refuses what comes late.
//!
//! From the loss to the action it takes at most [`watch::detection_ms`], and no longer than the
//! answer to the first read or write through a metadevice that the disk refuses. After the action
//! nothing is sent any more, so that this is also the time of the last write that can reach the
//! disk ([`watch::last_write_ms`] with the longest time-out); the disk has refused all of them
//! since the loss.

pub mod persist;
pub mod takeover;
pub mod verdict;
pub mod watch;
pub mod wire;

/// What is done when access is lost.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Action {
    /// The machine panics (mhd(7I): what failfast is for).
    #[default]
    Panic,
    /// The machine is restarted at once, with nothing written.
    Restart,
    /// Every metadevice on the disk fails its I/O, and nothing more reaches the disk.
    Fence,
    /// It is told, and nothing else is done.
    Log,
}

impl Action {
    /// All of them, in the order of their numbers, which begin with 0.
    pub const ALL: [Self; 4] = [Self::Panic, Self::Restart, Self::Fence, Self::Log];

    /// The action with a number; `None` if there is none.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// The action's number.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The action's name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Restart => "restart",
            Self::Fence => "fence",
            Self::Log => "log",
        }
    }
}

/// What the administrator has chosen for a disk, as it is kept in the state database of its set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Choice {
    /// Milliseconds between probes; 0 for none.
    pub period_ms: u32,
    /// What is done when access is lost; `None` for what the module has.
    pub action: Option<Action>,
}

impl Choice {
    /// Nothing was chosen.
    pub const NONE: Self = Self {
        period_ms: 0,
        action: None,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_number_and_a_name_of_its_own() {
        for (number, action) in (0..).zip(Action::ALL) {
            assert_eq!(action.number(), number);
            assert_eq!(Action::from_number(number), Some(action));
            let same = Action::ALL.map(|other| other.word() == action.word());
            assert_eq!(same.iter().filter(|same| **same).count(), 1);
        }
        assert_eq!(Action::from_number(4), None);
    }

    /// mhd(7I): without access that was expected the machine panics.
    #[test]
    fn nobody_chooses_panic_and_gets_something_else() {
        assert_eq!(Action::default(), Action::Panic);
    }
}
