// SPDX-License-Identifier: GPL-2.0
//! How fast it goes and how long it will take, in the words of dump(8). Times are handed in.

use std::time::Duration;

/// Blocks before which nothing is said: too little to judge by.
const BLOCKS_MIN: u64 = 500;

/// What is known while a dump runs. Blocks are of 1 KiB here, as in all messages of dump.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// How many the dump is likely to have.
    pub estimate: u64,
    /// How many are written.
    pub written: u64,
    /// How many of them on this volume.
    pub on_volume: u64,
    /// Since writing began, without the time that the user was waited for.
    pub since_start: Duration,
    /// Since this volume was begun.
    pub since_volume: Duration,
}

impl Progress {
    /// The answer to SIGUSR1 (SIGINFO of BSD), if there is something to say.
    pub fn status(&self) -> Option<String> {
        let seconds = self.since_volume.as_secs();
        if self.written < BLOCKS_MIN || seconds == 0 {
            return None;
        }
        let rate = self.on_volume / seconds;
        let (done, left) = (self.percent(), self.left());
        Some(format!("{done}% done at {rate} KB/s, finished in {left}"))
    }

    /// What is said every five minutes.
    pub fn estimate(&self) -> Option<String> {
        if self.written < BLOCKS_MIN {
            return None;
        }
        let (done, left) = (self.percent(), self.left());
        Some(format!("{done}% done, finished in {left}"))
    }

    fn percent(&self) -> String {
        let hundredths = (self.written * 10_000)
            .checked_div(self.estimate)
            .map_or(10_000, |hundredths| hundredths.min(10_000));
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    }

    /// Hours and minutes that it will still take, if it goes on like this.
    fn left(&self) -> String {
        let estimate = self.estimate.max(self.written);
        let seconds = u128::from(self.since_start.as_secs());
        let all = seconds * u128::from(estimate) / u128::from(self.written.max(1));
        let left = all - seconds;
        format!("{}:{:02}", left / 3600, left / 60 % 60)
    }
}

/// Hours, minutes and seconds.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Blocks a second, in whole numbers.
pub fn rate(blocks: u64, time: Duration) -> Option<u64> {
    blocks.checked_div(time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(written: u64, seconds: u64) -> Progress {
        Progress {
            estimate: 8000,
            written,
            on_volume: written,
            since_start: Duration::from_secs(seconds),
            since_volume: Duration::from_secs(seconds),
        }
    }

    /// dump.md section 1 and test 17: the texts at 499 and 500 blocks.
    #[test]
    fn nothing_is_said_before_500_blocks() {
        assert_eq!(progress(499, 10).status(), None);
        assert_eq!(progress(499, 10).estimate(), None);
        assert_eq!(progress(500, 0).status(), None);
        let text = "6.25% done at 50 KB/s, finished in 0:02";
        assert_eq!(progress(500, 10).status().as_deref(), Some(text));
        let text = "6.25% done, finished in 0:02";
        assert_eq!(progress(500, 10).estimate().as_deref(), Some(text));
    }

    #[test]
    fn a_wrong_estimate_does_no_harm() {
        let late = progress(9000, 100).status();
        assert_eq!(
            late.as_deref(),
            Some("100.00% done at 90 KB/s, finished in 0:00")
        );
        let none = Progress {
            estimate: 0,
            ..progress(500, 10)
        };
        assert!(none.status().is_some());
    }

    #[test]
    fn times_have_hours_minutes_and_seconds() {
        assert_eq!(clock(Duration::from_secs(3_725)), "1:02:05");
        assert_eq!(rate(1000, Duration::from_secs(3)), Some(333));
        assert_eq!(rate(1000, Duration::ZERO), None);
    }
}
