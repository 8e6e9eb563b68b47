// SPDX-License-Identifier: GPL-2.0
//! How far the parity is made for the first time, or a column that has taken the place of another
//! one: offsets in the data of a column that lie before the cursor are done (`DURABILITY.md` clause
//! 17, `svm.md` sections 5.7 and 5.9).
//!
//! The cursor that is recorded may be behind, never ahead: it is recorded after a flush.

/// What is being made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Activity {
    /// Nothing: all is there.
    Nothing,
    /// The parity, for the first time.
    Build,
    /// A column, of the others.
    Column(u32),
}

/// What is being made, and how far it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// What.
    pub activity: Activity,
    /// The first offset that is not done.
    pub cursor: u64,
}

impl Progress {
    /// All is there.
    pub const DONE: Self = Self {
        activity: Activity::Nothing,
        cursor: 0,
    };

    /// It begins.
    pub const fn begin(activity: Activity) -> Self {
        Self {
            activity,
            cursor: 0,
        }
    }

    /// Whether the parity of the line at an offset fits its data.
    pub const fn is_parity_known(&self, offset: u64) -> bool {
        !matches!(self.activity, Activity::Build) || offset < self.cursor
    }

    /// The column that is being made.
    pub const fn column_made(&self) -> Option<u32> {
        match self.activity {
            Activity::Column(column) => Some(column),
            Activity::Nothing | Activity::Build => None,
        }
    }

    /// The column that has nothing yet at an offset.
    pub const fn column_behind(&self, offset: u64) -> Option<u32> {
        match self.activity {
            Activity::Column(column) if offset >= self.cursor => Some(column),
            _ => None,
        }
    }

    /// Its number in the record.
    pub const fn number(&self) -> u32 {
        match self.activity {
            Activity::Nothing => 0,
            Activity::Build => 1,
            Activity::Column(column) => column.saturating_add(2),
        }
    }

    /// The activity with a number, of so many columns.
    pub const fn activity_from(number: u32, columns: u32) -> Option<Activity> {
        match number {
            0 => Some(Activity::Nothing),
            1 => Some(Activity::Build),
            _ => {
                let column = number.saturating_sub(2);
                if column < columns {
                    Some(Activity::Column(column))
                } else {
                    None
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_before_the_cursor_is_done() {
        let build = Progress {
            activity: Activity::Build,
            cursor: 64,
        };
        assert!(build.is_parity_known(63) && !build.is_parity_known(64));
        assert_eq!(build.column_behind(64), None);
        let column = Progress {
            activity: Activity::Column(3),
            cursor: 64,
        };
        assert!(column.is_parity_known(64));
        assert_eq!(column.column_behind(63), None);
        assert_eq!(column.column_behind(64), Some(3));
        assert!(Progress::DONE.is_parity_known(u64::MAX));
    }

    #[test]
    fn numbers_are_read_back() {
        for activity in [
            Activity::Nothing,
            Activity::Build,
            Activity::Column(0),
            Activity::Column(4),
        ] {
            let number = Progress::begin(activity).number();
            assert_eq!(Progress::activity_from(number, 5), Some(activity));
        }
        assert_eq!(Progress::activity_from(7, 5), None);
    }
}
