// SPDX-License-Identifier: GPL-2.0
//! The clock of a dump, and what is shown while it runs.

use crate::{
    console::Console,
    job::Totals,
    statistics::Progress,
    status::{
        Doing,
        Status, //
    }, //
};
use indicatif::{
    ProgressBar,
    ProgressStyle, //
};
use std::time::{
    Duration,
    Instant,
    SystemTime,
    UNIX_EPOCH, //
};

/// How often it is said how far it is, in seconds.
const EVERY: Duration = Duration::from_secs(300);

/// Measures a dump.
#[derive(Debug)]
pub struct Meter {
    clock: fn() -> Instant,
    progress: Progress,
    start: Instant,
    /// What writing took before the dump was gone on with.
    earlier: Duration,
    volume: Instant,
    said: Instant,
    /// Records on the volumes before.
    before: u64,
    number: u32,
    bar: Option<ProgressBar>,
    status: Option<Status>,
}

impl Meter {
    /// One that shows a bar, or none.
    pub fn new(has_bar: bool) -> Self {
        let now = Instant::now();
        Meter {
            clock: Instant::now,
            progress: Progress::default(),
            start: now,
            earlier: Duration::ZERO,
            volume: now,
            said: now,
            before: 0,
            number: 0,
            bar: has_bar.then(bar),
            status: None,
        }
    }

    /// The same by another clock.
    pub fn with_clock(mut self, clock: fn() -> Instant) -> Self {
        self.clock = clock;
        self
    }

    /// How long ago a moment is.
    fn since(&self, moment: Instant) -> Duration {
        (self.clock)().saturating_duration_since(moment)
    }

    /// The same, and tells a program how far the dump is.
    pub fn with_status(mut self, status: Option<Status>) -> Self {
        self.status = status;
        self
    }

    /// Now, in seconds since 1970.
    pub fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |time| time.as_secs() as i64)
    }

    /// A dump of about so many records begins, or goes on behind what was done.
    pub(crate) fn begin(&mut self, estimate: u64, done: &Totals) {
        self.progress.estimate = estimate;
        self.before = done.records;
        self.earlier = Duration::from_secs(done.seconds);
        self.progress.written = self.before;
        self.progress.since_start = self.earlier;
        self.start = (self.clock)();
        self.said = self.start;
        if let Some(bar) = &self.bar {
            bar.set_length(estimate);
            bar.set_position(self.before);
        }
    }

    pub(crate) fn begin_volume(&mut self, number: u32) {
        self.volume = (self.clock)();
        self.number = number;
    }

    pub(crate) fn end_volume(&mut self, records: u64) {
        self.before += records;
        if let Some(bar) = &self.bar {
            bar.set_position(self.before);
            bar.suspend(|| ());
        }
        self.progress.written = self.before;
        self.progress.since_start = self.since_start();
    }

    pub(crate) fn since_start(&self) -> Duration {
        self.earlier + self.since(self.start)
    }

    pub(crate) fn since_volume(&self) -> Duration {
        self.since(self.volume)
    }

    /// Waits for the user: that time does not count.
    pub(crate) fn wait<T>(&mut self, ask: impl FnOnce() -> T) -> T {
        let begun = (self.clock)();
        let answer = ask();
        let waited = self.since(begun);
        self.start += waited;
        self.volume += waited;
        answer
    }

    /// The dump ended.
    pub(crate) fn end(&mut self, doing: Doing) {
        self.tell(doing);
    }

    fn tell(&mut self, doing: Doing) {
        if let Some(status) = &mut self.status {
            status.tell(doing, self.number, &self.progress);
        }
    }

    /// So many records are on this volume; the user may have asked how far it is.
    pub(crate) fn note(&mut self, records: u64, is_asked: bool, console: &dyn Console) {
        self.progress.on_volume = records;
        self.progress.written = self.before + records;
        self.progress.since_start = self.since_start();
        self.progress.since_volume = self.since(self.volume);
        if let Some(bar) = &self.bar {
            bar.set_position(self.progress.written);
        }
        self.tell(Doing::Writing);
        if is_asked {
            if let Some(line) = self.progress.status() {
                console.answer(&line);
            }
        }
        if self.since(self.said) >= EVERY {
            self.said = (self.clock)();
            if let Some(line) = self.progress.estimate() {
                console.say(&line);
            }
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template = "  DUMP: {wide_bar} {percent}% {eta}";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
