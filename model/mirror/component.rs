// SPDX-License-Identifier: GPL-2.0
//! What becomes of a component of a submirror when something fails (`svm.md` sections 4.2 and 4.7).
//!
//! A component whose content may be behind must not be read, and as long as another one has all
//! its blocks nothing is lost without it: it is *erred*. If it is the last one that has a block,
//! it stays in service, since its other blocks are still worth reading: it is *last erred*, and
//! what it then fails to do is the caller's error.
//!
//! One deviation from SVM is on purpose. There a failed read takes the component out of service
//! like a failed write. But a read can be answered by another side, and leaves all sides equal;
//! one bad sector must not cost a side its redundancy while the other side may have a bad sector
//! of its own. So a failed read changes nothing as long as another side has the blocks.
//!
//! The change has to be recorded before the write that it excuses is acknowledged
//! (`DURABILITY.md` clause 5).
//!
//! The way back is a resync: who enables or replaces a component has it written again, like the
//! others, and read when all that it lacks was copied to it.

/// State of a component.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It has every write that was acknowledged. In service.
    Okay,
    /// It may lack writes, and others have them: SVM's "Maintenance". Out of service.
    Erred,
    /// It may lack a write that failed, but has blocks that no other component in service has:
    /// "Last Erred". In service.
    LastErred,
    /// It lacks writes, and is being made equal to the others: "Resyncing". Written, and read where
    /// it is equal already.
    Resyncing,
}

/// What happened to a component.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// Its device did not carry out a write or a flush.
    WriteFailed,
    /// Its device did not carry out a read.
    ReadFailed,
    /// A write has missed its device, which was removed from the machine or not found; a column of
    /// RAID5 does not wait for the write. By itself it is nothing that happens to a component.
    DeviceGone,
    /// A component of another side has come back into service, for example after a resync.
    OtherReturned,
    /// The administrator, or a hot spare, has given it a device that works, with whatever is on it.
    /// Refused of one that others do not replace: who asks looks whether the state changes first.
    Enabled,
    /// All that it lacked was copied to it, and is beyond the device's cache.
    Synced,
}

/// The state of a component in `state` after `event`.
///
/// `other_source` says whether each block of the component is also on another side's component
/// that is [`State::Okay`] and has its device; see
/// [`has_other_source`](super::source::has_other_source). Where the event does not ask for it,
/// it does not matter.
pub const fn step(state: State, event: Event, other_source: bool) -> State {
    match (state, event, other_source) {
        // @A A failure in service, and others have it all.
        (State::Okay, Event::WriteFailed | Event::DeviceGone, true) => State::Erred,
        // @B The same, and others have not.
        (State::Okay, Event::WriteFailed | Event::DeviceGone | Event::ReadFailed, false) => {
            State::LastErred
        }
        // @C A read is answered by another side; the sides are as equal as before.
        (State::Okay, Event::ReadFailed, true) => State::Okay,
        // @D What happens elsewhere does not matter to a component without a failure, which has
        // nothing to be given either.
        (State::Okay, Event::OtherReturned | Event::Enabled | Event::Synced, _) => State::Okay,
        // @E Others have it all now: it is no longer needed.
        (State::LastErred, Event::OtherReturned, true) => State::Erred,
        // @F What has come back does not have it all.
        (State::LastErred, Event::OtherReturned, false) => State::LastErred,
        // @G It cannot become worse without being lost.
        (State::LastErred, Event::WriteFailed | Event::ReadFailed | Event::DeviceGone, _) => {
            State::LastErred
        }
        // @H What is not there can be made equal to what is.
        (State::Erred, Event::Enabled, _) | (State::LastErred, Event::Enabled, true) => {
            State::Resyncing
        }
        // @I Only a resync leads out, and what nobody else has must stay readable until others do.
        (State::Erred, _, _) | (State::LastErred, Event::Synced | Event::Enabled, _) => state,
        // @J Nobody relies on it yet.
        (State::Resyncing, Event::WriteFailed | Event::DeviceGone, _) => State::Erred,
        // @K What could not be read there is copied again, or was not to be read.
        (State::Resyncing, Event::ReadFailed | Event::OtherReturned | Event::Enabled, _) => {
            State::Resyncing
        }
        // @L The end of the way.
        (State::Resyncing, Event::Synced, _) => State::Okay,
    }
}

