// SPDX-License-Identifier: GPL-2.0
//! What becomes of a column when something fails (`svm.md` section 5.8).
//!
//! A column is a component like those of a mirror's sides, and has their states and transitions
//! ([`step`]): the first that fails is *erred*, since the others have its data; a second one is
//! *last erred*, and stays in service with errors for the caller. What is a question of its own is
//! when the others have it all: if every one of them is in service and there, and the parity is
//! made.
//!
//! As with mirrors, a read that fails changes nothing as long as the others make up for it; the
//! block is written again.

use super::progress::{
    Activity,
    Progress, //
};
use crate::mirror::component::State;
pub use crate::mirror::component::{
    step,
    Event, //
};

/// Whether the others make up for a column. `others`: whether each of the others is there, and its
/// state.
pub fn is_redundant(progress: &Progress, others: impl Iterator<Item = (bool, State)>) -> bool {
    let mut others = others;
    progress.activity != Activity::Build
        && others.all(|(is_there, state)| is_there && state == State::Okay)
}

/// How a column is served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Service {
    /// It is read and written.
    Full,
    /// It is neither.
    None,
}

/// How a column in a state is served at an offset.
pub fn service(state: State, progress: &Progress, column: u32, offset: u64) -> Service {
    match state {
        State::Erred => Service::None,
        State::Resyncing if progress.column_behind(offset) == Some(column) => Service::None,
        // It was replaced, and nothing of it is made yet.
        State::Resyncing if progress.activity == Activity::Nothing => Service::None,
        State::Okay | State::LastErred | State::Resyncing => Service::Full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OKAY: (bool, State) = (true, State::Okay);

    fn redundant(activity: Activity, others: &[(bool, State)]) -> bool {
        is_redundant(&Progress::begin(activity), others.iter().copied())
    }

    #[test]
    fn one_column_can_be_lost_and_no_second_one() {
        assert!(redundant(Activity::Nothing, &[OKAY, OKAY]));
        for bad in [
            (false, State::Okay),
            (true, State::Erred),
            (true, State::LastErred),
            (true, State::Resyncing),
        ] {
            assert!(!redundant(Activity::Nothing, &[OKAY, bad]), "{bad:?}");
        }
        assert!(!redundant(Activity::Build, &[OKAY, OKAY]));
    }

    /// `svm.md` section 5.8: Erred, then Last Erred; one Last Erred becomes Erred after the resync
    /// of the other.
    #[test]
    fn the_second_failure_is_the_last() {
        let first = step(State::Okay, Event::WriteFailed, true);
        assert_eq!(first, State::Erred);
        let second = step(State::Okay, Event::WriteFailed, false);
        assert_eq!(second, State::LastErred);
        assert_eq!(step(first, Event::Enabled, false), State::Resyncing);
        assert_eq!(step(State::Resyncing, Event::Synced, true), State::Okay);
        assert_eq!(step(second, Event::OtherReturned, true), State::Erred);
    }

    #[test]
    fn a_new_column_is_served_as_far_as_it_is_made() {
        let progress = Progress {
            activity: Activity::Column(1),
            cursor: 32,
        };
        let at = |state, column, offset| service(state, &progress, column, offset);
        assert_eq!(at(State::Resyncing, 1, 31), Service::Full);
        assert_eq!(at(State::Resyncing, 1, 32), Service::None);
        assert_eq!(at(State::Okay, 0, 32), Service::Full);
        assert_eq!(at(State::Erred, 0, 0), Service::None);
        assert_eq!(at(State::LastErred, 0, 99), Service::Full);
        let none = Progress::DONE;
        assert_eq!(service(State::Resyncing, &none, 1, 0), Service::None);
    }
}
