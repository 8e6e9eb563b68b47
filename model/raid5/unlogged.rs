// SPDX-License-Identifier: GPL-2.0
//! RAID5 whose writes are in no log (`metainit --no-log`): after a crash the parity of what was
//! being written may not fit, and nobody knows where. So the logs have pages without entries only,
//! the newest of which says whether such writes may have been under way: it is *open*.
//!
//! If it is, the parity is made of the data, as that of a new metadevice, and makes up for nobody
//! until then. A column that is not there then is made of a parity that may not fit, and what it
//! had may read as garbage, also where nobody was writing: that is not done.

use super::progress::{
    Activity,
    Progress, //
};

/// What is to be done before the first request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// Nothing: the parity fits as far as it did.
    AsItIs,
    /// All of the parity is made of the data.
    MakeParity,
    /// It is not to be used.
    Refused,
}

/// Judges a start. `is_open`: whether the newest page is open; `are_all_there`: whether all columns
/// are in service, and lack nothing.
pub const fn at_start(is_open: bool, progress: &Progress, are_all_there: bool) -> Start {
    let is_made = matches!(progress.activity, Activity::Column(_));
    if !is_open {
        Start::AsItIs
    } else if are_all_there && !is_made {
        Start::MakeParity
    } else {
        Start::Refused
    }
}

/// What the logs say of writes that are in none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Unlogged {
    /// That there are none.
    #[default]
    Closed,
    /// Perhaps that there may be some: not everybody has been told.
    Unsettled,
    /// That there may be some.
    Open,
}

impl Unlogged {
    /// What they say when everybody has such a page.
    pub const fn of(is_open: bool) -> Self {
        if is_open {
            Self::Open
        } else {
            Self::Closed
        }
    }

    /// Whether a page that is open has to be durable on all columns before the next write.
    pub const fn is_opened_first(self) -> bool {
        !matches!(self, Self::Open)
    }

    /// Whether a page that is not is missed at a stop: without it the next start has to do more
    /// than it must.
    pub const fn is_to_be_closed(self) -> bool {
        !matches!(self, Self::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parity_is_made_or_nobody_relies_on_it() {
        let open = |activity, all| at_start(true, &Progress::begin(activity), all);
        assert_eq!(open(Activity::Nothing, true), Start::MakeParity);
        // What was made of it before the crash may not fit any more.
        assert_eq!(open(Activity::Build, true), Start::MakeParity);
        assert_eq!(open(Activity::Column(1), true), Start::Refused);
        for activity in [Activity::Nothing, Activity::Build, Activity::Column(1)] {
            assert_eq!(open(activity, false), Start::Refused);
            for all in [true, false] {
                let progress = Progress::begin(activity);
                assert_eq!(at_start(false, &progress, all), Start::AsItIs);
            }
        }
    }

    #[test]
    fn what_is_not_settled_is_opened_again_and_closed() {
        assert_eq!(
            [false, true].map(Unlogged::of),
            [Unlogged::Closed, Unlogged::Open]
        );
        let all = [Unlogged::Closed, Unlogged::Unsettled, Unlogged::Open];
        assert_eq!(all.map(Unlogged::is_opened_first), [true, true, false]);
        assert_eq!(all.map(Unlogged::is_to_be_closed), [false, true, true]);
        assert_eq!(Unlogged::default(), Unlogged::Closed);
    }
}