/// Reads of a component that may fail before other sides are read instead, as long as there are
/// any. A bad sector here and there is answered from the other side; a device that does not read at
/// all would make every other read wait for its error first.
const READ_FAILURES_MAX: u32 = 20;

/// Whether a component that is in service, and of which so many reads have failed, is read although
/// another side has its blocks, too.
#[inline]
pub const fn is_worth_reading(read_failures: u32) -> bool {
    read_failures <= READ_FAILURES_MAX
}

/// Whether reads may go to a component in this state, wherever it is not behind.
#[inline]
pub const fn is_read(state: State) -> bool {
    match state {
        State::Okay | State::LastErred | State::Resyncing => true,
        State::Erred => false,
    }
}

/// Whether writes go to a component in this state.
#[inline]
pub const fn is_written(state: State) -> bool {
    match state {
        State::Okay | State::LastErred | State::Resyncing => true,
        State::Erred => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Event::*,
        State::*,
        *, //
    };

    /// The label of the rule, state and event, and the states that follow without and with another
    /// source.
    const TABLE: &[(&str, State, Event, [State; 2])] = &[
        ("AB", Okay, WriteFailed, [LastErred, Erred]),
        ("AB", Okay, DeviceGone, [LastErred, Erred]),
        ("BC", Okay, ReadFailed, [LastErred, Okay]),
        ("D", Okay, OtherReturned, [Okay, Okay]),
        ("D", Okay, Enabled, [Okay, Okay]),
        ("D", Okay, Synced, [Okay, Okay]),
        ("EF", LastErred, OtherReturned, [LastErred, Erred]),
        ("G", LastErred, WriteFailed, [LastErred, LastErred]),
        ("G", LastErred, ReadFailed, [LastErred, LastErred]),
        ("G", LastErred, DeviceGone, [LastErred, LastErred]),
        ("HI", LastErred, Enabled, [LastErred, Resyncing]),
        ("I", LastErred, Synced, [LastErred, LastErred]),
        ("H", Erred, Enabled, [Resyncing, Resyncing]),
        ("I", Erred, WriteFailed, [Erred, Erred]),
        ("I", Erred, ReadFailed, [Erred, Erred]),
        ("I", Erred, DeviceGone, [Erred, Erred]),
        ("I", Erred, OtherReturned, [Erred, Erred]),
        ("I", Erred, Synced, [Erred, Erred]),
        ("J", Resyncing, WriteFailed, [Erred, Erred]),
        ("J", Resyncing, DeviceGone, [Erred, Erred]),
        ("K", Resyncing, ReadFailed, [Resyncing, Resyncing]),
        ("K", Resyncing, OtherReturned, [Resyncing, Resyncing]),
        ("K", Resyncing, Enabled, [Resyncing, Resyncing]),
        ("L", Resyncing, Synced, [Okay, Okay]),
    ];

    /// `svm.md` 4.2 and 4.7, with the deviation that the head of this file tells of.
    #[test]
    fn every_state_goes_where_the_table_says_after_every_event() {
        for state in [Okay, Erred, LastErred, Resyncing] {
            for event in [
                WriteFailed,
                ReadFailed,
                DeviceGone,
                OtherReturned,
                Enabled,
                Synced,
            ] {
                let mut lines = TABLE
                    .iter()
                    .filter(|line| (line.1, line.2) == (state, event));
                let line = lines.next().expect("a line for each combination");
                assert_eq!(lines.next(), None, "one line for each combination");
                for (other_source, expected) in [false, true].into_iter().zip(line.3) {
                    let found = step(state, event, other_source);
                    assert_eq!(
                        found, expected,
                        "@{}: {state:?}, {event:?}, other source: {other_source}",
                        line.0
                    );
                }
            }
        }
    }

    /// `svm.md` 4.7: erred components get neither reads nor writes, last erred ones get both.
    #[test]
    fn only_erred_components_are_out_of_service() {
        let service = |state| (is_read(state), is_written(state));
        assert_eq!(service(Erred), (false, false));
        assert_eq!([Okay, LastErred, Resyncing].map(service), [(true, true); 3]);
    }

    #[test]
    fn many_failed_reads_make_another_side_the_better_one() {
        assert!(is_worth_reading(0) && is_worth_reading(READ_FAILURES_MAX));
        assert!(!is_worth_reading(READ_FAILURES_MAX + 1) && !is_worth_reading(u32::MAX));
    }
}
