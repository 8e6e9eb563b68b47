// SPDX-License-Identifier: GPL-2.0
//! How many lines of the kernel's log events may take: a disk that comes and goes must not push
//! everything else out of it. What is left out is counted, and is still in the ring.

/// Lines that may come at once.
pub const BURST: u32 = 60;

/// Milliseconds after which one more may come.
pub const LINE_MS: u64 = 500;

/// Lines that were told, and those that were not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limiter {
    /// Lines that may come now.
    left: u32,
    /// Up to when that was counted, in milliseconds of some clock.
    at_ms: u64,
    /// Lines that were left out since the last one.
    left_out: u32,
}

impl Limiter {
    /// Nothing was told.
    pub const fn new() -> Self {
        Self {
            left: BURST,
            at_ms: 0,
            left_out: 0,
        }
    }

    /// Whether a line may be told now; then, how many were left out before it.
    pub fn admit(&mut self, now_ms: u64) -> Option<u32> {
        self.refill(now_ms);
        let Some(left) = self.left.checked_sub(1) else {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        };
        self.left = left;
        Some(core::mem::take(&mut self.left_out))
    }

    fn refill(&mut self, now_ms: u64) {
        let more = now_ms.saturating_sub(self.at_ms) / LINE_MS;
        let missing = BURST.saturating_sub(self.left);
        if more >= missing.into() {
            self.left = BURST;
            self.at_ms = self.at_ms.max(now_ms);
        } else {
            self.left = self.left.saturating_add(u32::try_from(more).unwrap_or(0));
            self.at_ms = self.at_ms.saturating_add(more.saturating_mul(LINE_MS));
        }
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_told_and_then_one_line_after_the_other() {
        let mut limiter = Limiter::new();
        for _ in 0..BURST {
            assert_eq!(limiter.admit(7000), Some(0));
        }
        for _ in 0..5 {
            assert_eq!(limiter.admit(7000 + LINE_MS - 1), None);
        }
        assert_eq!(limiter.admit(7000 + LINE_MS), Some(5));
        assert_eq!(limiter.admit(7000 + LINE_MS), None);
        assert_eq!(limiter.admit(7000 + 2 * LINE_MS), Some(1));
    }

    #[test]
    fn who_was_silent_may_tell_a_burst_again() {
        let mut limiter = Limiter::new();
        while limiter.admit(1).is_some() {}
        let later = 1 + LINE_MS * u64::from(BURST);
        assert_eq!(limiter.admit(later), Some(1));
        for _ in 1..BURST {
            assert_eq!(limiter.admit(later), Some(0));
        }
        assert_eq!(limiter.admit(later), None);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut limiter = Limiter::new();
        while limiter.admit(100_000).is_some() {}
        assert_eq!(limiter.admit(0), None);
        assert_eq!(limiter.admit(100_000), None);
        assert_eq!(limiter.admit(100_000 + LINE_MS), Some(3));
    }
}
