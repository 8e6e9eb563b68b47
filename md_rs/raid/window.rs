// SPDX-License-Identifier: GPL-2.0
//! Lines of the batches that still count: these are carried out again after a crash. Of a line that
//! is announced nothing else may count; `md_model::raid5::plan` says when there is a flush first.

use kernel::prelude::*;
use md_model::raid5::{
    lost::LINES_MAX,
    plan::is_flushed_first,
    BATCH_LINES_MAX,
    SLOTS, //
};

/// A line of a batch that counts.
struct Active {
    start: u64,
    is_announced: bool,
}

/// All of them.
pub(super) struct Window {
    lines: KVVec<Active>,
    /// How many of them are announced.
    announced: usize,
}

impl Window {
    pub(super) fn new() -> Result<Self> {
        let most = (SLOTS as usize).saturating_mul(BATCH_LINES_MAX as usize);
        Ok(Self {
            lines: KVVec::with_capacity(most, GFP_KERNEL)?,
            announced: 0,
        })
    }

    /// Everything is durable in place: nothing counts any more.
    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.announced = 0;
    }

    /// A line is in the logs. There is room, since there is a slot for its batch.
    pub(super) fn note(&mut self, start: u64, is_announced: bool) {
        let line = Active {
            start,
            is_announced,
        };
        if self.lines.push_within_capacity(line).is_ok() && is_announced {
            self.announced = self.announced.saturating_add(1);
        }
    }

    /// Whether so many more lines may be announced.
    pub(super) fn has_room(&self, announced: usize) -> bool {
        self.announced.saturating_add(announced) <= LINES_MAX
    }

    /// Whether a line may be written without a flush of what counts.
    pub(super) fn is_clear_of(&self, start: u64, is_announced: bool) -> bool {
        if self.announced == 0 && !is_announced {
            return true;
        }
        let mut same = self.lines.iter().filter(|line| line.start == start);
        !same.any(|line| is_flushed_first(line.is_announced, is_announced))
    }
}
