// SPDX-License-Identifier: GPL-2.0
//! How the parity of a line is made anew when some of its columns are written to: with the fewest
//! operations of the disks, among the ways that are allowed.
//!
//! Writes are the same whatever the way, so only reads are counted.

use super::{
    lost::BLOCK_SECTORS,
    progress::{
        Activity,
        Progress, //
    }, //
};

/// Which column of a line has no data, or none that counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lost {
    /// None.
    Nothing,
    /// The one with the parity.
    Parity,
    /// One that is not written to.
    Untouched,
    /// One that is written to.
    Touched,
}

/// A line that is written to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Case {
    /// Columns of data.
    pub data_columns: u32,
    /// Those of them that are written to, at least 1.
    pub touched: u32,
    /// Those of them of which every sector that the parity needs is new.
    pub covered: u32,
    /// What is not there.
    pub lost: Lost,
    /// Whether the parity fits the data: not before it is made for the first time.
    pub is_parity_known: bool,
}

/// The way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Plan {
    /// What is replaced is read, and the parity, and taken out of it.
    Modify,
    /// What stays is read, and the parity made of all data.
    Make,
    /// All that is there is read, and what is lost made of it; then the parity of all data.
    Rebuild,
    /// There is no parity.
    Bare,
}

/// Chooses the way. `None`: a column is lost where no parity can make up for it.
///
/// Ahead of the initial build the parity is never modified, since it is nothing to begin with
/// (`DURABILITY.md` clause 17).
pub const fn choose(case: &Case) -> Option<Plan> {
    match (case.lost, case.is_parity_known) {
        (Lost::Parity, _) => Some(Plan::Bare),
        (Lost::Nothing, false) => Some(Plan::Make),
        (Lost::Untouched | Lost::Touched, false) => None,
        // It is not there to be read, and need not be.
        (Lost::Untouched, true) => Some(Plan::Modify),
        (Lost::Touched, true) => Some(Plan::Rebuild),
        (Lost::Nothing, true) => {
            if reads_to_make(case) <= reads_to_modify(case) {
                Some(Plan::Make)
            } else {
                Some(Plan::Modify)
            }
        }
    }
}

/// Whether the log need not have the data of `count` sectors of a line, from number `from` on: they
/// are new on all of its columns, so that nothing else is at stake when it is interrupted
/// (`DURABILITY.md` clause 16). Where a column is lost the data is logged, since the lost one is
/// made of all others. The list of what is [`lost`](super::lost) has whole blocks.
pub const fn is_announced(case: &Case, (from, count): (u64, u64)) -> bool {
    case.covered == case.data_columns
        && case.is_parity_known
        && matches!(case.lost, Lost::Nothing)
        && from % BLOCK_SECTORS == 0
        && count % BLOCK_SECTORS == 0
}

/// Whether anything may be announced. Not while a column is made: what was made of it is durable
/// later than the write, and not counted before that. And not while something is listed as lost, so
/// that the list has room for what one more crash can leave.
pub const fn may_announce(progress: &Progress, is_list_empty: bool) -> bool {
    matches!(progress.activity, Activity::Nothing) && is_list_empty
}

/// Whether all columns have to be flushed before a line is written, since another batch that still
/// counts has written it: what is announced must be the only thing that counts of its line, or the
/// replay could not tell what was flushed from what was interrupted.
pub const fn is_flushed_first(was_announced: bool, is_announced: bool) -> bool {
    was_announced || is_announced
}

/// Reads of [`Plan::Make`].
const fn reads_to_make(case: &Case) -> u32 {
    case.data_columns.saturating_sub(case.covered)
}

/// Reads of [`Plan::Modify`].
const fn reads_to_modify(case: &Case) -> u32 {
    case.touched.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(data_columns: u32, touched: u32) -> Case {
        Case {
            data_columns,
            touched,
            covered: touched,
            lost: Lost::Nothing,
            is_parity_known: true,
        }
    }

    /// `linux-practice.md` B.3: reconstruct when N columns are fewer than 2 (d + 1), that is
    /// N - 1 - d reads when they are no more than d + 1.
    #[test]
    fn the_break_even_is_where_it_is_counted() {
        for columns in 3..=64_u32 {
            for touched in 1..columns {
                let found = choose(&case(columns - 1, touched));
                let make = columns - 1 - touched;
                let expected = if make <= touched + 1 {
                    Plan::Make
                } else {
                    Plan::Modify
                };
                assert_eq!(found, Some(expected), "{touched} of {columns}");
            }
        }
    }

    #[test]
    fn what_is_new_in_part_is_read_either_way() {
        let part = Case {
            covered: 0,
            ..case(4, 2)
        };
        assert_eq!(choose(&part), Some(Plan::Modify));
        assert_eq!(choose(&case(4, 2)), Some(Plan::Make));
    }

    /// `DURABILITY.md` clause 16.
    #[test]
    fn only_whole_lines_without_a_lost_column_are_announced() {
        let is_announced = |case: &Case| is_announced(case, (8, 24));
        assert!(is_announced(&case(4, 4)));
        assert!(!super::is_announced(&case(4, 4), (4, 24)));
        assert!(!super::is_announced(&case(4, 4), (8, 20)));
        assert!(!is_announced(&case(4, 3)));
        let part = Case {
            covered: 3,
            ..case(4, 4)
        };
        assert!(!is_announced(&part));
        for lost in [Lost::Parity, Lost::Touched, Lost::Untouched] {
            assert!(!is_announced(&Case { lost, ..case(4, 4) }), "{lost:?}");
        }
        let unknown = Case {
            is_parity_known: false,
            ..case(4, 4)
        };
        assert!(!is_announced(&unknown));
        assert!(may_announce(&Progress::DONE, true) && !may_announce(&Progress::DONE, false));
        for activity in [Activity::Build, Activity::Column(1)] {
            assert!(!may_announce(&Progress::begin(activity), true));
        }
        assert!(is_flushed_first(true, false) && is_flushed_first(false, true));
        assert!(!is_flushed_first(false, false));
    }

    /// `DURABILITY.md` clause 17, and `svm.md` section 5.4 for columns that are down.
    #[test]
    fn what_is_lost_decides() {
        let with = |lost, is_parity_known| {
            choose(&Case {
                lost,
                is_parity_known,
                ..case(5, 1)
            })
        };
        assert_eq!(with(Lost::Nothing, false), Some(Plan::Make));
        assert_eq!(with(Lost::Parity, true), Some(Plan::Bare));
        assert_eq!(with(Lost::Parity, false), Some(Plan::Bare));
        assert_eq!(with(Lost::Untouched, true), Some(Plan::Modify));
        assert_eq!(with(Lost::Touched, true), Some(Plan::Rebuild));
        assert_eq!(with(Lost::Untouched, false), None);
        assert_eq!(with(Lost::Touched, false), None);
    }
}
