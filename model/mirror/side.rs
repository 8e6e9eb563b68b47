// SPDX-License-Identifier: GPL-2.0
//! What becomes of a side as a whole (`svm.md` section 4.2).
//!
//! The table there has more states than this one: some of them are kept elsewhere.
//!
//! - COMP_ERRED, COMP_RESYNC and ALL_ERRED say how a side's components are. Those have states of
//!   their own ([`component`](super::component)), and what is shown of a side is taken from them.
//! - ATTACHED and ATTACHED_RESYNC, and with them OFFLINE_RESYNC, are one here: *needs a resync*.
//!   Whether somebody is at it is no property of the side; a resync that has failed, was cancelled
//!   or waits for its turn ([`passes`](super::passes)) leaves the side as it is, to be tried again.
//!   In which regions it is behind is remembered one by one, so that a side that was attached and
//!   one that was offline need not be told apart.
//! - UNUSED is a side that the mirror does not have. Which sides may go, and which may be taken
//!   offline, is for the administrator's commands to decide: they ask for another source.
//!
//! Three deviations are on purpose.
//!
//! - The sides of a new mirror follow the first one, unless somebody says that they are equal.
//! - A resync that has failed does not take a side offline again that was brought online. It is
//!   written from then on, so that it does not fall behind any further.
//! - A start brings back a side that was offline whatever the pass of the mirror is. One with pass
//!   0 is resynced when somebody asks for it, and until then the side is not read where it is
//!   behind.

/// State of a side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SideState {
    /// It has what the others have, but for what its components lack: RUNNING. A side of which
    /// nothing was said yet is taken to be so. Read and written.
    Okay,
    /// It has to be made equal to the others: ATTACHED or ATTACHED_RESYNC, OFFLINE_RESYNC. Written,
    /// and read where it is equal already.
    NeedsResync,
    /// The administrator has taken it out of service: OFFLINE. Neither read nor written.
    Offline,
}

/// What happened to a side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// It belongs to the mirror from now on, and has nothing of what the others have: `metattach`,
    /// or it is not the first one of a new mirror.
    Attached,
    /// `metaoffline`.
    Offlined,
    /// `metaonline`.
    Onlined,
    /// Its set was started: the administrator's wish ends with the run in which he had it.
    Started,
    /// All that it lacked was copied to it, and is beyond the caches of its devices.
    Synced,
}

/// The state of a side in `state` after `event`. `None`: that cannot happen to it, and is refused.
pub const fn step(state: SideState, event: Event) -> Option<SideState> {
    match (state, event) {
        // @A metattach: to ATTACHED_RESYNC. What is a side already is not attached once more.
        (SideState::Okay, Event::Attached) => Some(SideState::NeedsResync),
        (SideState::NeedsResync | SideState::Offline, Event::Attached) => None,
        // @B metaoffline: from RUNNING to OFFLINE. One that was behind before, which goes by force,
        // is still behind there when it comes back.
        (SideState::Okay | SideState::NeedsResync, Event::Offlined) => Some(SideState::Offline),
        // @C What is offline already is refused.
        (SideState::Offline, Event::Offlined) => None,
        // @D metaonline and reboot: from OFFLINE to OFFLINE_RESYNC.
        (SideState::Offline, Event::Onlined | Event::Started) => Some(SideState::NeedsResync),
        // @E What is not offline is refused.
        (SideState::Okay | SideState::NeedsResync, Event::Onlined) => None,
        // @F Others start as they were left.
        (SideState::Okay | SideState::NeedsResync, Event::Started) => Some(state),
        // @G The end of the way: from ATTACHED_RESYNC and OFFLINE_RESYNC to RUNNING.
        (SideState::Okay | SideState::NeedsResync, Event::Synced) => Some(SideState::Okay),
        // @H Nothing is copied to what is offline.
        (SideState::Offline, Event::Synced) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Event::*,
        SideState::*,
        *, //
    };

    /// The label of the rule, state and event, and the state that follows.
    const TABLE: &[(&str, SideState, Event, Option<SideState>)] = &[
        ("A", Okay, Attached, Some(NeedsResync)),
        ("A", NeedsResync, Attached, None),
        ("A", Offline, Attached, None),
        ("B", Okay, Offlined, Some(Offline)),
        ("B", NeedsResync, Offlined, Some(Offline)),
        ("C", Offline, Offlined, None),
        ("D", Offline, Onlined, Some(NeedsResync)),
        ("D", Offline, Started, Some(NeedsResync)),
        ("E", Okay, Onlined, None),
        ("E", NeedsResync, Onlined, None),
        ("F", Okay, Started, Some(Okay)),
        ("F", NeedsResync, Started, Some(NeedsResync)),
        ("G", Okay, Synced, Some(Okay)),
        ("G", NeedsResync, Synced, Some(Okay)),
        ("H", Offline, Synced, None),
    ];

    /// `svm.md` 4.2, with the deviations that the head of this file tells of.
    #[test]
    fn every_side_goes_where_the_table_says_after_every_event() {
        for state in [Okay, NeedsResync, Offline] {
            for event in [Attached, Offlined, Onlined, Started, Synced] {
                let mut lines = TABLE
                    .iter()
                    .filter(|line| (line.1, line.2) == (state, event));
                let line = lines.next().expect("a line for each combination");
                assert_eq!(lines.next(), None, "one line for each combination");
                let found = step(state, event);
                assert_eq!(found, line.3, "@{}: {state:?}, {event:?}", line.0);
            }
        }
    }

    /// `DURABILITY.md` clause 5: what was out of service is not taken to have everything.
    #[test]
    fn no_side_comes_back_without_a_resync() {
        for event in [Attached, Offlined, Onlined, Started, Synced] {
            assert_ne!(step(Offline, event), Some(Okay), "{event:?}");
        }
    }
}
