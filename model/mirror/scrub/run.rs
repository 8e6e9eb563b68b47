// SPDX-License-Identifier: GPL-2.0
//! When a scrub begins and ends, and where it is.
//!
//! ```text
//!                       start            cancel           swept                left
//! idle                  running          refused          idle                 idle
//! running               refused          cancelling       idle: done           idle: interrupted
//! cancelling            refused          cancelling       idle: cancelled      idle: interrupted
//! ```

use crate::mirror::regions::Regions;

/// Most sectors that are compared at once: 128 KiB of each side.
pub const CHUNK_SECTORS: u64 = 256;

/// How a scrub is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum State {
    /// There is none.
    #[default]
    Idle,
    /// It is under way.
    Running,
    /// It is to end before it has seen everything.
    Cancelling,
}

/// What happens to a scrub.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// The administrator wants one.
    Start,
    /// The administrator does not want it any more.
    Cancel,
    /// It has seen everything, or has noticed that it is to end.
    Swept,
    /// The mirror is left.
    Left,
}

/// How a scrub has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// It has seen everything.
    Done,
    /// The administrator has ended it.
    Cancelled,
    /// The mirror was left.
    Interrupted,
}

/// What an event leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step {
    /// The state that follows.
    pub state: State,
    /// How the scrub has ended, if it has now.
    pub end: Option<End>,
}

/// Why an event is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// There is a scrub already.
    Busy,
    /// There is none.
    NotRunning,
}

/// What follows on an event.
pub const fn step(state: State, event: Event) -> Result<Step, Refusal> {
    let (state, end) = match (state, event) {
        (State::Idle, Event::Start) => (State::Running, None),
        (State::Idle, Event::Cancel) => return Err(Refusal::NotRunning),
        (State::Idle, Event::Swept | Event::Left) => (State::Idle, None),
        (_, Event::Start) => return Err(Refusal::Busy),
        (_, Event::Cancel) => (State::Cancelling, None),
        (State::Running, Event::Swept) => (State::Idle, Some(End::Done)),
        (State::Cancelling, Event::Swept) => (State::Idle, Some(End::Cancelled)),
        (_, Event::Left) => (State::Idle, Some(End::Interrupted)),
    };
    Ok(Step { state, end })
}

/// The next sectors that a scrub compares which has come to sector `at`; `None` at the end of the
/// mirror, which has `sectors`. They are in one region.
pub fn next_chunk(at: u64, sectors: u64, regions: &Regions) -> Option<u64> {
    let left = sectors.checked_sub(at).filter(|left| *left > 0)?;
    Some(left.min(regions.left_in_region(at)).min(CHUNK_SECTORS))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Line = (State, Event, Result<(State, Option<End>), Refusal>);

    #[rustfmt::skip]
    const TABLE: &[Line] = &[
        (State::Idle, Event::Start, Ok((State::Running, None))),
        (State::Idle, Event::Cancel, Err(Refusal::NotRunning)),
        (State::Idle, Event::Swept, Ok((State::Idle, None))),
        (State::Idle, Event::Left, Ok((State::Idle, None))),
        (State::Running, Event::Start, Err(Refusal::Busy)),
        (State::Running, Event::Cancel, Ok((State::Cancelling, None))),
        (State::Running, Event::Swept, Ok((State::Idle, Some(End::Done)))),
        (State::Running, Event::Left, Ok((State::Idle, Some(End::Interrupted)))),
        (State::Cancelling, Event::Start, Err(Refusal::Busy)),
        (State::Cancelling, Event::Cancel, Ok((State::Cancelling, None))),
        (State::Cancelling, Event::Swept, Ok((State::Idle, Some(End::Cancelled)))),
        (State::Cancelling, Event::Left, Ok((State::Idle, Some(End::Interrupted)))),
    ];

    #[test]
    fn every_state_goes_where_the_table_says_after_every_event() {
        for state in [State::Idle, State::Running, State::Cancelling] {
            for event in [Event::Start, Event::Cancel, Event::Swept, Event::Left] {
                let mut lines = TABLE
                    .iter()
                    .filter(|line| (line.0, line.1) == (state, event));
                let line = lines.next().expect("a line for each combination");
                assert_eq!(lines.next(), None, "one line for each combination");
                let found = step(state, event).map(|step| (step.state, step.end));
                assert_eq!(found, line.2, "{state:?}, {event:?}");
            }
        }
    }

    /// Every sector once, in chunks that do not leave a region.
    #[test]
    fn a_sweep_sees_everything_once() {
        for sectors in [0, 1, 255, 256, 257, 2048, 2049, 5000, 10 * 2048 + 3] {
            let regions = Regions::of(sectors);
            let mut at = 0;
            while let Some(count) = next_chunk(at, sectors, &regions) {
                assert!((1..=CHUNK_SECTORS).contains(&count));
                assert_eq!(regions.region_of(at), regions.region_of(at + count - 1));
                at += count;
            }
            assert_eq!(at, sectors);
        }
        assert_eq!(next_chunk(u64::MAX, 5, &Regions::of(5)), None);
    }
}
