// SPDX-License-Identifier: GPL-2.0
//! What becomes of a hot spare (`svm.md` section 7).
//!
//! A spare is given out whole, to one component at a time. It comes back when the component has a
//! device of its own again and that has everything; one that fails does not come back before
//! somebody has looked at it.

/// State of a hot spare.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It may be given out.
    Available,
    /// A component has it: SVM's "In use".
    InUse,
    /// It has failed, and is not given out until the administrator enables it.
    Broken,
}

/// What happens to a hot spare.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// A component is to have it.
    Taken,
    /// The component that had it needs it no more.
    Released,
    /// It was tried, and did not work; or it is not there.
    Failed,
    /// The administrator says that it works again.
    Enabled,
}

/// The state of a spare in `state` after `event`. `None`: that cannot be, and nothing is changed.
pub const fn step(state: State, event: Event) -> Option<State> {
    match (state, event) {
        // @A Nobody else has it.
        (State::Available, Event::Taken) => Some(State::InUse),
        // @B It is never given out twice, nor when it does not work.
        (State::InUse | State::Broken, Event::Taken) => None,
        // @C The next component may have it.
        (State::InUse, Event::Released) => Some(State::Available),
        // @D It failed while it was in use, and does not come back by itself.
        (State::Broken, Event::Released) => Some(State::Broken),
        // @E Nobody has it.
        (State::Available, Event::Released) => None,
        // @F Whoever had it gets another one.
        (_, Event::Failed) => Some(State::Broken),
        // @G The only way back (`svm.md` section 7: only broken ones are enabled).
        (State::Broken, Event::Enabled) => Some(State::Available),
        // @H There is nothing to be enabled.
        (State::Available | State::InUse, Event::Enabled) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Event::*,
        State::*,
        *, //
    };

    /// The label of the rule, state and event, and the state that follows.
    const TABLE: &[(&str, State, Event, Option<State>)] = &[
        ("A", Available, Taken, Some(InUse)),
        ("B", InUse, Taken, None),
        ("B", Broken, Taken, None),
        ("C", InUse, Released, Some(Available)),
        ("D", Broken, Released, Some(Broken)),
        ("E", Available, Released, None),
        ("F", Available, Failed, Some(Broken)),
        ("F", InUse, Failed, Some(Broken)),
        ("F", Broken, Failed, Some(Broken)),
        ("G", Broken, Enabled, Some(Available)),
        ("H", Available, Enabled, None),
        ("H", InUse, Enabled, None),
    ];

    /// `svm.md` section 7.
    #[test]
    fn every_state_goes_where_the_table_says_after_every_event() {
        for state in [Available, InUse, Broken] {
            for event in [Taken, Released, Failed, Enabled] {
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

    /// However it goes, between two takings there is a release or an enabling.
    #[test]
    fn no_spare_is_given_out_twice() {
        let events = [Taken, Released, Failed, Enabled];
        for path in 0..events.len().pow(6) {
            let (mut state, mut is_out, mut rest) = (Available, false, path);
            for _ in 0..6 {
                let event = events[rest % events.len()];
                rest /= events.len();
                let Some(next) = step(state, event) else {
                    continue;
                };
                assert!(!(event == Taken && is_out), "path {path}");
                is_out = match event {
                    Taken => true,
                    Released | Enabled => false,
                    Failed => is_out,
                };
                state = next;
            }
        }
    }
}
